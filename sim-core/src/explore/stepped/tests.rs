//! What a scheduler promises makes runs faster, and nothing else.

use super::*;
use crate::check::interrupt::InterruptDevice;
use crate::check::programs::{BackToBack, Device, Echo, Try};
use crate::explore::Program;
use crate::explore::scheduler::{Choice, Immediate, Seeded};
use crate::host::enumerate::OperatingSystem;
use crate::machine::Fences;

/// Chooses as the other does, and promises nothing.
struct Silent(Immediate);

impl Scheduler for Silent {
    fn choose(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> usize {
        self.0.choose(choice, state)
    }
}

/// Promises what it does not keep.
struct Liar(Seeded);

impl Scheduler for Liar {
    fn choose(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> usize {
        self.0.choose(choice, state)
    }

    fn lets_others_run(&self) -> bool {
        true
    }
}

fn outcome<P: Program>(program: &P, scheduler: impl Scheduler + 'static) -> (Verdict, Vec<u8>, Vec<Violation>) {
    let Run { verdict, choices, violations, .. } = run(program, &Rc::new(RefCell::new(scheduler)), None);
    (verdict, choices, violations)
}

fn assert_unseen<P: Program>(program: &P) {
    assert_eq!(outcome(program, Immediate), outcome(program, Silent(Immediate)), "{}", program.name());
}

#[test]
fn promises_of_a_scheduler_are_not_seen() {
    for fences in Fences::all() {
        assert_unseen(&BackToBack { packets: 2, length: 61, fences });
    }
    for host in Try::ALL {
        assert_unseen(&Device::new(host, 18));
        assert_unseen(&InterruptDevice(Device::new(host, 18)));
    }
    for system in OperatingSystem::ALL {
        assert_unseen(&Echo::new(system, 130));
    }
}

#[test]
fn promise_that_is_not_kept_is_seen() {
    let program = BackToBack { packets: 2, length: 61, fences: Fences::default() };
    assert_ne!(outcome(&program, Liar(Seeded::new(7))), outcome(&program, Seeded::new(7)));
}
