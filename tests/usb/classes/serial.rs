//! usbd-serial: a serial port, from enumeration to bytes that come back.

use dma_api::usb::Setup;
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError};

use crate::classes::devices::Device;
use crate::classes::harness::passes;

/// The bulk endpoints, by number.
const BULK_OUT: u8 = 1;
const BULK_IN: u8 = 2;

/// SET_LINE_CODING (CDC PSTN 6.3.10).
const SET_LINE_CODING: Setup = Setup { request_type: 0x21, request: 0x20, value: 0, index: 0, length: 7 };
/// GET_LINE_CODING.
const GET_LINE_CODING: Setup = Setup { request_type: 0xA1, request: 0x21, ..SET_LINE_CODING };
/// SET_CONTROL_LINE_STATE: DTR and RTS.
const SET_CONTROL_LINE_STATE: Setup = Setup { request_type: 0x21, request: 0x22, value: 3, index: 0, length: 0 };

/// 115 200 baud, one stop bit, no parity, 8 data bits.
const LINE_CODING: [u8; 7] = [0x00, 0xC2, 0x01, 0x00, 0, 0, 8];

/// As much as the port buffers, so that a host which only sends is not kept waiting.
const BURST: usize = 128;

#[test]
fn serial_port_enumerates_as_on_three_operating_systems() {
    for system in OperatingSystem::ALL {
        passes(Device::Serial, move |mut host| async move {
            let device = host.enumerate(system, 5).await?;
            assert_eq!(device.product(), Some("serial"), "{system}");
            let numbers: Vec<_> = device.configuration.interfaces.iter().map(|interface| interface.number).collect();
            assert_eq!(numbers, [0, 1], "{system}");
            let addresses = device.configuration.endpoints(|_| 0).map(|endpoint| endpoint.address);
            assert_eq!(addresses.collect::<Vec<_>>(), [0x81, 0x82, 0x01], "{system}");
            Ok(())
        });
    }
}

#[test]
fn line_coding_that_was_set_is_read_back() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await?;
        host.control_out(SET_LINE_CODING, &LINE_CODING).await?;
        assert_eq!(host.control_in(GET_LINE_CODING).await?, LINE_CODING);
        host.control_out(SET_CONTROL_LINE_STATE, &[]).await
    });
}

#[test]
fn bytes_come_back_whatever_their_number() {
    for length in [0_usize, 1, 63, 64, 65, 128, 1000, 4096] {
        passes(Device::Serial, move |mut host| async move {
            host.enumerate(OperatingSystem::Linux, 5).await?;
            let bytes: Vec<_> = (0..length).map(|index| (index * 7 + index / 256).to_le_bytes()[0]).collect();
            if bytes.is_empty() {
                host.bulk_out(BULK_OUT, &[]).await?;
            }
            for burst in bytes.chunks(BURST) {
                host.bulk_out(BULK_OUT, burst).await?;
                assert_eq!(receive(&mut host, burst.len()).await?, burst);
            }
            // What came before has left nothing behind.
            host.bulk_out(BULK_OUT, b"end").await?;
            assert_eq!(receive(&mut host, 3).await?, b"end");
            Ok(())
        });
    }
}

/// So many bytes, in packets as the port has cut them.
async fn receive(host: &mut Host, length: usize) -> Result<Vec<u8>, HostError> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend(host.bulk_in(BULK_IN, length - bytes.len()).await?);
    }
    Ok(bytes)
}

/// One `poll` an interrupt, in the handler. An event that it leaves set is an `InterruptStorm`.
#[test]
fn bytes_come_back_from_a_device_that_an_interrupt_handler_serves() {
    for system in OperatingSystem::ALL {
        passes(Device::Handler, move |mut host| async move {
            host.enumerate(system, 5).await?;
            host.suspend().await?;
            host.resume().await?;
            host.settle().await?;
            for length in [1_u8, 64, 130] {
                let bytes: Vec<_> = (0..length).collect();
                host.bulk_out(BULK_OUT, &bytes).await?;
                assert_eq!(receive(&mut host, bytes.len()).await?, bytes, "{system}");
            }
            Ok(())
        });
    }
}
