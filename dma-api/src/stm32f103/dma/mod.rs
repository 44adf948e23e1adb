//! DMA1 and DMA2.

use crate::registers::{Peripheral, RegistersOf, Volatile};

pub mod map;

/// DMA1, with seven channels.
#[derive(Debug)]
pub enum Dma1 {}

/// DMA2, with five channels: in chips of high density only.
#[derive(Debug)]
pub enum Dma2 {}

impl Peripheral for Dma1 {
    const BASE: usize = map::DMA1;
}

impl Peripheral for Dma2 {
    const BASE: usize = map::DMA2;
}

// SAFETY:
// - `Volatile::new` was promised that the peripheral is there.
unsafe impl RegistersOf<Dma1> for Volatile<{ map::DMA1 }, 0x400> {}

// SAFETY:
// - As above.
unsafe impl RegistersOf<Dma2> for Volatile<{ map::DMA2 }, 0x400> {}
