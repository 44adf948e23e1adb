//! The USB device controller, with EasyDMA: all endpoints, suspend, usb-device.
//!
//! [`Usbd`] is the register block. It offers what cannot start a transfer, all of it safe. A transfer is started by
//! the endpoint that owns the block: [`Ep0In`]. While its transfer runs, most registers of the block are out of
//! reach (the engine owns the port to the USB core), so the endpoint decides when they are touched.
//!
//! Three ways to use it:
//!
//! - [`Ep0In`] alone: endpoint 0 IN, without waiting for a transfer.
//! - [`Engine`], with [`Control`], [`EpIn`] and [`EpOut`]: endpoints 0 to 7, both ways; with [`IsoIn`] and [`IsoOut`]:
//!   the isochronous endpoint 8; with [`Suspended`]: low power and remote wake-up.
//! - `UsbBus`, behind feature `usb-device`, which is made of these: classes written for usb-device.
//!
//! The workarounds for errata 166, 171, 187, 199 and 211 are done; those of engineering samples (94, 104, 154, 200) are
//! not.

use crate::registers::{Bus, OutsideRegisters, Peripheral, Registers, RegistersOf, Volatile};
use crate::usb::Setup;

pub mod map;

mod buffers;
pub mod control;
pub mod engine;
pub mod ep0in;
pub mod epin;
pub mod epout;
mod errata;
pub mod iso;
pub mod isoin;
pub mod isoout;
pub mod suspend;
pub mod transfer;
#[cfg(feature = "usb-device")]
pub mod usb_bus;

pub use crate::transfer::Refused;
#[cfg(feature = "usb-device")]
pub use buffers::IsoBuffer;
pub use buffers::PacketBuffer;
pub use control::{Control, ControlError, ControlEvent};
pub use engine::{Endpoints, Engine};
pub use ep0in::{AnswerError, EndError, Ep0In, Event, StartError};
pub use epin::{EpIn, SendError};
pub use epout::{EpOut, ReceiveError};
pub use iso::{IsoEnded, IsoTransfer, Late, OpenError, Share};
pub use isoin::{IsoIn, IsoSendError, WithoutData};
pub use isoout::{IsoOut, IsoReceiveError, Received};
pub use suspend::{Suspended, Waking};
pub use transfer::Transfer;
#[cfg(feature = "usb-device")]
pub use usb_bus::UsbBus;

/// The bus of a real nRF52840 (a Cortex-M4F: [`InOrder`](crate::fence::InOrder) is enough), to make a [`Usbd`] from.
///
/// See [`Bus`] for an example.
pub type ChipBus<F> = Bus<Volatile<{ map::BASE }>, F>;

/// The peripheral at [`map::BASE`]: its registers make a [`Usbd`].
///
/// See [`Registers`] for an example.
#[derive(Debug)]
pub enum UsbdBlock {}

impl Peripheral for UsbdBlock {
    const BASE: usize = map::BASE;
}

// SAFETY:
// - `Volatile::new` was promised that the peripheral is there.
// - And that nobody else uses it.
unsafe impl RegistersOf<UsbdBlock> for Volatile<{ map::BASE }> {}

/// What happens to the bus as a whole.
///
/// See [`Usbd`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusEvent {
    /// The host has been silent for 3 ms.
    Suspend,
    /// It speaks again.
    Resume,
    /// The controller has woken up from low power: it answers the host.
    WakeUpAllowed,
}

/// The register block of the USB device controller.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{BusEvent, ChipBus, Engine, Usbd};
/// /// Powers the controller up by hand. VBUS, the regulator and the crystal are there.
/// fn connect(usbd: &mut Usbd<ChipBus<InOrder>>) {
///     usbd.power_up();
///     while !usbd.is_ready() {}
///     usbd.connect();
/// }
///
/// /// Whether the bus has become silent.
/// fn is_suspended(engine: &mut Engine<ChipBus<InOrder>>) -> bool {
///     engine.usbd().take_bus_event() == Some(BusEvent::Suspend)
/// }
/// ```
#[derive(Debug)]
pub struct Usbd<B> {
    bus: B,
    /// A SETUP that was read together with a reset, which is reported first: its event is cleared, so whoever has the
    /// block next must be told.
    setup: Option<Setup>,
    /// READY was seen since the last power-up.
    ready: bool,
    /// Powered up, and READY was not seen since: the pull-up is off, and out of reach.
    starting: bool,
}

/// Whether a write of `value` to `offset` starts a transfer, now or through a shortcut.
#[inline]
const fn starts_transfer(offset: u16, value: u32) -> bool {
    let starting_shorts = map::shorts::EP0DATADONE_STARTEPIN0.mask() | map::shorts::EP0DATADONE_STARTEPOUT0.mask();
    let is_start = offset >= map::tasks_startepin(0) && offset <= map::tasks_startisoout();
    is_start || offset == map::shorts() && value & starting_shorts != 0
}

impl<B: Registers + OutsideRegisters> Usbd<B> {
    /// Powers the controller up. Goes on in hardware, for a few microseconds: see [`is_ready`](Self::is_ready).
    ///
    /// Call it, and `is_ready` until it says so, where no interrupt handler does the workarounds of another peripheral:
    /// theirs open and close the same registers (Tock and Zephyr lock interrupts here).
    pub fn power_up(&mut self) {
        // A bootloader has left it on: READY comes when ENABLE goes from 0 to 1, and not again.
        if self.event(map::enable()) {
            self.power_down();
        }
        self.starting = true;
        self.write(map::eventcause(), map::eventcause::READY.mask());
        self.begin_workarounds();
        self.write(map::enable(), map::enable::ENABLE.mask());
    }

    /// Whether the power-up is done. Until then most registers are out of reach (nRF52840 PS, register access
    /// limitations).
    pub fn is_ready(&mut self) -> bool {
        if !self.ready && map::eventcause::READY.is_set(self.bus.read(map::eventcause())) {
            self.end_workarounds();
            self.ready = true;
            self.starting = false;
        }
        self.ready
    }

    /// Powers the controller down, in the middle of its power-up as well. Takes `&mut self`, which an endpoint gives
    /// out only when its transfer has ended: [`Ep0In::into_parts`], [`Engine::into_parts`].
    pub fn power_down(&mut self) {
        self.setup = None;
        self.ready = false;
        if !self.starting {
            self.write(map::usbpullup(), 0);
        }
        self.write(map::enable(), 0);
        self.forget_workarounds();
        self.starting = false;
    }
}

impl<B: Registers> Usbd<B> {
    /// The controller behind `bus`. Whoever made the bus has vouched that nobody else uses it.
    ///
    /// ```compile_fail,E0277
    /// # use dma_api::{fence::InOrder, nrf52840::{power, usbd::Usbd}, registers::Bus};
    /// fn usbd_of_another_peripheral(bus: Bus<power::ChipRegisters, InOrder>) {
    ///     let usbd = Usbd::new(bus); // those are POWER and CLOCK
    /// }
    /// ```
    pub const fn new(bus: B) -> Self
    where
        B: RegistersOf<UsbdBlock>,
    {
        Self { bus, setup: None, ready: false, starting: false }
    }

    /// Pulls D+ up: the host sees a full-speed device, and resets the bus. Not before VBUS, the USB regulator and the
    /// crystal are there, which [`Power`](super::power::Power) looks after. Out of reach while a transfer runs, so
    /// before [`Ep0In::new`].
    pub fn connect(&mut self) {
        self.write(map::usbpullup(), map::usbpullup::CONNECT.mask());
    }

    /// Lets D+ go: the host sees the device leave. After [`Ep0In::into_parts`].
    pub fn disconnect(&mut self) {
        self.write(map::usbpullup(), 0);
    }

    /// Lets the events in `mask` (bits of INTEN) assert the interrupt line.
    pub fn listen(&self, mask: u32) {
        self.write(map::intenset(), mask);
    }

    /// Stops the events in `mask` (bits of INTEN) from asserting the interrupt line.
    pub fn unlisten(&self, mask: u32) {
        self.write(map::intenclr(), mask);
    }

    /// Clears EVENTS_EPDATA; returns whether it was set. Comes before the endpoints are asked what has happened: what
    /// happens afterwards raises it again.
    pub fn take_epdata(&self) -> bool {
        let event = self.event(map::events_epdata());
        if event {
            self.write(map::events_epdata(), 0);
        }
        event
    }

    /// The number of this frame, 11 bits: FRAMECNTR. Out of reach while a transfer runs.
    #[track_caller]
    pub fn frame(&mut self) -> u16 {
        self.frame_number()
    }

    /// Takes the start of a frame, if one has come since the last time (EVENTS_SOF). Returns the number of this frame,
    /// which is a later one if frames were missed.
    pub fn take_frame(&mut self) -> Option<u16> {
        if !self.event(map::events_sof()) {
            return None;
        }
        // First the event: a frame that begins in between raises it again.
        self.write(map::events_sof(), 0);
        Some(self.frame_number())
    }

    #[track_caller]
    fn frame_number(&self) -> u16 {
        let [low, high, ..] = map::framecntr::FRAMECNTR.get(self.bus.read(map::framecntr())).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Takes what the bus does as a whole, if it was told (EVENTS_USBEVENT). Suspend comes first: a resume that was
    /// seen with it came after it, and the controller wakes up after that.
    pub fn take_bus_event(&self) -> Option<BusEvent> {
        let causes = [
            (map::eventcause::SUSPEND, BusEvent::Suspend),
            (map::eventcause::RESUME, BusEvent::Resume),
            (map::eventcause::USBWUALLOWED, BusEvent::WakeUpAllowed),
        ];
        self.clear_bus_event();
        let eventcause = self.bus.read(map::eventcause());
        let (cause, event) = causes.into_iter().find(|(cause, _)| cause.is_set(eventcause))?;
        self.write(map::eventcause(), cause.mask());
        Some(event)
    }

    /// Clears EVENTS_USBEVENT. Comes before a look at its causes: one that comes in between raises the event again.
    fn clear_bus_event(&self) {
        if self.event(map::events_usbevent()) {
            self.write(map::events_usbevent(), 0);
        }
    }

    /// Clears this bit of EPDATASTATUS; returns whether it was set.
    fn take_data_status(&self, bit: u32) -> bool {
        let set = self.bus.read(map::epdatastatus()) & bit != 0;
        if set {
            self.write(map::epdatastatus(), bit);
        }
        set
    }

    /// SIZE.EPOUT\[number\]. Out of reach while a transfer runs (TinyUSB issue #1474).
    fn received_size(&self, number: u8) -> usize {
        map::size_epout::SIZE.get(self.bus.read(map::size_epout(number.into()))) as usize
    }

    /// Sets or clears the bit of endpoint `number` in EPINEN or EPOUTEN.
    fn enable(&mut self, register: u16, number: u8, enabled: bool) {
        let others = self.bus.read(register) & !(1 << number);
        self.write(register, others | u32::from(enabled) << number);
    }

    /// Halts endpoint `number`, 1 to 7: it answers STALL.
    fn halt(&mut self, number: u8, to_host: bool) {
        self.write_epstall(number, to_host, true);
    }

    /// Ends a halt of endpoint `number`, 1 to 7. The next packet is DATA0, which the hardware does not see to by
    /// itself.
    fn unhalt(&mut self, number: u8, to_host: bool) {
        self.write_epstall(number, to_host, false);
        let select = map::dtoggle::EP.put(number.into()) | map::dtoggle::IO.put(to_host.into());
        // The first write selects the endpoint, the second acts on it (TinyUSB, quoting the PS).
        self.write(map::dtoggle(), select);
        self.write(map::dtoggle(), select | map::dtoggle::VALUE.put(map::DTOGGLE_DATA0));
    }

    fn write_epstall(&mut self, number: u8, to_host: bool, stall: bool) {
        let endpoint = map::epstall::EP.put(number.into()) | map::epstall::IO.put(to_host.into());
        self.write(map::epstall(), endpoint | map::epstall::STALL.put(stall.into()));
    }

    /// Takes a packet that the host has not fetched out of an IN endpoint: writes 1 to `busy` of the core's register.
    ///
    /// Not in the datasheet; Nordic's driver does it (nrfx 4.2.1 `usbd_ep_abort`).
    fn disarm(&self, core_register: u32, busy: u32) {
        self.write(map::coreindex(), core_register);
        let value = self.bus.read(map::coredata());
        self.write(map::coredata(), value | busy);
    }

    #[inline]
    #[track_caller]
    fn write(&self, offset: u16, value: u32) {
        assert!(!starts_transfer(offset, value), "this write starts a transfer: it needs its proof");
        // SAFETY:
        // - The write starts no transfer: asserted above (and decided at compile time, for a constant offset).
        unsafe { self.bus.write(offset, value) }
    }

    #[inline]
    #[track_caller]
    fn event(&self, offset: u16) -> bool {
        self.bus.read(offset) != 0
    }

    /// Clears EVENTS_USBRESET; returns whether it was set.
    #[track_caller]
    fn take_reset(&self) -> bool {
        let reset = self.event(map::events_usbreset());
        if reset {
            self.write(map::events_usbreset(), 0);
        }
        reset
    }

    /// Reads the SETUP packet and clears its event. A SETUP that arrives meanwhile is read instead: the registers
    /// hold the latest one, and would otherwise give half of each.
    #[track_caller]
    fn take_setup(&self) -> Setup {
        loop {
            self.write(map::events_ep0setup(), 0);
            // Eight registers, one a word, in the order of the packet: 0x480 to 0x49C.
            let [b0, b1, b2, b3, b4, b5, b6, b7] = [
                map::bmrequesttype(),
                map::brequest(),
                map::wvaluel(),
                map::wvalueh(),
                map::windexl(),
                map::windexh(),
                map::wlengthl(),
                map::wlengthh(),
            ]
            .map(|offset| self.bus.read(offset).to_le_bytes()[0]);
            if !self.event(map::events_ep0setup()) {
                return Setup::from_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::format;

    use super::*;
    use crate::nrf52840::fake::Block;
    use crate::transfer::Held;

    const FORGET_READY: (u16, u32) = (map::eventcause(), map::eventcause::READY.mask());

    #[test]
    fn power_up_forgets_a_ready_of_before() {
        let chip = Block::usbd();
        let mut usbd = Usbd::new(&chip);
        usbd.power_up();
        assert_eq!(chip.own_writes(), [FORGET_READY, (map::enable(), 1)]);
    }

    #[test]
    fn power_down_leaves_the_bus_before_the_core_is_off() {
        let chip = Block::usbd();
        let mut usbd = Usbd::new(&chip);
        usbd.connect();
        assert_eq!(chip.own_writes(), [(map::usbpullup(), 1)]);
        usbd.power_down();
        assert_eq!(chip.own_writes(), [(map::usbpullup(), 0), (map::enable(), 0)]);
    }

    #[test]
    fn power_down_before_ready_leaves_the_pull_up_alone() {
        let chip = Block::usbd();
        let mut usbd = Usbd::new(&chip);
        usbd.power_up();
        usbd.power_down();
        assert_eq!(chip.own_writes(), [FORGET_READY, (map::enable(), 1), (map::enable(), 0)]);
        // As before, once READY was seen or nobody has powered it up here.
        usbd.power_down();
        assert_eq!(chip.own_writes(), [(map::usbpullup(), 0), (map::enable(), 0)]);
    }

    #[test]
    fn power_down_forgets_a_setup_that_is_held() {
        let chip = Block::usbd();
        let mut usbd = Usbd::new(&chip);
        usbd.setup = Some(Setup::set_configuration(1));
        usbd.power_down();
        assert_eq!(usbd.setup, None);
    }

    #[test]
    #[should_panic(expected = "this write starts a transfer")]
    fn write_that_starts_a_transfer_is_refused() {
        Usbd::new(&Block::usbd()).write(map::tasks_startepout(7), 1);
    }

    #[test]
    fn disconnect_lets_go_of_the_bus_and_leaves_the_power_on() {
        let chip = Block::usbd();
        let mut usbd = Usbd::new(&chip);
        usbd.power_up();
        usbd.disconnect();
        assert_eq!(chip.own_writes(), [FORGET_READY, (map::enable(), 1), (map::usbpullup(), 0)]);
    }

    #[test]
    fn bus_events_come_in_the_order_in_which_they_happen_and_one_at_a_time() {
        let chip = Block::usbd();
        let usbd = Usbd::new(&chip);
        let (suspend, resume) = (map::eventcause::SUSPEND.mask(), map::eventcause::RESUME.mask());
        let allowed = map::eventcause::USBWUALLOWED.mask();
        for (causes, event, cause) in [
            (suspend | resume | allowed, BusEvent::Suspend, suspend),
            (resume | allowed, BusEvent::Resume, resume),
            (allowed, BusEvent::WakeUpAllowed, allowed),
        ] {
            chip.set(map::eventcause(), causes);
            assert_eq!(usbd.take_bus_event(), Some(event));
            assert_eq!(chip.own_writes(), [(map::eventcause(), cause)]);
        }
        chip.set(map::eventcause(), map::eventcause::READY.mask());
        assert_eq!(usbd.take_bus_event(), None);
    }

    #[test]
    fn disarm_leaves_the_other_bits_of_the_core_register_as_they_are() {
        let chip = Block::usbd();
        let usbd = Usbd::new(&chip);
        chip.set(map::coredata(), 0x11);
        usbd.disarm(map::CORE_EP0CS, map::CORE_EP0CS_INBSY);
        assert_eq!(chip.own_writes(), [(map::coreindex(), map::CORE_EP0CS), (map::coredata(), 0x15)]);
    }

    #[test]
    fn frame_has_eleven_bits() {
        let chip = Block::usbd();
        chip.set(map::framecntr(), 0xFFFF_FABC);
        assert_eq!(Usbd::new(&chip).frame(), 0x2BC);
    }

    #[test]
    fn listen_and_unlisten_touch_the_bits_they_are_given_only() {
        let chip = Block::usbd();
        let usbd = Usbd::new(&chip);
        usbd.listen(map::event_bit(map::events_ep0setup()));
        usbd.unlisten(map::event_bit(map::events_usbreset()));
        assert_eq!(chip.own_writes(), [(map::intenset(), 1 << 23), (map::intenclr(), 1)]);
    }

    #[test]
    fn write_that_starts_a_transfer_is_known_by_its_offset() {
        let starts = |offset| starts_transfer(offset, 1);
        assert!((0..8).all(|n| starts(map::tasks_startepin(n)) && starts(map::tasks_startepout(n))));
        assert!(starts(map::tasks_startisoin()) && starts(map::tasks_startisoout()));
        assert!(starts_transfer(map::shorts(), map::shorts::EP0DATADONE_STARTEPOUT0.mask()));
        assert!(!starts_transfer(map::shorts(), map::shorts::EP0DATADONE_EP0STATUS.mask()));
        assert!(!starts(map::tasks_ep0rcvout()) && !starts(map::epin_ptr(0)) && !starts(map::enable()));
    }

    #[test]
    fn buffer_and_transfer_show_what_they_are() {
        assert_eq!(format!("{:?}", PacketBuffer::new()), "PacketBuffer");
        let chip = Block::usbd();
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(&chip), Box::leak(Box::default()));
        endpoints.epin[0].open(&mut engine);
        let bytes: &'static [u8] = &[1, 2, 3];
        let transfer = endpoints.epin[0].send(engine, bytes).expect("it is open, and free");
        let region = Held::borrowed(bytes).region();
        assert_eq!(format!("{transfer:?}"), format!("Transfer {{ region: {region:?}, .. }}"));
    }
}
