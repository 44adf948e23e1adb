//! The cells of memory that was accessed, word by word.
//!
//! A driver has few buffers, and accesses them in whole. So cells of neighbouring words stand together, in a *run*: an
//! access finds its run among few, and its cells side by side. Runs that touch are joined, so that the same words make
//! the same runs, in whatever order they were accessed.

use std::ops::Range;

use super::clocks::Cell;

/// The cells of all words that were accessed: runs by address, with a gap between each two.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Cells(Vec<Run>);

/// The cells of words without a gap: never none.
#[derive(Clone, Debug, Hash)]
struct Run {
    first: u32,
    cells: Vec<Cell>,
}

impl Run {
    fn words(&self) -> Range<u32> {
        let length = u32::try_from(self.cells.len()).expect("there are 2^30 words");
        self.first..self.first + length
    }

    /// Where the cells of `words` are. `None`: they are not all here.
    fn place(&self, words: &Range<u32>) -> Option<Range<usize>> {
        let start = words.start.checked_sub(self.first)? as usize;
        let end = start + words.len();
        (end <= self.cells.len()).then_some(start..end)
    }
}

impl Cells {
    /// The cells of `words`. Those that nobody has accessed before are new.
    pub fn of(&mut self, words: Range<u32>) -> &mut [Cell] {
        if words.is_empty() {
            return &mut [];
        }
        let found = (0..).zip(&self.0).find_map(|(index, run)| Some((index, run.place(&words)?)));
        let (index, place) = found.unwrap_or_else(|| self.grow(words));
        &mut self.0[index].cells[place]
    }

    /// Makes one run of `words` and of all that they touch. Returns where they are.
    #[cold]
    fn grow(&mut self, words: Range<u32>) -> (usize, Range<usize>) {
        let start = self.0.partition_point(|run| run.words().end < words.start);
        let end = self.0.partition_point(|run| run.first <= words.end);
        let touched = &self.0[start..end];
        let first = touched.first().map_or(words.start, |run| run.first.min(words.start));
        let last = touched.last().map_or(words.end, |run| run.words().end.max(words.end));
        let mut touched: Vec<Run> = self.0.drain(start..end).collect();
        // A run that is only made longer stays where it is.
        let mut cells = match touched.first_mut() {
            Some(run) if run.first == first => std::mem::take(&mut run.cells),
            _ => Vec::new(),
        };
        cells.resize_with((last - first) as usize, Cell::default);
        for run in touched {
            let place = (run.first - first) as usize;
            cells[place..place + run.cells.len()].clone_from_slice(&run.cells);
        }
        let place = (words.start - first) as usize..(words.end - first) as usize;
        self.0.insert(start, Run { first, cells });
        (start, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::clocks::{Access, Master};

    fn touch(cells: &mut Cells, words: Range<u32>, times: u32) {
        let mut master = Master::new(1);
        (0..times).for_each(|_| master.release_fence());
        for cell in cells.of(words) {
            cell.access(&master, Access::Write, None);
        }
    }

    /// The cells that have something in them, each with its word.
    fn touched(cells: &Cells) -> Vec<(u32, Cell)> {
        let all = cells.0.iter().flat_map(|run| run.words().zip(run.cells.clone()));
        all.filter(|(_, cell)| *cell != Cell::default()).collect()
    }

    fn runs(cells: &Cells) -> Vec<Range<u32>> {
        cells.0.iter().map(Run::words).collect()
    }

    #[test]
    fn runs_that_touch_are_joined() {
        let mut cells = Cells::default();
        let mut runs_after = |words: Range<u32>| {
            assert_eq!(cells.of(words.clone()).len(), words.len());
            format!("{:?}", runs(&cells))
        };
        assert_eq!(runs_after(7..9), "[7..9]");
        assert_eq!(runs_after(2..4), "[2..4, 7..9]");
        assert_eq!(runs_after(4..5), "[2..5, 7..9]", "behind a run");
        assert_eq!(runs_after(1..2), "[1..5, 7..9]", "before a run");
        assert_eq!(runs_after(2..4), "[1..5, 7..9]", "inside of one");
        assert_eq!(runs_after(20..21), "[1..5, 7..9, 20..21]");
        assert_eq!(runs_after(3..8), "[1..9, 20..21]", "over a gap");
        assert_eq!(runs_after(0..22), "[0..22]", "over all");
    }

    #[test]
    fn cells_keep_what_was_done_to_them_when_their_run_grows() {
        let mut cells = Cells::default();
        for (words, times) in [(5..6, 1), (10..12, 2), (6..7, 3), (4..5, 4)] {
            touch(&mut cells, words, times);
        }
        let before = touched(&cells);
        assert_eq!(before.iter().map(|(word, _)| *word).collect::<Vec<_>>(), [4, 5, 6, 10, 11]);
        cells.of(0..20);
        assert_eq!(touched(&cells), before);
        assert_eq!(cells.of(6..7), [before[2].1.clone()]);
    }

    #[test]
    fn no_words_have_no_cells() {
        let mut cells = Cells::default();
        assert!(cells.of(3..3).is_empty());
        assert_eq!(runs(&cells), []);
    }

    #[test]
    fn words_at_the_end_of_the_address_space_have_cells() {
        let last = u32::MAX / 4;
        assert_eq!(Cells::default().of(last..last + 1).len(), 1);
    }
}
