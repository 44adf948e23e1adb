//! Every rule of the chip: a sequence that breaks it, and its twin.
//!
//! A sequence does one thing too early, too often or out of place if its driver is [`Driver::Wrong`], and is the same
//! otherwise. It returns the rules that it breaks.

use super::*;
use crate::monitor::tests::Driver;

fn asked() -> Rig {
    Rig::asked(Setup::get_device_descriptor(255))
}

/// A rig with a transfer that runs.
fn busy() -> Rig {
    let mut rig = asked();
    rig.start_in(18);
    rig
}

pub(crate) fn length_over_buffer(driver: Driver) -> Vec<Rule> {
    let mut rig = asked();
    rig.start_in(if driver == Driver::Wrong { 65 } else { 64 });
    rig.rules()
}

pub(crate) fn start_while_busy(driver: Driver) -> Vec<Rule> {
    let mut rig = busy();
    if driver == Driver::Right {
        rig.end_in(&bytes(18));
        rig.host_in();
    }
    rig.start_in(18);
    rig.rules()
}

pub(crate) fn task_while_busy(driver: Driver) -> Vec<Rule> {
    let mut rig = busy();
    if driver == Driver::Right {
        rig.end_in(&bytes(18));
    }
    rig.task(map::tasks_ep0status());
    rig.rules()
}

pub(crate) fn start_while_armed(driver: Driver) -> Vec<Rule> {
    let mut rig = asked();
    rig.arm(&bytes(18));
    if driver == Driver::Right {
        rig.host_in();
    }
    rig.start_in(18);
    rig.rules()
}

pub(crate) fn start_without_packet(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(control_write(8));
    rig.task(map::tasks_ep0rcvout());
    if driver == Driver::Right {
        rig.host_out(true, &bytes(8));
    }
    rig.start_out(8);
    rig.rules()
}

pub(crate) fn armed_twice(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.write(map::epdatastatus(), map::epdatastatus::EPOUT1.mask());
    rig.fetch_at(1);
    // The END has armed the endpoint.
    if driver == Driver::Wrong {
        rig.write(map::size_epout(1), 0);
    }
    rig.rules()
}

pub(crate) fn toggle_not_selected(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::configured();
    let endpoint = map::dtoggle::EP.put(3) | map::dtoggle::IO.mask();
    if driver == Driver::Right {
        rig.write(map::dtoggle(), endpoint);
    }
    rig.write(map::dtoggle(), endpoint | map::dtoggle::VALUE.put(1));
    rig.rules()
}

/// A chip that is fed with this if the driver does not wait, and with all it needs if it does.
fn fed(mut rig: Rig, driver: Driver, before: Feed) -> Rig {
    rig.set_feed(if driver == Driver::Wrong { before } else { Feed::default() });
    rig
}

pub(crate) fn enable_without_vbus(driver: Driver) -> Vec<Rule> {
    let mut rig = fed(Rig::off(), driver, Feed { vbus: Rail::Off, output: Rail::Off, crystal: false });
    rig.write(map::enable(), 1);
    rig.rules()
}

pub(crate) fn pull_up_before_power_ready(driver: Driver) -> Vec<Rule> {
    let rig = Rig::ready(Options::ideal());
    let mut rig = fed(rig, driver, Feed { output: Rail::Off, ..Feed::default() });
    rig.write(map::usbpullup(), 1);
    rig.rules()
}

pub(crate) fn pull_up_without_clock(driver: Driver) -> Vec<Rule> {
    let mut rig = fed(Rig::ready(Options::ideal()), driver, Feed { crystal: false, ..Feed::default() });
    rig.write(map::usbpullup(), 1);
    rig.rules()
}

pub(crate) fn access_before_ready(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::off();
    rig.write(map::enable(), 1);
    if driver == Driver::Right {
        rig.power_up_done();
    }
    rig.write(map::usbpullup(), 1);
    rig.rules()
}

pub(crate) fn access_during_transfer(driver: Driver) -> Vec<Rule> {
    let mut rig = busy();
    if driver == Driver::Right {
        rig.end_in(&bytes(18));
    }
    rig.read(map::size_epout(0));
    rig.rules()
}

pub(crate) fn power_down_during_transfer(driver: Driver) -> Vec<Rule> {
    let mut rig = busy();
    if driver == Driver::Right {
        rig.end_in(&bytes(18));
    }
    rig.write(map::enable(), 0);
    rig.rules()
}

pub(crate) fn access_in_low_power(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::connected();
    rig.suspend();
    rig.write(map::lowpower(), 1);
    rig.resume();
    if driver == Driver::Right {
        rig.write(map::lowpower(), 0);
    }
    rig.read(map::usbaddr());
    rig.rules()
}

pub(crate) fn low_power_during_transfer(driver: Driver) -> Vec<Rule> {
    let mut rig = busy();
    rig.suspend();
    if driver == Driver::Right {
        rig.end_in(&bytes(18));
    }
    rig.write(map::lowpower(), 1);
    rig.rules()
}

pub(crate) fn drive_before_wake_up(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::connected();
    rig.suspend();
    rig.write(map::lowpower(), 1);
    rig.write(map::lowpower(), 0);
    if driver == Driver::Right {
        rig.power_up_done();
    }
    rig.task(map::tasks_dpdmdrive());
    rig.rules()
}

pub(crate) fn endpoint_aliased(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::configured();
    let endpoint = if driver == Driver::Wrong { 8 } else { 7 };
    rig.write(map::epstall(), endpoint | map::epstall::IO.mask());
    rig.rules()
}

pub(crate) fn status_on_set_address(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(if driver == Driver::Wrong { Setup::set_address(5) } else { no_data() });
    rig.task(map::tasks_ep0status());
    rig.rules()
}

pub(crate) fn unaligned(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::with(Options { alignment: Alignment::Words, ..Options::ideal() });
    rig.write(map::epin_ptr(0), ADDRESS + u32::from(driver == Driver::Wrong));
    rig.write(map::epin_maxcnt(0), 8);
    rig.task(map::tasks_startepin(0));
    rig.rules()
}

pub(crate) fn odd_bytes_at_power_down(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::with(Options { odd_bytes: OddBytes::BreakNextTransfer, ..Options::ideal() });
    rig.arm_at(1, &bytes(9));
    if driver == Driver::Right {
        rig.arm_at(2, &bytes(1));
    }
    rig.write(map::enable(), 0);
    rig.rules()
}

pub(crate) fn workaround_missing(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig(Usbd::new(Options { errata: Errata::of(Revision::NEWEST), ..Options::ideal() }));
    if driver == Driver::Right {
        errata::poke(&mut rig, map::WORKAROUND_171, 0xC0);
        errata::poke(&mut rig, map::WORKAROUND_187, 3);
    }
    rig.write(map::enable(), 1);
    rig.rules()
}

pub(crate) fn unknown_register(driver: Driver) -> Vec<Rule> {
    let mut rig = asked();
    let after_the_last_task = map::tasks_dpdmnodrive() + 4;
    rig.read(if driver == Driver::Wrong { after_the_last_task } else { map::tasks_ep0stall() });
    rig.rules()
}

pub(crate) fn not_modelled(driver: Driver) -> Vec<Rule> {
    let mut rig = asked();
    rig.write(map::coreindex(), if driver == Driver::Wrong { 0x7AB } else { map::CORE_EP0CS });
    rig.read(map::coredata());
    rig.rules()
}

#[test]
fn length_over_buffer_is_reported() {
    assert_eq!(length_over_buffer(Driver::Wrong), [Rule::LengthOverBuffer]);
    assert_eq!(length_over_buffer(Driver::Right), []);
}

#[test]
fn length_that_maxcnt_cannot_hold_is_reported_when_it_is_written() {
    let registers = [(map::epin_maxcnt(1), 127), (map::epout_maxcnt(7), 127)];
    for (offset, most) in registers.into_iter().chain([map::isoin_maxcnt(), map::isoout_maxcnt()].map(|at| (at, 1023)))
    {
        let mut rig = asked();
        rig.write(offset, most);
        assert_eq!(rig.rules(), []);
        rig.write(offset, most + 2);
        assert_eq!(rig.rules(), [Rule::LengthOverBuffer]);
        assert_eq!(rig.read(offset), 1, "the rest is cut off");
    }
}

#[test]
fn start_while_busy_is_reported() {
    assert_eq!(start_while_busy(Driver::Wrong), [Rule::StartWhileBusy]);
    assert_eq!(start_while_busy(Driver::Right), []);
}

#[test]
fn task_while_busy_is_reported() {
    assert_eq!(task_while_busy(Driver::Wrong), [Rule::TaskWhileBusy]);
    assert_eq!(task_while_busy(Driver::Right), []);
}

#[test]
fn start_while_armed_is_reported() {
    assert_eq!(start_while_armed(Driver::Wrong), [Rule::StartWhileArmed]);
    assert_eq!(start_while_armed(Driver::Right), []);
}

#[test]
fn start_without_packet_is_reported() {
    assert_eq!(start_without_packet(Driver::Wrong), [Rule::StartWithoutPacket]);
    assert_eq!(start_without_packet(Driver::Right), []);
}

#[test]
fn armed_twice_is_reported() {
    assert_eq!(armed_twice(Driver::Wrong), [Rule::ArmedTwice]);
    assert_eq!(armed_twice(Driver::Right), []);
}

#[test]
fn toggle_not_selected_is_reported() {
    assert_eq!(toggle_not_selected(Driver::Wrong), [Rule::ToggleNotSelected]);
    assert_eq!(toggle_not_selected(Driver::Right), []);
}

#[test]
fn access_before_ready_is_reported() {
    assert_eq!(access_before_ready(Driver::Wrong), [Rule::AccessBeforeReady]);
    assert_eq!(access_before_ready(Driver::Right), []);
}

#[test]
fn access_during_transfer_is_reported() {
    assert_eq!(access_during_transfer(Driver::Wrong), [Rule::AccessDuringTransfer]);
    assert_eq!(access_during_transfer(Driver::Right), []);
}

#[test]
fn power_down_during_transfer_is_reported() {
    assert_eq!(power_down_during_transfer(Driver::Wrong), [Rule::PowerDownDuringTransfer]);
    assert_eq!(power_down_during_transfer(Driver::Right), []);
}

#[test]
fn access_in_low_power_is_reported() {
    assert_eq!(access_in_low_power(Driver::Wrong), [Rule::AccessInLowPower]);
    assert_eq!(access_in_low_power(Driver::Right), []);
}

#[test]
fn low_power_during_transfer_is_reported() {
    assert_eq!(low_power_during_transfer(Driver::Wrong), [Rule::LowPowerDuringTransfer]);
    assert_eq!(low_power_during_transfer(Driver::Right), []);
}

#[test]
fn drive_before_wake_up_is_reported() {
    assert_eq!(drive_before_wake_up(Driver::Wrong), [Rule::DriveBeforeWakeUp]);
    assert_eq!(drive_before_wake_up(Driver::Right), []);
}

#[test]
fn endpoint_aliased_is_reported() {
    assert_eq!(endpoint_aliased(Driver::Wrong), [Rule::EndpointAliased]);
    assert_eq!(endpoint_aliased(Driver::Right), []);
}

#[test]
fn status_on_set_address_is_reported() {
    assert_eq!(status_on_set_address(Driver::Wrong), [Rule::StatusOnSetAddress]);
    assert_eq!(status_on_set_address(Driver::Right), []);
}

#[test]
fn unaligned_is_reported() {
    assert_eq!(unaligned(Driver::Wrong), [Rule::Unaligned]);
    assert_eq!(unaligned(Driver::Right), []);
}

#[test]
fn odd_bytes_at_power_down_is_reported() {
    assert_eq!(odd_bytes_at_power_down(Driver::Wrong), [Rule::OddBytesAtPowerDown]);
    assert_eq!(odd_bytes_at_power_down(Driver::Right), []);
}

#[test]
fn workaround_missing_is_reported() {
    assert_eq!(workaround_missing(Driver::Wrong), [Rule::WorkaroundMissing]);
    assert_eq!(workaround_missing(Driver::Right), []);
}

#[test]
fn unknown_register_is_reported() {
    assert_eq!(unknown_register(Driver::Wrong), [Rule::UnknownRegister]);
    assert_eq!(unknown_register(Driver::Right), []);
}

#[test]
fn not_modelled_is_reported() {
    assert_eq!(not_modelled(Driver::Wrong), [Rule::NotModelled]);
    assert_eq!(not_modelled(Driver::Right), []);
}
