//! A buffer's shadow: what loom watches in place of the bytes.

use std::cell::Cell;

use loom::cell::UnsafeCell;

use crate::monitor::Site;
use crate::monitor::clocks::Access;

thread_local! {
    /// The last access of each side, for the report of a race: loom names its own threads and lines only.
    static LAST: Cell<(Option<Site>, Option<Site>)> = const { Cell::new((None, None)) };
}

/// Stands for a buffer; holds nothing.
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
