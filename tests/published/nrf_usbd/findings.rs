//! What the monitor says of nrf-usbd 0.3.0 under a whole device: found on random schedules, by scripts of any host's.
//!
//! Each has a replay string, a rule or what the host saw, and a twin: the same class on our own driver, on the same
//! schedules, with the same switches of the model. What it rests on stands with it: the PS of the nRF5340, which has
//! the same block (P53), the register description (S), Nordic's errata (E), other drivers (D), or nobody (I: inferred).
//!
//! Not found, and looked for in the same way: SIZE or another register of the core in the middle of a transfer
//! ([`Rule::AccessDuringTransfer`]; the driver waits for each END, in a critical section), EP0STATUS or EP0RCVOUT
//! meanwhile, EP0STATUS on SET_ADDRESS, a packet written over one that the host has not taken, with each of the
//! switches of `expect_nothing_else`.

use sim_core::device::usbd::{Alignment, Errata, Options, Revision};
use sim_core::explore::Verdict;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::monitor::Rule;

use crate::devices::Device;
use crate::findings::{expect_failure, expect_nothing_else, expect_rule, on_silicon};
use crate::harness::find;
use crate::interruptions;

/// Nothing is written to DMALATCH (0xC1C) before START.
///
/// Rests on: all nRF52840 have the erratum (E). What it does to a driver without the workaround is a switch,
/// `Options::erratum_199`.
#[test]
fn transfers_are_started_without_the_workaround_of_erratum_199() {
    let newest = |options| Options { errata: Errata::of(Revision::NEWEST), ..options };
    expect_rule(Device::Serial, Rule::WorkaroundMissing, newest, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await.map(drop)
    });
}

/// `poll` tells of a suspension and has LOWPOWER=1 written; the class asks for a packet that has come before, and
/// `read` looks at nothing but EPDATASTATUS.
///
/// Rests on: which registers are out of reach in low power (P53, "USB register access limitations").
#[test]
fn packet_is_read_in_low_power() {
    expect_rule(Device::Serial, Rule::AccessInLowPower, |options| options, interruptions::suspension_in_an_echo);
}

/// The same, as silicon does it: there is no END, and the driver waits for it for ever, with interrupts masked.
///
/// Rests on: a transfer that is started in low power never ends (Nordic, in zephyr PR #81596).
#[test]
fn read_in_low_power_waits_for_ever() {
    let run = find(&on_silicon(Device::Serial, interruptions::suspension_in_an_echo));
    let Verdict::Deadlock { message, .. } = &run.verdict else { panic!("{}", run.verdict) };
    assert!(message.starts_with("the driver polls EVENTS_ENDEPOUT[1]"), "{message}");
}

/// Endpoint 0 is busy from STARTEPIN[0] to EP0DATADONE. A host that begins anew does not take the packet, and all that
/// the device has to say after that waits.
///
/// Rests on: a SETUP ends what was in progress (P53, control transfers). nrf-usbd issue #29; mended after 0.3.0, where
/// it times out.
#[test]
fn setup_in_a_control_read_leaves_endpoint_zero_busy() {
    expect_failure(
        Device::Serial,
        "endpoint 0, was answered with NAK for 5000 ms",
        interruptions::suspension_in_a_control_read,
    );
}

/// `poll` tells of a packet that the host has taken and of the SETUP after it at once; usb-device takes the packet for
/// one of the new request. A host that is quick, or a CPU that is late.
///
/// Rests on: EP0SETUP comes with EP0DATADONE of the transfer before still set (S: they are two events).
#[test]
fn setup_that_comes_with_the_end_of_another_transfer_is_stalled() {
    expect_failure(Device::Serial, "endpoint 0 answered IN with STALL", |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await.map(drop)
    });
}

/// DTOGGLE is never written. After a bus reset the host begins with DATA0.
///
/// Rests on: toggles outlive a bus reset, which is the model's choice (`device::usbd`); the drivers of others write
/// DTOGGLE on SET_CONFIGURATION (D: TinyUSB, nrfx).
#[test]
fn packet_after_a_reset_is_taken_for_one_that_came_before() {
    expect_failure(
        Device::Serial,
        "endpoint 2, was answered with NAK for 5000 ms",
        interruptions::reset_in_a_suspension,
    );
}

/// `reset` arms an OUT endpoint whose packet EPDATASTATUS still announces; then that is read.
///
/// Rests on: EPDATASTATUS outlives a bus reset, which the reference infers (I).
#[test]
fn packet_from_before_a_reset_is_read_after_it() {
    expect_rule(Device::Serial, Rule::StartWithoutPacket, |options| options, interruptions::reset_in_an_echo);
}

/// OUT goes to wherever the caller's slice begins.
///
/// Rests on: `Alignment::Words`, a switch: the nRF5340 PS asks for it, and drivers in the field do without.
#[test]
fn packet_is_received_at_an_odd_address() {
    let words = |options| Options { alignment: Alignment::Words, ..options };
    expect_rule(Device::Serial, Rule::Unaligned, words, interruptions::suspension_in_an_echo);
}

/// Enumeration and echo, on every schedule of the above, without what is above.
#[test]
fn nothing_else_is_found() {
    for device in [Device::Serial, Device::Own] {
        expect_nothing_else(device);
    }
}
