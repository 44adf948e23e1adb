//! Any string for a replay string, a shard or a case: an error that says what is wrong, or a run.
//!
//! ```text
//! cargo +nightly fuzz run replay fuzz/corpus/replay fuzz/seeds/replay -- -max_total_time=120
//! ```

#![no_main]

#[path = "../address_sanitizer.rs"]
mod address_sanitizer;

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| tests::fuzz::replay::run(data, None).unwrap_or_else(|wrong| panic!("{wrong}"))
);
