//! What a CPU has read and written: with that, an explorer knows a state again.

use crate::hash::hash;

/// What the driver has read and written: its local state is a function of it.
///
/// A round of reads that gives the same values for the third time is a poll, and is left out: the driver is where it
/// was after the second.
#[derive(Default)]
pub(super) struct History {
    /// All up to the last write or news.
    pub past: u64,
    /// Reads since then.
    pub reads: Vec<(u32, u32)>,
    /// In the handler: what the main program knows, and where it is.
    pub interrupted: Option<u64>,
    /// What the main program knows, before all runs of the handler since it has gone on.
    pub main: u64,
    /// All up to the end of the handler's last run.
    pub left: Option<u64>,
    /// Nobody asks for states: nothing is kept.
    pub is_off: bool,
}

impl History {
    #[inline]
    pub fn write(&mut self, register: u32, value: u32) {
        if !self.is_off {
            self.keep_write(register, value);
        }
    }

    fn keep_write(&mut self, register: u32, value: u32) {
        self.past = hash((self.past, &self.reads, register, value));
        self.reads.clear();
    }

    #[inline]
    pub fn read(&mut self, register: u32, value: u32) {
        if !self.is_off {
            self.keep_read(register, value);
        }
    }

    fn keep_read(&mut self, register: u32, value: u32) {
        let is_news = self.reads.iter().any(|read| read.0 == register && read.1 != value);
        if is_news {
            self.past = hash((self.past, &self.reads));
            self.reads.clear();
        }
        self.reads.push((register, value));
        let length = self.reads.len();
        let rounds = |round: usize| {
            let mut rounds = self.reads[length - 3 * round..].chunks(round);
            let first = rounds.next();
            rounds.all(|next| Some(next) == first)
        };
        if let Some(round) = (1..=length / 3).find(|&round| rounds(round)) {
            self.reads.truncate(length - round);
        }
    }
}
