//! The physical limit of a round trip between two threads: one flag, there and back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

/// A flag that goes from one thread to another and back, `count` times. Who waits spins, and yields if that takes
/// long.
pub fn there_and_back(count: u64) -> Duration {
    let flag = AtomicU64::new(0);
    let wait = |value| {
        let backoff = Backoff::new();
        // ORDERING: pairs with the stores below.
        while flag.load(Ordering::Acquire) != value {
            backoff.snooze();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for trip in 0..count {
                wait(2 * trip + 1);
                // ORDERING: pairs with the load in `wait`.
                flag.store(2 * trip + 2, Ordering::Release);
            }
        });
        let started = Instant::now();
        for trip in 0..count {
            // ORDERING: pairs with the load in `wait`.
            flag.store(2 * trip + 1, Ordering::Release);
            wait(2 * trip + 2);
        }
        started.elapsed()
    })
}
