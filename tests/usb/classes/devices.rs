//! The devices: what runs on the chip's CPU.
//!
//! Each runs at two [`Pace`]s, but our own, which polls.

use sim_core::check::loopback;
use sim_core::explore::Board;
use tests::one_thread::{Bus, power_up};
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbVidPid};
use usb_device::test_class::TestClass;
use usbd_hid::descriptor::{MouseReport, SerializedDescriptor};
use usbd_hid::hid_class::HIDClass;
use usbd_serial::SerialPort;

use crate::classes::echo::Waiting;
use crate::classes::{bell, streams};

/// A device under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// usbd-serial: sends back what it gets.
    Serial,
    /// The same, served by an interrupt handler; the main program sleeps.
    Handler,
    /// Three of them: a configuration that is longer than usb-device's buffer of 128 bytes.
    ThreeSerials,
    /// usbd-hid: a mouse that moves.
    Mouse,
    /// The serial port and the mouse in one, with an interface association.
    Composite,
    /// One interrupt endpoint, which wakes the host.
    Bell,
    /// Isochronous endpoints: sends back what it gets.
    Streams,
    /// usb-device's own class for tests of drivers: bulk, interrupt, vendor requests, an alternate setting.
    TestClass,
    /// Our own, without usb-device: sends back what it gets, packet by packet.
    Loopback,
}

impl Device {
    /// Who Chapter 9 is asked of, with the endpoints that pass bytes to it and back.
    pub const CHAPTER9: &[(Self, u8, u8)] = &[(Self::Serial, 1, 2), (Self::TestClass, 1, 1), (Self::Loopback, 1, 1)];

    /// Serves the host until it is done.
    pub fn serve<B: Board>(self, board: B, pace: Pace) {
        match self {
            Self::Serial => serve_serial(board, pace),
            Self::Handler => serve_by_handler(board, pace),
            Self::ThreeSerials => serve_three_serials(board, pace),
            Self::Mouse => serve_mouse(board, pace),
            Self::Composite => serve_composite(board, pace),
            Self::Bell => bell::serve(board, pace),
            Self::Streams => streams::serve(board, pace),
            Self::TestClass => serve_test_class(board, pace),
            Self::Loopback => loopback::serve(board),
        }
    }
}

/// When a device calls `poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Again and again.
    Polls,
    /// Once an interrupt; it sleeps in between. A device that misses something sleeps for ever.
    Sleeps,
}

impl Pace {
    /// Whether there is more to do, when there is.
    pub fn goes_on<B: Board>(self, board: &B) -> bool {
        if self == Self::Sleeps {
            board.wait_for_interrupt();
        }
        !board.host_is_done()
    }
}

/// A device of this class and name, with 64 bytes in a packet of endpoint 0.
fn build<'a, B: Board>(bus: &'a UsbBusAllocator<Bus<B>>, product: &'static str, class: u8) -> UsbDevice<'a, Bus<B>> {
    builder(bus, product, class).build()
}

/// As `build`, for more to be said.
pub fn builder<'a, B: Board>(
    bus: &'a UsbBusAllocator<Bus<B>>,
    product: &'static str,
    class: u8,
) -> UsbDeviceBuilder<'a, Bus<B>> {
    let strings = StringDescriptors::default().manufacturer("dmacheck").product(product).serial_number("42");
    UsbDeviceBuilder::new(bus, UsbVidPid(0x1209, 0x0001))
        .device_class(class)
        .strings(&[strings])
        .expect("one language")
        .max_packet_size_0(64)
        .expect("64 is a size of endpoint 0")
}

/// A serial port that sends back what it gets.
fn serve_serial<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let mut serial = SerialPort::new(&bus);
    let mut device = build(&bus, "serial", usbd_serial::USB_CLASS_CDC);
    let mut waiting = Waiting::new();
    while pace.goes_on(&board) {
        device.poll(&mut [&mut serial]);
        waiting.echo(&mut serial);
    }
}

/// A serial port that sends back what it gets, in an interrupt handler. The pace is the main program's.
fn serve_by_handler<B: Board>(board: B, pace: Pace) {
    // For ever: the handler may borrow statics only.
    let bus = Box::leak(Box::new(power_up(&board)));
    let mut serial = SerialPort::new(bus);
    let mut device = build(bus, "serial", usbd_serial::USB_CLASS_CDC);
    let mut waiting = Waiting::new();
    let handler = move || {
        device.poll(&mut [&mut serial]);
        waiting.echo(&mut serial);
    };
    board.with_interrupt(handler, || while pace.goes_on(&board) {});
}

fn serve_three_serials<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let [mut first, mut second, mut third] = [(); 3].map(|()| SerialPort::new(&bus));
    let mut device = build(&bus, "three", usbd_serial::USB_CLASS_CDC);
    while pace.goes_on(&board) {
        device.poll(&mut [&mut first, &mut second, &mut third]);
    }
}

/// A mouse whose every report says how many were before.
fn serve_mouse<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let mut hid = HIDClass::new_ep_in(&bus, MouseReport::desc(), 10);
    let mut device = build(&bus, "mouse", 0);
    let mut report = MouseReport { buttons: 1, x: 0, y: -1, wheel: 0, pan: 0 };
    while pace.goes_on(&board) {
        device.poll(&mut [&mut hid]);
        if hid.push_input(&report).is_ok() {
            report.x = report.x.wrapping_add(1);
        }
    }
}

fn serve_composite<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let mut serial = SerialPort::new(&bus);
    let mut hid = HIDClass::new_ep_in(&bus, MouseReport::desc(), 10);
    let mut device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 0x0001)).composite_with_iads().build();
    let report = MouseReport { buttons: 1, x: 0, y: -1, wheel: 0, pan: 0 };
    let mut buffer = [0; 64];
    while pace.goes_on(&board) {
        device.poll(&mut [&mut serial, &mut hid]);
        // There is room for a packet: its host reads what it has sent before it sends more.
        if let Ok(length) = serial.read(&mut buffer) {
            serial.write(&buffer[..length]).expect("the host has read what came before");
        }
        // WouldBlock: the host has not asked for the report before.
        let _ = hid.push_input(&report);
    }
}

fn serve_test_class<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let mut class = TestClass::new(&bus);
    let mut device = class.make_device(&bus);
    while pace.goes_on(&board) {
        device.poll(&mut [&mut class]);
        class.poll();
    }
}
