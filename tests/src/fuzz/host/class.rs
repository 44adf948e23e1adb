//! A class with an endpoint of each kind, both ways: sends back what it gets.
//!
//! Setting 1 of its interface has the isochronous endpoints, which are there in setting 0, too, as `UsbBus` has them.
//! (usb-device's own class for tests of drivers is none for this: it panics at a vendor's request that is too long.)

use dma_api::nrf52840::usbd::IsoBuffer;
use sim_core::explore::Board;
use sim_core::statics;
use usb_device::bus::UsbBusAllocator;
use usb_device::class_prelude::*;
use usb_device::endpoint::{IsochronousSynchronizationType, IsochronousUsageType};

use super::build;
use crate::one_thread::{Bus, powered};

/// The longest packet of each kind: bulk, interrupt, isochronous. The last is more than the engine's bounce buffer has.
const MOST: [u16; 3] = [64, 31, 201];

/// An endpoint each way.
struct Pair<'a, B: UsbBus> {
    to_host: EndpointIn<'a, B>,
    from_host: EndpointOut<'a, B>,
}

/// The class.
struct Echoes<'a, B: UsbBus> {
    interface: InterfaceNumber,
    setting: u8,
    pairs: [Pair<'a, B>; 3],
}

impl<'a, B: UsbBus> Echoes<'a, B> {
    fn new(bus: &'a UsbBusAllocator<B>) -> Self {
        let (sync, usage) = (IsochronousSynchronizationType::Asynchronous, IsochronousUsageType::Data);
        let [bulk, interrupt, isochronous] = MOST;
        let pairs = [
            Pair { to_host: bus.bulk(bulk), from_host: bus.bulk(bulk) },
            Pair { to_host: bus.interrupt(interrupt, 1), from_host: bus.interrupt(interrupt, 1) },
            Pair {
                to_host: bus.isochronous(sync, usage, isochronous, 1),
                from_host: bus.isochronous(sync, usage, isochronous, 1),
            },
        ];
        Self { interface: bus.interface(), setting: 0, pairs }
    }

    /// Sends back one packet of each kind. What the host has not taken is in the way, and what comes then is lost.
    fn echo(&self) {
        for Pair { to_host, from_host } in &self.pairs {
            let mut packet = [0; 256];
            if let Ok(length) = from_host.read(&mut packet) {
                let _ = to_host.write(&packet[..length]);
            }
        }
    }
}

impl<B: UsbBus> UsbClass<B> for Echoes<'_, B> {
    fn get_configuration_descriptors(&self, writer: &mut DescriptorWriter<'_>) -> usb_device::Result<()> {
        let [first, second, isochronous] = &self.pairs;
        writer.interface(self.interface, 0xFF, 0, 0)?;
        for Pair { to_host, from_host } in [first, second] {
            writer.endpoint(to_host)?;
            writer.endpoint(from_host)?;
        }
        writer.interface_alt(self.interface, 1, 0xFF, 0, 0, None)?;
        writer.endpoint(&isochronous.to_host)?;
        writer.endpoint(&isochronous.from_host)
    }

    fn reset(&mut self) {
        self.setting = 0;
    }

    fn get_alt_setting(&mut self, interface: InterfaceNumber) -> Option<u8> {
        (interface == self.interface).then_some(self.setting)
    }

    fn set_alt_setting(&mut self, interface: InterfaceNumber, setting: u8) -> bool {
        let is_there = interface == self.interface && setting <= 1;
        if is_there {
            self.setting = setting;
        }
        is_there
    }
}

/// Serves the host until it is done.
pub fn serve<B: Board>(board: B) {
    let isochronous = Box::leak(Box::new(IsoBuffer::new()));
    let bus = UsbBusAllocator::new(Bus::with_isochronous(powered(&board), statics::packet_buffer(), isochronous));
    let mut echoes = Echoes::<Bus<B>>::new(&bus);
    let mut device = build(&bus);
    while !board.host_is_done() {
        device.poll(&mut [&mut echoes]);
        echoes.echo();
    }
}
