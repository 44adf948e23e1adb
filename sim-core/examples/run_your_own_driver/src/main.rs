//! A serial port on nrf-usbd 0.3.0, as it was published, against a host, on many schedules.
//!
//! `cargo run` finds that the driver arms an endpoint twice, prints where and the string that brings it back, and shows
//! how it came to that. `RUST_BACKTRACE=1 cargo run -- --panic` panics there, too: the backtrace has the driver's
//! frames. `cargo run -- --known` does what silicon does there, and finds nothing else in the time it has.

use std::process::ExitCode;

use nrf_usbd::{UsbPeripheral, Usbd};
use sim_core::device::usbd::{Errata, Erratum, Options, Revision};
use sim_core::explore::by_address::{self, Gaps};
use sim_core::explore::stepped::{Bus, Exploration, Limits};
use sim_core::explore::{Board, Kind};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::Config;
use sim_core::trace::timeline;
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{UsbDeviceBuilder, UsbVidPid};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

struct Controller;

// SAFETY:
// - An nRF52840 has a USBD's registers at this address, and the simulator answers for them. There is one bus on it.
unsafe impl UsbPeripheral for Controller {
    const REGISTERS: *const () = 0x4002_7000 as *const ();
}

/// What runs on the chip's CPU: it echoes.
fn firmware(board: &Bus) {
    let bus = UsbBusAllocator::new(Usbd::new(Controller));
    let mut serial = SerialPort::new(&bus);
    let mut device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 1)).device_class(USB_CLASS_CDC).build();
    let mut buffer = [0; 64];
    // On the chip it is `loop`; and a loop that makes no register access never lets anybody else go on.
    while !board.host_is_done() {
        device.poll(&mut [&mut serial]);
        if let Ok(length) = serial.read(&mut buffer) {
            serial.write(&buffer[..length]).expect("there is room: the host waits for each packet");
        }
    }
}

/// Firmware in the chip's RAM. What it asks of the chip that is not there fails the run, with the list.
fn in_ram(board: Bus) {
    let gaps = Gaps::default();
    by_address::run(&board, &gaps, || firmware(&board)).expect("the chip's addresses are free");
    assert!(gaps.is_empty(), "{gaps}");
}

fn host(mut host: Host) -> Script {
    Box::pin(async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        host.bulk_out(1, b"hello").await?;
        assert_eq!(host.bulk_in(2, 5).await?, b"hello");
        Ok(())
    })
}

/// The newest silicon, but for erratum 199, whose workaround this driver does not have. A rule that is known to be
/// broken is no violation any more; the others have this policy.
fn config(known: &[Rule], others: Policy) -> Config {
    let silicon = |policies: Policies, rule: &Rule| policies.with(*rule, Policy::Silicon);
    let errata = Errata::of(Revision::NEWEST).without(Erratum::E199);
    let policies = known.iter().fold(Policies::all(others), silicon);
    Config { options: Options { errata, ..Options::default() }, policies, ..Config::default() }
}

fn explore(known: &[Rule]) -> Exploration {
    let limits = Limits { schedules: 200, ..Limits::default() };
    sim_core::explore(config(known, Policy::Stop), limits, in_ram, host)
}

fn main() -> ExitCode {
    let is_given = |name: &str| std::env::args().any(|argument| argument == name);
    let known: &[Rule] = if is_given("--known") { &[Rule::ArmedTwice] } else { &[] };
    let policy = if is_given("--panic") { Policy::Panic } else { Policy::Stop };
    let exploration = explore(known);
    if let Some(replay) = exploration.verdict.replay() {
        let again = sim_core::replay(config(known, policy), replay, in_ram, host).expect("it was printed just now");
        println!("{}", timeline::render(&again.trace));
    }
    let is_clean = matches!(exploration.verdict.kind(), Kind::Sound | Kind::Inconclusive);
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_armed_twice() {
        assert_eq!(explore(&[]).verdict.kind(), Kind::Violation(Rule::ArmedTwice));
    }

    /// A bounded exploration is no proof, and does not say that it is one.
    #[test]
    fn nothing_else_is_found_within_the_limit() {
        let exploration = explore(&[Rule::ArmedTwice]);
        assert_eq!(exploration.verdict.kind(), Kind::Inconclusive, "{exploration}");
        assert!(exploration.complete > 50, "{exploration}");
    }
}
