//! Part of all schedules: shards, few preemptions. A run that leaves something out is no proof.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use sim_core::check::programs::{BackToBack, connect};
use sim_core::explore::scheduler::{Bounds, Exhaustive, Shard};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::soc::{Config, Soc};

use super::WEAK;

/// Firmware that reads the frame counter again and again, and fails where it has seen every frame.
#[derive(Clone, Copy, Debug)]
struct SeesEveryFrame {
    frames: u8,
}

impl Program for SeesEveryFrame {
    fn name(&self) -> String {
        format!("sees-every-frame:{}", self.frames)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
        soc.bus_reset();
    }

    fn firmware<B: Board>(&self, board: B) {
        let counted: Vec<u32> = (0..=self.frames).map(|_| board.read(map::framecntr())).collect();
        let sees_every = counted.is_sorted_by(|before, after| before + 1 == *after);
        assert!(!sees_every, "the seeded bug: it comes on one schedule of many");
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = self.frames.into();
        Box::pin(async move { host.wait_frames(frames).await })
    }
}

fn shards(count: u32) -> impl Iterator<Item = Shard> {
    (1..=count).map(move |number| Shard::new(number, count).expect("it is in range"))
}

/// The choices of all schedules within `bounds`, without memory of states: the failing, and the others.
fn schedules<P: Program>(program: &P, bounds: Bounds) -> [BTreeSet<Vec<u8>>; 2] {
    let scheduler = Rc::new(RefCell::new(Exhaustive::within(bounds, false)));
    let [mut failing, mut others] = [BTreeSet::new(), BTreeSet::new()];
    loop {
        let run = stepped::run(program, &scheduler, None);
        if !scheduler.borrow().was_left_to_others() {
            let kind = if run.verdict.kind() == Kind::Sound { &mut others } else { &mut failing };
            assert!(kind.insert(run.choices), "explored twice");
        }
        if !scheduler.borrow_mut().advance() {
            return [failing, others];
        }
    }
}

#[test]
fn seeded_bug_is_found_by_exactly_the_shards_that_contain_it() {
    let program = SeesEveryFrame { frames: 7 };
    let [failing, others] = schedules(&program, Bounds::default());
    assert!(!failing.is_empty() && failing.len() * 100 < others.len(), "{} of {}", failing.len(), others.len());
    let (mut found, mut united) = (0, BTreeSet::new());
    for shard in shards(4) {
        let [its, sound] = schedules(&program, Bounds { shard, ..Bounds::default() });
        for visit_states_once in [false, true] {
            let exploration = stepped::explore(&program, Limits { shard, visit_states_once, ..Limits::default() });
            let expected = if its.is_empty() { Kind::Inconclusive } else { Kind::Assertion };
            assert_eq!(exploration.verdict.kind(), expected, "{shard}: {exploration}");
        }
        found += usize::from(!its.is_empty());
        united.extend(its.into_iter().chain(sound));
    }
    println!("{} failing schedules of {}, in {found} shards of 4", failing.len(), failing.len() + others.len());
    assert!((1..4).contains(&found), "{found}");
    assert_eq!(united, failing.into_iter().chain(others).collect(), "all shards together are the whole");
}

#[test]
fn shards_of_a_sound_program_end_cover_it_and_none_says_sound() {
    let program = BackToBack { packets: 2, length: 8, fences: Fences::right(Machine::CortexM7) };
    let whole = stepped::explore(&program, Limits::default());
    assert_eq!(whole.verdict.kind(), Kind::Sound, "{whole}");
    assert!(whole.to_string().ends_with("\nunexplored: nothing"), "{whole}");
    let mut complete = 0;
    for shard in shards(4) {
        let part = stepped::explore(&program, Limits { shard, ..Limits::default() });
        println!("{part}");
        assert_eq!(part.verdict.kind(), Kind::Inconclusive, "{shard}: {part}");
        assert!(part.complete > 0 && part.unexplored.elsewhere > 0 && part.unexplored.limit.is_none(), "{part}");
        let text = part.to_string();
        assert!(text.contains(&format!("unexplored: the other shards, this was {shard} (")), "{text}");
        assert!(!text.contains("sound"), "{text}");
        complete += part.complete;
    }
    assert!(complete >= whole.complete, "{complete} < {}", whole.complete);
}

#[test]
fn race_is_found_by_some_shard_and_replays() {
    let program = BackToBack { packets: 1, length: 8, fences: WEAK };
    let verdicts: Vec<_> =
        shards(3).map(|shard| stepped::explore(&program, Limits { shard, ..Limits::default() }).verdict).collect();
    let race = verdicts.iter().find(|verdict| verdict.kind() == Kind::Race).expect("one of the three has it");
    let recording = race.replay().expect("it can be replayed").parse().expect("it was printed just now");
    let again = stepped::replay(&program, &recording).expect("the string knows of no shard");
    assert_eq!(again.verdict.kind(), Kind::Race, "{}", again.verdict);
}

#[test]
fn bug_that_needs_preemptions_is_not_found_with_fewer_and_that_is_said() {
    // Each frame is seen in one read: it comes before, where the CPU could go on.
    let program = SeesEveryFrame { frames: 3 };
    let explore = |most| stepped::explore(&program, Limits { preemptions: Some(most), ..Limits::default() });
    for most in 0..3 {
        let few = explore(most);
        assert_eq!(few.verdict.kind(), Kind::Inconclusive, "{few}");
        assert!(few.unexplored.bounded > 0, "{few}");
        let said =
            format!("unexplored: schedules with more than {most} preemptions ({} choice", few.unexplored.bounded);
        assert!(few.to_string().contains(&said), "{few}");
    }
    assert_eq!(explore(3).verdict.kind(), Kind::Assertion, "{}", explore(3));
}

#[test]
fn bound_on_preemptions_that_leaves_nothing_out_is_a_proof() {
    let program = BackToBack { packets: 1, length: 8, fences: Fences::right(Machine::CortexM7) };
    let explore = |most| stepped::explore(&program, Limits { preemptions: Some(most), ..Limits::default() });
    let enough = (0..100).find(|&most| explore(most).verdict.kind() == Kind::Sound).expect("its schedules are finite");
    assert!(enough > 1, "{enough}");
    assert_eq!(explore(enough).states, stepped::explore(&program, Limits::default()).states);
    assert!(explore(enough - 1).unexplored.bounded > 0);
}
