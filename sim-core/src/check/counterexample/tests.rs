//! Counterexamples of rows that are known: what they lack, and what mends them.

use dma_api::nrf52840::usbd::map;

use super::order::Kind as OrderKind;
use super::*;
use crate::check::programs::{BackToBack, Device, Exchange, Try};
use crate::device::usbd::{Options, Supply};
use crate::explore::{Board, Kind, Program, model};
use crate::host::{Host, Script};
use crate::machine::{Fences, Machine, Strength};
use crate::soc::{Config, Soc};
use crate::trace::Trace;

fn of<P: Repairable + Clone>(program: &P) -> Counterexample {
    let limits = stepped::Limits::default();
    let failure = stepped::explore(program, limits).verdict;
    Counterexample::find(program, &failure, limits).unwrap_or_else(|| panic!("{}: {failure}", program.name()))
}

fn back_to_back(fences: Fences) -> BackToBack {
    BackToBack { packets: 2, length: 8, fences }
}

/// What each fence of a row is to become, by the documents: the weakest that the machine honours, where it is weaker.
fn expected(fences: Fences) -> Fences {
    let right = Fences::right(fences.machine);
    Fences { start: fences.start.max(right.start), end: fences.end.max(right.end), ..right }
}

#[test]
fn edit_of_every_row_is_the_weakest_that_suffices_and_is_sound_under_loom() {
    let mut racy = 0;
    for fences in Fences::all().filter(|fences| !fences.suffice()) {
        let program = back_to_back(fences);
        let Counterexample { fix, .. } = of(&program);
        let edit = fix.edit().unwrap_or_else(|| panic!("{fences:?}: {fix}"));
        let mended = edit.apply(&program);
        assert_eq!(mended.fences, expected(fences), "{edit}");
        let changed = [(fences.start, mended.fences.start), (fences.end, mended.fences.end)];
        let changes = changed.iter().filter(|(before, after)| before != after).count();
        assert_eq!(edit.0.len(), changes, "nothing else changes: {edit}");
        let verdict = model::check(&mended, model::Limits::default());
        assert_eq!(verdict.kind(), Kind::Sound, "{fences:?}, {edit}: {verdict}");
        racy += 1;
    }
    assert_eq!(racy, 21);
}

#[test]
fn row_that_is_sound_has_no_counterexample() {
    let program = back_to_back(Fences::right(Machine::CortexM7));
    let limits = stepped::Limits::default();
    let verdict = stepped::explore(&program, limits).verdict;
    assert!(Counterexample::find(&program, &verdict, limits).is_none());
}

#[test]
fn accesses_of_every_race_are_the_sites_that_it_names_and_the_arrow_goes_between_masters() {
    for fences in Fences::all().filter(|fences| !fences.suffice()) {
        let found = of(&back_to_back(fences));
        let (from, to) = found.missing().expect("it is a race, and both accesses are in its trace");
        let record = |index: usize| &found.run.trace.entries()[index].record;
        let ends = (record(from), record(to));
        if fences.machine.honours(fences.start) {
            assert!(matches!(ends, (Record::Beat { .. }, Record::Acquire { .. })), "{fences:?}: {ends:?}");
            assert_eq!(found.place(), Some(Place::End));
        } else {
            assert!(matches!(ends, (Record::Release { .. }, Record::Beat { .. })), "{fences:?}: {ends:?}");
            assert_eq!(found.place(), Some(Place::Start));
        }
        assert!(found.orders.iter().all(|order| (order.from, order.to) != (from, to)), "{fences:?}: it is missing");
    }
}

#[test]
fn shorter_schedule_fails_alike_and_its_string_brings_it_back() {
    let program = back_to_back(Fences { start: Strength::Compiler, ..Fences::right(Machine::CortexM7) });
    let failure = stepped::explore(&program, stepped::Limits::default()).verdict;
    let found = of(&program);
    let recording: Recording = failure.replay().expect("it is a race").parse().expect("it is whole");
    let first = stepped::replay(&program, &recording).expect("it is of this program");
    let events = |trace: &Trace| timeline::fold(trace.entries()).len();
    assert!(events(&found.run.trace) < events(&first.trace), "{found}");
    let recording: Recording = found.replay().expect("it is a race").parse().expect("it is whole");
    let again = stepped::replay(&program, &recording).expect("its choices are there to be made");
    assert_eq!(again.verdict, found.run.verdict);
}

/// A program whose fences, as it says, can be changed, and that stays as it is: they stand in the wrong place.
#[derive(Clone)]
struct Stubborn(BackToBack);

impl Program for Stubborn {
    fn name(&self) -> String {
        "stubborn".to_owned()
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.0.firmware(board);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}

impl Repairable for Stubborn {
    fn places(&self) -> Vec<(Place, Strength)> {
        self.0.places()
    }

    fn with_fence(&self, _place: Place, _strength: Strength) -> Self {
        self.clone()
    }
}

#[test]
fn race_that_no_change_of_fences_mends_has_no_edit_and_an_arrow_without_a_name() {
    let none = Fences { machine: Machine::CortexM7, start: Strength::None, end: Strength::None };
    let found = of(&Stubborn(back_to_back(none)));
    assert_eq!(found.fix, Fix::NoEdit { tried: 8, inconclusive: 0 });
    assert_eq!(found.missing_label().as_deref(), Some("nothing orders these"));
}

#[test]
fn candidate_that_hits_a_limit_is_not_taken_and_is_counted() {
    let program = back_to_back(Fences { start: Strength::None, ..Fences::right(Machine::CortexM4) });
    let failure = stepped::explore(&program, stepped::Limits::default()).verdict;
    let few = stepped::Limits { schedules: 2, ..stepped::Limits::default() };
    // The fifth strengthens the fence at the end only: a race.
    assert_eq!(Fix::find(&program, &failure, few), Fix::NoEdit { tried: 5, inconclusive: 4 });
}

/// Runs `program` with the others first, and counts what orders memory: at the start, at the end.
fn memory_orders<P: Program>(program: &P) -> (usize, usize) {
    let scheduler = Rc::new(RefCell::new(Replay::new(Vec::new())));
    let run = stepped::run(program, &scheduler, Some(Keep::Order));
    let entries = run.trace.entries();
    let orders = order::orders(entries, program.config().fences.machine);
    let of_memory = orders.iter().filter(|order| order.kind == OrderKind::Memory);
    let (starts, ends): (Vec<&Order>, Vec<&Order>) =
        of_memory.partition(|order| matches!(entries[order.from].record, Record::Release { .. }));
    (starts.len(), ends.len())
}

#[test]
fn sound_run_is_ordered_at_both_ends_of_each_transfer_on_both_chips() {
    assert_eq!(memory_orders(&back_to_back(Fences::right(Machine::CortexM7))), (2, 2));
    assert_eq!(memory_orders(&Exchange::new(2)), (2, 2));
}

#[test]
fn fence_that_the_machine_does_not_honour_orders_nothing() {
    let weak = Fences { start: Strength::Compiler, ..Fences::right(Machine::CortexM7) };
    assert_eq!(memory_orders(&back_to_back(weak)).0, 0);
    let fences = Fences { end: Strength::None, ..Fences::right(Machine::CortexM4) };
    assert_eq!(memory_orders(&back_to_back(fences)), (1, 0), "the race ends the run at the first acquire");
}

#[test]
fn start_is_an_order_of_registers_from_the_task_to_the_capture() {
    let found = of(&back_to_back(Fences { start: Strength::None, ..Fences::right(Machine::CortexM4) }));
    let [order] = found.orders[..] else { panic!("{:?}", found.orders) };
    assert_eq!(order.kind, OrderKind::Register);
    let entries = found.run.trace.entries();
    let task = &entries[order.from].record;
    assert!(matches!(task, Record::Write { offset, .. } if *offset == map::tasks_startepin(0)), "{task:?}");
    assert!(matches!(entries[order.to].record, Record::Captured { .. }));
}

#[test]
fn second_chip_has_the_same_sentences() {
    let right = Exchange::new(1).fences;
    for (fences, sentence) in [
        (Fences { start: Strength::None, ..right }, "add a compiler_fence before the start (`release`)"),
        (Fences { end: Strength::None, ..right }, "add a compiler_fence after the end (`acquire`)"),
    ] {
        let found = of(&Exchange { bytes: 1, fences });
        assert_eq!(found.fix.to_string(), sentence);
        assert_eq!(found.missing_label().as_deref(), Some("missing: compiler_fence"));
        assert!(found.missing().is_some(), "{found}");
    }
}

#[test]
fn terminal_marks_both_accesses_and_joins_them() {
    let found = of(&back_to_back(Fences { start: Strength::Compiler, ..Fences::right(Machine::CortexM7) }));
    let text = anstream::adapter::strip_str(&found.to_string()).to_string();
    let marked = |mark: &str| text.lines().filter(|line| line.starts_with(mark)).collect::<Vec<_>>();
    let ([first], [second]) = (&marked("1 >")[..], &marked("2 >")[..]) else { panic!("{text}") };
    assert!(first.contains("release 0x20020000, 8 bytes (compiler_fence)"), "{text}");
    assert!(second.contains("reads 0x20020000"), "{text}");
    let (above, below) = (text.find(first).expect("it is there"), text.find(second).expect("it is there"));
    let between = text[above..below].lines().skip(1);
    assert!(between.clone().count() > 5 && between.clone().all(|line| line.starts_with("  :")), "{text}");
    assert_eq!(text.matches("  : ").count(), between.count(), "nowhere else: {text}");
    let fix = "strengthen the fence before the start (`release`) from compiler_fence to fence (DMB)";
    assert!(text.ends_with(&format!("\n  fix {fix}\n")), "{text}");
    assert!(text.contains("\n  missing nothing orders 1 (CPU: "), "{text}");
}

#[test]
fn violation_of_another_rule_is_marked_and_its_fix_is_the_rules_own_text() {
    let options = Options { supply: Supply::Modelled, ..Options::default() };
    let program = Device { config: Config { options, ..Config::default() }, ..Device::new(Try::ControlRead, 8) };
    let found = of(&program);
    let violation = found.violation().expect("nobody has looked whether the regulator has settled");
    assert_eq!(violation.misuse.rule, Rule::PullUpBeforePowerReady);
    assert_eq!(found.fix, Fix::Other(violation.misuse.what.clone()));
    let later = found.later.map(|index| &found.run.trace.entries()[index].record);
    assert!(matches!(later, Some(Record::Write { offset, value: 1 }) if *offset == map::usbpullup()), "{later:?}");
    assert_eq!((found.missing(), found.place(), found.earlier), (None, None, None));
    let text = anstream::adapter::strip_str(&found.to_string()).to_string();
    assert!(text.contains("\n2 > ") && !text.contains("missing"), "{text}");
}
