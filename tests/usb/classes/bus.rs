//! Where usb-device and the hardware see things differently: what `UsbBus` does about it, one test each.

use dma_api::usb::{STANDARD_DEVICE_OUT, STANDARD_ENDPOINT_IN, Setup};
use sim_core::device::usbd::{Packet, Token};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::requests::{self, get_configuration, get_descriptor, get_endpoint_status};
use sim_core::host::{HostError, PATIENCE_MS, descriptors};

use crate::classes::devices::Device;
use crate::classes::harness::{passes, passes_on_schedules};

/// A request that no device here knows: vendor, to the device, without data.
const UNKNOWN: Setup = Setup { request_type: 0x40, request: 42, value: 0, index: 0, length: 0 };

/// Whether the device has refused.
fn is_refused<T>(outcome: &Result<T, HostError>) -> bool {
    matches!(outcome, Err(HostError::Stalled { .. }))
}

#[test]
fn refusal_in_both_directions_leaves_the_next_request_alone() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        for _ in 0..10 {
            assert!(is_refused(&host.control_out(UNKNOWN, &[]).await));
            assert_eq!(host.control_in(get_configuration()).await?, [1]);
        }
        Ok(())
    });
}

#[test]
fn address_that_the_hardware_has_set_is_set_when_the_next_setup_comes_at_once() {
    // usb-device takes a device that completes SET_ADDRESS after SET_CONFIGURATION for not configured.
    passes(Device::Serial, |mut host| async move {
        host.reset().await?;
        host.set_address(5).await?;
        host.set_configuration(1).await?;
        // There is nothing to fetch: until the device has nothing more to do.
        host.set_patience_ms(1);
        assert!(host.bulk_in(2, 64).await.is_err_and(|error| error.is_timeout()));
        host.set_patience_ms(PATIENCE_MS);
        assert_eq!(host.control_in(get_configuration()).await?, [1]);
        Ok(())
    });
}

#[test]
fn endpoint_zero_is_not_halted_by_a_request_that_was_refused() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        assert!(is_refused(&host.control_out(UNKNOWN, &[]).await));
        assert_eq!(host.control_in(get_endpoint_status(0x80)).await?, [0, 0]);
        assert_eq!(host.control_in(get_endpoint_status(0x00)).await?, [0, 0]);
        Ok(())
    });
}

#[test]
fn endpoints_that_the_hardware_does_not_have_are_no_panic() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        for number in 8..16 {
            for address in [number, 0x80 | number] {
                // usb-device grants it, whatever the endpoint.
                host.control_out(requests::set_halt(address), &[]).await?;
                host.control_out(requests::clear_halt(address), &[]).await?;
                assert_eq!(host.control_in(get_endpoint_status(address)).await?, [0, 0], "{address:#04x}");
            }
        }
        Ok(())
    });
}

#[test]
fn configuration_that_is_too_long_for_usb_device_is_refused_and_not_left_unanswered() {
    passes(Device::ThreeSerials, |mut host| async move {
        host.reset().await?;
        host.set_address(5).await?;
        let setup = get_descriptor(descriptors::CONFIGURATION, 0, 0, 255);
        assert!(is_refused(&host.control_in(setup).await));
        host.control_in(Setup::get_device_descriptor(18)).await.map(drop)
    });
}

#[test]
fn data_that_is_too_long_for_usb_device_is_refused_and_not_left_waiting() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        for length in [129, 200, 1000] {
            let setup = Setup { length, ..UNKNOWN };
            assert!(is_refused(&host.control_out(setup, &vec![1; length.into()]).await), "{length}");
            assert_eq!(host.control_in(get_configuration()).await?, [1], "{length}");
        }
        Ok(())
    });
}

#[test]
fn data_that_ends_early_is_refused_and_not_waited_for() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        host.setup(Setup { length: 100, ..UNKNOWN }).await?;
        host.packet_out(true, Packet::new(&[1; 10])).await?;
        assert!(is_refused(&host.packet_in(true).await));
        assert_eq!(host.control_in(get_configuration()).await?, [1]);
        Ok(())
    });
}

#[test]
fn status_stage_that_comes_early_is_permitted() {
    // 64 bytes of a device descriptor, from a device whose packets have 8: a host that does not know takes the first
    // for a short one.
    passes(Device::TestClass, |mut host| async move {
        host.reset().await?;
        host.wait_frames(1).await?;
        host.setup(Setup::get_device_descriptor(64)).await?;
        assert_eq!(host.packet_in(true).await?.bytes().len(), 8);
        let first = host.clock().frame();
        host.packet_out(true, Packet::EMPTY).await?;
        assert!(host.clock().frame() >= first + 5, "a host that is slow is not one that has enough");
        host.set_control_packet_size(8);
        assert_eq!(host.control_in(Setup::get_device_descriptor(18)).await?.len(), 18);
        Ok(())
    });
}

#[test]
fn suspension_in_mid_data_loses_nothing() {
    // One in each run. (Two within the two register accesses that take one's end cannot be told apart, and on a bus
    // they are milliseconds apart.)
    for position in [0, 1, 2, 15, 31, 32] {
        suspend_in_mid_data(position);
    }
}

/// Suspends the bus before this packet of a long control read.
fn suspend_in_mid_data(position: usize) {
    passes(Device::TestClass, move |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        let setup =
            Setup { request_type: 0xC0, request: usb_device::test_class::REQ_READ_LONG_DATA, length: 257, ..UNKNOWN };
        host.setup(setup).await?;
        let mut bytes = Vec::new();
        let mut data1 = true;
        while bytes.len() < 257 {
            if bytes.len() == 8 * position {
                host.suspend().await?;
                host.resume().await?;
                host.settle().await?;
            }
            bytes.extend_from_slice(host.packet_in(data1).await?.bytes());
            data1 = !data1;
        }
        assert_eq!(bytes, usb_device::test_class::LONG_DATA);
        host.packet_out(true, Packet::EMPTY).await
    });
}

#[test]
fn suspension_in_mid_traffic_loses_nothing() {
    passes(Device::TestClass, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        for length in [1_u8, 20, 63] {
            let data: Vec<_> = (0..length).collect();
            host.bulk_out(1, &data).await?;
            host.suspend().await?;
            host.resume().await?;
            host.settle().await?;
            assert_eq!(host.bulk_in(1, 64).await?, data);
            // The device has seen the end of it when it answers.
            assert_eq!(host.control_in(get_configuration()).await?, [1]);
            host.suspend().await?;
            host.resume().await?;
            host.settle().await?;
            assert_eq!(host.control_in(get_configuration()).await?, [1]);
        }
        Ok(())
    });
}

#[test]
fn set_configuration_starts_toggles_anew() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        for _ in 0..3 {
            // An odd number of packets in each direction.
            host.bulk_out(1, b"odd").await?;
            assert_eq!(host.bulk_in(2, 3).await?, b"odd");
            host.set_configuration(1).await?;
        }
        Ok(())
    });
}

#[test]
fn clear_feature_of_an_endpoint_that_is_not_halted_loses_nothing() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        host.bulk_out(1, b"abc").await?;
        host.clear_halt(0x01).await?;
        host.clear_halt(0x82).await?;
        assert_eq!(host.bulk_in(2, 3).await?, b"abc");
        host.bulk_out(1, b"def").await?;
        assert_eq!(host.bulk_in(2, 3).await?, b"def");
        Ok(())
    });
}

#[test]
fn remote_wake_up_bit_follows_the_feature_and_a_reset() {
    passes(Device::Serial, |mut host| async move {
        let status = Setup { request_type: 0x80, request: requests::GET_STATUS, value: 0, index: 0, length: 2 };
        let feature = |request| Setup { request_type: STANDARD_DEVICE_OUT, request, value: 1, index: 0, length: 0 };
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        host.control_out(feature(requests::SET_FEATURE), &[]).await?;
        assert_eq!(host.control_in(status).await?, [2, 0]);
        host.enumerate(OperatingSystem::MacOs, 6).await?;
        assert_eq!(host.control_in(status).await?, [0, 0]);
        Ok(())
    });
}

#[test]
fn request_that_asks_for_nothing_is_answered_with_nothing() {
    passes(Device::Serial, |mut host| async move {
        host.enumerate(OperatingSystem::MacOs, 5).await?;
        assert_eq!(host.control_in(Setup::get_device_descriptor(0)).await?, []);
        let status = Setup { request_type: STANDARD_ENDPOINT_IN, ..get_endpoint_status(0x81) };
        assert_eq!(host.control_in(Setup { length: 0, ..status }).await?, []);
        Ok(())
    });
}

/// A handler that has read the first SETUP when the bus is reset reads the second with it, and clears its event. Where
/// the second may have been answered as the first, it is refused, and the host asks again.
#[test]
fn setup_that_is_read_with_a_reset_is_answered() {
    passes(Device::Serial, |mut host| async move {
        for _ in 0..30 {
            host.reset().await?;
            host.setup(Setup::get_device_descriptor(18)).await?;
            host.reset().await?;
            let mut outcome = host.control_in(Setup::get_device_descriptor(18)).await;
            if is_refused(&outcome) {
                outcome = host.control_in(Setup::get_device_descriptor(18)).await;
            }
            assert_eq!(outcome?.len(), 18);
        }
        Ok(())
    });
}

/// What came before the suspension, and was not looked at, interrupts nobody in low power: nobody could clear it.
#[test]
fn packet_that_comes_just_before_a_suspension_is_no_storm() {
    passes_on_schedules(Device::Handler, |mut host| async move {
        host.enumerate(OperatingSystem::Linux, 5).await?;
        for _ in 0..20 {
            host.token(Token::Setup(Setup::get_device_descriptor(18).to_bytes())).await?;
            host.suspend().await?;
            host.settle().await?;
            host.resume().await?;
        }
        host.settle().await?;
        host.control_in(get_configuration()).await.map(drop)
    });
}
