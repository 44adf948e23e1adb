//! Every known way to get DMA wrong: caught for the stated reason, and its right twin clean.
//!
//! The programs, and what is expected of them, are in `sim_core::catalogue`. Here each case is a test of its own, by
//! its name: the broken program is caught as its case says, when all schedules are explored and again by the replay
//! string, and where there is no other rule; the right one is sound on every schedule.

use std::collections::BTreeSet;

use sim_core::catalogue::left_out::LEFT_OUT;
use sim_core::catalogue::refused::REFUSED;
use sim_core::catalogue::{Attempt, Case, Caught, Hazard, SECTIONS, Section, cases};
use sim_core::explore::Verdict;
use sim_core::explore::replay::Recording;

/// A test for each case, and the list of them.
macro_rules! catalogue {
    ($section:literal: $($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                crate::judge(stringify!($name));
            }
        )*

        /// The section, and its tests.
        pub const TESTS: (&str, &[&str]) = ($section, &[$(stringify!($name)),*]);
    };
}

mod address;
mod aliasing;
mod caches;
mod circular;
mod early_drop;
mod fences;
mod leak;
mod lengths;
mod regions;
mod sharing;
mod specimens;
mod stopping;
mod validity;

/// The tests of each section.
const TESTS: &[(&str, &[&str])] = &[
    specimens::TESTS,
    leak::TESTS,
    early_drop::TESTS,
    address::TESTS,
    fences::TESTS,
    aliasing::TESTS,
    sharing::TESTS,
    lengths::TESTS,
    stopping::TESTS,
    regions::TESTS,
    caches::TESTS,
    circular::TESTS,
    validity::TESTS,
];

/// Asserts what the case of this name says of itself.
#[track_caller]
fn judge(name: &str) {
    let case = cases().find(|case| case.name == name).expect("there is such a case: see `sim_core::catalogue`");
    let judged = case.judge();
    println!("{name}: {}\nits twin: {}", judged.broken, judged.right);
    judged.loom.iter().flatten().for_each(|verdict| println!("loom: {verdict}"));
    assert!(judged.is_caught(), "{:?} was due: {}", case.caught, judged.broken);
    assert!(judged.is_clean(), "the twin: {}", judged.right);
    assert_comes_back(&judged.broken.verdict);
    assert_is_caught_without_help(case);
}

/// The rule that a case names catches it where there is no other.
#[track_caller]
fn assert_is_caught_without_help(case: &Case) {
    if let Caught::Rule(rule) = case.caught {
        let alone = case.attempt(true).under_no_other_rule(rule).explore();
        assert!(case.caught.is(&alone.verdict), "{rule} and no other rule: {alone}");
    }
}

/// The replay string names the program, and brings back what it was printed for.
#[track_caller]
fn assert_comes_back(verdict: &Verdict) {
    let string = verdict.replay().expect("the stepped explorer can replay");
    let recording = string.parse::<Recording>().expect("it was printed just now");
    let attempt = Attempt::by_name(&recording.program).expect("it is a program of the catalogue");
    let again = attempt.replay(&recording).expect("it comes by the same choices").verdict;
    assert_eq!(again, verdict.clone().after(1));
}

#[test]
fn every_case_has_a_test_and_every_test_a_case() {
    let names = |section: &Section| section.cases.iter().map(|case| case.name).collect::<Vec<_>>();
    let sections: Vec<(&str, Vec<&str>)> = SECTIONS.iter().map(|section| (section.number, names(section))).collect();
    let tests: Vec<(&str, Vec<&str>)> = TESTS.iter().map(|(section, names)| (*section, names.to_vec())).collect();
    assert_eq!(sections, tests);
}

#[test]
fn names_are_unique_and_say_an_id_and_a_bug() {
    let mut names: Vec<&str> = cases().map(|case| case.name).collect();
    for case in cases() {
        let id = case.id();
        assert!(id.len() == 4 && id[1..].bytes().all(|byte| byte.is_ascii_digit()), "{}", case.name);
        assert!(case.title().split(' ').count() > 2 && !case.source.is_empty(), "{}", case.name);
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// What is expected is not a word that fits everything: no right program is what its broken one is.
#[test]
fn right_program_is_not_what_is_expected_of_the_broken_one() {
    let sound = Verdict::Sound { executions: 1, complete: 1 };
    assert!(cases().all(|case: &Case| !case.caught.is(&sound)));
    assert!(cases().all(|case| !matches!(case.caught, Caught::Wrong("") | Caught::Hangs(""))));
}

/// The numbers of the list of reports that the catalogue is made of.
const LISTED: &str = "1-23 25 27-29 31-44 46-52 54-59 61-68 70-73 75-78 80-84 87-89 91-93 95-97 99-100 103-107 \
                      109-112 114-116 118 120-122 124-129";

#[test]
fn every_report_has_a_program_a_refusal_or_a_reason() {
    let range = |part: &'static str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        from.parse::<u16>().expect("a number")..=to.parse().expect("a number")
    };
    let listed: BTreeSet<String> = LISTED.split_whitespace().flat_map(range).map(|id| format!("c{id:03}")).collect();
    let ids = cases().map(Case::id).chain(REFUSED.iter().map(|refused| refused.id()));
    let ids = ids.chain(LEFT_OUT.iter().map(|left| left.id)).filter(|id| id.starts_with('c'));
    assert_eq!(ids.map(str::to_owned).collect::<BTreeSet<_>>(), listed);
    let has_program = |id| cases().any(|case| case.id() == id);
    let both: Vec<&str> = LEFT_OUT.iter().map(|left| left.id).filter(|id| has_program(*id)).collect();
    assert_eq!(both, [""; 0], "these are left out, and there");
}

#[test]
fn every_refusal_names_a_file_of_the_ui_suite() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/fail");
    let file = |name: &str| directory.join(name).with_extension("rs");
    let missing: Vec<&str> = REFUSED.iter().map(|refused| refused.file).filter(|name| !file(name).is_file()).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn counts_of_the_readme_are_those_of_the_cases() {
    const README: &str = include_str!("../../README.md");
    for hazard in Hazard::ALL {
        let run = cases().filter(|case| case.hazard == hazard).count();
        let refused = REFUSED.iter().filter(|refused| refused.hazard == hazard).count();
        let row = format!("| {hazard} | {} | {run} | {refused} |", hazard.title());
        assert!(README.contains(&row), "the README has no row `{row}`");
    }
    let [run, refused, left_out] = [cases().count(), REFUSED.len(), LEFT_OUT.len()];
    let sum = format!("{run} programs, {refused} refusals, {left_out} left out");
    assert!(README.contains(&sum), "the README does not say `{sum}`");
}
