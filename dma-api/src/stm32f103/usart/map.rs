//! The STM32F103 USART register map: every offset, field, access kind, reset value.
//!
//! Bases [`USART1`] (interrupt 37), [`USART2`] (38), [`USART3`] (39). Source: RM0041 revision 6, USART. Traps that the
//! layout holds:
//!
//! - DR is two registers at one address: a write fills TDR, a read empties RDR;
//! - PE, FE, NE, ORE and IDLE are cleared by a read of SR and then of DR, TC by a read of SR and then a write of DR;
//! - RXNE, TC, LBD and CTS are cleared by writing 0; writing 1 leaves them.
//!
//! ```
//! # use dma_api::stm32f103::usart::map;
//! let status = 0xE0;
//! assert!(map::sr::RXNE.is_set(status) && map::sr::TC.is_set(status) && !map::sr::ORE.is_set(status));
//! ```

use crate::table::register_table;

/// The address of USART1's first register.
pub const USART1: usize = 0x4001_3800;
/// The address of USART2's first register.
pub const USART2: usize = 0x4000_4400;
/// The address of USART3's first register.
pub const USART3: usize = 0x4000_4800;

register_table! {
    /// What has happened.
    SR sr 0x00 ReadWrite = 0xC0 {
        PE 0, FE 1, NE 2, ORE 3, IDLE 4, RXNE 5, TC 6, TXE 7, LBD 8, CTS 9,
    }
    /// A write sends, a read receives.
    DR dr 0x04 ReadWrite = 0 { DR 0 + 9 }
    /// The baud rate.
    BRR brr 0x08 ReadWrite = 0 { DIV_FRACTION 0 + 4, DIV_MANTISSA 4 + 12 }
    /// Transmitter, receiver, frame format, interrupts.
    CR1 cr1 0x0C ReadWrite = 0 {
        SBK 0, RWU 1, RE 2, TE 3, IDLEIE 4, RXNEIE 5, TCIE 6, TXEIE 7,
        PEIE 8, PS 9, PCE 10, WAKE 11, M 12, UE 13,
    }
    /// Address, LIN, clock, stop bits.
    CR2 cr2 0x10 ReadWrite = 0 {
        ADD 0 + 4, LBDL 5, LBDIE 6, LBCL 8, CPHA 9, CPOL 10, CLKEN 11, STOP 12 + 2, LINEN 14,
    }
    /// DMA, flow control, smartcard, IrDA.
    CR3 cr3 0x14 ReadWrite = 0 {
        EIE 0, IREN 1, IRLP 2, HDSEL 3, NACK 4, SCEN 5, DMAR 6, DMAT 7, RTSE 8, CTSE 9, CTSIE 10,
    }
    /// Prescaler and guard time.
    GTPR gtpr 0x18 ReadWrite = 0 { PSC 0 + 8, GT 8 + 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_ascend_by_four() {
        assert!(REGISTERS.iter().enumerate().all(|(index, row)| usize::from(row.offset) == 4 * index));
    }

    #[test]
    fn bits_are_where_the_manual_has_them() {
        assert_eq!([sr::ORE, sr::RXNE, sr::TC, sr::TXE].map(|field| field.low), [3, 5, 6, 7]);
        assert_eq!([cr3::DMAR, cr3::DMAT, cr1::UE].map(|field| field.low), [6, 7, 13]);
        assert_eq!(REGISTERS[0].reset, sr::TC.mask() | sr::TXE.mask());
    }
}
