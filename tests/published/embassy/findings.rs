//! What the monitor says of embassy-nrf 0.11.0 under a serial port: found on random schedules, by scripts of any
//! host's.
//!
//! As those of nrf-usbd (`nrf_usbd::findings`), with the same scripts and the same twin.

use sim_core::device::usbd::{Alignment, Errata, Options, Revision};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError};
use sim_core::monitor::Rule;

use crate::devices::Device;
use crate::echo::{echo, three_packets_at_once};
use crate::findings::{expect_failure, expect_nothing_else, expect_rule};
use crate::interruptions;

async fn enumerate(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::Linux, 5).await.map(drop)
}

async fn enumerate_and_echo(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    echo(&mut host, 3).await
}

/// `read_dma` writes SIZE.EPOUT after the END, which arms by itself. embassy PR #6688, after 0.11.0.
///
/// Rests on: the END of an OUT transfer arms its endpoint (D: TinyUSB, Tock, embassy).
#[test]
fn out_endpoint_is_armed_twice() {
    expect_rule(Device::Embassy, Rule::ArmedTwice, |options| options, enumerate_and_echo);
}

/// The same, as silicon does it.
#[test]
fn packet_that_was_acknowledged_is_lost() {
    expect_failure(Device::Embassy, "acknowledged, and lost: [\"2nd\"]", three_packets_at_once);
}

/// embassy PR #6688, after 0.11.0.
///
/// Rests on: all nRF52840 have the erratum (E).
#[test]
fn transfers_are_started_without_the_workaround_of_erratum_199() {
    let newest = |options| Options { errata: Errata::of(Revision::NEWEST), ..options };
    expect_rule(Device::Embassy, Rule::WorkaroundMissing, newest, enumerate);
}

/// Who waits for a connection reads EPOUTEN, be the controller enabled or not.
///
/// Rests on: which registers are out of reach before READY (P53, "USB register access limitations").
#[test]
fn endpoint_is_looked_at_before_the_controller_is_ready() {
    expect_rule(Device::Embassy, Rule::AccessBeforeReady, |options| options, enumerate);
}

/// `accept_set_address` triggers EP0STATUS.
///
/// Rests on: the hardware has SET_ADDRESS to itself (D: nrf-usbd, TinyUSB). It is harmless here, as it seems to be in
/// the field.
#[test]
fn status_stage_of_set_address_is_permitted() {
    expect_rule(Device::Embassy, Rule::StatusOnSetAddress, |options| options, enumerate);
}

/// `poll` writes LOWPOWER=1 for a suspension, and only a remote wake-up writes 0 again.
///
/// Rests on: which registers are out of reach in low power (P53, likewise).
#[test]
fn registers_are_used_in_low_power() {
    expect_rule(Device::Embassy, Rule::AccessInLowPower, |options| options, interruptions::suspension_in_an_echo);
}

/// The same, as the model has silicon do it: after a suspension the device does not answer any more.
///
/// Rests on: that it answers again from LOWPOWER=0 on, and not before, which is the model's choice (`device::usbd`).
#[test]
fn device_that_was_suspended_does_not_answer() {
    expect_failure(Device::Embassy, "no answer to SETUP at address 0", interruptions::reset_in_a_suspension);
}

/// IN begins wherever the slice does that embassy-usb has.
///
/// Rests on: `Alignment::Words`, a switch: the nRF5340 PS asks for it, and drivers in the field do without.
#[test]
fn packet_is_sent_from_an_odd_address() {
    let words = |options| Options { alignment: Alignment::Words, ..options };
    expect_rule(Device::Embassy, Rule::Unaligned, words, enumerate);
}

/// Enumeration and echo, on every schedule of the above, without what is above.
#[test]
fn nothing_else_is_found() {
    expect_nothing_else(Device::Embassy);
}
