//! usb-device's bus on an emulated board, which is used on one thread.

use std::thread::ThreadId;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::{UsbBus, Usbd, UsbdBlock};
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};
use sim_core::explore::Board;
use sim_core::statics;
use usb_device::bus::UsbBusAllocator;

/// usb-device's bus on an emulated board.
pub type Bus<B> = UsbBus<OneThread<B>>;

/// A board that is used on one thread, as `Send`: firmware on threads of its own is not what runs here, but
/// [`UsbBus`] has to allow for it.
///
/// # Invariants
///
/// - `board` is accessed on `thread` only, and never dropped elsewhere.
#[derive(Debug)]
pub struct OneThread<B> {
    board: Option<B>,
    thread: ThreadId,
}

// SAFETY:
// - `board` is accessed by the thread that made it and by no other: `board` and `drop` compare the threads first.
unsafe impl<B> Send for OneThread<B> {}

impl<B> OneThread<B> {
    fn new(board: B) -> Self {
        Self { board: Some(board), thread: std::thread::current().id() }
    }

    fn board(&self) -> &B {
        assert_eq!(self.thread, std::thread::current().id(), "the board is used on another thread");
        self.board.as_ref().expect("it is taken by `drop` only")
    }
}

impl<B> Drop for OneThread<B> {
    fn drop(&mut self) {
        if self.thread != std::thread::current().id() {
            // INVARIANT: not dropped here, but leaked.
            std::mem::forget(self.board.take());
        }
    }
}

// SAFETY:
// - They are those of `board`, which are the USBD's.
unsafe impl<B: RegistersOf<UsbdBlock>> RegistersOf<UsbdBlock> for OneThread<B> {}

// SAFETY:
// - These are the registers of `board`, whose `read` and `write` keep what is promised.
unsafe impl<B: Registers> Registers for OneThread<B> {
    fn read(&self, offset: u16) -> u32 {
        self.board().read(offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - What the write may start has its proof: the caller's debt, passed on unchanged.
        unsafe { self.board().write(offset, value) }
    }
}

impl<B: OutsideRegisters> OutsideRegisters for OneThread<B> {
    unsafe fn peek(&self, address: u32) -> u32 {
        // SAFETY:
        // - The chip is the one whose errata name the register: the caller's debt, passed on unchanged.
        unsafe { self.board().peek(address) }
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        // SAFETY:
        // - The chip is the one whose errata name the register, and the value is its workaround's: the caller's debt,
        //   passed on unchanged.
        unsafe { self.board().poke(address, value) }
    }
}

// SAFETY:
// - These are `release`, `acquire`, `snapshot` and `fill` of `board`, which keep what is promised.
unsafe impl<B: DmaFence> DmaFence for OneThread<B> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.board().release(region) }
    }

    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released, and its transfer has ended: the caller's debt, passed on unchanged.
        unsafe { self.board().acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.board().snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.board().fill(region, from) }
    }
}

/// Powers the controller of `board` up, for usb-device.
pub fn power_up<B: Board>(board: &B) -> UsbBusAllocator<Bus<B>> {
    UsbBusAllocator::new(UsbBus::new(powered(board), statics::packet_buffer()))
}

/// The controller of `board`, powered up.
pub fn powered<B: Board>(board: &B) -> Usbd<OneThread<B>> {
    let mut usbd = Usbd::new(OneThread::new(board.clone()));
    usbd.power_up();
    while !usbd.is_ready() {}
    usbd
}
