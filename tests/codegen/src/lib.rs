//! Endpoint 0 IN three times, for the test that counts instructions.
//!
//! | module | `start` and `end` of a transfer |
//! |---|---|
//! | `endpoint` | by `Ep0In`, on the bus of the real chip |
//! | `handwritten` | the same checks and register accesses, by hand and `unsafe` |
//! | `bare` | the register writes alone, without a check |
//!
//! Nothing here is ever run. `../codegen.rs` compiles it for the chip and reads the assembly.

#![no_std]
#![deny(unsafe_code)]

use core::panic::PanicInfo;

#[expect(unsafe_code, reason = "volatile accesses by hand are what is measured")]
pub mod bare;
#[expect(unsafe_code, reason = "the functions are found in the assembly by their plain names")]
pub mod endpoint;
#[expect(unsafe_code, reason = "volatile accesses by hand are what is measured")]
pub mod handwritten;

mod registers;

/// A static library needs one. That no function under test can come here is part of the test.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
