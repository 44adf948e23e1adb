//! ST STM32F103: DMA1, DMA2 and three USARTs, as state machines.
//!
//! Sources: RM0041 revision 6 (sections DMA and USART), which describes the same blocks.

pub mod dma;
pub mod usart;
