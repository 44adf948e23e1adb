//! The three hosts.

use std::collections::BTreeSet;

use sim_core::host::enumerate::OperatingSystem;

use crate::devices::Device;
use crate::harness::passes;

#[test]
fn serial_port_enumerates_on_three_hosts() {
    for device in Device::SERIAL {
        for system in OperatingSystem::ALL {
            passes(device, move |mut host| async move {
                let found = host.enumerate(system, 5).await?;
                assert_eq!((found.descriptor.vendor, found.descriptor.product), (0x1209, 1), "{system}");
                assert_eq!(found.product(), Some("serial"), "{system}");
                let addresses = found.configuration.endpoints(|_| 0).map(|endpoint| endpoint.address);
                assert_eq!(addresses.collect::<BTreeSet<_>>(), BTreeSet::from([0x01, 0x81, 0x82]), "{system}");
                Ok(())
            });
        }
    }
}

#[test]
fn device_enumerates_again_after_a_reset() {
    for device in Device::SERIAL {
        passes(device, |mut host| async move {
            for address in 1..5 {
                host.enumerate(OperatingSystem::MacOs, address).await?;
            }
            Ok(())
        });
    }
}
