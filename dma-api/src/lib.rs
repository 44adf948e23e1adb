//! A sound DMA API for embedded Rust, whose fences are checked by a model.
//!
//! A DMA transfer is a thread that runs a `memcpy` which the compiler cannot see. This crate is the API that keeps
//! that thread and your program apart, and the drivers written on it. It is `no_std`, needs no allocator, and
//! compiles unchanged against the chip, against the simulator and against the model checker of `sim-core`: they are
//! values of two traits, not features.
//!
//! ```text
//! your firmware
//!   Ep0In, ...          drivers            nrf52840::usbd     safe to use; own the buffer while it is lent
//!   Power                                  nrf52840::power    VBUS, the crystal: when a controller may come up
//!   Sender, Receiver, Circular             stm32f103          USARTs with their channels
//!   WriteAll, ReadExact any chip           serial             what code asks for that knows no chip
//!   Transfer, Channel   any engine         transfer           buffer and channel while a transfer runs
//!   Registers, DmaFence the seam           registers, fence   what a chip, or a model of one, has to offer
//!   map                 register table     nrf52840::usbd::map, stm32f103::{dma, usart}::map, table
//! ```
//!
//! # Use
//!
//! ```no_run
//! use dma_api::fence::InOrder;
//! use dma_api::nrf52840::power::{ChipRegisters, Power, State};
//! use dma_api::nrf52840::usbd::{ChipBus, Ep0In, Event, PacketBuffer, Usbd};
//! use dma_api::registers::Volatile;
//! use dma_api::usb::{SET_ADDRESS, SET_CONFIGURATION, Setup};
//!
//! static mut BUFFER: PacketBuffer = PacketBuffer::new();
//! static DESCRIPTOR: [u8; 18] = [18, 1, 0, 2, 0, 0, 0, 64, 0x15, 0x19, 0x0F, 0x52, 0, 1, 0, 0, 0, 1];
//!
//! // SAFETY: this runs on an nRF52840, nobody else uses USBD, and nobody has before.
//! let registers = unsafe { Volatile::new() };
//! // SAFETY: a Cortex-M4F is in order, and CPU and EasyDMA share the bus.
//! let bus = unsafe { ChipBus::new(registers, InOrder) };
//! let mut usbd = Usbd::new(bus);
//! // SAFETY: this runs on an nRF52840, and nobody else uses POWER and CLOCK.
//! let registers: ChipRegisters = unsafe { Volatile::new() };
//! let mut power = Power::new(registers);
//! while power.advance(&mut usbd) != State::Attached {} // VBUS, READY, the crystal, the regulator; then the pull-up
//! // SAFETY: nobody else uses it, and this runs once.
//! let mut ep0in = Ep0In::new(usbd, unsafe { &mut *(&raw mut BUFFER) });
//! loop {
//!     match ep0in.next_event() {
//!         // GET_DESCRIPTOR of the device.
//!         Some(Event::Setup(setup @ Setup { request: 6, value: 0x0100, length: 1.., .. })) if setup.is_in() => {
//!             let length = usize::from(setup.length).min(DESCRIPTOR.len());
//!             ep0in.start(&DESCRIPTOR[..length]).expect("the SETUP has ended the transfer before");
//!         }
//!         // The hardware answers it, status stage included.
//!         Some(Event::Setup(Setup { request: SET_ADDRESS, .. })) => {}
//!         Some(Event::Setup(Setup { request: SET_CONFIGURATION, .. })) => ep0in.accept().expect("as above"),
//!         Some(Event::Setup(_)) => ep0in.stall().expect("as above"),
//!         _ => {}
//!     }
//! }
//! ```
//!
//! # Why it looks like this
//!
//! [`why`] goes through the requirements of a safe DMA API one by one, with the program that breaks without each. In
//! short:
//!
//! - **A buffer of its own.** `fn start(&mut self, bytes: &[u8])` lets the bytes die or change while the DMA reads
//!   them. A lifetime on a guard does not help: `mem::forget` is safe. So the bytes are copied into a `'static`
//!   buffer that the driver owns ([`nrf52840::usbd::Ep0In`]).
//! - **A fence on each side** ([`fence`]): before the register write that starts, after the register read that ends.
//! - **Raw parts in flight.** A `&mut` that moves while the DMA uses its target is an aliasing violation.
//! - **Ownership of the engine.** One EasyDMA engine serves all endpoints; a second start while it runs is lost or
//!   worse. The driver owns the register block.
//! - **Errors, not panics**, and no path that leaves `busy` stuck.
//!
//! What a safe program cannot do is checked by the compiler:
//!
//! ```compile_fail,E0597
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, PacketBuffer, Ep0In, Usbd}};
//! fn endpoint_from_the_stack(usbd: Usbd<ChipBus<InOrder>>) {
//!     let mut buffer = PacketBuffer::new();
//!     core::mem::forget(Ep0In::new(usbd, &mut buffer)); // the buffer does not live long enough
//! }
//! ```
//! ```compile_fail,E0133
//! # use dma_api::{nrf52840::usbd::map, registers::{Registers, Volatile}};
//! fn start_without_a_proof(usbd: &Volatile<{ map::BASE }>) {
//!     usbd.write(map::tasks_startepin(0), 1); // a write can start a transfer: `unsafe`
//! }
//! ```
//! ```compile_fail,E0200
//! # use dma_api::{address::{BusAddress, Region}, fence::DmaFence};
//! struct NoFence;
//! impl DmaFence for NoFence { // a fence is a promise: `unsafe impl`
//!     unsafe fn release(&self, region: Region) -> BusAddress { BusAddress::of_pointer(region.pointer) }
//!     unsafe fn acquire(&self, _: Region) {}
//!     unsafe fn snapshot(&self, _: Region, _: *mut u8) {}
//!     unsafe fn fill(&self, _: Region, _: *const u8) {}
//! }
//! ```

#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod address;
#[cfg(test)]
mod clones;
#[expect(unsafe_code, reason = "a fence is a promise: an unsafe trait and its implementations")]
pub mod fence;
#[expect(unsafe_code, reason = "the drivers lend memory to the DMA")]
pub mod nrf52840;
#[expect(unsafe_code, reason = "volatile accesses, and writes that can start a transfer")]
pub mod registers;
pub mod serial;
#[expect(unsafe_code, reason = "the drivers lend memory to the DMA")]
pub mod stm32f103;
pub mod table;
#[expect(unsafe_code, reason = "a transfer lends memory to the DMA")]
pub mod transfer;
pub mod usb;
pub mod why;
