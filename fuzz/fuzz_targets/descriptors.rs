//! Any bytes for a descriptor: an error that says where, or a value that has all of them.
//!
//! ```text
//! cargo +nightly fuzz run descriptors fuzz/corpus/descriptors fuzz/seeds/descriptors -- -max_total_time=120
//! ```

#![no_main]

#[path = "../address_sanitizer.rs"]
mod address_sanitizer;

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| tests::fuzz::descriptors::run(data, None).unwrap_or_else(|wrong| panic!("{wrong}"))
);
