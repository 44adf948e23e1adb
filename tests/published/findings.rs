//! How a finding is shown: on random schedules, with its twin.

use std::future::Future;

use sim_core::device::usbd::{Options, OutOfReach, PermissionOfOut};
use sim_core::explore::{Kind, Verdict};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError};
use sim_core::monitor::{Policies, Policy, Rule};

use crate::devices::Device;
use crate::echo::echo;
use crate::harness::{Conversation, find, finds_nothing};

/// The script against `device`, with these switches of the model.
pub fn with<S, R>(device: Device, options: fn(Options) -> Options, script: S) -> Conversation<S>
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = Conversation::new(device, script);
    Conversation { options: options(conversation.options), ..conversation }
}

/// The script against `device`, with all done as silicon does it, whatever rule it breaks.
pub fn on_silicon<S, R>(device: Device, script: S) -> Conversation<S>
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    Conversation { policies: Policies::all(Policy::Silicon), ..Conversation::new(device, script) }
}

/// `device` breaks this rule, and our own none.
pub fn expect_rule<S, R>(device: Device, rule: Rule, options: fn(Options) -> Options, script: S)
where
    S: Fn(Host) -> R + Copy,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = with(device, options, script);
    let policies = conversation.policies.with(rule, Policy::Stop);
    let run = find(&Conversation { policies, ..conversation });
    assert_eq!(run.verdict.kind(), Kind::Violation(rule), "{}", run.verdict);
    finds_nothing(&with(Device::Own, options, script));
}

/// The host of `device` is failed in these words, with all done as silicon does it; that of our own is not.
pub fn expect_failure<S, R>(device: Device, says: &str, script: S)
where
    S: Fn(Host) -> R + Copy,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let run = find(&on_silicon(device, script));
    let (Verdict::Assertion { message, .. } | Verdict::Deadlock { message, .. }) = &run.verdict else {
        panic!("{}", run.verdict)
    };
    assert!(message.contains(says), "{}", run.verdict);
    finds_nothing(&Conversation::new(Device::Own, script));
}

/// A host enumerates `device` and has it echo bytes, with each of these switches. It breaks no rule but those of
/// [`Device::always_breaks`], which are left to silicon.
pub fn expect_nothing_else(device: Device) {
    let switches: [fn(Options) -> Options; 3] = [
        |options| options,
        |options| Options { out_of_reach: OutOfReach::Sizes, ..options },
        |options| Options { permission_of_out: PermissionOfOut::EndsWithSetup, ..options },
    ];
    for options in switches {
        finds_nothing(&with(device, options, |mut host| async move {
            host.enumerate(OperatingSystem::MacOs, 5).await?;
            echo(&mut host, 200).await
        }));
    }
}
