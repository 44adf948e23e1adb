//! Nordic nRF52840: its USB device controller with EasyDMA, and what feeds that.

pub mod power;
pub mod usbd;
