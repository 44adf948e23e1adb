//! ST STM32F103: its two DMA controllers, and the USARTs that they serve.

use core::ops::Range;

pub mod circular;
pub mod dma;
#[cfg(test)]
mod fake;
pub mod usart;

/// RAM: what the largest of the family has, 96 KiB. The linker knows what yours has.
const RAM: Range<usize> = 0x2000_0000..0x2001_8000;

/// Flash: what the largest of the family has, 1 MiB.
const FLASH: Range<usize> = 0x0800_0000..0x0810_0000;
