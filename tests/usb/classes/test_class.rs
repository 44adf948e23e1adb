//! usb-device's `TestClass`, unmodified: its authors' tests, one each.
//!
//! They are those of `tests/test_class_host`, which run on hardware there.
//!
//! The class has packets of 8 bytes on endpoint 0. It panics if a packet comes, or is said to have gone, that it was
//! not told of: so a driver's `poll`, `read` and `write` have to agree on every schedule.
//!
//! *Different from the original*: bytes are a pattern instead of random; `bench_*` moves all its bytes on threads only.

use sim_core::host::descriptors::{Configuration, Interface, TransferType, parse_string};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::requests::get_descriptor;
use sim_core::host::{Host, HostError, descriptors, enumerate};

use dma_api::usb::Setup;
use usb_device::test_class;

use crate::classes::devices::Device;
use crate::classes::harness::{passes, passes_on_threads};

/// A vendor request to the device.
const fn vendor_out(request: u8, length: u16) -> Setup {
    Setup { request_type: 0x40, request, value: 0, index: 0, length }
}

/// A vendor request to the device, with data to the host.
const fn vendor_in(request: u8, length: u16) -> Setup {
    Setup { request_type: 0xC0, ..vendor_out(request, length) }
}

/// What the original does before each test: a port reset, SET_CONFIGURATION.
///
/// As on macOS, which asks for 8 bytes of the device descriptor. Others ask for 64 and take 8 of them for a short
/// packet: see `bus::status_stage_that_comes_early_is_permitted`.
async fn configure(host: &mut Host) -> Result<enumerate::Device, HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await
}

/// Bytes that differ from their neighbours.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + length + index / 256).to_le_bytes()[0]).collect()
}

async fn string(host: &mut Host, index: u8) -> Result<String, HostError> {
    let bytes = host.control_in(get_descriptor(descriptors::STRING, index, 0x0409, 255)).await?;
    Ok(parse_string(&bytes)?)
}

fn setting(configuration: &Configuration, alternate: u8) -> &Interface {
    let is_it = |interface: &&Interface| (interface.number, interface.alternate) == (0, alternate);
    configuration.interfaces.iter().find(is_it).expect("interface 0 has this setting")
}

#[test]
fn control_request() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        for (value, index, length) in [(0, 0, 0), (0xFFFF, 0x1234, 15), (0x8001, 0x00FF, 7)] {
            let setup = Setup { value, index, ..vendor_out(test_class::REQ_STORE_REQUEST, length) };
            host.control_out(setup, &pattern(length.into())).await?;
            assert_eq!(host.control_in(vendor_in(test_class::REQ_READ_BUFFER, 8)).await?, setup.to_bytes());
        }
        Ok(())
    });
}

#[test]
fn control_data() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        for length in [0, 7, 8, 9, 15, 16, 17] {
            let data = pattern(length.into());
            host.control_out(vendor_out(test_class::REQ_WRITE_BUFFER, length), &data).await?;
            assert_eq!(host.control_in(vendor_in(test_class::REQ_READ_BUFFER, length)).await?, data);
        }
        Ok(())
    });
}

#[test]
fn control_data_static() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        let data = host.control_in(vendor_in(test_class::REQ_READ_LONG_DATA, 257)).await?;
        assert_eq!(data, test_class::LONG_DATA);
        Ok(())
    });
}

#[test]
fn control_error() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        let outcome = host.control_out(vendor_out(test_class::REQ_UNKNOWN, 0), &[]).await;
        assert!(matches!(outcome, Err(HostError::Stalled { .. })), "{outcome:?}");
        Ok(())
    });
}

#[test]
fn string_descriptors() {
    passes(Device::TestClass, |mut host| async move {
        let device = configure(&mut host).await?.descriptor;
        assert_eq!(string(&mut host, device.product_string).await?, test_class::PRODUCT);
        assert_eq!(string(&mut host, device.manufacturer_string).await?, test_class::MANUFACTURER);
        assert_eq!(string(&mut host, device.serial_number_string).await?, test_class::SERIAL_NUMBER);
        assert_eq!(string(&mut host, 4).await?, test_class::CUSTOM_STRING);
        Ok(())
    });
}

#[test]
fn interface_descriptor() {
    passes(Device::TestClass, |mut host| async move {
        let configuration = configure(&mut host).await?.configuration;
        let (first, second) = (setting(&configuration, 0), setting(&configuration, 1));
        assert_eq!((first.string, first.class, first.subclass), (0, 0xFF, 0x00));
        assert_eq!((second.class, second.subclass), (0xFF, 0x01));
        assert_eq!(string(&mut host, second.string).await?, test_class::INTERFACE_STRING);
        Ok(())
    });
}

#[test]
fn iso_endpoint_descriptors() {
    passes(Device::TestClass, |mut host| async move {
        let configuration = configure(&mut host).await?.configuration;
        let isochronous = |alternate| {
            let endpoints = setting(&configuration, alternate).endpoints.iter();
            endpoints.filter(|endpoint| endpoint.transfer == TransferType::Isochronous).collect::<Vec<_>>()
        };
        // USB 2.0 5.6.3: none with a payload in the default setting.
        assert!(isochronous(0).iter().all(|endpoint| endpoint.max_packet_size == 0));
        let [endpoint] = isochronous(1)[..] else {
            panic!("{:?}", isochronous(1));
        };
        assert_eq!((endpoint.address, endpoint.max_packet_size), (0x88, 500), "the chip has one, and its number is 8");
        Ok(())
    });
}

#[test]
fn bulk_loopback() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        for length in [0, 1, 2, 32, 63, 64, 65, 127, 128, 129] {
            let data = pattern(length);
            host.bulk_out(1, &data).await?;
            if length > 0 && length % 64 == 0 {
                host.bulk_out(1, &[]).await?;
            }
            assert_eq!(host.bulk_in(1, length).await?, data);
        }
        Ok(())
    });
}

#[test]
fn interrupt_loopback() {
    passes(Device::TestClass, |mut host| async move {
        configure(&mut host).await?;
        for length in [0, 1, 2, 15, 31] {
            let data = pattern(length);
            host.interrupt_out(2, &data).await?;
            assert_eq!(host.interrupt_in(2, length).await?, data);
        }
        Ok(())
    });
}

/// The original's transfer, in bytes, and how many there are.
const TRANSFER_BYTES: usize = 64 * 1024;
const TRANSFERS: usize = 16;

async fn enable_bench(host: &mut Host) -> Result<(), HostError> {
    configure(host).await?;
    host.control_out(Setup { value: 1, ..vendor_out(test_class::REQ_SET_BENCH_ENABLED, 0) }, &[]).await
}

async fn bench_write(mut host: Host, transfers: usize, bytes: usize) -> Result<(), HostError> {
    enable_bench(&mut host).await?;
    for _ in 0..transfers {
        host.bulk_out(1, &pattern(bytes)).await?;
    }
    Ok(())
}

async fn bench_read(mut host: Host, transfers: usize, bytes: usize) -> Result<(), HostError> {
    enable_bench(&mut host).await?;
    for _ in 0..transfers {
        assert_eq!(host.bulk_in(1, bytes).await?.len(), bytes);
    }
    Ok(())
}

#[test]
fn bench_bulk_write() {
    passes(Device::TestClass, |host| bench_write(host, 1, 1024));
    passes_on_threads(Device::TestClass, |host| bench_write(host, TRANSFERS, TRANSFER_BYTES));
}

#[test]
fn bench_bulk_read() {
    passes(Device::TestClass, |host| bench_read(host, 1, 1024));
    passes_on_threads(Device::TestClass, |host| bench_read(host, TRANSFERS, TRANSFER_BYTES));
}
