//! Who may touch a buffer while a DMA has it: written so that an aliasing checker can run it.
//!
//! No simulator, no foreign function, no wall clock: the drivers of `dma-api` on [`tests::chip`], whose DMA is a thread
//! that moves bytes by the pointer it was given. What a compiled driver does to its buffers is done here under the
//! checker's eyes: a buffer that is moved by value while the DMA has its pointer, or asked for a second pointer, or
//! freed too early, is seen by one of them although each test passes.
//!
//! | module | what becomes of a transfer |
//! |---|---|
//! | [`moved`] | it is returned, boxed, sent to a thread, polled as a future and moved in between |
//! | [`ended`] | it is stopped, dropped, forgotten, refused in flight; a `scope` panics |
//! | [`circular`] | it goes round |
//! | [`uninitialised`] | its buffer has no value, and the transfer is looked into, or stopped |
//! | [`specimens`] | mistakes: each must fail under a checker that it names, and is ignored |
//!
//! Orders are not checked: the lock of [`tests::chip`] makes more than a fence does. That is the explorers' business.
//!
//! # Commands
//!
//! AddressSanitizer, from the root (a stable compiler needs to be told); valgrind, which was run on the specimens only:
//!
//! ```sh
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 \
//!     cargo test -p tests --test alias --target x86_64-unknown-linux-gnu --target-dir target/address
//! valgrind --fair-sched=yes target/debug/deps/alias-... --ignored --exact specimens::uninitialised_rest_used
//! ```
//!
//! Miri, with a nightly toolchain that has it, by both of its rules; **this was not run here**:
//!
//! ```sh
//! MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri test -p tests --test alias
//! MIRIFLAGS="-Zmiri-ignore-leaks -Zmiri-tree-borrows" cargo +nightly miri test -p tests --test alias
//! ```
//!
//! Leaks are not looked for: a chip lives for ever, and what is forgotten is lost. A specimen is run by its name, with
//! `-- --ignored --exact specimens::buffer_freed_in_flight`. ThreadSanitizer is of no use without a standard library
//! that is built for it: it takes joined threads for races, and did not see `whole_buffer_copied_in_flight`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tests::chip::Chip;

mod circular;
mod ended;
mod moved;
mod specimens;
mod uninitialised;

/// Ends the thread that is the DMA, if the firmware panics, too.
struct Off<'a>(&'a AtomicBool);

impl Drop for Off<'_> {
    fn drop(&mut self) {
        // ORDERING: none needed: it ends a loop.
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `firmware` on a chip whose DMA is a thread.
fn on_a_chip<T>(firmware: impl FnOnce(&'static Chip) -> T) -> T {
    let chip: &'static Chip = Box::leak(Box::new(Chip::new()));
    let is_off = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // ORDERING: none needed: it ends a loop.
            while !is_off.load(Ordering::Relaxed) {
                chip.step();
                thread::yield_now();
            }
        });
        let _off = Off(&is_off);
        firmware(chip)
    })
}

/// What a receiver gets: 1, 2, 3...
fn counting(length: u8) -> Vec<u8> {
    (1..=length).collect()
}

/// Moves its argument to another place, in a function that the compiler does not look into.
#[inline(never)]
fn elsewhere<T>(value: T) -> Box<T> {
    Box::new(std::hint::black_box(value))
}
