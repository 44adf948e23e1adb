//! The STM32F103: its DMA and USART1 to USART3, the drivers, the rules.

mod attacks;
mod cache;
mod circular;
#[path = "../../dma-api/examples/stm32f103_echo/echo.rs"]
mod echo;
mod errors;
mod example;
mod firmware;
mod futures;
mod quirks;
mod refusals;
mod rules;
mod scopes;
mod stopped;
mod transfers;
