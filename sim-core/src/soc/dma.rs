//! The DMA's side of the system: from a job that was captured to its END.

use super::*;
use crate::engine::Beat;

/// The bytes of a beat.
const BEAT: usize = ownership::BEAT as usize;

/// Words that the engine moves at once: one beat each, from `site` on.
pub(crate) struct Words {
    range: Range<u32>,
    access: Access,
    site: Site,
}

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
    /// many: none, where somebody would see each.
    pub(crate) fn move_words(&mut self) -> usize {
        let words = self.copy.as_ref().and_then(|copy| self.words_at_once(copy));
        let Some(Words { range, access, site }) = words else {
            return 0;
        };
        let Some(copy) = self.copy.as_mut().filter(|_| self.ownership.dma_accesses(range, access, site)) else {
            return 0;
        };
        let words = copy.beats_left();
        copy.finish();
        words
    }

    /// All words that are left of `copy`, if nobody looks at each.
    pub(crate) fn words_at_once(&self, copy: &Copy) -> Option<Words> {
        let are_seen = copy.is_blind() || self.trace.keeps() || self.cache.is_some();
        let range = copy.whole_words_left().filter(|_| !are_seen)?;
        Some(Words { range, access: copy.access(), site: copy.site() })
    }

    /// The engine has moved them.
    pub(crate) fn note_words(&mut self, words: Words) {
        let Words { range, access, site } = words;
        if self.ownership.dma_accesses(range.clone(), access, site) {
            return;
        }
        // A race: at which beat, is to be said.
        for (index, start) in range.clone().step_by(BEAT).enumerate() {
            let beat = Beat { range: start..range.end.min(start + ownership::BEAT), access, site: site.later(index) };
            self.note_word(beat, [0; 4], false);
        }
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

    /// The DMA moves whatever it can, and what is on the wire arrives.
    pub(crate) fn let_dma_run(&mut self) {
        self.flush_all();
        self.move_all();
        self.land_all();
    }

    fn move_all(&mut self) {
        while self.engine_is_busy() {
            self.engine_step();
        }
        // A circular channel that needs no request would go on for ever.
        const STEPS: usize = 1000;
        for _ in 0..STEPS {
            let dma = self.dma_steps().next();
            let wire = self.wire_steps().next();
            match (dma, wire) {
                (Some(controller), _) => self.dma_step(controller),
                (None, Some(usart)) => self.wire_step(usart),
                (None, None) => return,
            }
        }
    }
}

/// The bytes of a beat, which may be fewer than four.
fn word(bytes: &[u8]) -> [u8; 4] {
    let mut word = [0; 4];
    word[..bytes.len()].copy_from_slice(bytes);
    word
}
