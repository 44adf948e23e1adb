//! Cases that are drawn the same way each time: run, counted, looked through for a twin; and those of a fuzzer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::{Union, ValueTree};
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

/// Runs so many cases; `run` is given a case, and a schedule in place of its own if it is being made smaller. It
/// returns what the run has reached. Prints how often that was, and looks whether all of `cells` were.
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

/// A property, as this suite uses it: of cases `C`, with twins `T`.
pub struct Suite<C: 'static, T> {
    /// The fuzz target, which is where its seeds lie, in `fuzz/seeds`.
    pub target: &'static str,
    /// Where the fuzzer begins: the file, the name of the case and its schedule.
    pub seeds: &'static [(&'static str, &'static str, u32)],
    /// The case that bytes say.
    pub decode: fn(&[u8]) -> C,
    /// Bytes that say a case.
    pub encode: fn(&C) -> Vec<u8>,
    /// A case's name and schedule.
    pub name: fn(&C) -> (String, u32),
    /// The case with this name and schedule.
    pub by_name: fn(&str, u32) -> Option<C>,
    /// Runs a case, or a twin of it: what was found.
    pub find: fn(&C, Option<T>) -> Option<Failure>,
    /// Runs again what a replay string says: what was found.
    pub replay: fn(&str) -> Option<Failure>,
}

impl<C: Debug + PartialEq, T: Copy + Debug> Suite<C, T> {
    /// The twin is found, as what it is; and its replay string finds it again. Returns what is printed.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[track_caller]
    pub fn assert_found<S: Strategy<Value = C>>(&self, twin: T, kind: Kind, strategy: &S) -> String {
        let mut runner = runner(1);
        let mut others = BTreeMap::<String, usize>::new();
        for number in 1..=CASES_OF_A_TWIN {
            let case = strategy.new_tree(&mut runner).expect("few cases are rejected").current();
            let Some(failure) = (self.find)(&case, Some(twin)) else { continue };
            if failure.kind() != kind {
                *others.entry(failure.kind().to_string()).or_default() += 1;
                continue;
            }
            println!("{twin:?}: case {number}: {failure}");
            let again = (self.replay)(failure.replay().expect("each of these kinds has a replay string"));
            assert_eq!(again.expect("it failed before").kind(), kind);
            return failure.to_string();
        }
        panic!("{twin:?} was not found in {CASES_OF_A_TWIN} cases, but {others:?}");
    }

    /// A file of a seed.
    fn seed_file(&self, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(self.target).join(name)
    }

    /// Writes the seeds.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn write_seeds(&self) {
        for (file, name, schedule) in self.seeds {
            let case = (self.by_name)(name, *schedule).expect("it is a name");
            fs::write(self.seed_file(file), (self.encode)(&case)).expect("the directory is there");
        }
    }

    /// Each seed says what it should, and the property holds.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_seeds_hold(&self) {
        for &(file, name, schedule) in self.seeds {
            let case = (self.decode)(&fs::read(self.seed_file(file)).expect("it is in the repository"));
            assert_eq!((self.name)(&case), (name.to_owned(), schedule), "{file}: run `seeds_are_written`");
            if let Some(failure) = (self.find)(&case, None) {
                panic!("{file}: {failure}");
            }
        }
    }

    /// Any bytes are a case, which comes back from its bytes and from its name, and the property holds.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_bytes_hold(&self, count: u32) {
        let result = runner(count).run(&prop::collection::vec(any::<u8>(), 0..120), |bytes| {
            let case = (self.decode)(&bytes);
            prop_assert_eq!(&(self.decode)(&(self.encode)(&case)), &case);
            let (name, schedule) = (self.name)(&case);
            let named = (self.by_name)(&name, schedule);
            prop_assert_eq!(named.as_ref(), Some(&case));
            match (self.find)(&case, None) {
                Some(failure) => Err(TestCaseError::fail(failure.to_string())),
                None => Ok(()),
            }
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    }
}

/// Which kind of operation this is, as a bit: by the first letter of its name.
pub fn bit(operation: &impl Display) -> u64 {
    operation.to_string().bytes().next().map_or(0, |letter| 1 << (letter - b'A'))
}

/// One of the steps that are allowed; they come by kind, with weights.
pub fn one_of<S: Copy + Debug + 'static>(kinds: Vec<(u32, Vec<S>)>, allows: impl Fn(S) -> bool) -> BoxedStrategy<S> {
    let allowed = kinds.into_iter().filter_map(|(weight, mut steps)| {
        steps.retain(|&step| allows(step));
        (!steps.is_empty()).then(|| (weight, prop::sample::select(steps)))
    });
    Union::new_weighted(allowed.collect()).boxed()
}
