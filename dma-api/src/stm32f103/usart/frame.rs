//! What goes over the line: 8 bits, or 9.

use crate::stm32f103::dma::Word;

/// The data of a frame: `u8`, or 9 bits in a `u16`.
///
/// ```
/// # use dma_api::stm32f103::usart::Frame;
/// assert_eq!(u8::from_dr(0x141), 0x41);
/// assert_eq!((u16::from_dr(0x141), 0xFFFF_u16.into_dr()), (0x141, 0x1FF));
/// ```
pub trait Frame: Word {
    /// From DR.
    fn from_dr(value: u32) -> Self;
    /// To DR.
    fn into_dr(self) -> u32;
}

impl Frame for u8 {
    fn from_dr(value: u32) -> Self {
        value.to_le_bytes()[0]
    }

    fn into_dr(self) -> u32 {
        self.into()
    }
}

/// Bits above the ninth are left out when it is sent, and 0 when it was received.
impl Frame for u16 {
    fn from_dr(value: u32) -> Self {
        let [low, high, ..] = value.to_le_bytes();
        Self::from_le_bytes([low, high & 1])
    }

    fn into_dr(self) -> u32 {
        u32::from(self) & 0x1FF
    }
}
