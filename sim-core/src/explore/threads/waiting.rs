//! Who waits for the chip, and how: it spins for a moment, and sleeps then.
//!
//! Nobody who waits for the chip yields: on a busy machine that gives a whole turn away, and who sleeps is woken when
//! its turn is needed. Whatever changes wakes all who sleep, also whom it does not concern. A firmware does not say
//! that it waits: one that has looked [`LOOKS_IN_VAIN`] times with nothing changed does, be it at a register, at the
//! host, or through a critical section at what its handler has done.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

use super::Shared;
use crate::soc::Soc;

/// How often a firmware looks with nothing changed, before it counts as having noticed all. One that goes so often
/// through critical sections, and does something else in between, is taken for one that waits: `settle` does not wait
/// for it.
pub(super) const LOOKS_IN_VAIN: u32 = 500;

/// How often who waits for a change looks for one before it sleeps.
const SPINS: u32 = 100;

/// How long a firmware that polls sleeps at most.
const NAP: Duration = Duration::from_millis(1);

impl Shared {
    /// Does something to the system, and tells who waits.
    pub fn with<T>(&self, f: impl FnOnce(&mut Soc) -> T) -> T {
        let mut soc = self.soc.lock();
        let before = soc.generation();
        let result = f(&mut soc);
        if soc.generation() != before {
            self.tell(soc);
        }
        result
    }

    /// Tells who waits that something has changed.
    pub fn tell(&self, soc: MutexGuard<'_, Soc>) {
        // ORDERING: none needed: what has changed is behind the lock.
        self.looks.store(0, Ordering::Relaxed);
        // ORDERING: pairs with the loads in `wait`; whoever sees the count takes the lock next, which orders the rest.
        self.news.fetch_add(1, Ordering::Release);
        drop(soc);
        self.changed.notify_all();
    }

    /// Raises a flag, and tells who waits.
    pub fn set(&self, flag: &AtomicBool) {
        // ORDERING: pairs with the loads of the flags; what their readers need besides is behind the lock.
        flag.store(true, Ordering::Release);
        self.tell(self.soc.lock());
    }

    /// Waits until the system is `ready`. `None` when the deadline has passed.
    pub fn wait(&self, deadline: Option<Instant>, ready: impl Fn(&Soc) -> bool) -> Option<MutexGuard<'_, Soc>> {
        loop {
            // ORDERING: pairs with the `fetch_add` in `tell`, here and below; the lock taken next orders the rest.
            let seen = self.news.load(Ordering::Acquire);
            let mut soc = self.soc.lock();
            if ready(&soc) {
                return Some(soc);
            }
            drop(soc);
            (0..SPINS).take_while(|_| self.news.load(Ordering::Acquire) == seen).for_each(|_| hint::spin_loop());
            soc = self.soc.lock();
            // The count changes under the lock only: nothing is missed between this look and the sleep.
            if self.news.load(Ordering::Acquire) == seen {
                match deadline {
                    Some(deadline) => drop(self.changed.wait_until(&mut soc, deadline)),
                    None => self.changed.wait(&mut soc),
                }
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // A last look: who was told of it may have come to its turn late.
                return ready(&soc).then_some(soc);
            }
        }
    }

    /// The firmware has looked whether something has happened. Returns whether it has long done so in vain.
    pub fn note_look(&self) -> bool {
        // ORDERING: none needed: a change writes 0 under the lock, and who counts on there being none looks under it.
        self.looks.fetch_add(1, Ordering::Relaxed) >= LOOKS_IN_VAIN
    }

    /// Likewise, and may be polling: it sleeps for a moment then.
    pub fn look(&self) {
        if !self.note_look() {
            return hint::spin_loop();
        }
        let mut soc = self.soc.lock();
        if self.waits() {
            self.changed.wait_for(&mut soc, NAP);
        }
    }

    /// Whether the firmware has long looked in vain. Who asks has the lock.
    pub fn waits(&self) -> bool {
        // ORDERING: none needed: a change writes 0 under the lock.
        self.looks.load(Ordering::Relaxed) >= LOOKS_IN_VAIN
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dma_api::nrf52840::usbd::map;
    use dma_api::registers::{OutsideRegisters, Registers};

    use super::*;
    use crate::device::usbd::address_of;
    use crate::explore::Board;
    use crate::explore::threads::Bus;
    use crate::soc::Config;

    /// Who looks so often with nothing changed, by whatever means, waits; a change has it look anew.
    #[test]
    fn firmware_that_looks_in_vain_waits_until_something_changes() {
        let means: [fn(&Bus); 4] = [
            |bus| _ = bus.read(map::enable()),
            // SAFETY:
            // - It is read on a board of ours, which is memory of nobody.
            |bus| _ = unsafe { bus.peek(address_of(map::enable())) },
            |bus| assert!(!bus.host_is_done()),
            |bus| bus.critical_section(|| {}),
        ];
        let shared = Arc::new(Shared::new(Soc::new(Config::default())));
        let bus = Bus::new(&shared);
        for look in means {
            shared.tell(shared.soc.lock());
            for _ in 0..LOOKS_IN_VAIN {
                assert!(!shared.waits());
                look(&bus);
            }
            assert!(shared.waits());
        }
    }
}
