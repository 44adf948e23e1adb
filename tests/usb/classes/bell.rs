//! Low power and remote wake-up by `UsbBus`: a doorbell, which wakes the host to say that somebody has rung.

use dma_api::nrf52840::usbd::map;
use dma_api::usb::{STANDARD_DEVICE_OUT, Setup};
use sim_core::explore::Board;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::requests::{self, get_endpoint_status};
use sim_core::host::{Host, HostError};
use tests::one_thread::{Bus, power_up};
use usb_device::class_prelude::*;
use usb_device::device::UsbDeviceState;

use crate::classes::devices::{Device, Pace, builder};
use crate::classes::harness::passes;

/// The bell's endpoint.
const BELL: u8 = 1;

/// Allows the device to wake the host.
const ALLOW_WAKE_UP: Setup =
    Setup { request_type: STANDARD_DEVICE_OUT, request: requests::SET_FEATURE, value: 1, index: 0, length: 0 };

struct Bell<'a, B: UsbBus> {
    interface: InterfaceNumber,
    input: EndpointIn<'a, B>,
    /// The class was told that what it has sent is complete.
    is_free: bool,
}

impl<B: UsbBus> UsbClass<B> for Bell<'_, B> {
    fn get_configuration_descriptors(&self, writer: &mut DescriptorWriter<'_>) -> usb_device::Result<()> {
        writer.interface(self.interface, 0xFF, 0, 0)?;
        writer.endpoint(&self.input)
    }

    fn reset(&mut self) {
        self.is_free = true;
    }

    fn endpoint_in_complete(&mut self, address: EndpointAddress) {
        self.is_free |= address == self.input.address();
    }
}

/// Rings once the class was told that what it has rung before is complete, be it that the host has ended a halt, and
/// the packet with it. Whenever the host is away and may be woken, it rings. The endpoint is halted meanwhile, which is
/// asked for in low power.
pub fn serve<B: Board>(board: B, pace: Pace) {
    let bus = power_up(&board);
    let mut bell = Bell::<Bus<B>> { interface: bus.interface(), input: bus.interrupt(8, 10), is_free: true };
    let mut device = builder(&bus, "bell", 0xFF).supports_remote_wakeup(true).build();
    let mut rings = 0_u8;
    while pace.goes_on(&board) {
        device.poll(&mut [&mut bell]);
        // A number that no endpoint can have.
        let (bus, nobody) = (device.bus(), EndpointAddress::from(0x7F));
        assert!(!bus.is_stalled(nobody) && bus.read(nobody, &mut [0; 8]) == Err(UsbError::InvalidEndpoint));
        if device.state() != UsbDeviceState::Suspend {
            // usb-device does not call it here; if somebody does, the bus is not suspended.
            bus.suspend();
            if bell.is_free {
                bell.is_free = bell.input.write(&[rings]).is_err();
            }
        } else if bell.input.write(&[rings]) == Err(UsbError::WouldBlock) && device.remote_wakeup_enabled() {
            bell.input.stall();
            assert!(device.bus().is_stalled(bell.input.address()));
            rings += u8::from(device.bus().wake_up().is_ok());
        }
        if device.state() == UsbDeviceState::Suspend && !device.remote_wakeup_enabled() {
            assert_eq!(board.read(map::lowpower()), 1, "it sleeps while nobody rings");
        }
    }
}

/// Waits for the ring of this number, which halts the endpoint.
async fn expect_ring(host: &mut Host, number: u8) -> Result<(), HostError> {
    host.suspend().await?;
    host.wake_up().await?;
    host.settle().await?;
    assert_eq!(host.control_in(get_endpoint_status(0x80 | BELL)).await?, [1, 0]);
    assert!(matches!(host.interrupt_in(BELL, 8).await, Err(HostError::Stalled { .. })));
    host.control_out(requests::clear_halt(0x80 | BELL), &[]).await?;
    while host.interrupt_in(BELL, 8).await? != [number] {}
    Ok(())
}

#[test]
fn device_that_may_wakes_the_host() {
    passes(Device::Bell, |mut host| async move {
        host.enumerate(OperatingSystem::Windows, 5).await?;
        assert_eq!(host.interrupt_in(BELL, 8).await?, [0]);
        host.control_out(ALLOW_WAKE_UP, &[]).await?;
        for number in 1..4 {
            expect_ring(&mut host, number).await?;
        }
        Ok(())
    });
}

#[test]
fn device_that_may_not_sleeps_until_the_host_resumes_or_resets() {
    passes(Device::Bell, |mut host| async move {
        host.enumerate(OperatingSystem::Windows, 5).await?;
        assert_eq!(host.interrupt_in(BELL, 8).await?, [0]);
        host.suspend().await?;
        host.settle().await?;
        host.resume().await?;
        host.settle().await?;
        assert_eq!(host.interrupt_in(BELL, 8).await?, [0]);
        host.suspend().await?;
        host.settle().await?;
        host.enumerate(OperatingSystem::Linux, 6).await?;
        assert_eq!(host.interrupt_in(BELL, 8).await?, [0]);
        // What the reset has ended hides no suspension that comes after it.
        host.control_out(ALLOW_WAKE_UP, &[]).await?;
        expect_ring(&mut host, 1).await
    });
}
