//! Cases that are drawn the same way each time: run, counted, looked through for a twin.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use sim_core::explore::Kind;
use tests::trial::Failure;

/// Within how many cases each twin must be found.
const CASES_OF_A_TWIN: u64 = 2_000;

/// How many schedules a case is tried on while it is made smaller: most of what fails does so on some, not on all.
const SCHEDULES_OF_A_SMALLER_CASE: u32 = 200;

/// How often each cell of a table must be reached.
const REACHED: usize = 20;

/// The runner of so many cases.
pub fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0xE90),
        max_shrink_iters: 2_000,
        ..Config::default()
    })
}

/// Runs so many cases; `run` is given a case, and a schedule in place of its own if it is being made smaller. It returns
/// what the run has reached. Prints how often that was, and looks whether all of `cells` were.
///
/// # Panics
///
/// If a case fails, or a cell was hardly reached.
#[track_caller]
pub fn assert_holds<S: Strategy>(
    cases: u32,
    strategy: &S,
    cells: &[&str],
    run: impl Fn(&S::Value, Option<u32>) -> Result<Vec<String>, Failure>,
) {
    let counts = RefCell::new(BTreeMap::<String, usize>::new());
    let is_shrinking = Cell::new(false);
    let result = runner(cases).run(strategy, |case| {
        let schedules = if is_shrinking.get() { SCHEDULES_OF_A_SMALLER_CASE } else { 0 };
        for schedule in std::iter::once(None).chain((0..schedules).map(Some)) {
            let reached = run(&case, schedule).map_err(|failure| {
                is_shrinking.set(true);
                TestCaseError::fail(failure.to_string())
            })?;
            let mut counts = counts.borrow_mut();
            for cell in reached {
                *counts.entry(cell).or_default() += 1;
            }
        }
        Ok(())
    });
    let counts = counts.into_inner();
    println!("{counts:#?}");
    if let Err(failure) = result {
        panic!("{failure}");
    }
    for cell in cells {
        assert!(counts.get(*cell).is_some_and(|&count| count >= REACHED), "`{cell}` was hardly reached");
    }
}

/// The twin that `run` runs is found, as what it is; and `replay` finds it again. Returns what is printed.
///
/// # Panics
///
/// If it is not.
#[track_caller]
pub fn assert_found<S: Strategy>(
    twin: impl Debug,
    kind: Kind,
    strategy: &S,
    run: impl Fn(&S::Value) -> Option<Failure>,
    replay: impl Fn(&str) -> Option<Failure>,
) -> String {
    let mut runner = runner(1);
    let mut others = BTreeMap::<String, usize>::new();
    for number in 1..=CASES_OF_A_TWIN {
        let case = strategy.new_tree(&mut runner).expect("few cases are rejected").current();
        let Some(failure) = run(&case) else { continue };
        if failure.kind() != kind {
            *others.entry(failure.kind().to_string()).or_default() += 1;
            continue;
        }
        println!("{twin:?}: case {number}: {failure}");
        let again = replay(failure.replay().expect("each of these kinds has a replay string"));
        assert_eq!(again.expect("it failed before").kind(), kind);
        return failure.to_string();
    }
    panic!("{twin:?} was not found in {CASES_OF_A_TWIN} cases, but {others:?}");
}

/// A file in `fuzz/seeds`.
pub fn seed_file(target: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target).join(name)
}

/// The bytes of a file in `fuzz/seeds`.
pub fn seed(target: &str, name: &str) -> Vec<u8> {
    fs::read(seed_file(target, name)).expect("it is in the repository")
}
