//! The chip's RAM, at the chip's addresses; and a stack in it.
//!
//! ```text
//! 0x1FE0_0000  nothing: what runs out of stack ends here
//! 0x1FE0_1000  the simulator's frames, if the firmware is deep
//! 0x2000_0000  RAM
//! 0x2004_0000  RAM's end, where the firmware's first frame begins
//! 0x2004_1000  nothing: what runs over the end of RAM ends here
//! ```
//!
//! The simulator works for the firmware on the firmware's stack, so the stack goes on below RAM. A firmware that is
//! itself so deep has used up the chip's RAM: the DMA does not reach what is below.
//!
//! It is mapped once, when it is first used, and stays. One thread at a time is in it.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::OnceLock;

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use parking_lot::{Mutex, MutexGuard};
use thiserror::Error;

use crate::memory::RAM;

/// A page, of this system.
const PAGE: usize = 0x1000;

/// What is mapped, without the pages around it in which nothing is.
const MAPPED: Range<usize> = 0x1FE0_1000..0x2004_0000;

/// One of them: who has it, is in RAM.
static OCCUPIED: Mutex<()> = Mutex::new(());

/// The host has something else where the chip has its RAM.
///
/// See [`run`](super::run) for an example.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the chip's RAM at {RAM:#010x} cannot be mapped on this host ({reason}): is something else there?")]
pub struct RamError {
    reason: String,
}

/// The chip's RAM, for as long as this is there.
pub struct Occupied {
    _others_wait: MutexGuard<'static, ()>,
}

/// Waits until nobody else is in RAM.
pub fn occupy() -> Result<Occupied, RamError> {
    static MAP: OnceLock<Result<(), RamError>> = OnceLock::new();
    let others_wait = OCCUPIED.lock();
    MAP.get_or_init(|| map(MAPPED).map_err(|error| RamError { reason: error.to_string() })).clone()?;
    Ok(Occupied { _others_wait: others_wait })
}

/// Maps `range`, which nobody has mapped before, with a page on either side in which nothing is.
fn map(range: Range<usize>) -> io::Result<()> {
    let (start, length) = (range.start - PAGE, range.len() + 2 * PAGE);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let wanted = std::ptr::without_provenance_mut(start);
    // SAFETY:
    // - Nothing is replaced: by MAP_FIXED_NOREPLACE the call fails where something is mapped. (A kernel before 4.17
    //   does not know the flag, and maps elsewhere: that is seen below, and nobody has been there yet.)
    let mapped = unsafe { libc::mmap(wanted, length, libc::PROT_NONE, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if mapped != wanted {
        // SAFETY:
        // - It was mapped just now, by the call above, in this length, and nobody else knows of it.
        unsafe { libc::munmap(mapped, length) };
        return Err(io::Error::other("the system has mapped it elsewhere"));
    }
    // SAFETY:
    // - The range is part of what was mapped just now, and nobody else knows of it.
    let protected =
        unsafe { libc::mprotect(mapped.wrapping_byte_add(PAGE), range.len(), libc::PROT_READ | libc::PROT_WRITE) };
    if protected != 0 {
        return Err(io::Error::last_os_error());
    }
    // What is mapped is used by its addresses: by firmware, and by the DMA.
    mapped.expose_provenance();
    Ok(())
}

/// A panic's payload.
type Payload = Box<dyn Any + Send>;

thread_local! {
    /// What leaves the stack that this thread is on, without unwinding it.
    static WAY_OUT: Cell<*const Yielder<(), Payload>> = const { Cell::new(std::ptr::null()) };
}

impl Occupied {
    /// Runs `body` on a stack that begins at the end of RAM. It panics if `body` does, or is abandoned.
    pub fn run_on_stack<T>(&self, body: impl FnOnce() -> T) -> T {
        let mut result = None;
        let body: Box<dyn FnOnce() + '_> = Box::new(|| result = Some(body()));
        // SAFETY:
        // - The types differ in a lifetime only. What is borrowed stays borrowed until this function returns, and
        //   before that `body` has been called and dropped, or its frames, with all that they hold, are left for ever.
        let body = unsafe { std::mem::transmute::<Box<dyn FnOnce() + '_>, Box<dyn FnOnce() + 'static>>(body) };
        let mut firmware = Coroutine::<(), Payload, (), _>::with_stack(InRam, move |way_out, ()| {
            WAY_OUT.set(way_out);
            body();
        });
        let closed = Closed;
        let end = firmware.resume(());
        drop(closed);
        if let CoroutineResult::Yield(payload) = end {
            // INVARIANT: nobody goes on in its frames, nor drops what is in them.
            std::mem::forget(firmware);
            resume_unwind(payload);
        }
        result.expect("the body has returned")
    }
}

/// There is no way out when this is dropped.
struct Closed;

impl Drop for Closed {
    fn drop(&mut self) {
        WAY_OUT.set(std::ptr::null());
    }
}

/// Leaves the stack in RAM, and its frames as they are: `run_on_stack` panics with `payload`.
///
/// # Panics
///
/// If this thread is not in RAM.
pub fn abandon(payload: Payload) -> ! {
    let way_out = WAY_OUT.get();
    assert!(!way_out.is_null(), "this thread is in RAM");
    #[cfg(feature = "critical-section")]
    crate::explore::section::abandon();
    // SAFETY:
    // - It is that of the coroutine which this thread runs: set at its begin, and null after its end.
    unsafe { &*way_out }.suspend(payload);
    unreachable!("nobody goes on in frames that were left")
}

/// The stack. Nobody else has it: nobody else is in RAM.
struct InRam;

// SAFETY:
// - From `limit` to `base` there is memory (mapped by `occupy`, which has come before) for more than MIN_STACK_SIZE.
// - The page at the limit is a guard page: it is mapped without access.
// - Nobody else uses it: whoever is on it has the lock (`Occupied`), and is in `run_on_stack`, which is called once on
//   a thread (`by_address::run` looks).
unsafe impl Stack for InRam {
    fn base(&self) -> StackPointer {
        const BASE: StackPointer = NonZeroUsize::new(MAPPED.end).expect("it is not 0");
        BASE
    }

    fn limit(&self) -> StackPointer {
        const LIMIT: StackPointer = NonZeroUsize::new(MAPPED.start - PAGE).expect("it is not 0");
        LIMIT
    }
}

/// About where the caller's frame ends. Not in RAM: 0 below it, all ones above.
#[inline(never)]
pub fn stack_pointer() -> u32 {
    let here = 0_u8;
    let address = (&raw const here).addr();
    if address < RAM as usize { 0 } else { u32::try_from(address).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_is_in_ram_and_its_buffers_have_addresses_of_the_chip() {
        let ram = occupy().expect("nothing else is there");
        let mut buffer = [0_u8; 64];
        assert!(u32::try_from(buffer.as_mut_ptr().addr()).is_err(), "the test's own stack is elsewhere");
        let (address, stack_pointer) = ram.run_on_stack(|| {
            let mut buffer = [0_u8; 64];
            (std::hint::black_box(buffer.as_mut_ptr()).addr(), stack_pointer())
        });
        assert!((0x2003_0000..0x2004_0000).contains(&address), "{address:#x}");
        assert!((0x2003_0000..0x2004_0000).contains(&stack_pointer), "{stack_pointer:#x}");
        assert_eq!(super::stack_pointer(), u32::MAX);
    }

    #[test]
    fn panic_on_the_stack_leaves_it_and_the_next_finds_it_free() {
        let unwound = std::panic::catch_unwind(|| {
            let ram = occupy().expect("nothing else is there");
            ram.run_on_stack(|| resume_unwind(Box::new(7)));
        });
        let payload = unwound.expect_err("it panics");
        assert_eq!(payload.downcast_ref(), Some(&7));
        let ram = occupy().expect("nothing else is there");
        assert_eq!(ram.run_on_stack(|| 8), 8);
    }

    #[test]
    fn stack_that_is_abandoned_drops_nothing_and_the_next_finds_it_free() {
        struct Dropped<'a>(&'a Cell<bool>);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let dropped = Cell::new(false);
        let abandoned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let ram = occupy().expect("nothing else is there");
            ram.run_on_stack(|| {
                let _held = Dropped(&dropped);
                abandon(Box::new(7));
            });
        }));
        assert_eq!(abandoned.expect_err("it was abandoned").downcast_ref(), Some(&7));
        assert!(!dropped.get());
        let ram = occupy().expect("nothing else is there");
        assert_eq!(ram.run_on_stack(|| 8), 8);
    }

    #[test]
    fn threads_are_in_ram_one_after_the_other() {
        let inside = Mutex::new(());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let ram = occupy().expect("nothing else is there");
                    ram.run_on_stack(|| {
                        let alone = inside.try_lock().expect("nobody else is in RAM");
                        std::thread::yield_now();
                        drop(alone);
                    });
                });
            }
        });
    }

    #[test]
    fn place_that_is_taken_is_an_error_and_left_alone() {
        // Where nothing is, and this test alone maps something.
        let range = 0x3000_0000..0x3000_4000;
        map(range.clone()).expect("nothing is there");
        let error = map(range.start + PAGE..range.end + PAGE).expect_err("something is there");
        assert_eq!(error.raw_os_error(), Some(libc::EEXIST));
        let error = RamError { reason: error.to_string() }.to_string();
        assert!(
            error.starts_with("the chip's RAM at 0x20000000 cannot be mapped on this host (File exists"),
            "{error}"
        );
    }
}
