//! What has come to the firmware, and whether it had to.
//!
//! The peer numbers its frames. They must come in order, none twice, and none may be missing unless something was told
//! that explains it: an error of the line, an overrun, a transfer that was dropped, forgotten or taken anew with frames
//! in it.
//!
//! An error may be told later than it came: at the end of the transfer, or by the next start. A start or an end without
//! an error says that nothing had gone wrong by then. So a gap is explained by what was lost between the last such look
//! before it and the first one after it.

use dma_api::stm32f103::usart::LineError;

use crate::serial::half::Ledger;

/// What fills a buffer before it is received into: no number that a frame near by has.
const UNTOUCHED: u8 = 0x80;

/// What happens one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// A frame has come.
    Frame(u8),
    /// A look at the line has shown no error.
    Clean,
    /// Frames may be lost here.
    Lossy,
}

/// Everything that came in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receiving {
    entries: Vec<Entry>,
    /// Errors that were told.
    told: Vec<LineError>,
    /// What was seen of the transfer that runs.
    seen: Vec<u8>,
}

impl Receiving {
    /// The errors of the line that were told.
    pub fn told(&self) -> &[LineError] {
        &self.told
    }

    /// How many frames have come.
    pub fn frames(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry, Entry::Frame(_))).count()
    }

    /// Whether frames came in order, and none is missing without a reason.
    ///
    /// # Errors
    ///
    /// Which is.
    pub fn check(&self) -> Result<(), String> {
        let mut due = 0_u8;
        let mut before = 0;
        for (at, entry) in self.entries.iter().enumerate() {
            let Entry::Frame(frame) = *entry else { continue };
            let missing = frame.wrapping_sub(due);
            if missing > 0x7F {
                return Err(format!("frame {frame} came where {due} was due: twice, or late; {:?}", self.entries));
            }
            if missing > 0 && !self.explains(before, at) {
                return Err(format!("frame {frame} came where {due} was due, and nobody said so; {:?}", self.entries));
            }
            (due, before) = (frame.wrapping_add(1), at);
        }
        Ok(())
    }

    /// Whether something was lost between the last clean look before entry `from` and the first after entry `to`.
    fn explains(&self, from: usize, to: usize) -> bool {
        let is_clean = |entry: &Entry| *entry == Entry::Clean;
        let first = self.entries[..from].iter().rposition(is_clean).unwrap_or_default();
        let last = self.entries[to..].iter().position(is_clean).map_or(self.entries.len(), |clean| to + clean);
        self.entries[first..last].contains(&Entry::Lossy)
    }

    /// These frames have come.
    pub fn came(&mut self, frames: &[u8]) {
        self.entries.extend(frames.iter().copied().map(Entry::Frame));
    }

    /// Frames may be lost here.
    pub fn may_lose(&mut self) {
        self.entries.push(Entry::Lossy);
    }

    /// So much of a transfer that runs has come: what was seen before stands still.
    pub fn saw(&mut self, frames: &[u8]) {
        assert!(frames.starts_with(&self.seen), "{:?} was seen before, and now {frames:?}", self.seen);
        self.seen = frames.to_vec();
    }

    /// The transfer has left these frames.
    fn transferred(&mut self, frames: &[u8]) {
        let seen = std::mem::take(&mut self.seen);
        assert!(frames.starts_with(&seen), "{seen:?} was seen, and then {frames:?}");
        self.came(frames);
    }

    /// An error is told.
    pub fn tell(&mut self, error: LineError) {
        self.told.push(error);
        self.may_lose();
    }
}

impl Ledger for Receiving {
    fn prepare(&mut self, memory: &mut [u8]) {
        let newest = self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Frame(frame) => Some(*frame),
            _ => None,
        });
        memory.fill(newest.unwrap_or_default().wrapping_add(UNTOUCHED));
    }

    fn started(&mut self, _memory: &[u8]) {
        self.entries.push(Entry::Clean);
        self.seen.clear();
    }

    fn started_round(&mut self, memory: &[u8]) {
        self.started(memory);
    }

    fn looked(&mut self, _moved: usize) {}

    fn ended(&mut self, memory: &[u8], error: Option<LineError>) {
        self.transferred(memory);
        match error {
            None => self.entries.push(Entry::Clean),
            // With it, the frame that waits is gone.
            Some(error) => self.tell(error),
        }
    }

    fn stopped(&mut self, memory: &[u8], moved: usize) {
        let (frames, rest) = memory.split_at(moved);
        self.transferred(frames);
        let is_untouched = rest.windows(2).all(|pair| pair[0] == pair[1]);
        assert!(is_untouched, "{moved} frames were moved, and there are more: {memory:?}");
    }

    fn stopped_round(&mut self) {
        // Nobody has read the half that was being filled, perhaps neither.
        self.may_lose();
    }

    fn lost(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.came(&seen);
        self.may_lose();
    }

    fn panicked(&mut self, memory: &[u8], moved: usize) {
        self.came(&memory[..moved]);
        self.may_lose();
    }

    fn refused(&mut self, error: LineError) {
        self.tell(error);
    }
}

#[cfg(test)]
mod tests {
    use super::Entry::{Clean, Frame, Lossy};
    use super::*;

    fn check(entries: &[Entry]) -> Result<(), String> {
        Receiving { entries: entries.to_vec(), ..Receiving::default() }.check()
    }

    #[test]
    fn gap_needs_a_reason_between_the_looks_around_it() {
        assert_eq!(check(&[Clean, Frame(0), Frame(1), Clean, Frame(2)]), Ok(()));
        assert!(check(&[Frame(1)]).is_err(), "the first is missing");
        assert!(check(&[Clean, Frame(0), Frame(2), Clean, Lossy]).is_err(), "the reason comes too late");
        assert!(check(&[Lossy, Clean, Frame(0), Frame(2)]).is_err(), "it came too early");
        assert_eq!(check(&[Clean, Frame(0), Frame(2), Lossy, Clean]), Ok(()), "told at the end");
        assert_eq!(check(&[Clean, Frame(0), Lossy, Clean, Frame(2), Clean]), Ok(()), "the read of DR took it");
    }

    #[test]
    fn frame_that_comes_twice_has_no_reason() {
        assert!(check(&[Frame(0), Lossy, Frame(0)]).is_err());
        assert!(check(&[Frame(0), Frame(1), Lossy, Frame(0)]).is_err());
    }

    #[test]
    #[should_panic(expected = "2 frames were moved, and there are more")]
    fn frame_behind_the_count_is_found() {
        Receiving::default().stopped(&[0, 1, 2, 0x80], 2);
    }
}
