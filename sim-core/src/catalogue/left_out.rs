//! What cannot be shown on these two chips, and why.

/// A report that has no program.
///
/// ```
/// # use sim_core::catalogue::left_out::LEFT_OUT;
/// assert!(LEFT_OUT.iter().all(|report| !report.reason.is_empty()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// What it is called in its source.
    pub id: &'static str,
    /// Where it was seen.
    pub source: &'static str,
    /// Why there is no program.
    pub reason: &'static str,
}

impl LeftOut {
    const fn new(id: &'static str, source: &'static str, reason: &'static str) -> Self {
        Self { id, source, reason }
    }
}

/// All of them.
pub const LEFT_OUT: &[LeftOut] = &[
    LeftOut::new("c028", "esp-rs/esp-hal#5514", "a leak of memory, and sound: nothing here counts what is never freed"),
    LeftOut::new("c035", "embassy 62aa66d", "a linked list of transfers: neither chip has one"),
    LeftOut::new(
        "c038",
        "stm32-rs/stm32-eth#17",
        "what a compiler makes of a pointer that is not handed on: emitted code is read in `tests/codegen`, of our own fences",
    ),
    LeftOut::new("c047", "atsamd-rs/atsamd#985", "which kind of fence a compiler keeps: as c038"),
    LeftOut::new(
        "c050",
        "stm32h5xx-hal-driver#37; amp-hal-st#861",
        "a barrier before a tail pointer: neither chip has descriptors; posted writes are in `tests/serial/quirks.rs`",
    ),
    LeftOut::new("c054", "rust-lang/rust#144351", "what a compiler makes of an empty asm!: as c038"),
    LeftOut::new("c055", "rust-embedded/cortex-m#264, #308", "how a barrier is wrapped: as c038"),
    LeftOut::new("c064", "asterinas#3920", "no program: a contract that was not proved"),
    LeftOut::new("c082", "embassy 7e3881f", "a shift in a constant: no transfer is started"),
    LeftOut::new(
        "c093",
        "esp-rs/esp-hal#3003",
        "a FIFO that is filled before its peripheral starts: neither chip has one",
    ),
    LeftOut::new("c120", "embassy#648, #702", "the same program as c118, whose source names it"),
    LeftOut::new(
        "c124",
        "oxidecomputer/hubris#750, #1493, #1495; embassy#2129",
        "a ring of descriptors: neither chip has one",
    ),
    LeftOut::new("c125", "MigTD#989", "descriptors that a device forges: neither chip has any"),
    LeftOut::new("c126", "asterinas#3160", "state in a ring that is shared with a device: neither chip has one"),
];
