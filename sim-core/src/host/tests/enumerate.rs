//! Enumeration in three orders, and what a device can get wrong in each.

use super::*;
use crate::host::descriptors::Defect as Malformed;
use crate::host::descriptors::tests::CONFIGURATION_BYTES;
use crate::host::enumerate::{Device, OperatingSystem};

fn text(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let mut bytes = vec![u8::try_from(2 + 2 * text.len()).expect("it is short"), 3];
    bytes.extend(units);
    bytes
}

/// A device of this bcdUSB and packet size.
fn device(defect: Defect, usb: u16, packet_size: u8) -> Rig {
    let rig = Rig::with_endpoints(defect, &[0x81, 0x82, 0x02]);
    let [low, high] = usb.to_le_bytes();
    let descriptor = [18, 1, low, high, 0, 0, 0, packet_size, 0x15, 0x19, 0x01, 0x52, 0, 1, 1, 2, 3, 1];
    let mut fake = rig.fake();
    fake.packet_size = packet_size.into();
    fake.descriptors.extend([
        (0x0100, descriptor.to_vec()),
        (0x0200, CONFIGURATION_BYTES.to_vec()),
        (0x0300, vec![4, 3, 0x09, 0x04]),
        (0x0301, text("dmacheck")),
        (0x0302, text("serial port")),
        (0x0303, text("0001")),
        (0x0304, text("the only one")),
    ]);
    drop(fake);
    rig
}

fn enumerate(rig: &mut Rig, system: OperatingSystem) -> Result<Device, HostError> {
    now(rig.host.enumerate(system, 7))
}

/// The requests that the device got, as [bRequest, wValue, wLength], and its resets.
fn requests_of(rig: &Rig) -> Vec<String> {
    let fake = rig.fake();
    let lines = fake.log.iter().filter_map(|line| {
        let (_, setup) = line.split_once("SETUP ").map_or(("", None), |(before, setup)| (before, Some(setup)));
        match setup {
            None => (line == "reset").then(|| line.clone()),
            Some(setup) => {
                let setup = &setup[..23];
                let (value, length) = (format!("{}{}", &setup[9..11], &setup[6..8]), &setup[18..20]);
                Some(format!("{} {value} {length}", &setup[3..5]))
            }
        }
    });
    lines.collect()
}

#[test]
fn linux_asks_in_its_order() {
    let mut rig = device(Defect::None, 0x0110, 64);
    enumerate(&mut rig, OperatingSystem::Linux).expect("the device is right");
    let due = [
        "reset",
        "06 0100 40",
        "reset",
        "05 0007 00",
        "06 0100 12",
        "06 0200 09",
        "06 0200 4b",
        "06 0300 ff",
        "06 0302 ff",
        "06 0301 ff",
        "06 0303 ff",
        "09 0001 00",
        "06 0304 ff",
    ];
    assert_eq!(requests_of(&rig), due);
}

#[test]
fn linux_asks_a_newer_device_for_its_qualifier_and_bos() {
    let mut rig = device(Defect::None, 0x0210, 64);
    rig.fake().descriptors.insert(0x0F00, vec![5, 15, 12, 0, 1, 7, 16, 2, 2, 0, 0, 0]);
    let device = enumerate(&mut rig, OperatingSystem::Linux).expect("the device is right");
    let due = ["06 0100 12", "06 0f00 05", "06 0f00 0c", "06 0600 0a", "06 0600 0a", "06 0600 0a", "06 0200 09"];
    assert_eq!(requests_of(&rig)[4..11], due);
    assert_eq!(device.capabilities.map(|capabilities| capabilities.len()), Some(1));
}

#[test]
fn windows_asks_in_its_order() {
    let mut rig = device(Defect::None, 0x0200, 64);
    enumerate(&mut rig, OperatingSystem::Windows).expect("the device is right");
    let due = [
        "reset",
        "06 0100 40",
        "reset",
        "05 0007 00",
        "06 0100 12",
        "06 0200 ff",
        "06 03ee 12",
        "06 0303 ff",
        "06 0300 ff",
        "06 0302 ff",
        "06 0100 12",
        "06 0200 09",
        "06 0200 4b",
        "09 0001 00",
    ];
    assert_eq!(requests_of(&rig), due);
}

#[test]
fn macos_asks_in_its_order() {
    let mut rig = device(Defect::None, 0x0200, 64);
    enumerate(&mut rig, OperatingSystem::MacOs).expect("the device is right");
    let due = [
        "reset",
        "05 0007 00",
        "06 0100 08",
        "06 0100 12",
        "06 0302 02",
        "06 0302 18",
        "06 0301 02",
        "06 0301 12",
        "06 0303 02",
        "06 0303 0a",
        "06 0200 09",
        "06 0200 4b",
        "09 0001 00",
    ];
    assert_eq!(requests_of(&rig), due);
}

#[test]
fn every_host_knows_the_device_in_the_end() {
    for system in OperatingSystem::ALL {
        for packet_size in [8, 16, 32, 64] {
            let mut rig = device(Defect::None, 0x0200, packet_size);
            let device = enumerate(&mut rig, system).unwrap_or_else(|error| panic!("{system}: {error}"));
            assert_eq!((device.descriptor.vendor, device.descriptor.max_packet_size), (0x1915, packet_size));
            assert_eq!(device.configuration.interfaces.len(), 2);
            assert_eq!((device.product(), device.serial_number()), (Some("serial port"), Some("0001")), "{system}");
            assert_eq!(rig.fake().address, 7);
            rig.arm(0x82, &[&[1, 2, 3]]);
            assert_eq!(now(rig.host.bulk_in(2, 64)), Ok(vec![1, 2, 3]), "its endpoints can be used");
        }
    }
}

#[test]
fn string_that_is_refused_is_left_out() {
    for system in OperatingSystem::ALL {
        let mut rig = device(Defect::None, 0x0200, 64);
        rig.fake().descriptors.remove(&0x0302);
        let device = enumerate(&mut rig, system).unwrap_or_else(|error| panic!("{system}: {error}"));
        assert_eq!(device.product(), None);
    }
}

#[test]
fn device_that_sends_all_where_8_bytes_are_asked_for_is_found_by_macos() {
    assert_eq!(enumerate(&mut device(Defect::SendsAll, 0x0200, 64), OperatingSystem::MacOs).map(drop), {
        Err(HostError::TooLong { endpoint: 0, asked: 8, got: 18 })
    });
}

#[test]
fn device_without_the_empty_packet_is_found_by_windows_only() {
    // A configuration of 64 bytes: Linux and macOS ask for that, Windows for 255 (adamgreig/ffp issue 9).
    for system in OperatingSystem::ALL {
        let mut rig = device(Defect::NoEmptyPacket, 0x0200, 64);
        let mut configuration = CONFIGURATION_BYTES[..64].to_vec();
        (configuration[2], configuration[4], configuration[56]) = (64, 2, 0);
        configuration.splice(61..64, [3, 0x24, 0]);
        rig.fake().descriptors.insert(0x0200, configuration);
        let outcome = enumerate(&mut rig, system);
        let is_found = outcome.as_ref().is_err_and(HostError::is_timeout);
        assert_eq!(is_found, system == OperatingSystem::Windows, "{system}: {outcome:?}");
    }
}

#[test]
fn device_that_changes_its_address_too_early_is_found_by_all() {
    for system in OperatingSystem::ALL {
        let outcome = enumerate(&mut device(Defect::HastyAddress, 0x0200, 64), system);
        assert!(matches!(outcome, Err(HostError::NoAnswer { token: "IN", .. })), "{system}: {outcome:?}");
    }
}

/// The error of a device with one byte of a descriptor replaced.
fn with_byte(system: OperatingSystem, value: u16, at: usize, byte: u8) -> (Malformed, usize) {
    let mut rig = device(Defect::None, 0x0200, 64);
    rig.fake().descriptors.get_mut(&value).expect("it has one")[at] = byte;
    match enumerate(&mut rig, system) {
        Err(HostError::Descriptor(error)) => (error.defect, error.offset),
        other => panic!("{system}, byte {at} of {value:#06x}: {other:?}"),
    }
}

#[test]
fn malformed_descriptor_ends_every_enumeration_with_its_place() {
    for system in OperatingSystem::ALL {
        assert_eq!(with_byte(system, 0x0100, 7, 7), (Malformed::PacketSize, 7), "{system}");
        assert_eq!(with_byte(system, 0x0100, 17, 0), (Malformed::Count, 17), "{system}");
        assert_eq!(with_byte(system, 0x0100, 0, 17), (Malformed::Length, 0), "{system}");
        assert_eq!(with_byte(system, 0x0200, 4, 1), (Malformed::Count, 4), "{system}");
        assert_eq!(with_byte(system, 0x0200, 9, 0), (Malformed::Length, 9), "{system}");
        assert_eq!(with_byte(system, 0x0200, 2, 200), (Malformed::TotalLength, 2), "{system}");
        assert_eq!(with_byte(system, 0x0302, 1, 2), (Malformed::Type, 1), "{system}");
    }
}

#[test]
fn windows_looks_at_the_first_configuration_that_it_gets() {
    let mut rig = device(Defect::None, 0x0200, 64);
    rig.fake().descriptors.get_mut(&0x0200).expect("it has one")[4] = 1;
    let outcome = enumerate(&mut rig, OperatingSystem::Windows);
    assert!(matches!(outcome, Err(HostError::Descriptor(_))), "{outcome:?}");
    assert_eq!(requests_of(&rig).last().map(String::as_str), Some("06 0200 ff"));
}

#[test]
fn descriptor_that_is_cut_short_ends_every_enumeration() {
    for system in OperatingSystem::ALL {
        for length in 0..18 {
            let mut rig = device(Defect::None, 0x0200, 64);
            rig.fake().descriptors.get_mut(&0x0100).expect("it has one").truncate(length);
            let outcome = enumerate(&mut rig, system);
            assert!(matches!(outcome, Err(HostError::Descriptor(_))), "{system}, {length} bytes: {outcome:?}");
        }
        for length in 0..CONFIGURATION_BYTES.len() {
            let mut rig = device(Defect::None, 0x0200, 64);
            rig.fake().descriptors.get_mut(&0x0200).expect("it has one").truncate(length);
            let outcome = enumerate(&mut rig, system);
            assert!(matches!(outcome, Err(HostError::Descriptor(_))), "{system}, {length} bytes: {outcome:?}");
        }
    }
}
