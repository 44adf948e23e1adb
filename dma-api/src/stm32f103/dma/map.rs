//! The STM32F103 DMA register map: every offset, field, access kind, reset value.
//!
//! Bases [`DMA1`] (7 channels, interrupts 11 to 17) and [`DMA2`] (5 channels, interrupts 56 to 59, the last for two
//! channels). Source: RM0041 revision 6, section 9, which describes the same block. Traps that the layout holds:
//!
//! - channels count from 1, arrays of registers from 0: the functions here take `channel - 1`;
//! - CNDTR counts items, not bytes;
//! - IFCR is for writing: flags are read from ISR;
//! - CGIF clears all four flags of a channel.
//!
//! ```
//! # use dma_api::stm32f103::dma::map;
//! // Channel 5: USART1 receives by it.
//! assert_eq!(map::ccr(5 - 1), 0x58);
//! assert_eq!(map::ccr::EN.mask() | map::ccr::MINC.mask(), 0x81);
//! ```

use crate::table::register_table;

/// The address of DMA1's first register.
pub const DMA1: usize = 0x4002_0000;
/// The address of DMA2's first register.
pub const DMA2: usize = 0x4002_0400;

/// The most items of a transfer.
pub const MOST_ITEMS: usize = 0xFFFF;

/// ISR and IFCR, for a channel: any of the other three.
pub const GIF: u32 = 1;
/// The last item was moved.
pub const TCIF: u32 = 2;
/// Half of the items were moved.
pub const HTIF: u32 = 4;
/// An access has failed, and the channel has stopped.
pub const TEIF: u32 = 8;

/// Where the flags of the channel with this index are: shift them by so much.
pub const fn flags_of(n: u16) -> u32 {
    4 * n as u32
}

register_table! {
    /// The flags of all channels.
    ISR isr 0x00 ReadOnly = 0 { FLAGS 0 + 28 }
    /// Clears the flags of all channels whose bits are 1.
    IFCR ifcr 0x04 WriteOnly = 0 { FLAGS 0 + 28 }
    /// A channel's mode, and whether it is enabled.
    CCR ccr 0x08 [7; 20] ReadWrite = 0 {
        EN 0, TCIE 1, HTIE 2, TEIE 3, DIR 4, CIRC 5, PINC 6, MINC 7,
        PSIZE 8 + 2, MSIZE 10 + 2, PL 12 + 2, MEM2MEM 14,
    }
    /// How many items are left.
    CNDTR cndtr 0x0C [7; 20] ReadWrite = 0 { NDT 0 + 16 }
    /// The peripheral's address.
    CPAR cpar 0x10 [7; 20] ReadWrite = 0 { PA 0 + 32 }
    /// The memory's address.
    CMAR cmar 0x14 [7; 20] ReadWrite = 0 { MA 0 + 32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_20_bytes_apart() {
        assert_eq!([ccr(0), cndtr(0), cpar(0), cmar(0)], [0x08, 0x0C, 0x10, 0x14]);
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(ccr), [0x08, 0x1C, 0x30, 0x44, 0x58, 0x6C, 0x80]);
    }

    #[test]
    fn fields_of_ccr_are_where_the_manual_has_them() {
        assert_eq!(ccr::MEM2MEM.mask(), 1 << 14);
        assert_eq!(ccr::PL.put(3) | ccr::MSIZE.put(2) | ccr::PSIZE.put(1), 0x3900);
        assert_eq!(REGISTERS[2].mask(), 0x7FFF);
    }
}
