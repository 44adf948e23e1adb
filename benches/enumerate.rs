//! A host that enumerates a device, as Linux does: from reset and power-up to SET_CONFIGURATION.
//!
//! Two devices: our own, on `Engine` and `Control`, with a bulk pair and three strings; and usbd-serial's CDC-ACM, on
//! `UsbBus`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use sim_core::check::loopback;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;
use tests::one_thread::power_up;
use usb_device::device::{StringDescriptors, UsbDeviceBuilder, UsbVidPid};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

/// What is enumerated.
#[derive(Clone, Copy, Debug)]
pub enum Device {
    /// Our own.
    Loopback,
    /// usbd-serial's.
    CdcAcm,
}

/// One device, one enumeration.
#[derive(Debug)]
struct Enumeration {
    device: Device,
    /// Bit times on the wire.
    bits: Rc<Cell<u64>>,
}

impl Program for Enumeration {
    fn name(&self) -> String {
        "enumeration".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.device {
            Device::Loopback => loopback::serve(board),
            Device::CdcAcm => serve_cdc_acm(&board),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let bits = self.bits.clone();
        Box::pin(async move {
            host.enumerate(OperatingSystem::Linux, 5).await?;
            bits.set(host.clock().bit_times());
            Ok(())
        })
    }
}

fn serve_cdc_acm<B: Board>(board: &B) {
    let bus = power_up(board);
    let mut serial = SerialPort::new(&bus);
    let strings = StringDescriptors::default().manufacturer("dmacheck").product("serial").serial_number("42");
    let builder = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 0x0001)).device_class(USB_CLASS_CDC);
    let builder = builder.strings(&[strings]).expect("one language");
    let mut device = builder.max_packet_size_0(64).expect("64 is a size of endpoint 0").build();
    while !board.host_is_done() {
        device.poll(&mut [&mut serial]);
    }
}

/// Enumerations, from reset to end, everybody before the CPU.
pub fn enumerations(device: Device, count: u64) -> Duration {
    let started = Instant::now();
    (0..count).for_each(|_| drop(enumerate(device)));
    started.elapsed()
}

/// What a wire takes for one, with the pauses that the host makes.
pub fn on_wire(device: Device) -> Duration {
    const BITS_A_MICROSECOND: u64 = 12;
    Duration::from_micros(enumerate(device).bits.get() / BITS_A_MICROSECOND)
}

fn enumerate(device: Device) -> Enumeration {
    let program = Enumeration { device, bits: Rc::default() };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    program
}
