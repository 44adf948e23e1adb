//! The registers of endpoint 0 IN, as bare addresses (nRF52840 PS §6.35).
//!
//! Written out again and not taken from `dma_api::nrf52840::usbd::map`: code by hand has no map, and the test
//! compares the addresses that both end up with.

use core::ptr::with_exposed_provenance_mut;

pub(crate) const TASKS_STARTEPIN_0: *mut u32 = with_exposed_provenance_mut(0x4002_7004);
pub(crate) const EVENTS_ENDEPIN_0: *mut u32 = with_exposed_provenance_mut(0x4002_7108);
pub(crate) const EVENTS_EP0DATADONE: *mut u32 = with_exposed_provenance_mut(0x4002_7128);
pub(crate) const EVENTS_EP0SETUP: *mut u32 = with_exposed_provenance_mut(0x4002_715C);
pub(crate) const SHORTS: *mut u32 = with_exposed_provenance_mut(0x4002_7200);
pub(crate) const EPIN_0_PTR: *mut u32 = with_exposed_provenance_mut(0x4002_7600);
pub(crate) const EPIN_0_MAXCNT: *mut u32 = with_exposed_provenance_mut(0x4002_7604);
pub(crate) const COREINDEX: *mut u32 = with_exposed_provenance_mut(0x4002_7800);
pub(crate) const COREDATA: *mut u32 = with_exposed_provenance_mut(0x4002_7804);

/// The latch of erratum 199, and what it holds while a transfer runs.
pub(crate) const DMALATCH: *mut u32 = with_exposed_provenance_mut(0x4002_7C1C);
pub(crate) const DMALATCH_RUNNING: u32 = 0x82;

/// COREINDEX of the core's control register for endpoint 0, and its bit that takes an armed packet out.
pub(crate) const CORE_EP0CS: u32 = 0x7B4;
pub(crate) const CORE_EP0CS_INBSY: u32 = 0x04;

/// The bit of SHORTS that permits the status stage when the host has the packet.
pub(crate) const EP0DATADONE_EP0STATUS: u32 = 1 << 2;
