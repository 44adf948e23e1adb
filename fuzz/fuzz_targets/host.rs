//! Any host: our drivers stand whatever comes over the wire.
//!
//! ```text
//! cargo +nightly fuzz run host fuzz/corpus/host fuzz/seeds/host -- -max_total_time=120
//! ```

#![no_main]

#[path = "../address_sanitizer.rs"]
mod address_sanitizer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::fuzz::host::run(data, None).unwrap_or_else(|wrong| panic!("{wrong}")));
