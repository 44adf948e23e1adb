//! Firmware for an STM32F103: sends `ready`, and then what comes over USART1 (PA9, PA10; 115 200 baud), 8 bytes at a
//! time, by DMA, while the next 8 come.
//!
//! ```sh
//! rustup target add thumbv7m-none-eabi
//! cargo rustc -p dma-api --example stm32f103_echo --release --target thumbv7m-none-eabi \
//!     -- -C link-arg=-Tlink.x -C link-arg=-Ldma-api/examples/stm32f103_echo
//! ```
//!
//! Nothing of it was run on hardware. `echo.rs` runs on the simulator, on every schedule, in `tests/serial`.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod chip;
#[cfg(target_os = "none")]
mod echo;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for an STM32F103. The first lines of its source say how it is built.");
}
