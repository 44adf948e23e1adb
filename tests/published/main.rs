//! Drivers of others, not a line changed, on the simulator.
//!
//! nrf-usbd 0.3.0 with usb-device and usbd-serial; embassy-nrf 0.11.0 with embassy-usb.
//!
//! | module | what |
//! |---|---|
//! | `devices`, `harness`, `findings` | what runs, on which schedules, and how a finding is shown |
//! | `enumeration`, `echo` | three hosts; bytes there and back |
//! | `traces` | three seeds, again |
//! | `interruptions` | reset and suspension in the middle of something |
//! | `classes` | usb-device's TestClass and Chapter 9: the files that check our own driver |
//! | `embassy` | its device and executor; what the monitor says of it |
//! | `run_your_own_driver` | the example of sim-core |
//! | `nrf_usbd` | its address; what the monitor says of it: in `reads` on every schedule, in `findings` on random ones |
//!
//! They run by address ([`sim_core::explore::by_address`]): on Linux on x86-64.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![deny(unsafe_code)]

mod classes;
mod devices;
mod echo;
#[expect(unsafe_code, reason = "embassy-nrf asks for the peripheral, and for its handler, by unsafe functions")]
mod embassy;
mod enumeration;
mod findings;
mod harness;
mod interruptions;
#[expect(unsafe_code, reason = "nrf-usbd asks for the address of the registers by an unsafe trait")]
mod nrf_usbd;
#[path = "../../sim-core/examples/run_your_own_driver/src/main.rs"]
#[expect(unsafe_code, dead_code, reason = "a program by itself, of which the tests run here")]
mod run_your_own_driver;
mod traces;
