//! The engine's work: power-ups, items, and the copy, which is done without the lock.

use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::Shared;
use crate::engine::Copy;
use crate::soc::Soc;

impl Shared {
    /// The engine's thread: until there is nothing more to come.
    pub fn engine(&self) {
        // ORDERING: pairs with the store in `set`; what the host has done is behind the lock.
        let is_over = || self.firmware_is_done() && self.host_is_done.load(Ordering::Acquire);
        let has_work = |soc: &Soc| soc.engine_is_busy() || soc.is_moving_items() || soc.is_rising();
        while let Some(soc) = self.wait(None, |soc| has_work(soc) || is_over())
            && has_work(&soc)
        {
            self.do_work(soc);
        }
    }

    /// Does what there is to do, a step of it: the lock is somebody else's then.
    fn do_work(&self, mut soc: MutexGuard<'_, Soc>) {
        self.note_step();
        if soc.usbd().is_powering_up() {
            soc.power_up_done();
        } else if let Some(step) = soc.supply_steps().next() {
            soc.supply_step(step);
        } else if soc.is_moving_items() {
            let controllers: Vec<_> = soc.dma_steps().collect();
            controllers.into_iter().for_each(|controller| soc.dma_step(controller));
            let usarts: Vec<_> = soc.wire_steps().collect();
            usarts.into_iter().for_each(|usart| soc.wire_step(usart));
        } else if let Some(copy) = soc.take_copy() {
            return self.do_copy(soc, copy);
        }
        self.tell(soc);
    }

    /// Moves the words, and raises END.
    fn do_copy(&self, soc: MutexGuard<'_, Soc>, mut copy: Copy) {
        let at_once = soc.words_at_once(&copy);
        drop(soc);
        match at_once {
            Some(words) => {
                copy.finish();
                self.with(|soc| {
                    soc.note_words(words);
                    soc.end_copy(&copy);
                });
            }
            None => {
                while let Some(beat) = copy.next() {
                    let blind = copy.is_blind();
                    let bytes = copy.step();
                    self.soc.lock().note_beat(beat, bytes, blind);
                }
                self.with(|soc| soc.end_copy(&copy));
            }
        }
    }
}
