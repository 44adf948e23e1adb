//! The bodies of the fuzz targets, without a fuzzer: their seeds, random bytes, twins.
//!
//! A fuzzer looks for new paths, and takes hours; this takes seconds, and shows that the bodies work: they hold where
//! they should, and find what a twin has wrong. Of the seeds, those with a name are written here, and `found_..` are
//! what a fuzzer has come by that leads farthest from them.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{any, prop};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use sim_core::explore::Kind;
use tests::fuzz::{descriptors, host, registers, replay};

/// A target.
struct Target<T: 'static> {
    name: &'static str,
    body: fn(&[u8], Option<T>) -> Result<(), String>,
    twins: &'static [T],
    /// Random byte strings: how many, and of how many bytes at most.
    random: (u32, usize),
}

const DESCRIPTORS: Target<descriptors::Twin> =
    Target { name: "descriptors", body: descriptors::run, twins: &descriptors::Twin::ALL, random: (20_000, 80) };

const REPLAY: Target<replay::Twin> =
    Target { name: "replay", body: replay::run, twins: &replay::Twin::ALL, random: (10_000, 60) };

const REGISTERS: Target<registers::Twin> =
    Target { name: "registers", body: registers::run, twins: &registers::Twin::ALL, random: (10_000, 200) };

const HOST: Target<host::Twin> = Target { name: "host", body: host::run, twins: &host::Twin::ALL, random: (6000, 100) };

/// The directory of a target's seeds.
fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target)
}

/// The same cases each time: a test that fails once, fails again. It is the fuzzer that looks for others.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(0), ..Config::default() })
}

impl<T: Copy + Debug> Target<T> {
    /// The seeds, by the names of their files.
    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let read = |path: PathBuf| {
            let name = path.file_name().expect("it is a file").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("it is in the repository"))
        };
        let files = fs::read_dir(directory(self.name)).expect("it is in the repository");
        let mut seeds: Vec<_> = files.map(|file| read(file.expect("it is in the repository").path())).collect();
        seeds.sort();
        seeds
    }

    fn holds_for_its_seeds(&self) {
        let seeds = self.seeds();
        assert!(!seeds.is_empty());
        for (file, bytes) in seeds {
            if let Err(wrong) = (self.body)(&bytes, None) {
                panic!("fuzz/seeds/{}/{file}: {wrong}", self.name);
            }
        }
    }

    /// Random bytes, and seeds with something changed: most random bytes are refused early.
    fn strategy(&self) -> impl Strategy<Value = Vec<u8>> {
        let (_, most) = self.random;
        let seeds: Vec<Vec<u8>> = self.seeds().into_iter().map(|(_, bytes)| bytes).collect();
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        let changed = (prop::sample::select(seeds), changes).prop_map(|(mut seed, changes)| {
            changes.into_iter().for_each(|(index, byte)| *index.get_mut(&mut seed) = byte);
            seed
        });
        prop::strategy::Union::new([prop::collection::vec(any::<u8>(), 0..most).boxed(), changed.boxed()])
    }

    fn holds_for_random_bytes(&self) {
        let (cases, _) = self.random;
        let result = runner(cases).run(&self.strategy(), |bytes| {
            (self.body)(&bytes, None).map_err(|wrong| TestCaseError::fail(format!("{wrong}, with {bytes:?}")))
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    }

    /// Each twin is found, by a seed or by random bytes.
    fn finds_its_twins(&self) {
        let (cases, _) = self.random;
        for &twin in self.twins {
            let mut runner = runner(cases);
            let strategy = self.strategy();
            let random = (0..cases).map(|_| strategy.new_tree(&mut runner).expect("nothing is rejected").current());
            let seeds = self.seeds().into_iter().map(|(_, bytes)| bytes);
            let found = seeds.chain(random).find_map(|bytes| (self.body)(&bytes, Some(twin)).err());
            println!("{twin:?}: {}", found.unwrap_or_else(|| panic!("{}: {twin:?} was not found", self.name)));
        }
    }
}

/// The tests of each target.
macro_rules! targets {
    ($($module:ident $target:ident,)*) => {
        $(
            mod $module {
                #[test]
                fn body_holds_for_every_seed() {
                    super::$target.holds_for_its_seeds();
                }

                #[test]
                fn body_holds_for_random_bytes_and_changed_seeds() {
                    super::$target.holds_for_random_bytes();
                }

                #[test]
                fn every_twin_is_found() {
                    super::$target.finds_its_twins();
                }
            }
        )*
    };
}

targets! {
    of_descriptors DESCRIPTORS,
    of_replay REPLAY,
    of_registers REGISTERS,
    of_host HOST,
}

/// A fuzzer has found that the status stage of a control read was permitted while another endpoint was fetched: by the
/// shortcut EP0DATADONE_EP0STATUS, which `Control` has not used since. `tests/usb/beside.rs` has every schedule of it.
#[test]
fn status_stage_of_a_control_read_is_not_permitted_while_another_endpoint_is_fetched() {
    for name in ["found_shortcut", "found_shortcut_again"] {
        let bytes = fs::read(directory("host").join(name)).expect("it is in the repository");
        let verdict = host::verdict(&bytes, None);
        assert_eq!(verdict.kind(), Kind::Sound, "{name}: {verdict}");
    }
}

#[test]
#[ignore = "writes fuzz/seeds: run it when the bytes of a target have changed"]
fn seeds_are_written() {
    let targets = [
        ("descriptors", descriptors::seeds()),
        ("host", host::seeds()),
        ("registers", registers::seeds()),
        ("replay", replay::seeds()),
    ];
    for (target, seeds) in targets {
        fs::create_dir_all(directory(target)).expect("the repository can be written");
        for (name, bytes) in seeds {
            fs::write(directory(target).join(name), bytes).expect("the repository can be written");
        }
    }
}
