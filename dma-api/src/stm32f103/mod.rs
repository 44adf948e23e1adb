//! ST STM32F103: its two DMA controllers, and the USARTs that they serve.

pub mod dma;
pub mod usart;
