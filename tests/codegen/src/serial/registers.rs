//! The registers of two USARTs and their channels, as bare addresses (RM0041).
//!
//! Written out again and not taken from `dma_api::stm32f103`: code by hand has no map, and the test compares the
//! addresses that both end up with.

use core::ptr::with_exposed_provenance_mut;

pub(super) const ISR: *mut u32 = with_exposed_provenance_mut(0x4002_0000);
pub(super) const IFCR: *mut u32 = with_exposed_provenance_mut(0x4002_0004);

/// A USART's half and its channel.
pub(super) struct Registers {
    pub(super) ccr: *mut u32,
    pub(super) cndtr: *mut u32,
    pub(super) cpar: *mut u32,
    pub(super) cmar: *mut u32,
    /// ISR: the end, an error.
    pub(super) tcif: u32,
    pub(super) teif: u32,
    /// IFCR: clears all four flags.
    pub(super) gif: u32,
    pub(super) sends: bool,
    pub(super) sr: *mut u32,
    pub(super) brr: *mut u32,
    pub(super) dr: *mut u32,
    /// DR, for CPAR.
    pub(super) dr_address: u32,
}

/// Channel 4: USART1 sends.
pub(super) const TRANSMIT1: Registers = Registers::new(4, true, 0x4001_3800);
/// Channel 5: USART1 receives.
pub(super) const RECEIVE1: Registers = Registers::new(5, false, 0x4001_3800);
/// Channel 7: USART2 sends.
pub(super) const TRANSMIT2: Registers = Registers::new(7, true, 0x4000_4400);
/// Channel 6: USART2 receives.
pub(super) const RECEIVE2: Registers = Registers::new(6, false, 0x4000_4400);

impl Registers {
    /// Channels count from 1, and have 20 bytes and 4 flags each.
    const fn new(channel: u32, sends: bool, usart: u32) -> Self {
        const fn register(address: u32) -> *mut u32 {
            with_exposed_provenance_mut(address as usize)
        }
        let first = 0x4002_0008 + 20 * (channel - 1);
        let flags = 4 * (channel - 1);
        Self {
            ccr: register(first),
            cndtr: register(first + 4),
            cpar: register(first + 8),
            cmar: register(first + 12),
            tcif: 2 << flags,
            teif: 8 << flags,
            gif: 1 << flags,
            sends,
            sr: register(usart),
            brr: register(usart + 0x08),
            dr: register(usart + 4),
            dr_address: usart + 4,
        }
    }

    /// CCR but for priority and interrupts: EN, MINC, and DIR if it reads memory.
    pub(super) const fn mode(&self) -> u32 {
        if self.sends { 0x91 } else { 0x81 }
    }
}

/// CCR: interrupts at the end and at an error.
pub(super) const TCIE_TEIE: u32 = 0xA;
/// CCR: where the priority begins.
pub(super) const PL: u32 = 12;

/// SR: every flag but TC: 1 leaves a flag as it is.
pub(super) const ALL_BUT_TC: u32 = 0x3BF;

pub(super) const PE: u32 = 1 << 0;
pub(super) const FE: u32 = 1 << 1;
pub(super) const NE: u32 = 1 << 2;
pub(super) const ORE: u32 = 1 << 3;

/// What the DMA reads: RAM and flash. What it writes: RAM.
pub(super) const RAM: (usize, usize) = (0x2000_0000, 0x2001_8000);
pub(super) const FLASH: (usize, usize) = (0x0800_0000, 0x0810_0000);
