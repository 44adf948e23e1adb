//! Chapters: what is too long for the README.

#[doc = include_str!("fences.md")]
pub mod fences {}

#[doc = include_str!("published.md")]
pub mod published {}

pub mod run_your_own_driver;

#[doc = include_str!("stm32f103.md")]
pub mod stm32f103 {}

/// The README's program.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub mod readme {}
