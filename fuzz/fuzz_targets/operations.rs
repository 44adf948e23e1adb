//! Any bytes are a case of `tests/prop/ep0in.rs`: the property holds.
//!
//! ```text
//! cargo +nightly fuzz run operations fuzz/corpus/operations fuzz/seeds/operations -- -max_total_time=120
//! ```
//!
//! What it finds prints the line that makes a test of it, for `tests/prop/ep0in.rs`: no bytes are kept. What the bytes mean
//! stands in `tests/src/bytes.rs`.

#![no_main]

use std::ffi::c_char;

use libfuzzer_sys::fuzz_target;
use tests::{bytes, property};

fuzz_target!(|data: &[u8]| {
    if let Err(failure) = property::run(&bytes::decode(data), None) {
        panic!("{failure}");
    }
});

/// The sanitizer's options: leaks are not looked for.
///
/// A run that is ended by a known hazard loses the endpoint's buffer in flight. It is leaked on purpose: that is what
/// `'static` means. To look for leaks after each such run takes twenty times as long as the run.
// SAFETY:
// - The name and the type are those that the sanitizer's runtime looks for (`sanitizer/asan_interface.h`).
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    c"detect_leaks=0".as_ptr()
}
