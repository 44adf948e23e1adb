//! ST STM32F103: its DMA controllers and USARTs, as state machines.
//!
//! *Not connected yet*: no system has them, so no driver runs on them.
//!
//! Source: RM0041 revision 6 (sections DMA and USART). It is the manual of the STM32F100, whose blocks are the same; the
//! STM32F103's is RM0008.

pub mod dma;
pub mod usart;
