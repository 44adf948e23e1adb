//! Standard requests, as SETUP packets: USB 2.0 9.4.

use dma_api::usb::{GET_DESCRIPTOR, SET_CONFIGURATION, STANDARD_DEVICE_IN, Setup};

/// bRequest GET_STATUS.
pub const GET_STATUS: u8 = 0;
/// bRequest CLEAR_FEATURE.
pub const CLEAR_FEATURE: u8 = 1;
/// bRequest SET_FEATURE.
pub const SET_FEATURE: u8 = 3;
/// bRequest GET_CONFIGURATION.
pub const GET_CONFIGURATION: u8 = 8;
/// bRequest GET_INTERFACE.
pub const GET_INTERFACE: u8 = 10;
/// bRequest SET_INTERFACE.
pub const SET_INTERFACE: u8 = 11;
/// Feature selector ENDPOINT_HALT.
pub const ENDPOINT_HALT: u16 = 0;

/// bmRequestType: standard, interface, host to device.
const STANDARD_INTERFACE_OUT: u8 = 0x01;
/// bmRequestType: standard, endpoint, host to device.
const STANDARD_ENDPOINT_OUT: u8 = 0x02;
/// bmRequestType: standard, endpoint, device to host.
const STANDARD_ENDPOINT_IN: u8 = 0x82;

/// GET_DESCRIPTOR: `kind` and `number` are the bytes of wValue, `language` is 0 but for strings.
///
/// ```
/// # use dma_api::usb::Setup;
/// # use sim_core::host::requests;
/// assert_eq!(requests::get_descriptor(1, 0, 0, 18), Setup::get_device_descriptor(18));
/// assert_eq!(requests::set_halt(0x81).to_bytes(), [0x02, 3, 0, 0, 0x81, 0, 0, 0]);
/// ```
pub const fn get_descriptor(kind: u8, number: u8, language: u16, length: u16) -> Setup {
    Setup {
        request_type: STANDARD_DEVICE_IN,
        request: GET_DESCRIPTOR,
        value: u16::from_be_bytes([kind, number]),
        index: language,
        length,
    }
}

/// GET_CONFIGURATION: one byte.
///
/// See [`get_descriptor`] for an example.
pub const fn get_configuration() -> Setup {
    Setup { request_type: STANDARD_DEVICE_IN, request: GET_CONFIGURATION, value: 0, index: 0, length: 1 }
}

/// SET_INTERFACE: this alternate setting.
///
/// See [`get_descriptor`] for an example.
pub const fn set_interface(interface: u8, alternate: u8) -> Setup {
    let (value, index) = (alternate as u16, interface as u16);
    Setup { request_type: STANDARD_INTERFACE_OUT, request: SET_INTERFACE, value, index, length: 0 }
}

/// GET_STATUS of an endpoint, by its address: two bytes, bit 0 is its halt.
///
/// See [`get_descriptor`] for an example.
pub const fn get_endpoint_status(address: u8) -> Setup {
    let index = address as u16;
    Setup { request_type: STANDARD_ENDPOINT_IN, request: GET_STATUS, value: 0, index, length: 2 }
}

/// SET_FEATURE(ENDPOINT_HALT) for an endpoint, by its address.
///
/// See [`get_descriptor`] for an example.
pub const fn set_halt(address: u8) -> Setup {
    let index = address as u16;
    Setup { request_type: STANDARD_ENDPOINT_OUT, request: SET_FEATURE, value: ENDPOINT_HALT, index, length: 0 }
}

/// CLEAR_FEATURE(ENDPOINT_HALT) for an endpoint, by its address.
///
/// See [`get_descriptor`] for an example.
pub const fn clear_halt(address: u8) -> Setup {
    Setup { request: CLEAR_FEATURE, ..set_halt(address) }
}

/// What a request, once granted, does to the host's toggles (USB 2.0 9.1.1.5, 9.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// None.
    None,
    /// All endpoints start with DATA0; this configuration holds.
    Configured(u8),
    /// The endpoints of this interface start with DATA0; this alternate setting holds.
    Alternate { interface: u8, alternate: u8 },
    /// This endpoint starts with DATA0.
    Unhalted(u8),
}

/// What `setup` does to the host's toggles.
pub(super) fn consequence(setup: Setup) -> Consequence {
    let [value, _] = setup.value.to_le_bytes();
    let [index, _] = setup.index.to_le_bytes();
    match (setup.request_type, setup.request) {
        (dma_api::usb::STANDARD_DEVICE_OUT, SET_CONFIGURATION) => Consequence::Configured(value),
        (STANDARD_INTERFACE_OUT, SET_INTERFACE) => Consequence::Alternate { interface: index, alternate: value },
        (STANDARD_ENDPOINT_OUT, CLEAR_FEATURE) if setup.value == ENDPOINT_HALT => Consequence::Unhalted(index),
        _ => Consequence::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_bytes_of_the_standard() {
        assert_eq!(get_descriptor(3, 2, 0x0409, 255).to_bytes(), [0x80, 6, 2, 3, 9, 4, 255, 0]);
        assert_eq!(set_interface(1, 2).to_bytes(), [1, 11, 2, 0, 1, 0, 0, 0]);
        assert_eq!(get_endpoint_status(0x81).to_bytes(), [0x82, 0, 0, 0, 0x81, 0, 2, 0]);
        assert_eq!(set_halt(0x02).to_bytes(), [2, 3, 0, 0, 2, 0, 0, 0]);
        assert_eq!(clear_halt(0x81).to_bytes(), [2, 1, 0, 0, 0x81, 0, 0, 0]);
        assert_eq!(get_configuration().to_bytes(), [0x80, 8, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn request_that_resets_toggles_says_which() {
        assert_eq!(consequence(Setup::set_configuration(2)), Consequence::Configured(2));
        let alternate = Consequence::Alternate { interface: 1, alternate: 2 };
        assert_eq!(consequence(set_interface(1, 2)), alternate);
        assert_eq!(consequence(clear_halt(0x81)), Consequence::Unhalted(0x81));
        assert_eq!(consequence(set_halt(0x81)), Consequence::None);
        let remote_wakeup = Setup { value: 1, ..clear_halt(0) };
        assert_eq!(consequence(remote_wakeup), Consequence::None);
        assert_eq!(consequence(Setup::set_address(2)), Consequence::None);
    }
}
