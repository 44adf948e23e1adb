//! USB 2.0 facts that driver and host share: the SETUP packet, request numbers.

/// The eight bytes of a SETUP packet (USB 2.0 table 9-2).
///
/// ```
/// # use dma_api::usb::{GET_DESCRIPTOR, Setup};
/// let setup = Setup::from_bytes([0x80, 6, 0x00, 0x01, 0, 0, 18, 0]);
/// assert_eq!(setup, Setup::get_device_descriptor(18));
/// assert!(setup.is_in() && setup.request == GET_DESCRIPTOR);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// bmRequestType: direction in bit 7, type in bits 6:5, recipient in bits 4:0.
    pub request_type: u8,
    /// bRequest.
    pub request: u8,
    /// wValue.
    pub value: u16,
    /// wIndex.
    pub index: u16,
    /// wLength: the longest data stage that the host accepts or sends, in bytes.
    pub length: u16,
}

/// bRequest GET_STATUS.
pub const GET_STATUS: u8 = 0;
/// bRequest CLEAR_FEATURE.
pub const CLEAR_FEATURE: u8 = 1;
/// bRequest SET_FEATURE.
pub const SET_FEATURE: u8 = 3;
/// bRequest SET_ADDRESS.
pub const SET_ADDRESS: u8 = 5;
/// bRequest GET_DESCRIPTOR.
pub const GET_DESCRIPTOR: u8 = 6;
/// bRequest GET_CONFIGURATION.
pub const GET_CONFIGURATION: u8 = 8;
/// bRequest SET_CONFIGURATION.
pub const SET_CONFIGURATION: u8 = 9;
/// bRequest GET_INTERFACE.
pub const GET_INTERFACE: u8 = 10;
/// bRequest SET_INTERFACE.
pub const SET_INTERFACE: u8 = 11;
/// Feature selector ENDPOINT_HALT.
pub const ENDPOINT_HALT: u16 = 0;
/// Descriptor type DEVICE, the high byte of wValue in GET_DESCRIPTOR.
pub const DEVICE_DESCRIPTOR: u8 = 1;
/// Descriptor type CONFIGURATION.
pub const CONFIGURATION_DESCRIPTOR: u8 = 2;
/// Descriptor type STRING.
pub const STRING_DESCRIPTOR: u8 = 3;
/// bmRequestType: standard, device, device to host.
pub const STANDARD_DEVICE_IN: u8 = 0x80;
/// bmRequestType: standard, device, host to device.
pub const STANDARD_DEVICE_OUT: u8 = 0x00;
/// bmRequestType: standard, interface, device to host.
pub const STANDARD_INTERFACE_IN: u8 = 0x81;
/// bmRequestType: standard, interface, host to device.
pub const STANDARD_INTERFACE_OUT: u8 = 0x01;
/// bmRequestType: standard, endpoint, device to host.
pub const STANDARD_ENDPOINT_IN: u8 = 0x82;
/// bmRequestType: standard, endpoint, host to device.
pub const STANDARD_ENDPOINT_OUT: u8 = 0x02;

impl Setup {
    /// GET_DESCRIPTOR for the device descriptor, with this wLength.
    pub const fn get_device_descriptor(length: u16) -> Self {
        Self {
            request_type: STANDARD_DEVICE_IN,
            request: GET_DESCRIPTOR,
            value: u16::from_be_bytes([DEVICE_DESCRIPTOR, 0]),
            index: 0,
            length,
        }
    }

    /// SET_ADDRESS with this address.
    pub const fn set_address(address: u8) -> Self {
        Self { request_type: STANDARD_DEVICE_OUT, request: SET_ADDRESS, value: address as u16, index: 0, length: 0 }
    }

    /// SET_CONFIGURATION with this configuration.
    pub const fn set_configuration(configuration: u8) -> Self {
        Self { request: SET_CONFIGURATION, ..Self::set_address(configuration) }
    }

    /// Whether the data stage goes from device to host. Without a data stage (`length == 0`) it means nothing.
    pub const fn is_in(&self) -> bool {
        self.request_type & 0x80 != 0
    }

    /// The packet as it goes over the wire.
    pub const fn to_bytes(&self) -> [u8; 8] {
        let [value_low, value_high] = self.value.to_le_bytes();
        let [index_low, index_high] = self.index.to_le_bytes();
        let [length_low, length_high] = self.length.to_le_bytes();
        [self.request_type, self.request, value_low, value_high, index_low, index_high, length_low, length_high]
    }

    /// The packet from its bytes on the wire.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self {
            request_type: bytes[0],
            request: bytes[1],
            value: u16::from_le_bytes([bytes[2], bytes[3]]),
            index: u16::from_le_bytes([bytes[4], bytes[5]]),
            length: u16::from_le_bytes([bytes[6], bytes[7]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_device_descriptor_has_the_bytes_of_the_specification() {
        let bytes = [0x80, 0x06, 0x00, 0x01, 0x00, 0x00, 0x12, 0x00];
        assert_eq!(Setup::get_device_descriptor(18).to_bytes(), bytes);
        assert_eq!(Setup::from_bytes(bytes), Setup::get_device_descriptor(18));
    }

    #[test]
    fn requests_without_data_have_the_bytes_of_the_specification() {
        // USB 2.0 9.4.6 and 9.4.7.
        assert_eq!(Setup::set_address(42).to_bytes(), [0x00, 0x05, 42, 0, 0, 0, 0, 0]);
        assert_eq!(Setup::set_configuration(1).to_bytes(), [0x00, 0x09, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn data_stage_goes_to_the_host_if_bit_7_of_the_type_is_set() {
        for (request_type, is_in) in
            [(0x80, true), (0x82, true), (0xA1, true), (0xFF, true), (0x00, false), (0x21, false), (0x7F, false)]
        {
            let setup = Setup { request_type, ..Setup::get_device_descriptor(8) };
            assert_eq!(setup.is_in(), is_in, "{request_type:#04x}");
        }
    }
}
