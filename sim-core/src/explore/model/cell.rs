//! A buffer's shadow: what loom watches in place of the bytes.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use loom::cell::UnsafeCell;

use crate::monitor::Site;
use crate::monitor::clocks::Access;

thread_local! {
    /// The last access of each side, for the report of a race: loom names its own threads and lines only.
    static LAST: Cell<(Option<Site>, Option<Site>)> = const { Cell::new((None, None)) };
}

/// How many shadows a buffer has: one for each half, which a circular transfer hands over one by one.
const PARTS: usize = 2;

/// Memory that an access is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Simulated RAM, as one buffer.
    Simulated,
    /// Memory of the host.
    Host(Range<usize>),
}

/// The shadows of all buffers.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    simulated: Arc<Shadow>,
    /// By their addresses.
    host: Vec<(Range<usize>, [Arc<Shadow>; PARTS])>,
}

impl Shadows {
    /// The shadows of all that is at `place`. Memory that lies in no buffer that is known is one of its own.
    pub fn of(&mut self, place: Place) -> Vec<Arc<Shadow>> {
        let Place::Host(range) = place else {
            return vec![self.simulated.clone()];
        };
        let range = range.start..range.end.max(range.start + 1);
        let holds = |buffer: &Range<usize>| buffer.start <= range.start && range.end <= buffer.end;
        if !self.host.iter().any(|(buffer, _)| holds(buffer)) {
            self.host.push((range.clone(), Default::default()));
        }
        let parts = self.host.iter().flat_map(|(buffer, [first, second])| {
            // A buffer of one byte is in its second half.
            let middle = buffer.start + buffer.len() / PARTS;
            [(buffer.start..middle, first), (middle..buffer.end, second)]
        });
        let touched = parts.filter(|(part, _)| part.start < range.end && range.start < part.end);
        touched.map(|(_, shadow)| shadow.clone()).collect()
    }
}

/// Stands for a buffer; holds nothing.
///
/// See [`fence::release`](super::fence::release) for an example.
#[derive(Debug)]
pub struct Shadow(UnsafeCell<()>);

// SAFETY:
// - Threads do not race on the contents: there are none, `()` has no bytes. loom checks the accesses all the same,
//   which is what the cell is for.
unsafe impl Sync for Shadow {}

impl Shadow {
    /// The shadow of a buffer that nobody has accessed.
    pub fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    /// An access by `site`. loom ends the execution here if nothing orders it after an earlier, conflicting one.
    pub fn access(&self, access: Access, site: Site) {
        let is_other = |last: &Site| std::mem::discriminant(last) != std::mem::discriminant(&site);
        let (last, before) = LAST.get();
        let other = last.filter(is_other).or(before.filter(is_other));
        LAST.set((Some(site), other));
        self.touch(access);
    }

    /// An access by nobody in particular.
    pub fn touch(&self, access: Access) {
        match access {
            Access::Read => self.0.with(|_| {}),
            Access::Write => self.0.with_mut(|_| {}),
        }
    }
}

impl Default for Shadow {
    fn default() -> Self {
        Self::new()
    }
}

/// Forgets the accesses of earlier models.
pub(super) fn forget() {
    LAST.set((None, None));
}

/// The last access, and the last before it of the other side.
pub(super) fn last_two() -> (Option<Site>, Option<Site>) {
    LAST.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which shadows, by their addresses.
    fn of(shadows: &mut Shadows, range: Range<usize>) -> Vec<*const Shadow> {
        shadows.of(Place::Host(range)).iter().map(Arc::as_ptr).collect()
    }

    #[test]
    fn halves_have_a_shadow_each_and_the_whole_has_both() {
        crate::explore::model::builder(crate::explore::model::Limits::default()).check(|| {
            let mut shadows = Shadows::default();
            let whole = of(&mut shadows, 100..108);
            assert_eq!(whole.len(), PARTS);
            assert_eq!(of(&mut shadows, 100..104), whole[..1]);
            assert_eq!(of(&mut shadows, 106..108), whole[1..]);
            assert_eq!(of(&mut shadows, 103..105), whole);
            let other = of(&mut shadows, 108..112);
            assert!(other.iter().all(|shadow| !whole.contains(shadow)));
            assert_eq!(of(&mut shadows, 107..109).len(), 4, "two of its own, and the two that it shares bytes with");
        });
    }
}
