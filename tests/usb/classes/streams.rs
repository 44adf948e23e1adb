//! Isochronous endpoints by `UsbBus`: what comes in one frame goes back two frames later.

use dma_api::nrf52840::usbd::{IsoBuffer, map};
use sim_core::explore::Board;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::statics;
use tests::one_thread::{Bus, powered};
use usb_device::bus::UsbBusAllocator;
use usb_device::class_prelude::*;
use usb_device::endpoint::{IsochronousSynchronizationType, IsochronousUsageType};

use crate::classes::devices::{Device, Pace, builder};
use crate::classes::harness::passes;

/// The longest packet here: more than the engine's bounce buffer has, and no multiple of 4.
const MOST: u16 = 201;

/// What the device has room for at first.
const SHORT: usize = 8;

struct Streams<'a, B: UsbBus> {
    interface: InterfaceNumber,
    input: EndpointIn<'a, B>,
    output: EndpointOut<'a, B>,
    /// Packets of which the class was told that they are complete.
    complete: usize,
}

impl<B: UsbBus> UsbClass<B> for Streams<'_, B> {
    fn get_configuration_descriptors(&self, writer: &mut DescriptorWriter<'_>) -> usb_device::Result<()> {
        writer.interface(self.interface, 0xFF, 0, 0)?;
        writer.endpoint(&self.input)?;
        writer.endpoint(&self.output)
    }

    fn endpoint_in_complete(&mut self, address: EndpointAddress) {
        self.complete += usize::from(address == self.input.address());
    }
}

/// Sends back what it gets. A packet that cannot be sent in its frame is lost, as such packets are.
pub fn serve<B: Board>(board: B, pace: Pace) {
    let isochronous = Box::leak(Box::new(IsoBuffer::new()));
    let bus = UsbBusAllocator::new(Bus::with_isochronous(powered(&board), statics::packet_buffer(), isochronous));
    let (sync, usage) = (IsochronousSynchronizationType::Asynchronous, IsochronousUsageType::Data);
    let mut streams = Streams::<Bus<B>> {
        interface: bus.interface(),
        input: bus.isochronous(sync, usage, MOST, 1),
        output: bus.isochronous(sync, usage, MOST, 1),
        complete: 0,
    };
    let mut device = builder(&bus, "streams", 0xFF).build();
    let (mut packet, mut written) = ([0; MOST as usize], 0);
    // The frame before the last packet was written, and how many were complete then.
    let mut last = None;
    while pace.goes_on(&board) {
        device.poll(&mut [&mut streams]);
        assert!(streams.complete <= written, "more packets are complete than were written");
        if let Some((frame, complete)) = last
            && streams.complete > complete
        {
            assert_ne!(board.read(map::framecntr()), frame, "its frame has not begun");
        }
        let outcome = match streams.output.read(&mut packet[..SHORT]) {
            Err(UsbError::BufferOverflow) => streams.output.read(&mut packet),
            other => other,
        };
        match outcome {
            Ok(length) => {
                if written == 0 {
                    let outcome = streams.input.write(&[0; 512]);
                    assert_eq!(outcome, Err(UsbError::BufferOverflow), "half of the buffer has 511 bytes");
                }
                last = Some((board.read(map::framecntr()), streams.complete));
                written += usize::from(streams.input.write(&packet[..length]).is_ok());
            }
            // Longer than it has said that it takes.
            Err(UsbError::BufferOverflow) => {}
            Err(error) => assert_eq!(error, UsbError::WouldBlock),
        }
    }
    // Two that were written before the class was asked are told of once.
    assert!(written < 2 || streams.complete > 0, "{} of {written} packets are complete", streams.complete);
}

#[test]
fn packets_of_every_length_come_back() {
    passes(Device::Streams, |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await?;
        let packets: Vec<Vec<u8>> = [1_u8, 64, 65, 201].map(|length| (0..length).collect()).into();
        let mut came_back = 0;
        // The device may be late, and then a packet is lost. Not for ever.
        for round in 0..packets.len() * 40 {
            host.isochronous_out(&packets[round % packets.len()]).await?;
            host.settle().await?;
            if let Some(packet) = host.isochronous_in().await? {
                assert!(packets.contains(&packet), "{packet:?} was never sent");
                came_back += 1;
            }
            host.settle().await?;
            host.wait_frames(1).await?;
            host.settle().await?;
            if came_back >= packets.len() {
                return Ok(());
            }
        }
        panic!("{came_back} packets have come back");
    });
}

/// The host seldom waits for the device, whose transfers frames may catch: a packet that is of two is given to nobody.
#[test]
fn late_packet_is_lost_and_not_torn() {
    passes(Device::Streams, |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await?;
        let mut came_back = 0;
        for number in 0..64_u8 {
            host.isochronous_out(&[number; 20]).await?;
            if number % 8 < 3 {
                host.settle().await?;
            }
            if let Some(packet) = host.isochronous_in().await? {
                assert!(packet.len() == 20 && packet.iter().all(|byte| *byte == packet[0]), "torn: {packet:?}");
                assert!(packet[0] <= number, "{packet:?} was not sent yet");
                came_back += 1;
            }
        }
        assert!(came_back > 0, "no packet has come back, of those that the host gave time");
        Ok(())
    });
}

/// A frame may begin between a look at the packet's length and its transfer, and the next packet does not fit.
#[test]
fn packet_that_takes_the_place_of_a_shorter_one_is_no_panic() {
    passes(Device::Streams, |mut host| async move {
        host.reset().await?;
        host.set_address(5).await?;
        host.set_configuration(1).await?;
        for number in 0..200_u8 {
            // The host does not know the descriptors: it sends what it likes.
            let length = if number % 2 == 0 { SHORT } else { 2 * SHORT };
            host.isochronous_out(&vec![number; length]).await?;
        }
        Ok(())
    });
}
