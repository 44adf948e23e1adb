//! usbd-hid: a mouse, from enumeration to its reports.

use dma_api::usb::{GET_DESCRIPTOR, STANDARD_INTERFACE_IN, Setup};
use sim_core::host::descriptors::TransferType;
use sim_core::host::enumerate::OperatingSystem;
use usbd_hid::descriptor::{MouseReport, SerializedDescriptor};

use crate::classes::devices::Device;
use crate::classes::harness::passes;

/// The interrupt endpoint, by number.
const REPORTS: u8 = 1;

/// bDescriptorType of the HID descriptor (HID 1.11 7.1).
const HID: u8 = 0x21;

/// GET_DESCRIPTOR of the report descriptor, from the interface.
const GET_REPORT_DESCRIPTOR: Setup =
    Setup { request_type: STANDARD_INTERFACE_IN, request: GET_DESCRIPTOR, value: 0x2200, index: 0, length: 255 };

/// SET_IDLE: no report repeats itself.
const SET_IDLE: Setup = Setup { request_type: 0x21, request: 0x0A, value: 0, index: 0, length: 0 };

#[test]
fn mouse_enumerates_as_on_three_operating_systems() {
    for system in OperatingSystem::ALL {
        passes(Device::Mouse, move |mut host| async move {
            let device = host.enumerate(system, 5).await?;
            assert_eq!(device.product(), Some("mouse"), "{system}");
            let [interface] = device.configuration.interfaces.as_slice() else {
                panic!("{system}: {} interfaces", device.configuration.interfaces.len());
            };
            assert_eq!((interface.class, interface.others[0].kind()), (3, HID), "{system}");
            let [endpoint] = interface.endpoints.as_slice() else {
                panic!("{system}: {} endpoints", interface.endpoints.len());
            };
            assert_eq!((endpoint.address, endpoint.transfer), (0x81, TransferType::Interrupt), "{system}");
            Ok(())
        });
    }
}

#[test]
fn report_descriptor_has_the_length_that_the_hid_descriptor_says() {
    passes(Device::Mouse, |mut host| async move {
        let device = host.enumerate(OperatingSystem::Linux, 5).await?;
        host.control_out(SET_IDLE, &[]).await?;
        let descriptor = host.control_in(GET_REPORT_DESCRIPTOR).await?;
        assert_eq!(descriptor, MouseReport::desc());
        // wDescriptorLength stands last.
        let hid = &device.configuration.interfaces[0].others[0].bytes;
        assert_eq!(hid.last_chunk().map(|bytes| u16::from_le_bytes(*bytes)), u16::try_from(descriptor.len()).ok());
        Ok(())
    });
}

#[test]
fn every_report_comes_once_and_in_order() {
    passes(Device::Mouse, |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await?;
        // Resets of the bus may have swallowed the first.
        let &[_, first, ..] = host.interrupt_in(REPORTS, 64).await?.as_slice() else {
            panic!("a report has five bytes");
        };
        for number in first + 1..first + 20 {
            // Buttons, x, y, wheel, pan.
            assert_eq!(host.interrupt_in(REPORTS, 64).await?, [1, number, 0xFF, 0, 0]);
        }
        Ok(())
    });
}
