//! Each descriptor as it should be, and each way in which it can be wrong.

use proptest::prelude::*;

use super::*;

const DEVICE_BYTES: [u8; 18] = [18, 1, 0x00, 0x02, 0, 0, 0, 64, 0x15, 0x19, 0x01, 0x52, 0x00, 0x01, 1, 2, 3, 1];

/// A serial port: two interfaces, class-specific descriptors, three endpoints, an interface association.
#[rustfmt::skip]
pub(in crate::host) const CONFIGURATION_BYTES: [u8; 67 + 8] = [
    9, 2, 75, 0, 2, 1, 4, 0x80, 50,
    8, 11, 0, 2, 2, 2, 1, 0,
    9, 4, 0, 0, 1, 2, 2, 1, 0,
    5, 0x24, 0, 0x10, 1,
    5, 0x24, 1, 0, 1,
    4, 0x24, 2, 2,
    5, 0x24, 6, 0, 1,
    7, 5, 0x81, 3, 8, 0, 16,
    9, 4, 1, 0, 2, 10, 0, 0, 0,
    7, 5, 0x82, 2, 64, 0, 0,
    7, 5, 0x02, 2, 64, 0, 0,
];

/// The defect of these bytes with one byte replaced.
fn defect_with(at: usize, value: u8) -> (Defect, usize) {
    let mut bytes = CONFIGURATION_BYTES;
    bytes[at] = value;
    let error = Configuration::parse(&bytes).expect_err("a byte is wrong");
    (error.defect, error.offset)
}

#[test]
fn device_descriptor_has_its_fields() {
    let device = DeviceDescriptor::parse(&DEVICE_BYTES).expect("it is right");
    assert_eq!((device.usb, device.max_packet_size, device.vendor, device.product), (0x0200, 64, 0x1915, 0x5201));
    let strings = (device.manufacturer_string, device.product_string, device.serial_number_string);
    assert_eq!((strings, device.configurations), ((1, 2, 3), 1));
    assert_eq!(DeviceDescriptor::parse_max_packet_size(&DEVICE_BYTES[..8]), Ok(64));
}

#[test]
fn device_descriptor_that_is_wrong_says_where_and_what() {
    let parse = |at: usize, value: u8| {
        let mut bytes = DEVICE_BYTES;
        bytes[at] = value;
        DeviceDescriptor::parse(&bytes).expect_err("a byte is wrong")
    };
    assert_eq!(parse(0, 17).defect, Defect::Length);
    assert_eq!(parse(0, 19).defect, Defect::Truncated);
    assert_eq!(parse(0, 0).defect, Defect::Length);
    assert_eq!((parse(1, 2).defect, parse(1, 2).offset), (Defect::Type, 1));
    assert_eq!((parse(7, 63).defect, parse(7, 63).offset), (Defect::PacketSize, 7));
    assert_eq!((parse(17, 0).defect, parse(17, 0).offset), (Defect::Count, 17));
    let text = "the packet size is wrong, at byte 7: bMaxPacketSize0 8, 16, 32 or 64 is due, and 63 is there";
    assert_eq!(parse(7, 63).to_string(), text);
    let short = DeviceDescriptor::parse_max_packet_size(&DEVICE_BYTES[..7]).expect_err("7 bytes");
    assert_eq!(short.defect, Defect::Truncated);
}

#[test]
fn every_cut_of_every_descriptor_is_noticed() {
    for end in 0..DEVICE_BYTES.len() {
        assert!(DeviceDescriptor::parse(&DEVICE_BYTES[..end]).is_err(), "cut at {end}");
    }
    for end in 0..CONFIGURATION_BYTES.len() {
        assert!(Configuration::parse(&CONFIGURATION_BYTES[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn configuration_has_its_interfaces_endpoints_and_class_descriptors() {
    let configuration = Configuration::parse(&CONFIGURATION_BYTES).expect("it is right");
    assert_eq!((configuration.value, configuration.string, configuration.max_power_ma), (1, 4, 100));
    assert_eq!(configuration.others.len(), 1, "the interface association");
    let [control, data] = &configuration.interfaces[..] else {
        panic!("{configuration:?}");
    };
    assert_eq!(control.others.iter().map(Other::kind).collect::<Vec<_>>(), [0x24; 4]);
    assert_eq!((control.endpoints[0].address, control.endpoints[0].transfer), (0x81, TransferType::Interrupt));
    assert_eq!(control.endpoints[0].interval, 16);
    let [bulk_in, bulk_out] = &data.endpoints[..] else {
        panic!("{data:?}");
    };
    assert!(bulk_in.is_in() && !bulk_out.is_in());
    assert_eq!((bulk_in.number(), bulk_out.number(), bulk_in.max_packet_size), (2, 2, 64));
    assert_eq!(configuration.endpoints(|_| 0).count(), 3);
    assert_eq!(configuration.endpoints(|_| 1).count(), 0);
}

#[test]
fn configuration_that_is_wrong_says_where_and_what() {
    assert_eq!(defect_with(2, 74), (Defect::TotalLength, 2));
    assert_eq!(defect_with(2, 8), (Defect::TotalLength, 2));
    assert_eq!(defect_with(4, 3), (Defect::Count, 4));
    assert_eq!(defect_with(5, 0), (Defect::Number, 5));
    assert_eq!(defect_with(1, 7), (Defect::Type, 1));
    assert_eq!(defect_with(9, 1), (Defect::Length, 9), "a descriptor that would never end");
    assert_eq!(defect_with(9, 0), (Defect::Length, 9));
    assert_eq!(defect_with(17, 8), (Defect::Length, 17), "an interface descriptor has 9 bytes");
    assert_eq!(defect_with(21, 2), (Defect::Count, 21), "bNumEndpoints");
    assert_eq!(defect_with(45, 6), (Defect::Length, 45), "an endpoint descriptor has 7 bytes, or 9");
    assert_eq!(defect_with(18, 2), (Defect::Order, 18));
    assert_eq!(defect_with(47, 0x80), (Defect::Number, 47), "endpoint 0");
    assert_eq!(defect_with(47, 0x91), (Defect::Number, 47), "a reserved bit");
    assert_eq!(defect_with(49, 65), (Defect::PacketSize, 49));
    assert_eq!(defect_with(51, 0), (Defect::Number, 51), "bInterval");
    assert_eq!(defect_with(54, 0), (Defect::Number, 54), "interface 0 again");
    assert_eq!(defect_with(65, 63), (Defect::PacketSize, 65));
    assert_eq!(defect_with(70, 0x82), (Defect::Number, 70), "endpoint 0x82 again");
    assert_eq!(defect_with(68, 8), (Defect::Truncated, 68));
}

#[test]
fn endpoint_before_the_first_interface_is_out_of_place() {
    let bytes = [9, 2, 16, 0, 0, 1, 0, 0x80, 50, 7, 5, 0x81, 2, 64, 0, 0];
    let error = Configuration::parse(&bytes).expect_err("no interface");
    assert_eq!((error.defect, error.offset), (Defect::Order, 10));
}

#[test]
fn string_is_its_text_and_languages_are_numbers() {
    let snowman_and_clef = [10, 3, b'a', 0, 0x03, 0x26, 0x34, 0xD8, 0x1E, 0xDD];
    assert_eq!(parse_string(&snowman_and_clef), Ok("a\u{2603}\u{1D11E}".to_owned()));
    assert_eq!(parse_string(&[2, 3]), Ok(String::new()));
    assert_eq!(parse_languages(&[6, 3, 0x09, 0x04, 0x07, 0x04]), Ok(vec![0x0409, 0x0407]));
}

#[test]
fn string_that_is_wrong_says_where_and_what() {
    let defect = |bytes: &[u8]| parse_string(bytes).map_err(|error| (error.defect, error.offset));
    assert_eq!(defect(&[]), Err((Defect::Truncated, 0)));
    assert_eq!(defect(&[2]), Err((Defect::Truncated, 0)));
    assert_eq!(defect(&[4, 3, 65]), Err((Defect::Truncated, 0)));
    assert_eq!(defect(&[3, 3, 65]), Err((Defect::Length, 0)));
    assert_eq!(defect(&[4, 3, 65, 0, 66, 0]), Err((Defect::Length, 0)), "more came than bLength says");
    assert_eq!(defect(&[4, 1, 65, 0]), Err((Defect::Type, 1)));
    assert_eq!(defect(&[6, 3, 65, 0, 0x00, 0xD8]), Err((Defect::Text, 4)), "half a pair");
    assert_eq!(parse_languages(&[2, 3]).map_err(|error| error.defect), Err(Defect::Length));
}

#[test]
fn bos_has_its_capabilities_and_their_count() {
    let bytes = [5, 15, 12, 0, 1, 7, 16, 2, 2, 0, 0, 0];
    let capabilities = parse_bos(&bytes).expect("it is right");
    assert_eq!((capabilities.len(), capabilities[0].kind(), capabilities[0].offset), (1, 16, 5));
    let with = |at: usize, value: u8| {
        let mut bytes = bytes;
        bytes[at] = value;
        parse_bos(&bytes).map_err(|error| (error.defect, error.offset))
    };
    assert_eq!(with(4, 2), Err((Defect::Count, 4)));
    assert_eq!(with(2, 13), Err((Defect::TotalLength, 2)));
    assert_eq!(with(5, 0), Err((Defect::Length, 5)));
    assert_eq!(with(5, 8), Err((Defect::Truncated, 5)));
    assert_eq!(with(0, 6), Err((Defect::Length, 0)));
    assert_eq!(with(1, 14), Err((Defect::Type, 1)));
}

/// Bytes at random; or a configuration with some of them at random, which gets further.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let changed = proptest::collection::vec((0..CONFIGURATION_BYTES.len(), any::<u8>()), 0..6).prop_map(|changes| {
        let mut bytes = CONFIGURATION_BYTES.to_vec();
        changes.into_iter().for_each(|(at, value)| bytes[at] = value);
        bytes
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), changed]
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(bytes in any_bytes()) {
        let in_range = |error: &DescriptorError| error.offset <= bytes.len();
        let errors = [
            DeviceDescriptor::parse(&bytes).err(),
            DeviceDescriptor::parse_max_packet_size(&bytes).err(),
            Configuration::parse(&bytes).err(),
            Configuration::parse_total_length(&bytes).err(),
            parse_string(&bytes).err(),
            parse_languages(&bytes).err(),
            parse_bos(&bytes).err(),
        ];
        prop_assert!(errors.iter().flatten().all(in_range), "an offset lies outside: {errors:?}");
    }

    #[test]
    fn text_comes_back_as_it_was(text in "\\PC{0,100}") {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        prop_assume!(units.len() <= 253);
        let mut bytes = vec![u8::try_from(units.len() + 2).expect("at most 255"), STRING];
        bytes.extend(units);
        prop_assert_eq!(parse_string(&bytes), Ok(text));
    }
}
