//! VBUS, the regulator, HFXO: what the controller does without each of them.

use super::*;

const NO_VBUS: Feed = Feed { vbus: Rail::Lost, output: Rail::Lost, crystal: true };
const NO_CRYSTAL: Feed = Feed { vbus: Rail::On, output: Rail::On, crystal: false };

#[test]
fn ready_waits_for_vbus_and_for_nothing_else() {
    let mut rig = Rig::off();
    rig.set_feed(Feed { crystal: false, ..NO_VBUS });
    rig.write(map::enable(), 1);
    assert!(!rig.is_powering_up());
    rig.power_up_done();
    assert_eq!(rig.read(map::eventcause()), 0);
    rig.set_feed(Feed { vbus: Rail::On, output: Rail::Off, crystal: false });
    assert!(rig.is_powering_up());
    rig.power_up_done();
    assert_eq!(rig.read(map::eventcause()), map::eventcause::READY.mask());
}

#[test]
fn device_without_the_regulator_is_not_connected_until_it_has_settled_again() {
    let mut rig = Rig::connected();
    rig.set_feed(NO_VBUS);
    assert!(!rig.is_connected());
    assert_eq!(rig.token(0, 0, &Token::Setup([0; 8])), Answer::Silence);
    rig.suspend();
    rig.bus_reset();
    rig.start_of_frame(1);
    assert_eq!(rig.events(), Vec::<String>::new());
    assert_eq!(rig.read(map::usbpullup()), 1);
    rig.set_feed(Feed::default());
    assert!(rig.is_connected());
    rig.setup(Setup::get_device_descriptor(8));
}

#[test]
fn transfer_goes_on_without_vbus() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.start_in(18);
    rig.set_feed(NO_VBUS);
    rig.end_in(&bytes(18));
    assert!(rig.event(map::events_endepin(0)));
}

#[test]
fn device_without_the_crystal_answers_nothing_and_sees_the_bus() {
    let mut rig = Rig::connected();
    rig.set_feed(NO_CRYSTAL);
    assert!(rig.is_connected());
    assert_eq!(rig.token(0, 0, &Token::Setup([0; 8])), Answer::Silence);
    rig.start_of_frame(5);
    assert_eq!((rig.events(), rig.read(map::framecntr())), (vec![], 0));
    rig.bus_reset();
    assert_eq!(rig.events(), ["EVENTS_USBRESET"]);
    rig.suspend();
    rig.resume();
    let causes = map::eventcause::SUSPEND.mask() | map::eventcause::RESUME.mask();
    assert_eq!(rig.read(map::eventcause()) & causes, causes);
    rig.set_feed(Feed::default());
    rig.setup(Setup::get_device_descriptor(8));
}

#[test]
fn supply_that_was_lost_unseen_is_no_mistake() {
    let mut rig = Rig::off();
    rig.set_feed(NO_VBUS);
    rig.write(map::enable(), 1);
    assert_eq!(rig.rules(), []);
    let mut rig = Rig::ready(Options::ideal());
    rig.set_feed(NO_VBUS);
    rig.write(map::usbpullup(), 1);
    assert_eq!(rig.rules(), []);
    assert!(!rig.is_connected());
}

#[test]
fn pull_up_is_judged_when_it_is_switched_on_only() {
    let mut rig = Rig::connected();
    rig.set_feed(Feed { vbus: Rail::Off, output: Rail::Off, crystal: false });
    rig.write(map::usbpullup(), 1);
    rig.write(map::usbpullup(), 0);
    assert_eq!(rig.rules(), []);
    rig.write(map::usbpullup(), 1);
    assert_eq!(rig.rules(), [Rule::PullUpBeforePowerReady, Rule::PullUpWithoutClock]);
}

#[test]
fn power_down_leaves_the_supply_as_it_is() {
    let mut rig = Rig::connected();
    rig.set_feed(NO_CRYSTAL);
    rig.write(map::enable(), 0);
    assert_eq!(rig.feed, NO_CRYSTAL);
}
