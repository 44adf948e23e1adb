//! Programs that do not end, or do nothing: what is said of them.

use dma_api::nrf52840::usbd::map;
use sim_core::check::programs::connect;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};

/// What the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Firmware {
    /// Waits for the host, whatever it does.
    Waits,
    /// Sets a bit and clears it again, until the host is done.
    Toggles,
    /// Returns at once.
    Returns,
    /// Returns when it has looked at one register.
    Looks,
}

/// Firmware, and a host that begins one frame or goes on beginning frames.
#[derive(Clone, Copy, Debug)]
struct Endless {
    firmware: Firmware,
    host_ends: bool,
}

impl Program for Endless {
    fn name(&self) -> String {
        format!("endless:{:?}:{}", self.firmware, self.host_ends)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
        soc.bus_reset();
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.firmware {
            Firmware::Returns => {}
            Firmware::Looks => drop(board.read(map::framecntr())),
            Firmware::Waits => while !board.host_is_done() {},
            Firmware::Toggles => {
                for value in [0, map::inten::SOF.mask()].into_iter().cycle() {
                    // SAFETY:
                    // - The write starts no transfer.
                    unsafe { board.write(map::inten(), value) };
                    if board.host_is_done() {
                        return;
                    }
                }
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = if self.host_ends { 1 } else { u32::MAX };
        Box::pin(async move { host.wait_frames(frames).await })
    }
}

fn verdict(firmware: Firmware, host_ends: bool) -> Verdict {
    let verdict = stepped::explore(&Endless { firmware, host_ends }, Limits::default()).verdict;
    println!("{firmware:?}: {verdict}");
    verdict
}

#[test]
fn two_sides_that_go_on_forever_are_a_livelock_that_names_both() {
    for (firmware, cpu) in [
        (Firmware::Waits, "the firmware waits for the host"),
        (Firmware::Toggles, "the "),
        (Firmware::Looks, "the firmware has returned"),
    ] {
        let verdict = verdict(firmware, false);
        let Verdict::Livelock { message, .. } = &verdict else { panic!("{firmware:?}: {verdict}") };
        assert!(message.starts_with(&format!("no end after 1000000 choices: {cpu}")), "{message}");
        assert!(message.contains("the host goes on, with StartOfFrame(") && message.ends_with("engine is idle"));
    }
}

#[test]
fn firmware_that_goes_on_until_the_host_has_had_its_turn_is_no_livelock() {
    // The host could go on all the time: a schedule on which it never does is none of a machine's.
    let toggles = verdict(Firmware::Toggles, true);
    let Verdict::Inconclusive { message, .. } = &toggles else { panic!("{toggles}") };
    assert!(message.contains("where the CPU went on all the time, and the others, who could, never"), "{message}");
    assert_eq!(verdict(Firmware::Waits, true).kind(), Kind::Sound);
}

#[test]
fn firmware_that_does_nothing_is_vacuous_and_not_sound() {
    let empty = verdict(Firmware::Returns, true);
    assert_eq!(empty.kind(), Kind::Vacuous, "{empty}");
    assert!(empty.to_string().contains("the firmware has made no access to its board"), "{empty}");
    assert_eq!(verdict(Firmware::Looks, true).kind(), Kind::Sound);
}
