//! Descriptors: each in each state, and what must be refused.

use dma_api::usb::{STANDARD_DEVICE_IN, Setup};
use sim_core::host::descriptors::{
    BOS, CONFIGURATION, Configuration, DEVICE, DEVICE_QUALIFIER, DeviceDescriptor, ENDPOINT, INTERFACE, STRING,
    TransferType, parse_bos, parse_languages, parse_string,
};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::requests::get_descriptor;
use sim_core::host::{Host, HostError};

use super::*;
use crate::classes::harness::passes;

/// bDescriptorType OTHER_SPEED_CONFIGURATION.
const OTHER_SPEED_CONFIGURATION: u8 = 7;

/// bDescriptorType INTERFACE_ASSOCIATION.
const INTERFACE_ASSOCIATION: u8 = 11;

/// bDevCapabilityType USB 2.0 EXTENSION (LPM ECN).
const USB_2_0_EXTENSION: u8 = 2;

async fn check_device_descriptor(host: &mut Host) -> Result<DeviceDescriptor, HostError> {
    let bytes = host.control_in(get_descriptor(DEVICE, 0, 0, DeviceDescriptor::LENGTH)).await?;
    let descriptor = DeviceDescriptor::parse(&bytes)?;
    let [class, subclass, protocol] = [bytes[4], bytes[5], bytes[6]];
    ensure(class != 0 || (subclass, protocol) == (0, 0), "class 0 has subclass 0 and protocol 0")?;
    ensure(matches!(bytes[7], 8 | 16 | 32 | 64), format!("bMaxPacketSize0 is {}", bytes[7]))?;
    ensure(bytes[17] == 1, format!("bNumConfigurations is {}", bytes[17]))?;
    Ok(descriptor)
}

/// TD9.1, addressed and configured; and at the default address.
#[test]
fn device_descriptor_is_right_in_each_state() {
    holds(|mut host, _| async move {
        host.reset().await?;
        let beginning = host.control_in(Setup::get_device_descriptor(8)).await?;
        host.set_control_packet_size(beginning[7]);
        let default = check_device_descriptor(&mut host).await?;
        address(&mut host).await?;
        let addressed = check_device_descriptor(&mut host).await?;
        host.set_configuration(1).await?;
        let configured = check_device_descriptor(&mut host).await?;
        ensure(default == addressed && addressed == configured, "it differs from state to state")
    });
}

async fn check_configuration(host: &mut Host) -> Result<Configuration, HostError> {
    let configuration = Configuration::parse(&configuration_bytes(host).await?)?;
    let attributes = configuration.attributes;
    ensure(attributes & 0x80 != 0 && attributes & 0x1F == 0, format!("bmAttributes is {attributes:#04x}"))?;
    ensure(configuration.max_power_ma <= 500, format!("{} mA", configuration.max_power_ma))?;
    Ok(configuration)
}

/// TD9.2, addressed and configured.
#[test]
fn configuration_descriptor_is_right_in_each_state() {
    holds(|mut host, _| async move {
        address(&mut host).await?;
        let addressed = check_configuration(&mut host).await?;
        host.set_configuration(1).await?;
        let configured = check_configuration(&mut host).await?;
        ensure(addressed == configured, "it differs from state to state")
    });
}

/// TD9.3.
#[test]
fn interface_association_names_interfaces_that_follow_one_another() {
    passes(Device::Composite, |mut host| async move {
        let device = configure(&mut host).await?;
        let associations: Vec<_> =
            device.configuration.others.iter().filter(|other| other.kind() == INTERFACE_ASSOCIATION).collect();
        let [association] = associations[..] else {
            return Err(HostError::Unexpected(format!("{} associations", associations.len())));
        };
        // bFirstInterface, bInterfaceCount, bFunctionClass.
        let &[_, _, first, count, class, ..] = association.bytes.as_slice() else {
            return Err(HostError::Unexpected(format!("{association:?}")));
        };
        let numbers: Vec<_> = device.configuration.interfaces.iter().map(|interface| interface.number).collect();
        ensure((first..first + count).all(|number| numbers.contains(&number)), format!("{first} and {count} of it"))?;
        ensure(count == 2 && class == 2, format!("{count} interfaces of class {class}"))
    });
}

/// TD9.4.
#[test]
fn interface_descriptors_are_numbered_from_zero_with_alternates_from_zero() {
    holds(|mut host, _| async move {
        let configuration = configure(&mut host).await?.configuration;
        let mut due = (0, 0);
        for interface in &configuration.interfaces {
            let found = (interface.number, interface.alternate);
            ensure(found == due || found == (due.0 + 1, 0), format!("interface, setting {found:?} after {due:?}"))?;
            due = (found.0, found.1 + 1);
        }
        Ok(())
    });
}

/// TD9.5, addressed and configured.
#[test]
fn endpoint_descriptors_are_ones_that_full_speed_allows() {
    holds(|mut host, _| async move {
        address(&mut host).await?;
        for state in ["addressed", "configured"] {
            let configuration = check_configuration(&mut host).await?;
            for endpoint in configuration.interfaces.iter().flat_map(|interface| &interface.endpoints) {
                // What a packet has at most, and bInterval of interrupt endpoints, was checked when it was read.
                let is_polled = matches!(endpoint.transfer, TransferType::Interrupt | TransferType::Isochronous);
                ensure(is_polled || endpoint.interval == 0, format!("{state}: {endpoint:?}"))?;
                ensure(endpoint.transfer != TransferType::Control, format!("{state}: {endpoint:?}"))?;
            }
            for interface in configuration.interfaces.iter().filter(|interface| interface.alternate == 0) {
                let takes_bandwidth = interface
                    .endpoints
                    .iter()
                    .any(|endpoint| endpoint.transfer == TransferType::Isochronous && endpoint.max_packet_size > 0);
                ensure(!takes_bandwidth, "setting 0 has an isochronous endpoint with a payload")?;
            }
            host.set_configuration(1).await?;
        }
        Ok(())
    });
}

/// TD9.7: from USB 2.01 on. Before, there is none.
#[test]
fn bos_descriptor_is_there_if_and_only_if_the_version_says_so() {
    holds(|mut host, _| async move {
        address(&mut host).await?;
        if check_device_descriptor(&mut host).await?.usb < 0x0201 {
            return is_refused(&mut host, get_descriptor(BOS, 0, 0, 5), "a BOS descriptor before USB 2.01").await;
        }
        let capabilities = parse_bos(&host.control_in(get_descriptor(BOS, 0, 0, 255)).await?)?;
        let extensions = capabilities.iter().filter(|capability| capability.bytes[2] == USB_2_0_EXTENSION);
        ensure(extensions.count() == 1, format!("{capabilities:?}"))
    });
}

/// TD9.21, as far as it is a matter of descriptors.
#[test]
fn device_that_has_extensions_says_that_it_knows_link_power_management() {
    let exceptions = usb_device_fails(
        "it writes a USB 2.0 extension of zeros (usb-device #166)",
        "the LPM bit of the USB 2.0 extension is clear",
    );
    holds_except(&exceptions, |mut host, _| async move {
        address(&mut host).await?;
        if check_device_descriptor(&mut host).await?.usb < 0x0201 {
            return Ok(());
        }
        let capabilities = parse_bos(&host.control_in(get_descriptor(BOS, 0, 0, 255)).await?)?;
        let extension = capabilities.iter().find(|capability| capability.bytes[2] == USB_2_0_EXTENSION);
        let knows = extension.is_some_and(|extension| extension.bytes[3] & 2 != 0);
        ensure(knows, "the LPM bit of the USB 2.0 extension is clear")
    });
}

/// TD9.8.
#[test]
fn strings_that_descriptors_name_can_be_read_in_each_language() {
    holds(|mut host, _| async move {
        let device = configure(&mut host).await?;
        let mut strings = vec![
            device.descriptor.manufacturer_string,
            device.descriptor.product_string,
            device.descriptor.serial_number_string,
            device.configuration.string,
        ];
        strings.extend(device.configuration.interfaces.iter().map(|interface| interface.string));
        let languages = parse_languages(&host.control_in(get_descriptor(STRING, 0, 0, 255)).await?)?;
        ensure(!languages.is_empty(), "there is no language")?;
        for language in languages {
            for &index in strings.iter().filter(|&&index| index != 0) {
                let text = parse_string(&host.control_in(get_descriptor(STRING, index, language, 255)).await?)?;
                ensure(!text.is_empty(), format!("string {index} is empty"))?;
            }
        }
        Ok(())
    });
}

/// The device qualifier and the other speed's configuration, addressed and configured: a full-speed device has none.
#[test]
fn descriptors_of_another_speed_are_refused() {
    holds(|mut host, _| async move {
        address(&mut host).await?;
        for state in ["addressed", "configured"] {
            for kind in [DEVICE_QUALIFIER, OTHER_SPEED_CONFIGURATION] {
                is_refused(&mut host, get_descriptor(kind, 0, 0, 10), &format!("type {kind}, {state},")).await?;
            }
            host.set_configuration(1).await?;
        }
        Ok(())
    });
}

#[test]
fn interface_and_endpoint_descriptors_by_themselves_are_refused() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        for kind in [INTERFACE, ENDPOINT] {
            is_refused(&mut host, get_descriptor(kind, 0, 0, 9), &format!("type {kind}")).await?;
        }
        Ok(())
    });
}

/// TD9.10: wValue makes no sense. The device answers STALL, and then what is asked.
#[test]
fn descriptor_of_no_type_is_refused_and_the_device_still_answers() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        for kind in [0, 8, 0x21, 0x40, 0xFF] {
            is_refused(&mut host, get_descriptor(kind, 0, 0, 64), &format!("type {kind:#04x}")).await?;
            check_device_descriptor(&mut host).await?;
        }
        is_refused(&mut host, get_descriptor(STRING, 200, 0x0409, 255), "string 200").await?;
        check_device_descriptor(&mut host).await.map(drop)
    });
}

#[test]
fn descriptor_of_an_index_that_is_not_there_is_refused() {
    let exceptions = usb_device_fails("it does not look at the index", "configuration 1 is granted");
    holds_except(&exceptions, |mut host, _| async move {
        configure(&mut host).await?;
        is_refused(&mut host, get_descriptor(CONFIGURATION, 1, 0, 9), "configuration 1").await?;
        is_refused(&mut host, get_descriptor(DEVICE, 1, 0, 18), "device 1").await
    });
}

#[test]
fn string_in_a_language_that_is_not_there_is_refused() {
    let says = "a string in no language is granted";
    let exceptions = [Exception { subject: LOOPBACK, reason: "it has one language, and does not look", says }];
    holds_except(&exceptions, |mut host, _| async move {
        let product = configure(&mut host).await?.descriptor.product_string;
        is_refused(&mut host, get_descriptor(STRING, product, 0x0123, 255), "a string in no language").await
    });
}

/// Short reads are what comes first; long ones are all there is.
#[test]
fn read_of_any_length_is_the_beginning_of_the_descriptor() {
    holds(|mut host, _| async move {
        let device = configure(&mut host).await?;
        let product = device.descriptor.product_string;
        for (kind, number, language) in
            [(DEVICE, 0, 0), (CONFIGURATION, 0, 0), (STRING, 0, 0), (STRING, product, 0x0409)]
        {
            let all = host.control_in(get_descriptor(kind, number, language, 0xFFFF)).await?;
            let end = u16::try_from(all.len()).expect("a descriptor is short");
            for length in [0, 1, 2, 7, 8, 9, 16, 17, end - 1, end, end + 1, 64, 128, 255] {
                let bytes = host.control_in(get_descriptor(kind, number, language, length)).await?;
                let due = &all[..all.len().min(length.into())];
                ensure(bytes == due, format!("{length} bytes of type {kind}: {bytes:?}"))?;
            }
        }
        Ok(())
    });
}

/// GET_DESCRIPTOR of the device, from an interface.
#[test]
fn device_descriptor_of_an_interface_is_refused() {
    holds(|mut host, _| async move {
        configure(&mut host).await?;
        let setup = Setup { request_type: STANDARD_DEVICE_IN | 1, ..Setup::get_device_descriptor(18) };
        is_refused(&mut host, setup, "the device descriptor of an interface").await
    });
}

/// The descriptors of a device as three operating systems read them.
#[test]
fn enumeration_reads_the_same_device_whatever_the_system() {
    // The test class has packets of 8 bytes: who asks for 64 first would have to wait some frames (see `bus`).
    for subject in [SERIAL, LOOPBACK] {
        passes(subject.device, |mut host| async move {
            let macos = host.enumerate(OperatingSystem::MacOs, 5).await?;
            let linux = host.enumerate(OperatingSystem::Linux, 6).await?;
            let windows = host.enumerate(OperatingSystem::Windows, 7).await?;
            let of = |device: &enumerate::Device| (device.descriptor.clone(), device.configuration.clone());
            ensure(of(&macos) == of(&linux) && of(&linux) == of(&windows), "they read different devices")?;
            ensure(linux.product().is_some() && linux.product() == macos.product(), "they read different names")
        });
    }
}
