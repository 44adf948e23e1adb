//! The loopback device against difficult hosts, on every schedule.

use dma_api::usb::{STANDARD_ENDPOINT_OUT, Setup};
use sim_core::check::loopback::{self, DEVICE, FETCH, STORE};
use sim_core::device::usbd::{Options, Packet, PermissionOfOut, Token};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::Config;
use sim_core::trace::timeline;

type Tries = fn(Host) -> Script;

/// The loopback device, and what a host does to it.
struct Against(&'static str, Tries, PermissionOfOut);

impl Program for Against {
    fn name(&self) -> String {
        format!("loopback-against:{}", self.0)
    }

    fn config(&self) -> Config {
        let options = Options { permission_of_out: self.2, ..Options::default() };
        Config { options, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        loopback::serve(board);
    }

    fn host(&self, host: Host) -> Script {
        (self.1)(host)
    }
}

fn expect(got: &[u8], due: &[u8]) -> Result<(), HostError> {
    if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got:02x?} where {due:02x?} was due"))) }
}

fn store(bytes: &[u8]) -> Setup {
    let length = bytes.len().to_le_bytes();
    Setup::from_bytes([0x40, STORE, 0, 0, 0, 0, length[0], length[1]])
}

fn fetch(length: u8) -> Setup {
    Setup::from_bytes([0xC0, FETCH, 0, 0, 0, 0, length, 0])
}

/// A control read; tries three times, as hosts do.
async fn read(host: &mut Host, setup: Setup, due: &[u8]) -> Result<(), HostError> {
    for _ in 0..2 {
        match host.control_in(setup).await {
            Err(HostError::Stalled { .. }) => {}
            other => return expect(&other?, due),
        }
    }
    expect(&host.control_in(setup).await?, due)
}

/// A control write; tries three times.
async fn write(host: &mut Host, setup: Setup, bytes: &[u8]) -> Result<(), HostError> {
    for _ in 0..2 {
        match host.control_out(setup, bytes).await {
            Err(HostError::Stalled { .. }) => {}
            other => return other,
        }
    }
    host.control_out(setup, bytes).await
}

async fn read_descriptor(host: &mut Host) -> Result<(), HostError> {
    read(host, Setup::get_device_descriptor(8), &DEVICE[..8]).await
}

async fn store_and_fetch(host: &mut Host, bytes: &[u8]) -> Result<(), HostError> {
    write(host, store(bytes), bytes).await?;
    read(host, fetch(64), bytes).await
}

/// Sets the configuration; SET_CONFIGURATION starts all toggles anew.
async fn configure(host: &mut Host) -> Result<(), HostError> {
    for _ in 0..2 {
        match host.set_configuration(1).await {
            Err(HostError::Stalled { .. }) => {}
            other => return other,
        }
    }
    host.set_configuration(1).await
}

/// Ends a halt, which starts the toggle anew; tries three times.
async fn clear_halt(host: &mut Host, address: u8) -> Result<(), HostError> {
    for _ in 0..2 {
        match host.clear_halt(address).await {
            Err(HostError::Stalled { .. }) => {}
            other => return other,
        }
    }
    host.clear_halt(address).await
}

async fn echo(host: &mut Host, bytes: &[u8]) -> Result<(), HostError> {
    host.bulk_out(1, bytes).await?;
    expect(&host.bulk_in(1, bytes.len()).await?, bytes)
}

fn halt(address: u8, set: bool) -> Setup {
    let request = if set { 3 } else { 1 };
    Setup::from_bytes([STANDARD_ENDPOINT_OUT, request, 0, 0, address, 0, 0, 0])
}

const ONE: [u8; 4] = [1; 4];
const TWO: [u8; 6] = [2; 6];

/// What hosts try on endpoint 0.
const ON_CONTROL: [(&str, Tries); 8] = [
    ("read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            read_descriptor(&mut host).await
        })
    }),
    ("reset-in-a-read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            host.reset().await?;
            read_descriptor(&mut host).await
        })
    }),
    ("setup-in-a-read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            host.token(Token::In).await?;
            read_descriptor(&mut host).await
        })
    }),
    ("read-in-a-read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            read(&mut host, fetch(64), &[]).await
        })
    }),
    ("early-status", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            host.token(Token::Out { data1: true, packet: Packet::EMPTY }).await?;
            read_descriptor(&mut host).await
        })
    }),
    ("refused", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            let unknown = Setup { request: 0xFF, ..Setup::get_device_descriptor(8) };
            match host.control_in(unknown).await {
                Err(HostError::Stalled { .. }) => read_descriptor(&mut host).await,
                other => Err(HostError::Unexpected(format!("{other:?}"))),
            }
        })
    }),
    ("write", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            store_and_fetch(&mut host, &ONE).await
        })
    }),
    ("setup-in-a-write", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(store(&ONE)).await?;
            read_descriptor(&mut host).await?;
            store_and_fetch(&mut host, &TWO).await
        })
    }),
];

/// Hosts that begin a control transfer where the status stage of another is due: [`Control`] has a limit there.
///
/// [`Control`]: dma_api::nrf52840::usbd::Control
const IN_A_STATUS_STAGE: [(&str, Tries); 4] = [
    ("write-in-a-read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            host.packet_in(true).await?;
            store_and_fetch(&mut host, &TWO).await
        })
    }),
    ("reset-in-a-read", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(8)).await?;
            host.packet_in(true).await?;
            host.reset().await?;
            store_and_fetch(&mut host, &TWO).await
        })
    }),
    ("write-in-a-write", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(store(&ONE)).await?;
            host.token(Token::Out { data1: true, packet: Packet::new(&ONE) }).await?;
            store_and_fetch(&mut host, &TWO).await
        })
    }),
    ("reset-in-a-write", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            host.setup(store(&ONE)).await?;
            host.token(Token::Out { data1: true, packet: Packet::new(&ONE) }).await?;
            host.reset().await?;
            store_and_fetch(&mut host, &TWO).await
        })
    }),
];

/// What hosts try on the bulk endpoints.
const ON_BULK: [(&str, Tries); 5] = [
    ("echo", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            configure(&mut host).await?;
            echo(&mut host, &ONE).await?;
            echo(&mut host, &TWO).await
        })
    }),
    ("configured-again-with-a-packet-inside", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            configure(&mut host).await?;
            host.bulk_out(1, &ONE).await?;
            configure(&mut host).await?;
            echo(&mut host, &TWO).await
        })
    }),
    ("reset-with-a-packet-inside", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            configure(&mut host).await?;
            host.bulk_out(1, &ONE).await?;
            host.reset().await?;
            configure(&mut host).await?;
            echo(&mut host, &TWO).await
        })
    }),
    ("halted-in", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            configure(&mut host).await?;
            echo(&mut host, &ONE).await?;
            write(&mut host, halt(0x81, true), &[]).await?;
            match host.bulk_in(1, 4).await {
                Err(HostError::Stalled { .. }) => {}
                other => return Err(HostError::Unexpected(format!("{other:?}"))),
            }
            clear_halt(&mut host, 0x81).await?;
            echo(&mut host, &TWO).await
        })
    }),
    ("halted-out", |mut host| {
        Box::pin(async move {
            host.reset().await?;
            configure(&mut host).await?;
            echo(&mut host, &ONE).await?;
            write(&mut host, halt(0x01, true), &[]).await?;
            match host.bulk_out(1, &ONE).await {
                Err(HostError::Stalled { .. }) => {}
                other => return Err(HostError::Unexpected(format!("{other:?}"))),
            }
            clear_halt(&mut host, 0x01).await?;
            echo(&mut host, &TWO).await
        })
    }),
];

fn all_schedules(tries: &[(&'static str, Tries)], permission: PermissionOfOut) {
    for &(name, host) in tries {
        let program = Against(name, host, permission);
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}, {permission:?}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        if let Some(replay) = exploration.verdict.replay() {
            let recording = replay.parse().expect("it was printed just now");
            let again = stepped::replay(&program, &recording).expect("it is the same program");
            anstream::println!("{}", timeline::render(&again.trace));
        }
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{name}, {permission:?}: {}", exploration.verdict);
    }
}

#[test]
fn endpoint_zero_beside_others_is_sound_against_every_host_on_every_schedule() {
    for permission in [PermissionOfOut::EndsWithSetup, PermissionOfOut::Outlives] {
        all_schedules(&ON_CONTROL, permission);
    }
}

#[test]
fn bulk_endpoints_are_sound_against_every_host_on_every_schedule() {
    all_schedules(&ON_BULK, PermissionOfOut::EndsWithSetup);
}

#[test]
fn status_stage_that_a_setup_overtakes_is_the_new_transfers_as_the_driver_says() {
    // The limit that `Control` names. If it closes one day, the documentation is to follow.
    for (name, host) in IN_A_STATUS_STAGE {
        let program = Against(name, host, PermissionOfOut::EndsWithSetup);
        let verdict = stepped::explore(&program, Limits::default()).verdict;
        let Verdict::Assertion { message, .. } = &verdict else {
            panic!("{name}: {verdict}");
        };
        assert!(message.ends_with("where [02, 02, 02, 02, 02, 02] was due"), "{name}: {message}");
    }
}
