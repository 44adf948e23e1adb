//! The devices: what runs on the chip's CPU.

use sim_core::explore::Board;
use sim_core::explore::by_address::{self, Gap, Gaps};
use sim_core::explore::stepped::Bus;
use sim_core::monitor::Rule;
use tests::one_thread::power_up;
use usb_device::bus::{UsbBus, UsbBusAllocator};
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbVidPid};
use usb_device::test_class::TestClass;
use usbd_hid::descriptor::{MouseReport, SerializedDescriptor};
use usbd_hid::hid_class::HIDClass;
use usbd_serial::SerialPort;

use crate::{embassy, nrf_usbd};

/// A device under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// usbd-serial on nrf-usbd: sends back what it gets.
    Serial,
    /// usb-device's own class for tests of drivers, on nrf-usbd: bulk, interrupt, vendor requests, an alternate
    /// setting.
    TestClass,
    /// usbd-serial and usbd-hid in one, on nrf-usbd, with an interface association.
    Composite,
    /// Our own, on our own driver: nothing to be seen here. The shared suites name it.
    Loopback,
    /// embassy-usb's serial port on embassy-nrf, likewise.
    Embassy,
    /// usbd-serial on `UsbBus`: the twin of the others, which is to be clean where they are not.
    Own,
}

impl Device {
    /// Who Chapter 9 is asked of, with the endpoints that pass bytes to it and back.
    pub const CHAPTER9: &[(Self, u8, u8)] = &[(Self::Serial, 1, 2), (Self::TestClass, 1, 1), (Self::Embassy, 1, 2)];

    /// All that run by themselves.
    pub const ALL: [Self; 4] = [Self::Serial, Self::TestClass, Self::Embassy, Self::Own];

    /// The serial ports.
    pub const SERIAL: [Self; 3] = [Self::Serial, Self::Embassy, Self::Own];

    /// Serves the host until it is done. What it asks of the chip that is not there is counted in `gaps`.
    pub fn serve(self, board: &Bus, gaps: &Gaps) {
        let run = |firmware: &dyn Fn()| by_address::run(board, gaps, firmware).expect("the chip's addresses are free");
        let by_address = |serve: fn(UsbBusAllocator<nrf_usbd::Bus>, &Bus)| run(&|| serve(nrf_usbd::bus(), board));
        match self {
            Self::Serial => by_address(serve_serial),
            Self::TestClass => by_address(serve_test_class),
            Self::Composite => by_address(serve_composite),
            Self::Loopback => unreachable!("it is left out"),
            Self::Embassy => run(&|| embassy::serve(board)),
            Self::Own => serve_serial(power_up(board), board),
        }
    }

    /// What its driver does to every host, whatever that is asked to do: each a test of its own.
    pub fn always_breaks(self) -> &'static [Rule] {
        match self {
            Self::Serial | Self::TestClass | Self::Composite => &[Rule::ArmedTwice],
            Self::Embassy => &[Rule::ArmedTwice, Rule::StatusOnSetAddress, Rule::AccessBeforeReady, Rule::NotModelled],
            Self::Loopback | Self::Own => &[],
        }
    }
}

/// Whether `gap` is one that the suite knows of: embassy's accesses of the NVIC.
pub fn is_known(gap: Gap) -> bool {
    gap.write && gap.peripheral() == Some("SysTick, NVIC and SCB")
}

fn build<B: UsbBus>(bus: &UsbBusAllocator<B>) -> UsbDevice<'_, B> {
    let strings = StringDescriptors::default().manufacturer("dmacheck").product("serial").serial_number("42");
    UsbDeviceBuilder::new(bus, UsbVidPid(0x1209, 0x0001))
        .device_class(usbd_serial::USB_CLASS_CDC)
        .strings(&[strings])
        .expect("one language")
        .max_packet_size_0(64)
        .expect("64 is a size of endpoint 0")
        .build()
}

/// A serial port that sends back what it gets.
fn serve_serial<B: UsbBus>(bus: UsbBusAllocator<B>, board: &Bus) {
    let mut serial = SerialPort::new(&bus);
    let mut device = build(&bus);
    let (mut buffer, mut waiting) = ([0; 64], 0..0);
    while !board.host_is_done() {
        device.poll(&mut [&mut serial]);
        if waiting.is_empty()
            && let Ok(length) = serial.read(&mut buffer)
        {
            waiting = 0..length;
        }
        if !waiting.is_empty()
            && let Ok(written) = serial.write(&buffer[waiting.clone()])
        {
            waiting.start += written;
        }
    }
}

fn serve_composite<B: UsbBus>(bus: UsbBusAllocator<B>, board: &Bus) {
    let mut serial = SerialPort::new(&bus);
    let mut hid = HIDClass::new_ep_in(&bus, MouseReport::desc(), 10);
    let mut device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 0x0001)).composite_with_iads().build();
    while !board.host_is_done() {
        device.poll(&mut [&mut serial, &mut hid]);
    }
}

fn serve_test_class<B: UsbBus>(bus: UsbBusAllocator<B>, board: &Bus) {
    let mut class = TestClass::new(&bus);
    let mut device = class.make_device(&bus);
    while !board.host_is_done() {
        device.poll(&mut [&mut class]);
        class.poll();
    }
}
