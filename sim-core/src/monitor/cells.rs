//! The cells of memory that was accessed: one for all words that were accessed alike.
//!
//! A driver has few buffers, and accesses them in whole; the engine goes through them word after word. So the cells of
//! neighbouring words are the same, but for the beat in which the engine was there, and that grows with the address.
//! Such words are a *piece*, and have one cell: that of the first. Pieces that could be one are joined, so that the
//! same words, accessed alike, make the same pieces, in whatever order they were accessed.

use std::ops::Range;

use super::clocks::Cell;

/// The cells of all words that were accessed.
///
/// # Invariants
///
/// - The pieces stand by address, do not overlap, and none goes on in the next.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Cells(Vec<Piece>);

/// Words that were accessed alike: never none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Piece {
    words: Range<u32>,
    /// Of the first word.
    cell: Cell,
}

impl Piece {
    /// What of it is in `words`, if anything is.
    fn part(&self, words: Range<u32>) -> Option<Self> {
        let words = self.words.start.max(words.start)..self.words.end.min(words.end);
        if words.is_empty() {
            return None;
        }
        let cell = self.cell.later((words.start - self.words.start) as usize);
        Some(Self { words, cell })
    }

    /// Whether `next` could be a part of it.
    fn goes_on_in(&self, next: &Self) -> bool {
        self.words.end == next.words.start && self.cell.is_earlier(&next.cell, self.words.len())
    }
}

impl Cells {
    /// Does something to the cells of `words`, piece by piece: `each` gets a piece's first word, and its cell. Those
    /// that nobody has accessed before are new.
    ///
    /// A site that `each` notes is the first word's: of those that follow it is [`Site::later`](super::Site).
    pub fn access(&mut self, words: Range<u32>, mut each: impl FnMut(u32, &mut Cell)) {
        if words.is_empty() {
            return;
        }
        let start = self.0.partition_point(|piece| piece.words.end <= words.start);
        let is_whole = self.0.get(start).is_some_and(|piece| piece.words == words);
        let places = if is_whole { start..start + 1 } else { self.cut(start, words) };
        for piece in &mut self.0[places.clone()] {
            each(piece.words.start, &mut piece.cell);
        }
        self.join(places);
    }

    /// Makes pieces of `words` alone, without a gap. Those that hold some of them stand from `start` on. Returns where
    /// the pieces are.
    fn cut(&mut self, start: usize, words: Range<u32>) -> Range<usize> {
        let end = self.0.partition_point(|piece| piece.words.start < words.end);
        let (mut pieces, mut at) = (Vec::new(), words.start);
        let new = |words: Range<u32>| (!words.is_empty()).then(|| Piece { words, cell: Cell::default() });
        let before = self.0[start..end].first().and_then(|piece| piece.part(0..words.start));
        let behind = self.0[start..end].last().and_then(|piece| piece.part(words.end..u32::MAX));
        for piece in self.0[start..end].iter().filter_map(|piece| piece.part(words.clone())) {
            pieces.extend(new(at..piece.words.start));
            at = piece.words.end;
            pieces.push(piece);
        }
        pieces.extend(new(at..words.end));
        let first = start + usize::from(before.is_some());
        let places = first..first + pieces.len();
        self.0.splice(start..end, before.into_iter().chain(pieces).chain(behind));
        places
    }

    /// Joins these pieces, and those before and behind, where one goes on in the next.
    fn join(&mut self, places: Range<usize>) {
        for place in (places.start.saturating_sub(1)..places.end).rev() {
            if let Some([this, next]) = self.0.get(place..place + 2)
                && this.goes_on_in(next)
            {
                self.0[place].words.end = next.words.end;
                self.0.remove(place + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Site;
    use crate::monitor::clocks::{Access, Master};

    fn touch(cells: &mut Cells, words: Range<u32>, times: u32) {
        let mut master = Master::new(1);
        (0..times).for_each(|_| master.release_fence());
        cells.access(words, |_, cell| cell.note(&master, Access::Write, None));
    }

    /// The engine writes word after word.
    fn write(cells: &mut Cells, words: impl IntoIterator<Item = u32>, first: u32) {
        for word in words {
            let site = Site::Dma { block: "EPOUT", endpoint: 1, beat: (word - first) as usize };
            cells.access(word..word + 1, |_, cell| cell.note(&Master::new(1), Access::Write, Some(site)));
        }
    }

    fn pieces(cells: &Cells) -> Vec<Range<u32>> {
        cells.0.iter().map(|piece| piece.words.clone()).collect()
    }

    /// Each word that has a cell, with it.
    fn words(cells: &Cells) -> Vec<(u32, Cell)> {
        let words = cells.0.iter().flat_map(|piece| {
            piece.words.clone().map(|word| (word, piece.cell.later((word - piece.words.start) as usize)))
        });
        words.collect()
    }

    #[test]
    fn words_that_were_accessed_alike_are_one_piece() {
        let mut cells = Cells::default();
        let mut pieces_after = |words: Range<u32>| {
            touch(&mut cells, words, 1);
            format!("{:?}", pieces(&cells))
        };
        assert_eq!(pieces_after(7..9), "[7..9]");
        assert_eq!(pieces_after(2..4), "[2..4, 7..9]");
        assert_eq!(pieces_after(4..5), "[2..5, 7..9]", "behind a piece");
        assert_eq!(pieces_after(1..2), "[1..5, 7..9]", "before a piece");
        assert_eq!(pieces_after(2..4), "[1..5, 7..9]", "inside of one");
        assert_eq!(pieces_after(20..21), "[1..5, 7..9, 20..21]");
        assert_eq!(pieces_after(3..8), "[1..9, 20..21]", "over a gap");
        assert_eq!(pieces_after(0..22), "[0..22]", "over all");
    }

    #[test]
    fn words_that_were_accessed_otherwise_are_pieces_of_their_own() {
        let mut cells = Cells::default();
        for (words, times, expected) in [
            (0..8, 1, "[0..8]"),
            (2..4, 2, "[0..2, 2..4, 4..8]"),
            (3..5, 3, "[0..2, 2..3, 3..5, 5..8]"),
            (2..3, 3, "[0..2, 2..5, 5..8]"),
            (6..12, 3, "[0..2, 2..5, 5..6, 6..12]"),
            (5..6, 3, "[0..2, 2..12]"),
        ] {
            touch(&mut cells, words, times);
            assert_eq!(format!("{:?}", pieces(&cells)), expected);
        }
    }

    #[test]
    fn cells_keep_what_was_done_to_them_when_pieces_are_cut_and_joined() {
        let mut cells = Cells::default();
        for (words, times) in [(5..6, 1), (10..12, 2), (6..7, 3), (4..5, 4)] {
            touch(&mut cells, words, times);
        }
        let before = words(&cells);
        assert_eq!(before.iter().map(|(word, _)| *word).collect::<Vec<_>>(), [4, 5, 6, 10, 11]);
        cells.access(0..20, |_, _| ());
        let kept: Vec<_> = words(&cells).into_iter().filter(|(_, cell)| *cell != Cell::default()).collect();
        assert_eq!((kept, words(&cells).len()), (before, 20));
    }

    #[test]
    fn beats_of_a_transfer_are_one_piece_and_each_word_keeps_its_own() {
        let (mut forwards, mut otherwise) = (Cells::default(), Cells::default());
        write(&mut forwards, 16..32, 16);
        write(&mut otherwise, (16..32).rev(), 16);
        assert_eq!((pieces(&forwards), words(&forwards)), (pieces(&otherwise), words(&otherwise)));
        assert_eq!(pieces(&forwards), vec![16..32]);
        // Another transfer has begun, and is at its second beat.
        touch(&mut forwards, 16..18, 1);
        assert_eq!(pieces(&forwards), [16..18, 18..32]);
        assert_eq!(words(&forwards)[2..], words(&otherwise)[2..]);
    }

    #[test]
    fn two_words_of_one_beat_are_two_pieces() {
        let mut cells = Cells::default();
        write(&mut cells, [5], 5);
        write(&mut cells, [6], 6);
        assert_eq!(pieces(&cells), [5..6, 6..7], "both are beat 0");
    }

    #[test]
    fn no_words_have_no_cells() {
        let mut cells = Cells::default();
        cells.access(3..3, |word, _| panic!("{word} is accessed"));
        assert_eq!(pieces(&cells), []);
    }

    #[test]
    fn words_at_the_end_of_the_address_space_have_cells() {
        let (mut cells, last) = (Cells::default(), u32::MAX / 4);
        touch(&mut cells, last..last + 1, 1);
        assert_eq!(pieces(&cells), vec![last..last + 1]);
    }
}
