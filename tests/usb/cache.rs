//! A packet received behind a Cortex-M7's data cache, into a buffer that owns its lines, and into one that does not.

use dma_api::nrf52840::usbd::{Endpoints, Engine, Usbd};
use sim_core::explore::model::{self, Packets};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::memory::cache::{DataCache, Upkeep};
use sim_core::monitor::{Policies, Policy, Rule, Site};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use super::bulk::Bulk;

/// How the packet is received.
#[derive(Clone, Debug)]
struct Receives {
    upkeep: Upkeep,
    /// How far into a line the buffer begins.
    offset: usize,
    policies: Policies,
}

/// As it should be.
const RIGHT: Receives = Receives { upkeep: Upkeep::ALL, offset: 0, policies: Policies::all(Policy::Stop) };

/// Two lines for the buffer, and one more.
#[repr(align(32))]
struct Lines([u8; 96]);

const PACKET: [u8; 40] = [7; 40];

impl Program for Receives {
    fn name(&self) -> String {
        let Upkeep { clean_before, invalidate_before, invalidate_after } = self.upkeep;
        format!("behind-cache:{clean_before}:{invalidate_before}:{invalidate_after}:{}", self.offset)
    }

    fn config(&self) -> Config {
        let cache = Some(DataCache { upkeep: self.upkeep, ..DataCache::CORTEX_M7 });
        Config { fences: Fences::right(Machine::CortexM7), cache, policies: self.policies, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        Bulk::OUT.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        endpoints.control.next_event(&mut engine);
        let Endpoints { control, epout: [epout, ..], .. } = &mut endpoints;
        epout.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        let lines = &mut Box::leak(Box::new(Lines([1; 96]))).0;
        let (_, buffer) = lines.split_at_mut(self.offset);
        let mut buffer = &mut buffer[..64];
        let transfer = loop {
            match epout.receive(engine, buffer) {
                Ok(transfer) => break transfer,
                Err(refused) => (engine, buffer) = (refused.channel, refused.buffer),
            }
        };
        let (_, buffer) = transfer.wait();
        assert_eq!(buffer[..PACKET.len()], PACKET, "what the host has sent");
        assert!(buffer[PACKET.len()..].iter().all(|&byte| byte == 1), "what the CPU had there");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            host.bulk_out(1, &PACKET).await
        })
    }
}

impl Packets for Receives {
    fn packets(&self) -> usize {
        1
    }
}

fn explore(program: &Receives) -> Verdict {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {} states", program.name(), exploration.states);
    exploration.verdict
}

#[test]
fn packet_gets_through_the_cache_whatever_that_does_by_itself() {
    let verdict = explore(&RIGHT);
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    for _ in 0..20 {
        let verdict = threads::run(&RIGHT, None).verdict;
        assert_eq!(verdict.kind(), Kind::Sound, "threads: {verdict}");
    }
}

#[test]
fn line_that_is_not_invalidated_before_or_after_is_found_and_brought_back() {
    for upkeep in
        [Upkeep { invalidate_before: false, ..Upkeep::ALL }, Upkeep { invalidate_after: false, ..Upkeep::ALL }]
    {
        let program = Receives { upkeep, ..RIGHT };
        let verdict = explore(&program);
        assert_eq!(verdict.kind(), Kind::Violation(Rule::CacheNotInvalidated), "{verdict}");
        let Verdict::Violation(found) = &verdict else { unreachable!("asserted above") };
        assert!(matches!(found.violation.misuse.other, Some(Site::Dma { block: "EPOUT", .. })), "{verdict}");
        let recording = verdict.replay().expect("it can be replayed").parse().expect("it is whole");
        let again = stepped::replay(&program, &recording).expect("it is of this program").verdict;
        assert_eq!(again.kind(), verdict.kind(), "{again}");
    }
}

#[test]
fn packet_is_lost_in_the_cache_where_nobody_names_it() {
    let policies = Policies::default().with(Rule::CacheNotInvalidated, Policy::Silicon);
    let verdict = explore(&Receives { upkeep: Upkeep { invalidate_after: false, ..Upkeep::ALL }, policies, ..RIGHT });
    let Verdict::Assertion { message, .. } = &verdict else { panic!("{verdict}") };
    assert!(message.contains("what the host has sent"), "{message}");
}

#[test]
fn buffer_that_shares_a_line_is_refused_by_name() {
    for offset in [1, 4, 31] {
        let verdict = explore(&Receives { offset, ..RIGHT });
        assert_eq!(verdict.kind(), Kind::Violation(Rule::CacheLineShared), "{offset}: {verdict}");
        assert!(verdict.to_string().contains("align it to 32 bytes"), "{verdict}");
    }
    let verdict = explore(&Receives { offset: 32, ..RIGHT });
    assert_eq!(verdict.kind(), Kind::Sound, "the next line: {verdict}");
}

#[test]
fn loom_does_not_judge_what_it_cannot_see() {
    let verdict = model::check(&RIGHT, model::Limits::default());
    assert_eq!(verdict.kind(), Kind::Inconclusive);
    assert!(verdict.to_string().contains("data cache"), "{verdict}");
}
