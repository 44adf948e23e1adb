//! Nordic nRF52840: its USB device controller with EasyDMA.

pub mod usbd;
