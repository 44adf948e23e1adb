//! A run is a function of its seed: the same trace, byte for byte.

use sim_core::explore::Kind;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError};
use sim_core::trace::{Keep, timeline};
use tests::pace::Paced;

use crate::devices::Device;
use crate::echo::echo;
use crate::harness::Conversation;

const SEEDS: [u32; 3] = [1, 2, 3];

async fn script(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    echo(&mut host, 100).await
}

fn trace(device: Device, seed: u32) -> String {
    let run = Conversation::new(device, script).run(Paced::new(seed), Keep::Order);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{device:?}, seed {seed}: {}", run.verdict);
    anstream::adapter::strip_str(&timeline::render(&run.trace)).to_string()
}

/// Not at once: other runs lie between the two of a seed. What a driver keeps in statics is none of the trace.
#[test]
fn seed_run_again_has_the_same_trace_and_another_has_another() {
    for device in Device::SERIAL {
        let first = SEEDS.map(|seed| trace(device, seed));
        let again = SEEDS.map(|seed| trace(device, seed));
        assert!(first == again, "{device:?}");
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2], "{device:?}");
        assert!(first.iter().all(|trace| trace.lines().count() > 500), "{device:?}");
    }
}
