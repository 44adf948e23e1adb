//! Standard requests: status, features, configurations, interfaces, addresses.

use dma_api::usb::{STANDARD_DEVICE_IN, STANDARD_DEVICE_OUT, STANDARD_INTERFACE_IN, Setup};
use sim_core::device::usbd::{Answer, Packet, Token};
use sim_core::host::requests::{
    self, CLEAR_FEATURE, GET_INTERFACE, GET_STATUS, SET_FEATURE, get_configuration, get_endpoint_status, set_interface,
};

use super::*;

/// Feature selector DEVICE_REMOTE_WAKEUP.
const REMOTE_WAKEUP: u16 = 1;
/// Feature selector TEST_MODE.
const TEST_MODE: u16 = 2;

/// bmAttributes: the device can wake the host up; it has power of its own.
const CAN_WAKE_UP: u8 = 0x20;
const SELF_POWERED: u8 = 0x40;

const GET_DEVICE_STATUS: Setup =
    Setup { request_type: STANDARD_DEVICE_IN, request: GET_STATUS, value: 0, index: 0, length: 2 };

const fn device_feature(request: u8, feature: u16) -> Setup {
    Setup { request_type: STANDARD_DEVICE_OUT, request, value: feature, index: 0, length: 0 }
}

const fn get_interface(interface: u16) -> Setup {
    Setup { request_type: STANDARD_INTERFACE_IN, request: GET_INTERFACE, value: 0, index: interface, length: 1 }
}

/// The addresses of the bulk and interrupt endpoints of all interfaces' first settings.
fn halting_endpoints(device: &enumerate::Device) -> Vec<u8> {
    device.configuration.endpoints(|_| 0).map(|endpoint| endpoint.address).collect()
}

async fn halt_of(host: &mut Host, address: u8) -> Result<bool, HostError> {
    let status = host.control_in(get_endpoint_status(address)).await?;
    ensure(status == [0, 0] || status == [1, 0], format!("the status of endpoint {address:#04x} is {status:?}"))?;
    Ok(status[0] == 1)
}

async fn answer_of(host: &mut Host, address: u8) -> Result<Answer, HostError> {
    let token = if address & 0x80 != 0 { Token::In } else { Token::Out { data1: false, packet: Packet::EMPTY } };
    host.token_to(address & 0x0F, token).await
}

/// TD9.9, on each bulk and interrupt endpoint of the first settings.
#[test]
fn halt_is_set_seen_and_cleared_on_every_endpoint() {
    holds(|mut host, _| async move {
        let device = configure(&mut host).await?;
        for address in halting_endpoints(&device) {
            ensure(!halt_of(&mut host, address).await?, format!("{address:#04x} is halted to begin with"))?;
            host.control_out(requests::set_halt(address), &[]).await?;
            ensure(halt_of(&mut host, address).await?, format!("{address:#04x} is not halted"))?;
            let answer = answer_of(&mut host, address).await?;
            ensure(answer == Answer::Stall, format!("{address:#04x} answers {answer}"))?;
            host.clear_halt(address).await?;
            ensure(!halt_of(&mut host, address).await?, format!("{address:#04x} is halted still"))?;
        }
        Ok(())
    });
}

#[test]
fn endpoint_whose_halt_was_cleared_passes_data() {
    holds(|mut host, subject| async move {
        configure(&mut host).await?;
        for address in [subject.bulk_out, 0x80 | subject.bulk_in] {
            // An odd number of packets: DATA1 is due, and DATA0 after the halt.
            echo(&mut host, subject, b"before").await?;
            host.control_out(requests::set_halt(address), &[]).await?;
            host.clear_halt(address).await?;
            echo(&mut host, subject, b"after").await?;
            echo(&mut host, subject, b"again").await?;
        }
        Ok(())
    });
}

#[test]
fn set_configuration_ends_a_halt() {
    holds(|mut host, subject| async move {
        configure(&mut host).await?;
        let addresses = [subject.bulk_out, 0x80 | subject.bulk_in];
        for address in addresses {
            host.control_out(requests::set_halt(address), &[]).await?;
        }
        host.set_configuration(1).await?;
        for address in addresses {
            ensure(!halt_of(&mut host, address).await?, format!("{address:#04x} is halted still"))?;
        }
        echo(&mut host, subject, b"after").await
    });
}

/// TD9.13.
#[test]
fn configuration_is_what_was_set() {
    holds(|mut host, subject| async move {
        address(&mut host).await?;
        ensure(host.control_in(get_configuration()).await? == [0], "it is configured to begin with")?;
        for value in [1, 0, 1, 1] {
            host.set_configuration(value).await?;
            let found = host.control_in(get_configuration()).await?;
            ensure(found == [value], format!("{found:?} after SET_CONFIGURATION({value})"))?;
        }
        echo(&mut host, subject, b"works").await
    });
}

#[test]
fn configuration_that_is_not_there_is_refused_and_the_old_one_stays() {
    holds(|mut host, subject| async move {
        configure(&mut host).await?;
        for value in [2, 7, 255] {
            is_refused(&mut host, Setup::set_configuration(value), &format!("configuration {value}")).await?;
        }
        ensure(host.control_in(get_configuration()).await? == [1], "another configuration holds")?;
        echo(&mut host, subject, b"works").await
    });
}

#[test]
fn endpoints_of_a_device_that_is_not_configured_are_silent() {
    let exceptions = usb_device_fails(
        "it does not tell the bus of SET_CONFIGURATION, and its drivers open endpoints at the reset",
        "answers NAK",
    );
    holds_except(&exceptions, |mut host, subject| async move {
        configure(&mut host).await?;
        host.set_configuration(0).await?;
        let answer = answer_of(&mut host, 0x80 | subject.bulk_in).await?;
        ensure(answer == Answer::Silence, format!("the IN endpoint answers {answer}"))
    });
}

/// TD9.14.
#[test]
fn suspension_leaves_everything_as_it_was() {
    holds(|mut host, subject| async move {
        let before = configure(&mut host).await?;
        for _ in 0..3 {
            host.suspend().await?;
            host.resume().await?;
            host.settle().await?;
            ensure(host.control_in(get_configuration()).await? == [1], "it is not configured any more")?;
            let bytes = host.control_in(Setup::get_device_descriptor(18)).await?;
            let after = descriptors::DeviceDescriptor::parse(&bytes)?;
            ensure(after == before.descriptor, "it is another device")?;
            echo(&mut host, subject, b"awake").await?;
        }
        Ok(())
    });
}

/// TD9.12 and TD9.15. A device that cannot wake the host up refuses.
#[test]
fn remote_wake_up_is_granted_if_and_only_if_the_configuration_says_so() {
    let exceptions = usb_device_fails(
        "it grants the feature whatever supports_remote_wakeup says",
        "SET_FEATURE(DEVICE_REMOTE_WAKEUP) is granted",
    );
    holds_except(&exceptions, |mut host, _| async move {
        let device = configure(&mut host).await?;
        let set = device_feature(SET_FEATURE, REMOTE_WAKEUP);
        if device.configuration.attributes & CAN_WAKE_UP == 0 {
            return is_refused(&mut host, set, "SET_FEATURE(DEVICE_REMOTE_WAKEUP)").await;
        }
        for (request, status) in [(SET_FEATURE, 2), (CLEAR_FEATURE, 0)] {
            host.control_out(device_feature(request, REMOTE_WAKEUP), &[]).await?;
            let found = host.control_in(GET_DEVICE_STATUS).await?;
            ensure(found[0] & 2 == status, format!("the status is {found:?}"))?;
        }
        Ok(())
    });
}

/// TD9.11 and TD9.22: features that there are not, and the test modes of high speed.
#[test]
fn feature_that_is_not_there_is_refused() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        for feature in [TEST_MODE, 3, 0xFF, 0xFFFF] {
            for request in [SET_FEATURE, CLEAR_FEATURE] {
                is_refused(&mut host, device_feature(request, feature), &format!("feature {feature}")).await?;
            }
        }
        let endpoint = Setup { value: 1, ..requests::set_halt(0x81) };
        is_refused(&mut host, endpoint, "feature 1 of an endpoint").await
    });
}

/// TD9.16.
#[test]
fn device_enumerates_twenty_times() {
    holds(|mut host, subject| async move {
        for address in 1..=20 {
            host.enumerate(OperatingSystem::MacOs, address).await?;
        }
        echo(&mut host, subject, b"works").await
    });
}

/// TD9.18, as far as it is a matter of bits.
#[test]
fn device_status_says_of_its_power_what_the_configuration_says() {
    holds(|mut host, _| async move {
        let device = configure(&mut host).await?;
        let status = host.control_in(GET_DEVICE_STATUS).await?;
        let is_powered = device.configuration.attributes & SELF_POWERED != 0;
        ensure(status == [u8::from(is_powered), 0], format!("the status is {status:?}"))
    });
}

#[test]
fn status_of_an_interface_is_zero() {
    holds(|mut host, _| async move {
        let device = configure(&mut host).await?;
        for interface in &device.configuration.interfaces {
            let index = interface.number.into();
            let setup = Setup { request_type: STANDARD_INTERFACE_IN, index, ..GET_DEVICE_STATUS };
            let status = host.control_in(setup).await?;
            ensure(status == [0, 0], format!("the status of interface {index} is {status:?}"))?;
        }
        Ok(())
    });
}

#[test]
fn status_of_an_endpoint_that_is_not_there_is_refused() {
    let exceptions = usb_device_fails("it does not know its endpoints", "the status of endpoint 0x87 is granted");
    holds_except(&exceptions, |mut host, _| async move {
        configure(&mut host).await?;
        is_refused(&mut host, get_endpoint_status(0x87), "the status of endpoint 0x87").await?;
        is_refused(&mut host, requests::set_halt(0x87), "a halt of endpoint 0x87").await
    });
}

#[test]
fn interface_that_is_not_there_is_refused() {
    let exceptions = usb_device_fails("it does not know its interfaces", "the status of interface 9 is granted");
    holds_except(&exceptions, |mut host, _| async move {
        configure(&mut host).await?;
        let status = Setup { request_type: STANDARD_INTERFACE_IN, index: 9, ..GET_DEVICE_STATUS };
        is_refused(&mut host, status, "the status of interface 9").await?;
        is_refused(&mut host, get_interface(9), "GET_INTERFACE(9)").await?;
        is_refused(&mut host, set_interface(9, 0), "SET_INTERFACE(9)").await
    });
}

/// TD9.4 and TD9.9, on alternates.
#[test]
fn every_alternate_setting_can_be_set() {
    let reason = "the class does not implement set_alt_setting, and usb-device refuses what no class takes (#166)";
    let exceptions = [Exception { subject: TEST_CLASS, reason, says: "endpoint 0 answered IN with STALL" }];
    holds_except(&exceptions, |mut host, _| async move {
        let device = configure(&mut host).await?;
        for interface in &device.configuration.interfaces {
            host.set_interface(interface.number, interface.alternate).await?;
            let found = host.control_in(get_interface(interface.number.into())).await?;
            ensure(found == [interface.alternate], format!("GET_INTERFACE gives {found:?}"))?;
        }
        Ok(())
    });
}

#[test]
fn alternate_setting_that_is_not_there_is_refused() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        is_refused(&mut host, set_interface(0, 5), "setting 5").await?;
        let found = host.control_in(get_interface(0)).await?;
        ensure(found == [0], format!("GET_INTERFACE gives {found:?}"))
    });
}

#[test]
fn request_that_is_not_there_is_refused() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        for request in [2, 4, 7, 12, 0x42, 0xFF] {
            for request_type in [0x00, 0x01, 0x02, 0x03, 0x80, 0x81, 0x82, 0x83] {
                let setup = Setup { request_type, request, value: 0, index: 0, length: 0 };
                is_refused(&mut host, setup, &format!("{request_type:#04x}, {request:#04x},")).await?;
            }
        }
        ensure(host.control_in(get_configuration()).await? == [1], "it is not configured any more")
    });
}

#[test]
fn address_can_be_changed_and_the_old_one_is_silent() {
    holds(|mut host, _| async move {
        host.reset().await?;
        for address in [1, 127, 64] {
            host.set_address(address).await?;
            host.control_in(Setup::get_device_descriptor(8)).await?;
        }
        // The reset takes it away.
        host.reset().await?;
        host.control_in(Setup::get_device_descriptor(8)).await.map(drop)
    });
}
