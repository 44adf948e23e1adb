//! The suites of `tests/usb/classes`, from the same files: both on nrf-usbd, Chapter 9 on embassy, too.

mod harness;
mod known;

use crate::devices;

#[path = "../../usb/classes/chapter9/mod.rs"]
mod chapter9;
#[path = "../../usb/classes/test_class.rs"]
mod test_class;
