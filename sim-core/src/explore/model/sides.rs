//! Where both sides are when an execution does not end.

use std::sync::Arc;
use std::sync::atomic::Ordering as Plain;

use super::Evidence;
use super::device::{Shared, lock};
use crate::device::name_at;

/// Sees an execution from both of its threads.
pub(super) struct Witness {
    pub shared: Arc<Shared>,
    pub evidence: Arc<Evidence>,
    /// How many packets, or transfers, the device has to do.
    pub packets: usize,
}

/// Writes down where both sides are, if its thread is left by a panic: loom ends an execution so.
pub(super) struct Watch<'a>(&'a Witness);

impl Witness {
    pub fn watch(&self) -> Watch<'_> {
        Watch(self)
    }

    fn sides(&self) -> String {
        let Self { shared, evidence, packets } = self;
        let [started, done] = [&shared.started, &shared.done].map(|count| count.load(Plain::Relaxed));
        let polled: Vec<String> = lock(&shared.polled).iter().map(|&register| name_at(register)).collect();
        let driver = match &polled[..] {
            _ if evidence.returned.load(Plain::Relaxed) => "the firmware has returned".to_owned(),
            [] => "the driver is between two reads".to_owned(),
            names => format!("the driver polls {}", names.join(" and ")),
        };
        let next = if started > done && done < *packets as u64 { "is at the next" } else { "waits for another" };
        let device = if done == *packets as u64 { "has no more to do" } else { next };
        format!("{driver}, and has started {started} transfers; the device has done {done} of {packets}, and {device}")
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.evidence.sides).get_or_insert_with(|| self.0.sides());
        }
    }
}
