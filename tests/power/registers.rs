//! POWER and CLOCK under the stepped explorer: a poll that waits, and a choice at a write.

use dma_api::nrf52840::power::{PowerClock, map as power_map};
use dma_api::registers::Registers;
use sim_core::device::usbd::{Options, Supply};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

use crate::by_hand::write;

/// Firmware that waits for the crystal, and looks at nothing else.
struct WaitsForClock {
    /// It has started it.
    started: bool,
}

impl Program for WaitsForClock {
    fn name(&self) -> String {
        format!("waits-for-clock:{}", self.started)
    }

    fn config(&self) -> Config {
        Config { options: Options { supply: Supply::Modelled, ..Options::default() }, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut power = board.power();
        if self.started {
            power.start_clock();
        }
        while !power.is_clock_running() {}
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn poll_for_the_crystal_ends_when_it_comes_and_is_a_deadlock_when_it_cannot() {
    let started = WaitsForClock { started: true };
    let verdict = stepped::explore(&started, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    assert_eq!(threads::run(&started, None).verdict.kind(), Kind::Sound);
    let verdict = stepped::explore(&WaitsForClock { started: false }, Limits::default()).verdict;
    let Verdict::Deadlock { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    assert!(message.starts_with("the driver polls CLOCK.HFCLKSTAT; "), "{message}");
}

/// Firmware that clears EVENTS_USBREMOVED between two looks.
struct Clears {
    /// It clears the event without having seen it.
    blindly: bool,
}

impl Program for Clears {
    fn name(&self) -> String {
        format!("clears:{}", self.blindly)
    }

    fn config(&self) -> Config {
        WaitsForClock { started: false }.config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let registers = board.block::<PowerClock>();
        let seen = registers.read(power_map::events_usbremoved()) != 0;
        if seen || self.blindly {
            write(&registers, power_map::events_usbremoved(), 0);
        }
        let vbus = power_map::usbregstatus::VBUSDETECT.is_set(registers.read(power_map::usbregstatus()));
        let pending = registers.read(power_map::events_usbremoved()) != 0;
        assert!(vbus || seen || pending, "the removal is lost");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.disconnect().await })
    }
}

#[test]
fn removal_that_is_cleared_unseen_is_lost_on_the_schedule_that_has_it_in_between() {
    let verdict = |blindly| stepped::explore(&Clears { blindly }, Limits::default()).verdict;
    assert_eq!(verdict(false).kind(), Kind::Sound);
    let verdict = verdict(true);
    let Verdict::Assertion { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    assert_eq!(message, "the removal is lost");
}
