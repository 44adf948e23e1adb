//! Firmware of bare registers: for programs that are wrong on purpose.
//!
//! A driver of dma-api cannot be made to do what [`monitor`](crate::monitor) has a rule against: its types are in the
//! way. So what breaks a rule is written by hand, on simulated RAM, where a race is a finding and nothing else.

pub mod nrf52840;
pub mod stm32f103;
