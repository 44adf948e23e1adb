//! DMA1 and DMA2.

pub mod map;
