//! What the shared suites ask for: each test passes, or fails as it is known to.
//!
//! There are no threads: see `sim_core::explore::by_address`. And our own driver is checked where these files are from.

use std::future::Future;

use sim_core::host::{Host, HostError};

use super::known;
use crate::devices::Device;
use crate::harness;

/// Runs `script` against `device` on every schedule of this suite, each of which must be sound; or, if `known` says so,
/// fail in the words that stand there.
///
/// # Panics
///
/// If that is not so: with the end of the timeline.
pub fn passes_on_schedules<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    if device == Device::Loopback {
        return;
    }
    match known::failure(device) {
        Some(says) => harness::fails(device, script, says),
        None => harness::passes(device, script),
    }
}

/// As [`passes_on_schedules`].
pub fn passes<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    passes_on_schedules(device, script);
}

/// There are no threads here: what runs on them has run on schedules.
pub fn passes_on_threads<S, R>(_device: Device, _script: S)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
}

/// Runs `script` against `device`, which is to fail in these words: what the suite knows of usb-device; or in those
/// that `known` has.
///
/// # Panics
///
/// If it does not.
pub fn fails<S, R>(device: Device, script: S, says: &str)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    if device != Device::Loopback {
        harness::fails(device, script, known::failure(device).unwrap_or(&[says]));
    }
}
