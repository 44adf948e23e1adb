//! Reset and suspension in the middle of something.

use dma_api::usb::Setup;
use sim_core::device::usbd::Token;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::requests::get_configuration;
use sim_core::host::{Host, HostError};

use crate::devices::Device;
use crate::echo::{OUT, echo, pattern, receive};
use crate::harness::{fails, passes};

/// Resets the bus, and configures the device anew.
async fn begin_again(host: &mut Host) -> Result<(), HostError> {
    host.reset().await?;
    host.settle().await?;
    host.enumerate(OperatingSystem::MacOs, 6).await?;
    assert_eq!(host.control_in(get_configuration()).await?, [1]);
    Ok(())
}

/// Suspends the bus until the device has nothing to do any more, and resumes it.
async fn suspend_and_resume(host: &mut Host) -> Result<(), HostError> {
    host.suspend().await?;
    host.settle().await?;
    host.resume().await?;
    host.settle().await
}

/// The device's descriptor is asked for, `packets` packets of it are taken, and the bus is reset.
pub async fn reset_in_a_control_read(mut host: Host, packets: u32) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    host.setup(Setup::get_device_descriptor(18)).await?;
    for packet in 0..packets {
        host.packet_in(packet % 2 == 0).await?;
    }
    begin_again(&mut host).await
}

/// A packet is sent, and the bus is reset with its echo under way.
pub async fn reset_in_an_echo(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    for length in [1, 40, 63] {
        host.bulk_out(OUT, &pattern(length)).await?;
        begin_again(&mut host).await?;
    }
    Ok(())
}

/// A packet is sent, and the bus is suspended with its echo under way.
pub async fn suspension_in_an_echo(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    for length in [1, 40, 63] {
        let bytes = pattern(length);
        host.bulk_out(OUT, &bytes).await?;
        suspend_and_resume(&mut host).await?;
        assert_eq!(receive(&mut host, length).await?, bytes);
    }
    echo(&mut host, 20).await
}

/// The bus is suspended between SETUP and data.
pub async fn suspension_in_a_control_read(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    host.token(Token::Setup(Setup::get_device_descriptor(18).to_bytes())).await?;
    suspend_and_resume(&mut host).await?;
    assert_eq!(host.control_in(get_configuration()).await?, [1]);
    Ok(())
}

/// The bus is suspended, and reset instead of resumed.
pub async fn reset_in_a_suspension(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    echo(&mut host, 20).await?;
    host.suspend().await?;
    host.settle().await?;
    begin_again(&mut host).await?;
    echo(&mut host, 20).await
}

#[test]
fn reset_in_the_middle_of_a_control_read_is_recovered_from() {
    for device in Device::ALL {
        for packets in 0..2 {
            passes(device, move |host| reset_in_a_control_read(host, packets));
        }
    }
}

#[test]
fn reset_in_the_middle_of_an_echo_is_recovered_from() {
    Device::SERIAL.into_iter().for_each(|device| passes(device, reset_in_an_echo));
}

#[test]
fn suspension_in_the_middle_of_an_echo_loses_nothing() {
    [Device::Serial, Device::Own].into_iter().for_each(|device| passes(device, suspension_in_an_echo));
    fails(Device::Embassy, suspension_in_an_echo, &["AccessInLowPower"]);
}

#[test]
fn suspension_between_setup_and_data_is_survived() {
    passes(Device::Own, suspension_in_a_control_read);
    // The packet is sent again, and endpoint 0 is busy for ever.
    for device in [Device::Serial, Device::TestClass] {
        fails(device, suspension_in_a_control_read, &["endpoint 0, was answered with NAK"]);
    }
    fails(Device::Embassy, suspension_in_a_control_read, &["AccessInLowPower"]);
}

#[test]
fn reset_in_a_suspension_is_recovered_from() {
    passes(Device::Own, reset_in_a_suspension);
    // A packet of the host's has the toggle that the device's last one had: known::KNOWN has the reason.
    fails(Device::Serial, reset_in_a_suspension, &["endpoint 2, was answered with NAK"]);
    fails(Device::Embassy, reset_in_a_suspension, &["AccessInLowPower"]);
}
