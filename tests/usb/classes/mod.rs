//! Classes written for usb-device, on our driver, against the virtual host.
//!
//! | module | what it shows |
//! |---|---|
//! | `serial`, `hid` | usbd-serial and usbd-hid enumerate as on three operating systems, and pass data |
//! | `test_class` | usb-device's own test class, unmodified: what its authors run on hardware |
//! | `bus` | where usb-device and the hardware see things differently, one test each |
//! | `bell`, `streams` | low power and remote wake-up; isochronous endpoints |
//! | `chapter9` | the checks of the USB-IF's Chapter 9 tool, and what that tool cannot do |
//!
//! Each script runs on the schedule that lets everybody else run first, on seeded ones, and on threads. There is no
//! exhaustive exploration: usb-device's state cannot be named ([`Board::checkpoint`](sim_core::explore::Board)), so
//! every schedule is a state of its own.

mod bell;
mod bus;
mod chapter9;
mod devices;
#[path = "../../../dma-api/examples/nrf52840_serial/echo.rs"]
mod echo;
mod harness;
mod hid;
mod serial;
mod streams;
mod test_class;
