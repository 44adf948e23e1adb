//! Critical sections, by the crate of that name, mask the simulated line.
//!
//! A section of a firmware that runs by address masks the line of its board, and is a choice point at both ends, as
//! [`Board::critical_section`](crate::explore::Board::critical_section) is.
//!
//! A static of the process may be shared by the firmware of several tests, each on a thread of its own, which is more
//! than a chip has. So the outermost section of a thread also excludes those of all other threads, whether or not a
//! chip runs there. (The crate's own `std` does just that, and is not to be enabled besides: there is one
//! implementation in a program.)
//!
//! *Not modelled*: how long interrupts are off.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use parking_lot::{Mutex, MutexGuard};

use super::{current, ram};

static SECTION: Mutex<()> = Mutex::new(());

thread_local! {
    /// How many sections this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// What keeps the others out.
    static OTHERS_WAIT: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// The firmware of this thread is abandoned, in whatever sections it is. Its frames, which would end them, are never
/// returned to.
pub fn abandon() {
    DEPTH.set(0);
    OTHERS_WAIT.set(None);
}

struct Sections;

critical_section::set_impl!(Sections);

// SAFETY:
// - What is accessed in sections only, is accessed by one thread at a time: the outermost section of a thread holds
//   the lock of `SECTION`, until its end.
// - Nothing interrupts a section on its own thread: the line of the board is masked before this returns, and unmasked
//   at the section's end. Where no chip runs, there are no interrupts.
// - Sections nest: only the outermost locks and unlocks.
unsafe impl critical_section::Impl for Sections {
    unsafe fn acquire() -> bool {
        // First what may leave the firmware by a panic, when its run is over: nothing is locked then.
        if let Some(cpu) = current() {
            cpu.board.mask(ram::stack_pointer(), Location::caller());
        }
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        if depth == 0 {
            OTHERS_WAIT.set(Some(SECTION.lock()));
        }
        depth > 0
    }

    unsafe fn release(_nested: bool) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            OTHERS_WAIT.set(None);
        }
        if let Some(cpu) = current() {
            cpu.board.unmask(ram::stack_pointer(), Location::caller());
        }
    }
}
