//! USART1 to USART3.

pub mod map;
