//! Any host, against our drivers: endpoint 0, the endpoints, usb-device's classes on our bus.
//!
//! A device has to stand whatever comes over the wire: tokens out of order, requests that make no sense, resets in the
//! middle, a cable that is pulled. What must hold, for every script and every schedule: no panic of the device, no rule
//! broken, no race, and the device comes back to its loop, so that it sees the end of the script. One rule is
//! known to be broken: see the limits of [`IsoOut`](dma_api::nrf52840::usbd::IsoOut). A run that ends so has shown
//! nothing else.
//!
//! | byte | what |
//! |---|---|
//! | 0 | the device, modulo how many there are; bit 7: the scheduler may have a fault happen, of each kind once |
//! | 1 | the machine (value modulo 3), with the fences that suffice on it |
//! | 2 to 5 | the schedule's seed, little-endian |
//! | then | what the host does: see [`script`](mod@super::script) |
//!
//! *Not tried here*: a driver whose calls come in any order (that is `usbd`, `operations`), VBUS that goes
//! ([`Supply::Modelled`](sim_core::device::usbd::Supply)), data caches and quirks.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::Event;
use sim_core::check::programs::{Device as Endpoint0, Try};
use sim_core::check::{firmware, interrupt, loopback};
use sim_core::explore::{Board, Program, Verdict, stepped};
use sim_core::host::{Faults, Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::Rule;
use sim_core::soc::Config;
use usb_device::device::{UsbDevice, UsbDeviceBuilder, UsbVidPid};
use usbd_hid::descriptor::{MouseReport, SerializedDescriptor};
use usbd_hid::hid_class::HIDClass;
use usbd_serial::SerialPort;

mod class;

use super::input::Input;
use super::script::{Operation, operation, script};
use crate::bytes::machine_of;
use crate::one_thread::{Bus, power_up};
use crate::pace::Paced;

/// In byte 0: the scheduler may have faults happen.
const FAULTS: u8 = 0x80;

/// The most operations that are read.
const MOST_OPERATIONS: usize = 40;

/// What runs on the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Endpoint 0 by `Ep0In`.
    Endpoint0,
    /// The same in an interrupt handler.
    Handler,
    /// `Control`, `EpIn` and `EpOut`: a loopback device.
    Loopback,
    /// `UsbBus` with usbd-serial.
    Serial,
    /// `UsbBus` with usbd-hid.
    Mouse,
    /// `UsbBus` with a class of our own: bulk, interrupt, isochronous, two settings.
    Echoes,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Endpoint0, Self::Handler, Self::Loopback, Self::Serial, Self::Mouse, Self::Echoes];
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// A Cortex-M7, and a driver with `compiler_fence`.
    WeakFences,
    /// Endpoint 0 starts every packet twice.
    StartsTwice,
    /// Endpoint 0 takes for granted that the host asks for no more than there is.
    TrustsTheHost,
    /// Endpoint 0 waits for a reset before it looks at anything else.
    WaitsForReset,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 4] = [Self::WeakFences, Self::StartsTwice, Self::TrustsTheHost, Self::WaitsForReset];
}

/// A device, a host, a schedule.
#[derive(Clone, Debug)]
pub struct Case {
    /// What runs on the chip.
    pub device: Device,
    /// The core.
    pub machine: Machine,
    /// The scheduler may have faults happen.
    pub faults: bool,
    /// What the host does.
    pub host: Rc<[Operation]>,
    /// The schedule's seed.
    pub schedule: u32,
    twin: Option<Twin>,
}

/// The case that these bytes say.
pub fn decode(bytes: &[u8], twin: Option<Twin>) -> Case {
    let mut input = Input::new(bytes);
    let (head, machine, schedule) = (input.byte(), input.byte(), input.word());
    let device = Device::ALL[usize::from(head & !FAULTS) % Device::ALL.len()];
    let mut host = Vec::new();
    while !input.is_empty() && host.len() < MOST_OPERATIONS {
        host.push(operation(&mut input));
    }
    let faults = head & FAULTS != 0;
    Case { device, machine: machine_of(machine), faults, host: host.into(), schedule, twin }
}

impl Program for Case {
    fn name(&self) -> String {
        format!("host-{:?}", self.device)
    }

    fn config(&self) -> Config {
        let fences = match self.twin {
            Some(Twin::WeakFences) => {
                Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Compiler }
            }
            _ => Fences::right(self.machine),
        };
        let once =
            Faults { lost_tokens: 1, corrupted_packets: 1, lost_handshakes: 1, wrong_toggles: 1, ..Faults::default() };
        let faults = if self.faults { once } else { Faults::default() };
        Config { fences, faults, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.twin {
            Some(Twin::StartsTwice) => return Endpoint0::new(Try::DoubleStart, 18).firmware(board),
            Some(Twin::TrustsTheHost) => return trust_the_host(board),
            Some(Twin::WaitsForReset) => return wait_for_reset(board),
            Some(Twin::WeakFences) | None => {}
        }
        match self.device {
            Device::Endpoint0 => firmware::serve(board),
            Device::Handler => interrupt::serve(board),
            Device::Loopback => loopback::serve(board),
            Device::Serial => serve_serial(board),
            Device::Mouse => serve_mouse(board),
            Device::Echoes => class::serve(board),
        }
    }

    fn host(&self, host: Host) -> Script {
        script(host, self.host.clone())
    }
}

fn trust_the_host<B: Board>(board: B) {
    let mut ep0in = firmware::connect(board.clone());
    while !board.host_is_done() {
        if let Some(Event::Setup(setup)) = ep0in.next_event() {
            let asked = &firmware::DESCRIPTOR[..setup.length.into()];
            // What it does not know it does not answer.
            let _ = ep0in.start(asked);
        }
    }
    firmware::put_away(ep0in);
}

fn wait_for_reset<B: Board>(board: B) {
    let mut ep0in = firmware::connect(board.clone());
    while ep0in.next_event() != Some(Event::Reset) {}
    while !board.host_is_done() {
        if let Some(Event::Setup(setup)) = ep0in.next_event() {
            firmware::answer(&mut ep0in, setup);
        }
    }
    firmware::put_away(ep0in);
}

fn build<'a, B: Board>(bus: &'a usb_device::bus::UsbBusAllocator<Bus<B>>) -> UsbDevice<'a, Bus<B>> {
    UsbDeviceBuilder::new(bus, UsbVidPid(0x1209, 0x0001)).max_packet_size_0(64).expect("64 is a size").build()
}

/// Sends back what it gets.
fn serve_serial<B: Board>(board: B) {
    let bus = power_up(&board);
    let mut serial = SerialPort::new(&bus);
    let mut device = build(&bus);
    let mut packet = [0; 64];
    while !board.host_is_done() {
        device.poll(&mut [&mut serial]);
        if let Ok(length) = serial.read(&mut packet) {
            // If there is no room for it, the host has not taken what came before: it is lost.
            let _ = serial.write(&packet[..length]);
        }
    }
}

/// Moves on with each report.
fn serve_mouse<B: Board>(board: B) {
    let bus = power_up(&board);
    let mut hid = HIDClass::new_ep_in(&bus, MouseReport::desc(), 10);
    let mut device = build(&bus);
    let mut report = MouseReport { buttons: 1, x: 0, y: -1, wheel: 0, pan: 0 };
    while !board.host_is_done() {
        device.poll(&mut [&mut hid]);
        if hid.push_input(&report).is_ok() {
            report.x = report.x.wrapping_add(1);
        }
    }
}

/// Runs the case that these bytes say.
///
/// # Errors
///
/// The verdict, if it is neither sound nor a known hazard.
pub fn run(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    let case = decode(bytes, twin);
    match verdict(bytes, twin) {
        Verdict::Sound { .. } => Ok(()),
        verdict if twin.is_none() && is_known_hazard(&verdict) => Ok(()),
        verdict => Err(format!("{:?}, {:?}, seed {}: {verdict}", case.device, case.host, case.schedule)),
    }
}

/// What comes of the case that these bytes say.
pub fn verdict(bytes: &[u8], twin: Option<Twin>) -> Verdict {
    let case = decode(bytes, twin);
    let scheduler = Rc::new(RefCell::new(Paced::new(case.schedule)));
    stepped::run(&case, &scheduler, None).verdict
}

/// Whether this is what `IsoOut` says of itself, under its limits: a frame begins between the look at a packet and the
/// start of its transfer. It cannot be mended.
fn is_known_hazard(verdict: &Verdict) -> bool {
    let Verdict::Violation(found) = verdict else {
        return false;
    };
    let misuse = &found.violation.misuse;
    misuse.rule == Rule::StartWithoutPacket && misuse.what.starts_with("TASKS_STARTISOOUT")
}

/// What a fuzzer begins with: each device is enumerated, and gets something to do.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    // Enumerate; the configuration once more; bulk OUT and IN; a vendor's requests; interrupt OUT and IN; a reset.
    let busy: &[u8] = &[8, 2, 5, 1, 1, 10, 1, 0, 30, 0, 9, 1, 0, 30, 0, 5, 7, 9, 5, 8, 9, 9, 2, 1, 8, 0, 0, 8, 0];
    // Isochronous packets in a setting of their own, a suspended bus, the cable.
    let frames: &[u8] = &[8, 2, 5, 2, 0, 1, 13, 2, 12, 20, 0, 13, 1, 11, 13, 1, 14, 15, 0, 16, 0, 16, 1, 0, 8, 1];
    // A control read that ends in its middle: SETUP, IN, SETUP; one that is abandoned; faults.
    let broken: &[u8] = &[
        0, 1, 0, 0x80, 6, 0, 1, 0, 0, 18, 0, 2, 0, 1, 0, 0x80, 6, 0, 1, 0, 0, 18, 0, 2, 0, 3, 0, 1, 0, 19, 1, 5, 0, 1,
        0, 18, 0, 18, 2, 5, 0, 1, 0, 64, 0, 5, 3, 0x81, 5, 4, 0x81, 17, 7, 5,
    ];
    let case = |device: u8, host: &[u8]| [&[device, device % 3, device, 1, 0, 0], host].concat();
    vec![
        ("endpoint_0", case(0, broken)),
        ("handler", case(1, broken)),
        ("loopback", case(2, busy)),
        ("loopback_broken", case(2 | FAULTS, broken)),
        ("serial", case(3, busy)),
        ("serial_broken", case(3 | FAULTS, broken)),
        ("mouse", case(4, frames)),
        ("echoes", case(5, busy)),
        ("echoes_frames", case(5, frames)),
        ("echoes_broken", case(5 | FAULTS, broken)),
    ]
}
