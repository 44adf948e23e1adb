//! Transfers three times, to count their instructions and read their order.
//!
//! | by the driver, on the bus of the real chip | the same checks and accesses, by hand | the accesses alone |
//! |---|---|---|
//! | `endpoint`: endpoint 0 IN of an nRF52840 | `handwritten` | `bare` |
//! | `serial`: USART1 of an STM32F103 | `serial::handwritten` | `serial::bare` |
//!
//! `order` is firmware in one function, with its fences and without: what the compiler makes of the buffer.
//!
//! Nothing here is ever run. `../codegen.rs` compiles it, for the chip and for the host, and reads the assembly.

#![no_std]
#![deny(unsafe_code)]

use core::panic::PanicInfo;

#[expect(unsafe_code, reason = "volatile accesses by hand are what is measured")]
pub mod bare;
#[expect(unsafe_code, reason = "the functions are found in the assembly by their plain names")]
pub mod endpoint;
#[expect(unsafe_code, reason = "volatile accesses by hand are what is measured")]
pub mod handwritten;
#[expect(unsafe_code, reason = "there is no driver without registers, and none is sound without its fences")]
pub mod order;
#[expect(unsafe_code, reason = "plain names, and volatile accesses by hand")]
pub mod serial;

mod registers;

/// A static library needs one. That no function under test can come here is part of the test.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
