//! Any bytes for descriptors: an error that says where, or a value that has all of them.
//!
//! What must hold of each of the host's parsers ([`sim_core::host::descriptors`]), whatever the bytes are:
//!
//! - it does not panic;
//! - an error lies within the bytes, or at their end, and says what was due;
//! - a value, printed, is these bytes. Of a configuration: but for what it does not keep, which is the reserved bits of
//!   an endpoint's bmAttributes and the two bytes that audio 1.0 adds to it; printed, it is read as the same value;
//! - what reads the beginning of a descriptor agrees with what reads all of it.

use sim_core::host::descriptors::{
    BOS, CONFIGURATION, Configuration, DEVICE, DescriptorError, DeviceDescriptor, ENDPOINT, Endpoint, INTERFACE,
    Interface, Other, STRING, TransferType, parse_bos, parse_languages, parse_string,
};

use super::{caught, ensure};

/// A parser with something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// It takes bLength for granted.
    TrustsLength,
    /// idVendor and idProduct change places.
    SwapsWords,
    /// A class-specific descriptor of the last endpoint is lost.
    LosesOther,
    /// The error's offset is that of the next descriptor.
    PointsBehind,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 4] = [Self::TrustsLength, Self::SwapsWords, Self::LosesOther, Self::PointsBehind];
}

/// Reads the bytes as everything that they may be.
///
/// # Errors
///
/// What is wrong with a parser.
pub fn run(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    caught(|| {
        device(bytes, twin)?;
        configuration(bytes, twin)?;
        capabilities(bytes)?;
        strings(bytes)
    })
}

/// What an error says, and where.
fn error(bytes: &[u8], wrong: &DescriptorError) -> Result<(), String> {
    let DescriptorError { offset, expected, found, .. } = wrong;
    ensure(*offset <= bytes.len(), || format!("an error at byte {offset} of {}: {wrong}", bytes.len()))?;
    ensure(!expected.is_empty() && !found.is_empty(), || format!("an error that says nothing: {wrong}"))
}

/// `printed` are the bytes that a value was read from.
fn same(bytes: &[u8], printed: &[u8], value: &dyn std::fmt::Debug) -> Result<(), String> {
    ensure(bytes == printed, || format!("{bytes:02x?} are read as {value:x?}, which is {printed:02x?}"))
}

fn device(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    let size = DeviceDescriptor::parse_max_packet_size(bytes);
    let mut read = DeviceDescriptor::parse(bytes);
    match (twin, &mut read) {
        (Some(Twin::TrustsLength), read) if bytes.first().is_some_and(|&length| bytes[..length.into()].is_empty()) => {
            *read = DeviceDescriptor::parse(&[]);
        }
        (Some(Twin::SwapsWords), Ok(device)) => std::mem::swap(&mut device.vendor, &mut device.product),
        _ => {}
    }
    if let Err(wrong) = &size {
        error(bytes, wrong)?;
    }
    match read {
        Err(wrong) => error(bytes, &wrong),
        Ok(device) => {
            ensure(size.as_ref() == Ok(&device.max_packet_size), || {
                format!("{device:?}: bMaxPacketSize0 is {size:?}")
            })?;
            same(bytes, &print_device(&device), &device)
        }
    }
}

fn print_device(device: &DeviceDescriptor) -> Vec<u8> {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let DeviceDescriptor { class, subclass, protocol, max_packet_size, .. } = *device;
    let DeviceDescriptor { manufacturer_string, product_string, serial_number_string, configurations, .. } = *device;
    [
        vec![18, DEVICE],
        words(&[device.usb]),
        vec![class, subclass, protocol, max_packet_size],
        words(&[device.vendor, device.product, device.release]),
        vec![manufacturer_string, product_string, serial_number_string, configurations],
    ]
    .concat()
}

fn configuration(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    let total = Configuration::parse_total_length(bytes);
    let mut read = Configuration::parse(bytes);
    match (twin, &mut read) {
        (Some(Twin::LosesOther), Ok(configuration)) => {
            let last = configuration.interfaces.last_mut().and_then(|interface| interface.endpoints.last_mut());
            last.into_iter().for_each(|endpoint| drop(endpoint.others.pop()));
        }
        (Some(Twin::PointsBehind), Err(wrong)) => {
            wrong.offset += bytes.get(wrong.offset).map_or(0, |&length| usize::from(length));
        }
        _ => {}
    }
    match read {
        Err(wrong) => error(bytes, &wrong),
        Ok(configuration) => {
            let length = total.map(usize::from);
            ensure(length == Ok(bytes.len()), || format!("{configuration:?}: wTotalLength is {length:?}"))?;
            is_all(bytes, &configuration)
        }
    }
}

/// The configuration has all of the bytes that it keeps.
fn is_all(bytes: &[u8], configuration: &Configuration) -> Result<(), String> {
    let printed = print_configuration(configuration);
    if keeps_all(bytes) {
        same(bytes, &printed, configuration)?;
    }
    let again = Configuration::parse(&printed);
    let again =
        again.map_err(|wrong| format!("{configuration:?} is printed as {printed:02x?}, and not read: {wrong}"))?;
    ensure(without_offsets(again.clone()) == without_offsets(configuration.clone()), || {
        format!("{configuration:?} is printed and read again as {again:?}")
    })
}

/// Whether each endpoint is of 7 bytes, with nothing in the reserved bits of bmAttributes.
fn keeps_all(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [length, kind, ..] = *rest {
        let (one, others) = rest.split_at(usize::from(length).min(rest.len()));
        if kind == ENDPOINT && (length != 7 || one[3] > 3) {
            return false;
        }
        rest = others;
    }
    true
}

fn without_offsets(mut configuration: Configuration) -> Configuration {
    let others = configuration.interfaces.iter_mut().flat_map(|interface| {
        interface.others.iter_mut().chain(interface.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.others))
    });
    configuration.others.iter_mut().chain(others).for_each(|other| other.offset = 0);
    configuration
}

fn print_configuration(configuration: &Configuration) -> Vec<u8> {
    let mut numbers: Vec<u8> = configuration.interfaces.iter().map(|interface| interface.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let Configuration { value, string, attributes, max_power_ma, .. } = *configuration;
    let [power, _] = (max_power_ma / 2).to_le_bytes();
    let mut printed = vec![9, CONFIGURATION, 0, 0, low(numbers.len()), value, string, attributes, power];
    print_others(&mut printed, &configuration.others);
    for Interface { number, alternate, class, subclass, protocol, string, others, endpoints } in
        &configuration.interfaces
    {
        let count = low(endpoints.len());
        printed.extend([9, INTERFACE, *number, *alternate, count, *class, *subclass, *protocol, *string]);
        print_others(&mut printed, others);
        for Endpoint { address, transfer, max_packet_size, interval, others } in endpoints {
            let [size, high] = max_packet_size.to_le_bytes();
            printed.extend([7, ENDPOINT, *address, attributes_of(*transfer), size, high, *interval]);
            print_others(&mut printed, others);
        }
    }
    let [first, second] = [low(printed.len()), low(printed.len() >> 8)];
    (printed[2], printed[3]) = (first, second);
    printed
}

fn print_others(printed: &mut Vec<u8>, others: &[Other]) {
    others.iter().for_each(|other| printed.extend(&other.bytes));
}

fn low(count: usize) -> u8 {
    count.to_le_bytes()[0]
}

fn attributes_of(transfer: TransferType) -> u8 {
    match transfer {
        TransferType::Control => 0,
        TransferType::Isochronous => 1,
        TransferType::Bulk => 2,
        TransferType::Interrupt => 3,
    }
}

fn capabilities(bytes: &[u8]) -> Result<(), String> {
    match parse_bos(bytes) {
        Err(wrong) => error(bytes, &wrong),
        Ok(capabilities) => {
            let [first, second] = [low(bytes.len()), low(bytes.len() >> 8)];
            let mut printed = vec![5, BOS, first, second, low(capabilities.len())];
            print_others(&mut printed, &capabilities);
            same(bytes, &printed, &capabilities)?;
            let is_there = |other: &Other| bytes.get(other.offset..).is_some_and(|rest| rest.starts_with(&other.bytes));
            ensure(capabilities.iter().all(is_there), || format!("{bytes:02x?}: an offset is wrong: {capabilities:?}"))
        }
    }
}

fn strings(bytes: &[u8]) -> Result<(), String> {
    let print = |units: Vec<u16>| {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        [vec![low(bytes.len() + 2), STRING], bytes].concat()
    };
    match parse_string(bytes) {
        Err(wrong) => error(bytes, &wrong)?,
        Ok(text) => same(bytes, &print(text.encode_utf16().collect()), &text)?,
    }
    match parse_languages(bytes) {
        Err(wrong) => error(bytes, &wrong),
        Ok(languages) => same(bytes, &print(languages.clone()), &languages),
    }
}

/// What a fuzzer begins with: one descriptor of each kind.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let association: &[u8] = &[8, 11, 0, 2, 2, 2, 0, 0];
    let interfaces: &[u8] = &[
        9, INTERFACE, 0, 0, 1, 2, 2, 0, 0, 5, 0x24, 0, 0x10, 1, 7, ENDPOINT, 0x82, 3, 8, 0, 16, 9, INTERFACE, 1, 0, 0,
        10, 0, 0, 0, 9, INTERFACE, 1, 1, 2, 10, 0, 0, 4, 7, ENDPOINT, 0x81, 2, 64, 0, 0, 7, ENDPOINT, 0x01, 2, 64, 0,
        0, 3, 0x25, 1,
    ];
    let total = low(9 + association.len() + interfaces.len());
    let head: &[u8] = &[9, CONFIGURATION, total, 0, 2, 1, 0, 0x80, 50];
    vec![
        ("device", sim_core::check::loopback::DEVICE.to_vec()),
        ("configuration", sim_core::check::loopback::CONFIGURATION.to_vec()),
        ("composite", [head, association, interfaces].concat()),
        ("capabilities", vec![5, BOS, 12, 0, 1, 7, 16, 2, 0, 0, 0, 0]),
        ("string", vec![8, STRING, b'd', 0, 0x3D, 0xD8, 0x0D, 0xDE]),
        ("languages", vec![4, STRING, 9, 4]),
    ]
}
