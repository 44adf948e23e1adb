//! Programs whose verdict is known, judged by both engines: loom and clocks.
//!
//! The engines answer one question, does this access happen after that one, by different means. They must give the
//! verdict that was recorded, on every line: [`by_loom`] on the locations, fences and cells that the chip's model
//! stands on, [`by_clocks`] with the clocks that watch the stepped explorer.
//!
//! | programs | verdict | what they are good for |
//! |---|---|---|
//! | `oracle/programs.tsv` | GenMC and herd7, recorded | what happens at random: races not to be missed |
//! | [`hand_over`] | the language's rule | what the fences order: also that nothing is a race which is not |
//! | [`shapes`] | argued, one by one | loom's holes by name; where a register is not an atomic |
//!
//! That the tests can fail is tested: loom without the layer misses races, [`stock`], and mutants of the clocks are
//! noticed.
//!
//! The counts: `cargo test -p tests --test oracle -- --nocapture`.

use std::time::Instant;

use by_clocks::Mutant;
use by_loom::{Creation, Layer, Memory};
use hand_over::HandOver;
use program::{Program, Recorded, Verdict};
use stock::{Plain, ReadModifyWrite};

#[path = "oracle/by_clocks.rs"]
mod by_clocks;
#[path = "oracle/by_loom.rs"]
mod by_loom;
#[path = "oracle/hand_over.rs"]
mod hand_over;
#[path = "oracle/program.rs"]
mod program;
#[path = "oracle/shapes.rs"]
mod shapes;
#[path = "oracle/stock.rs"]
mod stock;

/// A program, and its verdict.
struct Expected {
    program: Program,
    verdict: Verdict,
    /// How to find it.
    name: String,
}

impl From<HandOver> for Expected {
    fn from(HandOver { text, program, verdict }: HandOver) -> Self {
        Self { program, verdict, name: text }
    }
}

fn recorded(verdict: impl Fn(&Recorded) -> Verdict) -> Vec<Expected> {
    let table = program::parse_table(include_str!("oracle/programs.tsv"));
    let table = table.unwrap_or_else(|error| panic!("oracle/programs.tsv, {error}"));
    let expected = |recorded: Recorded| {
        let (verdict, name) = (verdict(&recorded), format!("line {}: {}", recorded.line, recorded.text));
        Expected { program: recorded.program, verdict, name }
    };
    table.into_iter().map(expected).collect()
}

fn hand_overs() -> Vec<Expected> {
    hand_over::all().into_iter().map(Expected::from).collect()
}

/// How many races were missed, and how many alarms were false.
type Counts = (usize, usize);

/// Where a judge has another verdict than expected.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    /// Races that it did not see.
    missed: Vec<String>,
    /// Races that it saw, and that are none.
    alarms: Vec<String>,
}

impl Differences {
    fn counts(&self) -> Counts {
        (self.missed.len(), self.alarms.len())
    }
}

/// Has all `programs` judged, and prints the counts; `judge` returns what a verdict took as well.
fn compare(what: &str, programs: &[Expected], judge: impl Fn(&Program) -> (Verdict, u64)) -> Differences {
    let started = Instant::now();
    let (mut differences, mut effort) = (Differences::default(), 0);
    for Expected { program, verdict, name } in programs {
        let (judged, more) = judge(program);
        effort += more;
        match (verdict, judged) {
            (Verdict::Race, Verdict::Ok) => differences.missed.push(name.clone()),
            (Verdict::Ok, Verdict::Race) => differences.alarms.push(name.clone()),
            (Verdict::Race, Verdict::Race) | (Verdict::Ok, Verdict::Ok) => {}
        }
    }
    let (count, (missed, alarms), time) = (programs.len(), differences.counts(), started.elapsed());
    let agreeing = count - missed - alarms;
    println!("{what}: {agreeing} of {count} agree, {missed} missed, {alarms} false alarms; {effort}, {time:.2?}");
    differences
}

fn by_clocks(programs: &[Expected], mutant: Option<Mutant>) -> Differences {
    let what = mutant.map_or_else(|| "clocks, by states".to_owned(), |mutant| format!("clocks, {mutant:?}, by states"));
    compare(&what, programs, |program| {
        let judged = by_clocks::judge(program, mutant);
        (judged.verdict, judged.states as u64)
    })
}

fn by_loom<M: Memory>(programs: &[Expected], creation: Creation) -> Differences {
    compare(&format!("loom, {}, {creation:?}, by executions", M::NAME), programs, |program| {
        let judged = by_loom::judge::<M>(program, creation);
        (judged.verdict, judged.executions)
    })
}

#[test]
fn recorded_programs_judged_by_clocks_have_their_verdict() {
    assert_eq!(by_clocks(&recorded(|line| line.verdict), None), Differences::default());
}

#[test]
fn recorded_programs_judged_by_loom_have_their_verdict() {
    let programs = recorded(|line| line.verdict);
    assert_eq!(programs.len(), 800);
    for creation in Creation::ALL {
        assert_eq!(by_loom::<Layer>(&programs, creation), Differences::default());
    }
}

#[test]
fn hand_overs_judged_by_clocks_have_their_verdict() {
    assert_eq!(by_clocks(&hand_overs(), None), Differences::default());
}

#[test]
fn hand_overs_judged_by_loom_have_their_verdict() {
    for creation in Creation::ALL {
        assert_eq!(by_loom::<Layer>(&hand_overs(), creation), Differences::default());
    }
}

/// The literal translation gives what was recorded of it: so the layer, and no newer loom, is what finds the races that
/// it misses.
#[test]
fn recorded_programs_judged_by_stock_loom_have_the_verdict_it_had() {
    let (right, stock) = (recorded(|line| line.verdict), recorded(|line| line.stock));
    assert_eq!(by_loom::<Plain>(&stock, Creation::XThenY), Differences::default());
    let missed = right.iter().zip(&stock).filter(|(right, stock)| right.verdict != stock.verdict).count();
    assert_eq!(missed, 7, "races that stock loom misses");
}

/// loom's own fences order too much, however the locations are accessed, and whichever is made first.
#[test]
fn hand_overs_judged_by_stock_loom_are_missed() {
    let programs = hand_overs();
    assert_eq!(by_loom::<Plain>(&programs, Creation::YThenX).counts(), (34, 0));
    assert_eq!(by_loom::<ReadModifyWrite>(&programs, Creation::XThenY).counts(), (50, 0));
    assert_eq!(by_loom::<ReadModifyWrite>(&programs, Creation::YThenX).counts(), (74, 0));
}

/// Each mutant, and which verdicts it gets wrong: of the recorded programs, and of the hand-overs.
const NOTICED: [(Mutant, Counts, Counts); 5] = [
    (Mutant::NoRelease, (0, 1), (0, 99)),
    (Mutant::NoAcquire, (0, 1), (0, 99)),
    (Mutant::WritesRelease, (2, 0), (96, 0)),
    (Mutant::ReadsAcquire, (1, 0), (156, 0)),
    (Mutant::StampsAddUp, (0, 0), (45, 0)),
];

/// The table alone would hardly notice: its programs are random, and few of them hang on their fences.
#[test]
fn mutants_of_the_clocks_are_noticed() {
    let (recorded, hand_overs) = (recorded(|line| line.verdict), hand_overs());
    let counts = NOTICED.map(|(mutant, ..)| {
        let mutant_counts = |programs| by_clocks(programs, Some(mutant)).counts();
        (mutant, mutant_counts(&recorded), mutant_counts(&hand_overs))
    });
    assert_eq!(counts, NOTICED);
}
