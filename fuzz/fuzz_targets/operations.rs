//! Any bytes are a case of `tests/prop/ep0in.rs`: the property holds.
//!
//! ```text
//! cargo +nightly fuzz run operations fuzz/corpus/operations fuzz/seeds/operations -- -max_total_time=120
//! ```
//!
//! What it finds prints the line that makes a test of it, for `tests/prop/ep0in.rs`: no bytes are kept. What the bytes
//! mean stands in `tests/src/bytes.rs`.

#![no_main]

#[path = "../address_sanitizer.rs"]
mod address_sanitizer;

use libfuzzer_sys::fuzz_target;
use tests::{bytes, property};

fuzz_target!(|data: &[u8]| {
    if let Err(failure) = property::run(&bytes::decode(data), None) {
        panic!("{failure}");
    }
});
