//! Critical sections, by the crate of that name: on every host.
//!
//! A section of a firmware that runs by address (`by_address`) masks the line of its board, and is a choice point at
//! both ends, as [`Board::critical_section`](super::Board::critical_section) is. What else runs here, a driver on
//! a board that it was given, masks nothing by these: it has the board's own.
//!
//! A static of the process may be shared by the firmware of several tests, each on a thread of its own, which is more
//! than a chip has. So the outermost section of a thread also excludes those of all other threads, whether or not a
//! chip runs there. (The crate's own `std` does just that, and is not to be enabled besides: there is one
//! implementation in a program.)
//!
//! *Not modelled*: how long interrupts are off.

use std::cell::{Cell, RefCell};

use parking_lot::{Mutex, MutexGuard};

static SECTION: Mutex<()> = Mutex::new(());

thread_local! {
    /// How many sections this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// What keeps the others out.
    static OTHERS_WAIT: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// The firmware of this thread is abandoned, in whatever sections it is. Its frames, which would end them, are never
/// returned to.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn abandon() {
    DEPTH.set(0);
    OTHERS_WAIT.set(None);
}

struct Sections;

critical_section::set_impl!(Sections);

// SAFETY:
// - What is accessed in sections only, is accessed by one thread at a time: the outermost section of a thread holds
//   the lock of `SECTION`, until its end.
// - A handler here is a function that its own thread calls. By address, the line of the board is masked before this
//   returns, so it is not called in a section. Elsewhere it may be; its sections are then nested ones, whose access is
//   shared and on one thread, as that of all nested sections is.
// - Sections nest: only the outermost locks and unlocks.
unsafe impl critical_section::Impl for Sections {
    unsafe fn acquire() -> bool {
        // First what may leave the firmware by a panic, when its run is over: nothing is locked then.
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        super::by_address::mask();
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
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        super::by_address::unmask();
    }
}
