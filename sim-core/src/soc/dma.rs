//! The DMA's side of the system: from a job that was captured to its END.

use super::*;
use crate::engine::Beat;

impl Soc {
    /// Whether the engine has something to do.
    pub fn engine_is_busy(&self) -> bool {
        self.copy.is_some()
    }

    /// The engine moves one word, or, when all were moved, ends the transfer.
    pub fn engine_step(&mut self) {
        if self.end_copy_early() {
            return;
        }
        self.land_before_beat();
        let Some(copy) = &mut self.copy else {
            return;
        };
        let Some(beat) = copy.next() else {
            if let Some(copy) = self.copy.take() {
                self.end_copy(&copy);
            }
            return;
        };
        let blind = copy.is_blind();
        let bytes = word(copy.step());
        self.note_word(beat, bytes, blind);
    }

    /// How many words the engine will move before it ends the transfer.
    pub(crate) fn words_left(&self) -> usize {
        self.copy.as_ref().map_or(0, Copy::beats_left)
    }

    /// The engine moves all words that are left, as [`engine_step`](Self::engine_step) would one by one. Returns how
    /// many: none, where somebody would see each, since it is to be kept, or to be reported.
    pub(crate) fn move_words(&mut self) -> usize {
        let Some(copy) =
            self.copy.as_mut().filter(|copy| !copy.is_blind() && !self.trace.keeps() && self.cache.is_none())
        else {
            return 0;
        };
        let words = copy.beats_left();
        let Some(range) = copy.whole_words_left() else {
            return 0;
        };
        if !self.ownership.dma_accesses(range, copy.access(), copy.site()) {
            return 0;
        }
        copy.finish();
        words
    }

    /// Takes the copy that is to be done, for an engine that does it without the lock that this value is behind.
    pub(crate) fn take_copy(&mut self) -> Option<Copy> {
        let copy = self.copy.take()?;
        self.taken = Some((copy.range(), copy.site()));
        Some(copy)
    }

    /// The engine has moved `bytes` in `beat`. `blind`: there was no memory.
    pub(crate) fn note_beat(&mut self, beat: Beat, bytes: &[u8], blind: bool) {
        self.note_word(beat, word(bytes), blind);
    }

    #[inline]
    fn note_word(&mut self, beat: Beat, bytes: [u8; 4], blind: bool) {
        let Beat { range, access, site } = beat.clone();
        self.trace.note(None, || Record::Beat { beat, bytes });
        if !blind {
            let race = self.ownership.dma_access(range.clone(), access, site);
            self.report(race, site);
            self.dma_accessed(&range, access, site);
        }
    }

    /// A copy has ended, or was given up: what it has written is in memory, and from now on nowhere else.
    pub(super) fn note_delivered(&mut self, copy: &Copy) {
        if copy.access() == Access::Write && !copy.is_blind() {
            self.delivered = hash((self.delivered, copy.range(), &copy.payload().bytes()[..copy.moved()]));
        }
    }

    /// What the DMA has written since the last call, as a hash: the CPU knows it once it has the memory.
    pub(crate) fn take_delivered(&mut self) -> u64 {
        std::mem::take(&mut self.delivered)
    }

    /// The engine has moved all bytes: END.
    pub(crate) fn end_copy(&mut self, copy: &Copy) {
        self.taken = None;
        self.generation += 1;
        self.ownership.job_ended();
        self.note_delivered(copy);
        let job = copy.job();
        if self.usbd.job().is_none_or(|current| current.id != job.id) {
            return;
        }
        let (block, endpoint, amount) = (job.block(), job.endpoint, copy.moved());
        self.trace.note(None, || Record::Ended { block, endpoint, amount });
        self.usbd.complete(job.id, copy.payload());
        self.settle(copy.site());
    }
}

/// The bytes of a beat, which may be fewer than four.
fn word(bytes: &[u8]) -> [u8; 4] {
    let mut word = [0; 4];
    word[..bytes.len()].copy_from_slice(bytes);
    word
}
