//! Chapter 9 of USB 2.0: what every device has to answer.
//!
//! The checks are those of the USB-IF's tool (USB20CV, its numbers as TD9.x where they are known), in our own words,
//! and probes that a virtual host can do and that tool cannot. Each runs against the devices of [`Device::CHAPTER9`]: a
//! serial port and the test class, both on usb-device, and one more.
//!
//! | module | what |
//! |---|---|
//! | `descriptor` | each in each state; short, long and empty reads; what must be refused |
//! | `requests` | status, features, configurations, interfaces, addresses, enumeration again and again |
//! | `wire` | lost and repeated packets; transfers that are abandoned, overtaken or reset; toggles |
//!
//! What a device is known to fail is an [`Exception`], with the reason. It must fail, and say so in these words: the
//! day that it does not, its exception is to go.
//!
//! *Left out*: high speed, hubs, test modes, LPM (TD9.21 in part: the bit is read), power (TD9.18 in part).

use std::future::Future;

use dma_api::usb::Setup;
use sim_core::host::descriptors::Configuration;
use sim_core::host::enumerate::{self, OperatingSystem};
use sim_core::host::requests::get_descriptor;
use sim_core::host::{Host, HostError, descriptors};

use crate::classes::devices::Device;
use crate::classes::harness::{fails, passes_on_schedules, passes_on_threads};

mod descriptor;
mod requests;
mod wire;

/// A device under test, and where it sends back what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subject {
    device: Device,
    /// The numbers of its bulk endpoints.
    bulk_out: u8,
    bulk_in: u8,
}

const SERIAL: Subject = Subject { device: Device::Serial, bulk_out: 1, bulk_in: 2 };
const TEST_CLASS: Subject = Subject { device: Device::TestClass, bulk_out: 1, bulk_in: 1 };
const LOOPBACK: Subject = Subject { device: Device::Loopback, bulk_out: 1, bulk_in: 1 };

/// A check that a device is known to fail.
struct Exception {
    subject: Subject,
    /// Why.
    reason: &'static str,
    /// What the host says.
    says: &'static str,
}

/// All subjects pass the check.
fn holds<C, R>(check: C)
where
    C: Fn(Host, Subject) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    holds_except(&[], check);
}

/// All subjects pass the check, except for these, which fail it as they say.
fn holds_except<C, R>(exceptions: &[Exception], check: C)
where
    C: Fn(Host, Subject) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    for subject in holds_on_schedules(exceptions, &check) {
        passes_on_threads(subject.device, |host| check(host, subject));
    }
}

/// As [`holds_except`], on every schedule but threads (see [`passes_on_schedules`]). Returns who passes.
fn holds_on_schedules<C, R>(exceptions: &[Exception], check: C) -> Vec<Subject>
where
    C: Fn(Host, Subject) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let mut passing = Vec::new();
    for &(device, bulk_out, bulk_in) in Device::CHAPTER9 {
        let subject = Subject { device, bulk_out, bulk_in };
        let script = |host| check(host, subject);
        match exceptions.iter().find(|exception| exception.subject == subject) {
            Some(Exception { reason, says, .. }) => {
                println!("{:?} is known to fail: {reason}", subject.device);
                fails(subject.device, script, says);
            }
            None => {
                passes_on_schedules(subject.device, script);
                passing.push(subject);
            }
        }
    }
    passing
}

/// Both devices on usb-device fail the check for this reason, and say so.
fn usb_device_fails(reason: &'static str, says: &'static str) -> [Exception; 2] {
    [SERIAL, TEST_CLASS].map(|subject| Exception { subject, reason, says })
}

/// What is due, or the check fails and says what.
fn ensure(holds: bool, what: impl Into<String>) -> Result<(), HostError> {
    if holds { Ok(()) } else { Err(HostError::Unexpected(what.into())) }
}

/// Resets the device and gives it an address: no more.
async fn address(host: &mut Host) -> Result<(), HostError> {
    host.reset().await?;
    host.set_address(5).await?;
    let beginning = host.control_in(Setup::get_device_descriptor(8)).await?;
    host.set_control_packet_size(beginning[7]);
    Ok(())
}

/// Resets the device, reads what it is, and configures it.
async fn configure(host: &mut Host) -> Result<enumerate::Device, HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await
}

/// As [`configure`], of a device that something was done to just now. This host is faster after a reset than the 10 ms
/// that others wait; a driver that is in doubt refuses its first request, and hosts begin again.
async fn configure_again(host: &mut Host) -> Result<enumerate::Device, HostError> {
    match configure(host).await {
        Err(HostError::Stalled { .. }) => configure(host).await,
        outcome => outcome,
    }
}

/// The first configuration, as bytes.
async fn configuration_bytes(host: &mut Host) -> Result<Vec<u8>, HostError> {
    let beginning = host.control_in(get_descriptor(descriptors::CONFIGURATION, 0, 0, Configuration::LENGTH)).await?;
    let total = Configuration::parse_total_length(&beginning)?;
    host.control_in(get_descriptor(descriptors::CONFIGURATION, 0, 0, total)).await
}

/// The device refuses this.
async fn is_refused(host: &mut Host, setup: Setup, what: &str) -> Result<(), HostError> {
    let outcome = if setup.is_in() {
        host.control_in(setup).await.map(drop)
    } else {
        host.control_out(setup, &vec![0; setup.length.into()]).await
    };
    match outcome {
        Err(HostError::Stalled { .. }) => Ok(()),
        Ok(()) => Err(HostError::Unexpected(format!("{what} is granted"))),
        Err(error) => Err(error),
    }
}

/// Sends a short packet, and gets it back.
async fn echo(host: &mut Host, subject: Subject, bytes: &[u8]) -> Result<(), HostError> {
    host.bulk_out(subject.bulk_out, bytes).await?;
    let back = host.bulk_in(subject.bulk_in, bytes.len()).await?;
    ensure(back == bytes, format!("{bytes:?} came back as {back:?}"))
}
