//! Nordic nRF52840: its USB device controller with EasyDMA, and what feeds that.

#[cfg(test)]
mod fake;
pub mod power;
pub mod usbd;
