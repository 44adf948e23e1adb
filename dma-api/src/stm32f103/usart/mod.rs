//! USART1 to USART3.

use crate::registers::{Peripheral, RegistersOf, Volatile};

pub mod map;

/// USART1.
#[derive(Debug)]
pub enum Usart1 {}

/// USART2.
#[derive(Debug)]
pub enum Usart2 {}

/// USART3.
#[derive(Debug)]
pub enum Usart3 {}

impl Peripheral for Usart1 {
    const BASE: usize = map::USART1;
}

impl Peripheral for Usart2 {
    const BASE: usize = map::USART2;
}

impl Peripheral for Usart3 {
    const BASE: usize = map::USART3;
}

// SAFETY:
// - `Volatile::new` was promised that the peripheral is there.
unsafe impl RegistersOf<Usart1> for Volatile<{ map::USART1 }, 0x400> {}

// SAFETY:
// - As above.
unsafe impl RegistersOf<Usart2> for Volatile<{ map::USART2 }, 0x400> {}

// SAFETY:
// - As above.
unsafe impl RegistersOf<Usart3> for Volatile<{ map::USART3 }, 0x400> {}
