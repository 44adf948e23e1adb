//! Every rule has a sequence that breaks it, and a twin that does not.

use super::*;
use crate::device::stm32f103::tests::sequences as stm32f103;
use crate::device::usbd::tests::rules as usbd;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::explore::by_address::tests as by_address;
use crate::explore::interrupt_storm;
use crate::soc::tests::cache;
use crate::soc::tests::rules as soc;

/// Firmware that knows the chip's addresses does not run on this host.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod by_address {
    use super::*;

    pub fn pointer_to_dead_frame(_: Driver) -> Vec<Rule> {
        unreachable!("it is none of `rules`")
    }

    pub fn access_mode(_: Driver) -> Vec<Rule> {
        unreachable!("it is none of `rules`")
    }
}

/// The rules that can be broken on this host.
fn rules() -> impl Iterator<Item = Rule> {
    let runs_by_address = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    Rule::ALL.iter().copied().filter(move |rule| runs_by_address || !Rule::BY_ADDRESS.contains(rule))
}

/// What a rule's sequence is done by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// A driver that breaks the rule, once.
    Wrong,
    /// The same driver without the mistake.
    Right,
}

/// A new rule does not compile until it has its sequence here.
fn sequence(rule: Rule) -> fn(Driver) -> Vec<Rule> {
    match rule {
        Rule::Race => soc::race,
        Rule::CpuAccessInFlight => soc::cpu_access_in_flight,
        Rule::ReleasedTwice => soc::released_twice,
        Rule::AcquiredInFlight => soc::acquired_in_flight,
        Rule::AcquiredWithoutRelease => soc::acquired_without_release,
        Rule::PointerOutsideRam => soc::pointer_outside_ram,
        Rule::PointerNotLent => soc::pointer_not_lent,
        Rule::PointerToDeadFrame => by_address::pointer_to_dead_frame,
        Rule::LengthOverBuffer => usbd::length_over_buffer,
        Rule::Unaligned => usbd::unaligned,
        Rule::StartWhileBusy => usbd::start_while_busy,
        Rule::TaskWhileBusy => usbd::task_while_busy,
        Rule::StartWhileArmed => usbd::start_while_armed,
        Rule::StartWithoutPacket => usbd::start_without_packet,
        Rule::ArmedTwice => usbd::armed_twice,
        Rule::ToggleNotSelected => usbd::toggle_not_selected,
        Rule::EnableWithoutVbus => usbd::enable_without_vbus,
        Rule::PullUpBeforePowerReady => usbd::pull_up_before_power_ready,
        Rule::PullUpWithoutClock => usbd::pull_up_without_clock,
        Rule::AccessBeforeReady => usbd::access_before_ready,
        Rule::AccessInLowPower => usbd::access_in_low_power,
        Rule::AccessDuringTransfer => usbd::access_during_transfer,
        Rule::PowerDownDuringTransfer => usbd::power_down_during_transfer,
        Rule::LowPowerDuringTransfer => usbd::low_power_during_transfer,
        Rule::DriveBeforeWakeUp => usbd::drive_before_wake_up,
        Rule::EndpointAliased => usbd::endpoint_aliased,
        Rule::StatusOnSetAddress => usbd::status_on_set_address,
        Rule::OddBytesAtPowerDown => usbd::odd_bytes_at_power_down,
        Rule::WorkaroundMissing => usbd::workaround_missing,
        Rule::WrittenWhileEnabled => stm32f103::written_while_enabled,
        Rule::TransferErrorIgnored => stm32f103::transfer_error_ignored,
        Rule::ChannelMode => stm32f103::channel_mode,
        Rule::EmptyTransfer => stm32f103::empty_transfer,
        Rule::ChannelShared => stm32f103::channel_shared,
        Rule::RequestOfAnother => stm32f103::request_of_another,
        Rule::DisabledWhileSending => stm32f103::disabled_while_sending,
        Rule::CacheNotCleaned => cache::cache_not_cleaned,
        Rule::CacheNotInvalidated => cache::cache_not_invalidated,
        Rule::CacheLineShared => cache::cache_line_shared,
        Rule::InterruptStorm => interrupt_storm,
        Rule::AccessMode => by_address::access_mode,
        Rule::UnknownRegister => usbd::unknown_register,
        Rule::NotModelled => usbd::not_modelled,
    }
}

#[test]
fn every_rule_is_broken_by_its_sequence_and_kept_by_the_twin() {
    for rule in rules() {
        assert_eq!(sequence(rule)(Driver::Wrong), [rule]);
        assert_eq!(sequence(rule)(Driver::Right), [], "the twin of {rule}");
    }
}

#[test]
fn every_rule_is_judged_by_its_own_policy() {
    for rule in rules() {
        for (policy, ends, noted) in [
            (Policy::Stop, true, 1),
            (Policy::Panic, true, 1),
            (Policy::Collect, false, 1),
            (Policy::Silicon, false, 0),
        ] {
            // The others have the opposite policy, and are broken by nobody.
            let others = if ends { Policy::Silicon } else { Policy::Stop };
            let mut monitor = Monitor::new(Policies::all(others).with(rule, policy));
            assert_eq!(monitor.stop(), None);
            for rule in sequence(rule)(Driver::Wrong) {
                let is_noted = monitor.report(Misuse::new(rule, String::new()), SITE);
                assert_eq!(is_noted, noted == 1, "{rule}, {policy:?}");
            }
            assert_eq!(monitor.stop().map(|violation| violation.misuse.rule), ends.then_some(rule), "{policy:?}");
            assert_eq!(monitor.violations().len(), noted, "{rule}, {policy:?}");
        }
    }
}

const SITE: Site = Site::Host { endpoint: 0 };

#[test]
fn run_ends_with_the_first_violation_whose_policy_says_so() {
    let policies = Policies::all(Policy::Stop).with(Rule::ArmedTwice, Policy::Collect);
    let mut monitor = Monitor::new(policies.with(Rule::Unaligned, Policy::Silicon));
    for rule in [Rule::ArmedTwice, Rule::Unaligned, Rule::StartWhileBusy, Rule::TaskWhileBusy] {
        monitor.report(Misuse::new(rule, String::new()), SITE);
    }
    assert_eq!(monitor.stop().map(|violation| violation.misuse.rule), Some(Rule::StartWhileBusy));
    let noted: Vec<Rule> = monitor.violations().iter().map(|violation| violation.misuse.rule).collect();
    assert_eq!(noted, [Rule::ArmedTwice, Rule::StartWhileBusy, Rule::TaskWhileBusy]);
}
