//! Registers are implemented without a promise.
//!
//! E0200, H4: a register that says "ended" gives the buffer back in mid-transfer.

use dma_api::registers::Registers;

struct AlwaysDone;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl Registers for AlwaysDone {
    fn read(&self, _: u16) -> u32 {
        u32::MAX
    }

    unsafe fn write(&self, _: u16, _: u32) {}
}

pub fn main() {
    assert_eq!(AlwaysDone.read(0), u32::MAX);
}
