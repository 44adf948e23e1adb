//! Firmware for an nRF52840: a USB serial port that sends back what it gets, by EasyDMA.
//!
//! ```sh
//! rustup target add thumbv7em-none-eabihf
//! cargo rustc -p dma-api --features usb-device --example nrf52840_serial --release --target thumbv7em-none-eabihf \
//!     -- -C link-arg=-Tlink.x -C link-arg=-Ldma-api/examples/nrf52840_serial
//! ```
//!
//! Nothing of it was run on hardware. `echo.rs` runs on the simulator, against three hosts, in `tests/usb/classes`.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod chip;
#[cfg(target_os = "none")]
mod echo;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for an nRF52840. The first lines of its source say how it is built.");
}
