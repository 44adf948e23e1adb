//! Any accesses to the registers of either chip: a verdict, and no memory is touched but what is lent.
//!
//! ```text
//! cargo +nightly fuzz run registers fuzz/corpus/registers fuzz/seeds/registers -- -max_total_time=120
//! ```

#![no_main]

#[path = "../address_sanitizer.rs"]
mod address_sanitizer;

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| tests::fuzz::registers::run(data, None).unwrap_or_else(|wrong| panic!("{wrong}"))
);
