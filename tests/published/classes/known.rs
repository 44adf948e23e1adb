//! What published drivers, and embassy-usb, are known to fail of the shared suites, test by test, and why. What
//! usb-device fails stands in the suites.

use crate::devices::Device;

/// Tests that fail for one reason.
struct Known {
    /// Why.
    reason: &'static str,
    /// The ends of the tests' names, and who fails them.
    tests: &'static [(&'static str, &'static [Device])],
    /// What a verdict says: a part of one of these.
    says: &'static [&'static str],
}

const BOTH: &[Device] = &[Device::Serial, Device::TestClass];
const SERIAL: &[Device] = &[Device::Serial];
const TEST_CLASS: &[Device] = &[Device::TestClass];
const EMBASSY: &[Device] = &[Device::Embassy];
const ALL: &[Device] = &[Device::Serial, Device::TestClass, Device::Embassy];

const KNOWN: &[Known] = &[
    Known {
        reason: "endpoint 0 is busy from STARTEPIN[0] to EP0DATADONE, which does not come if the host goes on without \
                 the packet (nrf-usbd issue #29; mended after 0.3.0, for the timeout of 5 frames)",
        tests: &[
            ("control_read_survives_a_fault_in_each_transaction", SERIAL),
            ("last_acknowledgement_that_is_lost_ends_the_data_stage_all_the_same", BOTH),
            ("setup_in_mid_data_begins_anew", BOTH),
        ],
        says: &["endpoint 0, was answered with NAK"],
    },
    Known {
        reason: "no toggle is ever reset: DTOGGLE is not written. (That toggles outlive SET_CONFIGURATION and a bus \
                 reset is the model's choice; that an unstalled endpoint keeps its own is what other drivers say.)",
        tests: &[
            ("clear_feature_restarts_the_toggle", ALL),
            ("set_configuration_restarts_the_toggles", ALL),
            ("reset_in_mid_transfer_begins_anew", ALL),
        ],
        says: &["DATA1 where DATA0 was due", "was answered with NAK"],
    },
    Known {
        reason: "an OUT endpoint is not armed again after its halt (what other drivers do: reference, 2.5)",
        tests: &[("endpoint_whose_halt_was_cleared_passes_data", ALL)],
        says: &["OUT at address 5, endpoint 1, was answered with NAK"],
    },
    Known {
        reason: "SET_CONFIGURATION unstalls nothing: usb-device leaves it to the bus, embassy-usb to nobody",
        tests: &[("set_configuration_ends_a_halt", ALL)],
        says: &["0x01 is halted still"],
    },
    Known {
        reason: "`read` gives a packet that `poll` has not told of, which the class takes for a mistake",
        tests: &[
            ("bulk_data_arrives_once_whatever_is_lost", TEST_CLASS),
            ("bulk_loopback", TEST_CLASS),
            ("interrupt_loopback", TEST_CLASS),
        ],
        says: &["unexpectedly read data from"],
    },
    Known {
        reason: "embassy-nrf waits for EP0DATADONE before it permits the status stage, and the chip for an ACK that the \
                 host has sent",
        tests: &[("last_acknowledgement_that_is_lost_ends_the_data_stage_all_the_same", EMBASSY)],
        says: &["OUT at address 5, endpoint 0, was answered with NAK"],
    },
    Known {
        reason: "a read of no bytes has no data stage; its status stage is never permitted",
        tests: &[("read_of_any_length_is_the_beginning_of_the_descriptor", EMBASSY)],
        says: &["IN at address 5, endpoint 0, was answered with NAK"],
    },
    Known {
        reason: "after a suspension the registers are used in low power: see `embassy::findings`",
        tests: &[
            ("suspension_leaves_everything_as_it_was", EMBASSY),
            ("suspension_in_mid_transfer_goes_on_after_it", EMBASSY),
        ],
        says: &["AccessInLowPower"],
    },
    Known {
        reason: "embassy-usb does not look at the index of a configuration, nor at the language of a string",
        tests: &[
            ("descriptor_of_an_index_that_is_not_there_is_refused", EMBASSY),
            ("string_in_a_language_that_is_not_there_is_refused", EMBASSY),
        ],
        says: &["configuration 1 is granted", "a string in no language is granted"],
    },
    Known {
        reason: "embassy-usb has a device qualifier, which says that there is another speed",
        tests: &[("descriptors_of_another_speed_are_refused", EMBASSY)],
        says: &["type 6, addressed, is granted"],
    },
    Known {
        reason: "embassy-usb's extension does not say that it knows link power management",
        tests: &[("device_that_has_extensions_says_that_it_knows_link_power_management", EMBASSY)],
        says: &["the LPM bit of the USB 2.0 extension is clear"],
    },
    Known {
        reason: "embassy-usb does not know which endpoints it has",
        tests: &[("status_of_an_endpoint_that_is_not_there_is_refused", EMBASSY)],
        says: &["the status of endpoint 0x87 is granted"],
    },
    Known {
        reason: "embassy-usb grants remote wake-up, whatever the configuration says",
        tests: &[("remote_wake_up_is_granted_if_and_only_if_the_configuration_says_so", EMBASSY)],
        says: &["SET_FEATURE(DEVICE_REMOTE_WAKEUP) is granted"],
    },
];

/// What the test of this thread says when `device` fails it, as it is known to.
pub fn failure(device: Device) -> Option<&'static [&'static str]> {
    let thread = std::thread::current();
    let name = thread.name().expect("a test has a name");
    let fails = |(test, devices): &(&str, &[Device])| name.ends_with(test) && devices.contains(&device);
    let known = KNOWN.iter().find(|known| known.tests.iter().any(fails))?;
    println!("{device:?} is known to fail: {}", known.reason);
    Some(known.says)
}
