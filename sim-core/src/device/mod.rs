//! The emulated peripherals: pure state machines, one folder each.
//!
//! A peripheral has registers ([`usbd::Usbd::read`], [`usbd::Usbd::write`]), DMA jobs to be done by an engine, and a
//! wire side. It has no lock, no thread and no clock: who runs when is the explorers' business. A register write takes
//! effect at once, as on a bus. Only the copy between START and END runs in parallel to the driver.

pub mod power;
pub mod stm32f103;
pub mod usbd;
