//! What only the chip has: the registers, the crystal, and where it begins.

use cortex_m as _; // a critical section
use cortex_m_rt::entry;
use dma_api::fence::InOrder;
use dma_api::nrf52840::power::{ChipRegisters, Power};
use dma_api::nrf52840::usbd::{ChipBus, PacketBuffer, UsbBus, Usbd};
use dma_api::registers::Volatile;
use panic_halt as _;
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDeviceBuilder, UsbVidPid};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

use super::echo;

#[entry]
fn main() -> ! {
    // `entry` makes it a `&'static mut`: this function runs once.
    static mut BUFFER: PacketBuffer = PacketBuffer::new();

    // SAFETY:
    // - This runs on an nRF52840; nobody else uses USBD, and nobody has before.
    let registers = unsafe { Volatile::new() };
    // SAFETY:
    // - A Cortex-M4F is in order, and CPU and EasyDMA share the bus.
    let bus = unsafe { ChipBus::new(registers, InOrder) };
    // SAFETY:
    // - This runs on an nRF52840; nobody else uses POWER and CLOCK.
    let registers: ChipRegisters = unsafe { Volatile::new() };

    let (mut usbd, mut power) = (Usbd::new(bus), Power::new(registers));
    while !power.is_vbus_present() {}
    power.start_clock();
    usbd.power_up();
    while !(usbd.is_ready() && power.is_output_ready() && power.is_clock_running()) {}

    let bus = UsbBusAllocator::new(UsbBus::new(usbd, BUFFER));
    let mut port = SerialPort::new(&bus);
    let strings = StringDescriptors::default().product("serial");
    let builder = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 1)).device_class(USB_CLASS_CDC);
    let mut device = builder.strings(&[strings]).expect("one language").build();
    let mut waiting = echo::Waiting::new();
    loop {
        device.poll(&mut [&mut port]);
        waiting.echo(&mut port);
    }
}
