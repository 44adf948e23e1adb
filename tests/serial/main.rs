//! The STM32F103: its DMA and USART1 to USART3, the drivers, the rules.

mod errors;
mod firmware;
mod refusals;
mod rules;
mod stopped;
mod transfers;
