//! Any bytes are a case of `tests/prop/usbd.rs`: the property holds.
//!
//! ```text
//! cargo +nightly fuzz run usbd fuzz/corpus/usbd fuzz/seeds/usbd -- -max_total_time=120
//! ```
//!
//! What it finds prints the line that makes a test of it: no bytes are kept. What the bytes mean stands in
//! `tests/src/usbd/bytes.rs`.

#![no_main]

use std::ffi::c_char;

use libfuzzer_sys::fuzz_target;
use tests::usbd::{bytes, property};

fuzz_target!(|data: &[u8]| {
    if let Err(failure) = property::run(&bytes::decode(data), None) {
        panic!("{failure}");
    }
});

/// The sanitizer's options: leaks are not looked for.
///
/// A buffer that is forgotten or dropped with a transfer is leaked on purpose: that is what `'static` means.
// SAFETY:
// - The name and the type are those that the sanitizer's runtime looks for (`sanitizer/asan_interface.h`).
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    c"detect_leaks=0".as_ptr()
}
