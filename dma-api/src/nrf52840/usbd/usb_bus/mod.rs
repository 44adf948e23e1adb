//! `usb_device::bus::UsbBus`: classes written for usb-device run on this driver.
//!
//! Behind feature `usb-device`. Packets go through the engine's bounce buffer, and each call waits for the END of its
//! own transfer, a few microseconds. So `read` and `write` are what usb-device expects: copies that are done when they
//! return.
//!
//! What usb-device and this hardware see differently:
//!
//! | usb-device | hardware | here |
//! |---|---|---|
//! | reads SETUP from endpoint 0 | has it in registers | `read` gives the eight bytes |
//! | reads data without asking | a packet for each EP0RCVOUT | asked for at the SETUP, and after each but the last |
//! | writes an empty packet as status stage | EP0STATUS, and no event at its end | complete at the next `poll` |
//! | waits for the status stage of a read | EP0STATUS, and no event at its end | with the last packet's completion |
//! | sets the address | does it alone | nothing; usb-device takes it for set when SET_ADDRESS is read |
//! | ends whole packets with an empty one | wLength bytes are the end | left out if the host has all |
//! | refuses in both directions | one task for both; a second may hit the next SETUP | the first counts |
//! | leaves a request unanswered whose data is too long for its buffer | NAK, for as long as the host waits | refused |
//! | does not tell of SET_CONFIGURATION | toggles and halts stay | both are reset when it is granted |
//! | is told of a suspension, or of packets, not of both | both may have come | packets first |
//!
//! What comes over the wire is seen by `poll`, and by nothing else: `read` gives packets that `poll` has told of,
//! `write` has room when `poll` has told that the packet before is complete. So each is told of once, and before.
//!
//! # Interrupts
//!
//! `enable` lets the controller interrupt: at USBRESET, EP0DATADONE, USBEVENT, EP0SETUP and EPDATA, and at nothing else
//! that was enabled before. Whether the CPU listens is for you to say. One `poll` an interrupt is enough: what a `poll`
//! leaves for the next one is in an event that asserts the line still, or the next start of frame is made to interrupt
//! as well. It does for as long as an isochronous endpoint is open.
//!
//! # Suspend
//!
//! The controller sleeps in low power from usb-device's `suspend` on, until the host resumes or resets the bus, or you
//! [`wake_up`](UsbBus::wake_up) the host. Meanwhile `read` and `write` are `WouldBlock`, and a halt is set or cleared
//! when the controller wakes. The crystal is left running.
//!
//! # Isochronous endpoints
//!
//! For descriptors they can be allocated always; to use them, give the bus memory for a packet
//! ([`UsbBus::with_isochronous`]). They are open from each bus reset on. `poll` tells of an IN packet that it is
//! complete when its frame has begun, and of an OUT packet in the frame after its own: `read` it then, or it is lost.
//!
//! # Use
//!
//! ```no_run
//! # use dma_api::{fence::InOrder, nrf52840::{power::{ChipRegisters, Power}, usbd::{ChipBus, PacketBuffer, UsbBus, Usbd}}};
//! # use usb_device::{bus::UsbBusAllocator, device::{UsbDeviceBuilder, UsbVidPid}};
//! /// Serves no class yet. On the chip, `critical-section` needs an implementation, such as cortex-m's.
//! fn serve(mut usbd: Usbd<ChipBus<InOrder>>, mut power: Power<ChipRegisters>, buffer: &'static mut PacketBuffer) -> ! {
//!     while !power.is_vbus_present() {}
//!     power.start_clock();
//!     usbd.power_up();
//!     while !(usbd.is_ready() && power.is_output_ready() && power.is_clock_running()) {}
//!     let bus = UsbBusAllocator::new(UsbBus::new(usbd, buffer));
//!     let mut device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 1)).build(); // connects
//!     loop {
//!         device.poll(&mut []); // here, or in the handler of interrupt 39
//!     }
//! }
//! ```
//!
//! # Limits
//!
//! - A cable that is pulled is a suspension here, and the controller sleeps. It is not powered down; one that is pulled
//!   while [`wake_up`](UsbBus::wake_up) is under way leaves the controller waking.
//! - A host that suspends, resumes and suspends again between two `poll`s is taken to have resumed: no register says
//!   which came last. The controller stays awake.
//! - SET_INTERFACE resets no toggles: which endpoints an interface has, only its class knows. It can `unstall` them in
//!   `set_alt_setting`.

use core::cell::RefCell;

use critical_section::Mutex;
use usb_device::bus::PollResult;
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

use controller::Controller;

use super::{
    ControlError, Engine, IsoBuffer, IsoReceiveError, IsoSendError, PacketBuffer, ReceiveError, SendError, Usbd,
};
use crate::fence::DmaFence;
use crate::registers::{OutsideRegisters, Registers};

mod controller;
mod device;
mod pipe;

/// The controller as usb-device's bus.
///
/// Each call is a critical section: calls from an interrupt handler and from the main program do not meet.
///
/// See the [module](self) for an example.
#[derive(Debug)]
pub struct UsbBus<B>(Mutex<RefCell<Controller<B>>>);

impl<B: Registers + OutsideRegisters + DmaFence + Send> UsbBus<B> {
    /// The bus of `usbd`, which is powered up; it is connected when usb-device enables it. Its isochronous endpoints
    /// are `Unsupported`.
    pub fn new(usbd: Usbd<B>, buffer: &'static mut PacketBuffer) -> Self {
        Self::of(Engine::new(usbd, buffer), None)
    }

    /// As [`new`](Self::new), with isochronous endpoints.
    pub fn with_isochronous(
        usbd: Usbd<B>,
        buffer: &'static mut PacketBuffer,
        isochronous: &'static mut IsoBuffer,
    ) -> Self {
        Self::of(Engine::new(usbd, buffer), Some(&mut isochronous.0))
    }

    fn of((engine, endpoints): (Engine<B>, super::Endpoints), isochronous: Option<&'static mut [u8]>) -> Self {
        Self(Mutex::new(RefCell::new(Controller::new(engine, endpoints, isochronous))))
    }

    /// Asks a host that has suspended the bus to resume it. If the host has allowed it
    /// (`UsbDevice::remote_wakeup_enabled`), and the bus was idle for 5 ms (USB 2.0 7.1.7.7).
    ///
    /// Goes on in `poll`, until that says `Resume`. As for [`Usbd::power_up`], no interrupt handler does the
    /// workarounds of another peripheral meanwhile.
    ///
    /// # Errors
    ///
    /// `InvalidState`: the controller does not sleep.
    pub fn wake_up(&self) -> Result<()> {
        self.with(Controller::wake_up)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Controller<B>) -> T) -> T {
        critical_section::with(|section| f(&mut self.0.borrow_ref_mut(section)))
    }
}

impl<B: Registers + OutsideRegisters + DmaFence + Send> usb_device::bus::UsbBus for UsbBus<B> {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        kind: EndpointType,
        max_packet_size: u16,
        _interval: u8,
    ) -> Result<EndpointAddress> {
        self.with(|controller| controller.device.allocate(direction, address, kind, max_packet_size))
    }

    fn enable(&mut self) {
        self.with(Controller::enable);
    }

    fn reset(&self) {
        self.with(Controller::reset);
    }

    /// The hardware sets it, and no event says when: with the next SETUP at the latest.
    const QUIRK_SET_ADDRESS_BEFORE_STATUS: bool = true;

    fn set_device_address(&self, _address: u8) {}

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        self.with(|controller| controller.write(address, bytes))
    }

    fn read(&self, address: EndpointAddress, bytes: &mut [u8]) -> Result<usize> {
        self.with(|controller| controller.read(address, bytes))
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        self.with(|controller| controller.set_stalled(address, stalled));
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        self.with(|controller| controller.device.is_stalled(address))
    }

    fn suspend(&self) {
        self.with(Controller::suspend);
    }

    /// `poll` has woken the controller before it told of what ends a suspension.
    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        self.with(Controller::poll)
    }
}

impl From<SendError> for UsbError {
    fn from(error: SendError) -> Self {
        match error {
            // Closed: allocated, and the host has not reset the bus yet.
            SendError::Busy | SendError::Closed => Self::WouldBlock,
            SendError::TooLong { .. } => Self::BufferOverflow,
            SendError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<ReceiveError> for UsbError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Empty | ReceiveError::Closed => Self::WouldBlock,
            ReceiveError::TooShort { .. } => Self::BufferOverflow,
            ReceiveError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<IsoSendError> for UsbError {
    fn from(error: IsoSendError) -> Self {
        match error {
            IsoSendError::Busy | IsoSendError::Closed => Self::WouldBlock,
            IsoSendError::TooLong { .. } | IsoSendError::TooShort { .. } => Self::BufferOverflow,
            IsoSendError::Unaligned | IsoSendError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<IsoReceiveError> for UsbError {
    fn from(error: IsoReceiveError) -> Self {
        match error {
            IsoReceiveError::Empty | IsoReceiveError::Closed | IsoReceiveError::Corrupted => Self::WouldBlock,
            IsoReceiveError::TooShort { .. } => Self::BufferOverflow,
            IsoReceiveError::Unaligned | IsoReceiveError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<ControlError> for UsbError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Busy | ControlError::Empty | ControlError::Overtaken => Self::WouldBlock,
            ControlError::TooLong { .. } | ControlError::TooShort { .. } => Self::BufferOverflow,
            ControlError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

#[cfg(test)]
mod tests;
