//! ENABLE, READY, the pull-up, and whom a token is for.

use super::*;

const TOKENS: [Token; 3] = [Token::Setup([0; 8]), Token::In, Token::Out { data1: true, packet: Packet::EMPTY }];

#[test]
fn enable_starts_the_power_up_and_ready_ends_it() {
    let mut rig = Rig::off();
    assert!(!rig.is_powering_up());
    rig.write(map::enable(), 1);
    assert!(rig.is_powering_up());
    assert_eq!((rig.read(map::enable()), rig.read(map::eventcause())), (1, 0));
    assert_eq!(rig.events(), Vec::<String>::new());
    rig.power_up_done();
    assert!(!rig.is_powering_up());
    assert_eq!(rig.read(map::eventcause()), map::eventcause::READY.mask());
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
}

#[test]
fn ready_does_not_come_without_enable_and_comes_once() {
    let mut rig = Rig::off();
    let before = rig.state();
    rig.power_up_done();
    assert_eq!(rig.state(), before);
    let mut rig = Rig::connected();
    let before = rig.state();
    rig.write(map::enable(), 1);
    rig.power_up_done();
    assert_eq!(rig.state(), before);
}

#[test]
fn enable_taken_back_before_ready_ends_the_power_up() {
    let mut rig = Rig::off();
    rig.write(map::enable(), 1);
    rig.write(map::enable(), 0);
    rig.power_up_done();
    assert_eq!(rig.read(map::eventcause()), 0);
}

#[test]
fn core_register_written_before_ready_is_lost() {
    for enable in [0, 1] {
        let mut rig = Rig::off();
        rig.write(map::enable(), enable);
        rig.write(map::usbpullup(), 1);
        rig.write(map::epinen(), 0);
        rig.task(map::tasks_ep0stall());
        assert_eq!(rig.rules(), [Rule::AccessBeforeReady; 3]);
        rig.write(map::enable(), 1);
        rig.power_up_done();
        assert_eq!((rig.read(map::usbpullup()), rig.read(map::epinen())), (0, 1));
        assert!(!rig.is_connected());
    }
}

#[test]
fn register_outside_of_the_core_takes_writes_before_ready() {
    let mut rig = Rig::off();
    rig.write(map::intenset(), map::inten::USBEVENT.mask());
    rig.write(map::shorts(), 1);
    rig.write(map::epin_ptr(0), ADDRESS);
    rig.write(map::enable(), 1);
    rig.power_up_done();
    assert!(rig.interrupt());
    assert_eq!((rig.read(map::shorts()), rig.read(map::epin_ptr(0))), (1, ADDRESS));
}

#[test]
fn token_is_answered_only_with_the_pull_up_on() {
    let mut rig = Rig::ready(Options::ideal());
    for token in TOKENS {
        assert_eq!(rig.token(0, 0, &token), Answer::Silence);
    }
    rig.write(map::usbpullup(), 1);
    assert!(rig.is_connected());
    assert_eq!(TOKENS.map(|token| rig.token(0, 0, &token)), [Answer::Ack, Answer::Nak, Answer::Nak]);
    rig.write(map::usbpullup(), 0);
    assert!(!rig.is_connected());
    for token in TOKENS {
        assert_eq!(rig.token(0, 0, &token), Answer::Silence);
    }
}

#[test]
fn token_for_another_address_or_endpoint_is_not_answered() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    let before = rig.state();
    for token in TOKENS {
        assert_eq!(rig.token(1, 0, &token), Answer::Silence);
        assert_eq!(rig.token(0, 1, &token), Answer::Silence);
    }
    assert_eq!(rig.state(), before);
}

#[test]
fn token_before_the_first_setup_is_answered_nak() {
    let mut rig = Rig::connected();
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), Answer::Nak);
    assert_eq!(rig.host_status_out(), Answer::Nak);
}

#[test]
fn answer_looks_and_does_not_touch() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    let before = rig.state();
    for token in TOKENS {
        rig.answer(0, 0, &token);
    }
    assert_eq!(rig.state(), before);
}

#[test]
fn power_down_resets_the_core_and_keeps_the_configuration() {
    let mut rig = Rig::asked(Setup::set_address(5));
    rig.host_in();
    rig.arm(&bytes(3));
    for (offset, value) in [(map::epinen(), 0), (map::epouten(), 0), (map::dmalatch(), 0x82)] {
        rig.write(offset, value);
    }
    let kept = [
        (map::shorts(), 1),
        (map::inten(), 2),
        (map::epin_ptr(0), ADDRESS),
        (map::epin_maxcnt(0), 3),
        (map::epout_ptr(7), ADDRESS),
        (map::epout_maxcnt(7), 4),
    ];
    for (offset, value) in kept {
        rig.write(offset, value);
    }
    rig.write(map::enable(), 0);
    assert!(!rig.is_connected());
    assert_eq!((rig.read(map::enable()), rig.read(map::eventcause())), (0, 0));
    assert_eq!(rig.events(), Vec::<String>::new());
    rig.write(map::enable(), 1);
    rig.power_up_done();
    for (offset, value) in kept {
        assert_eq!(rig.read(offset), value, "{}", name_of(offset));
    }
    assert_eq!(rig.read(map::epin_amount(0)), 3);
    for offset in [map::usbaddr(), map::usbpullup(), map::brequest(), map::epstatus(), map::dmalatch()] {
        assert_eq!(rig.read(offset), 0, "{}", name_of(offset));
    }
    assert_eq!((rig.read(map::epinen()), rig.read(map::epouten())), (1, 1));
}

#[test]
fn power_down_forgets_the_control_transfer() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    rig.write(map::enable(), 0);
    rig.write(map::enable(), 1);
    rig.power_up_done();
    rig.write(map::usbpullup(), 1);
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn power_down_under_a_transfer_loses_its_end() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.start_in(18);
    let lost = rig.job().expect("it was started").clone();
    rig.write(map::enable(), 0);
    assert_eq!(rig.rules(), [Rule::PowerDownDuringTransfer]);
    assert_eq!(rig.job(), None);
    let before = rig.state();
    rig.complete(lost.id, &lost.payload);
    assert_eq!(rig.state(), before);
}

#[test]
fn transfer_after_a_power_cycle_is_not_taken_for_the_one_before() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.start_in(18);
    let lost = rig.job().expect("it was started").clone();
    rig.write(map::enable(), 0);
    rig.rules();
    rig.write(map::enable(), 1);
    rig.power_up_done();
    rig.start_in(18);
    rig.complete(lost.id, &lost.payload);
    assert!(rig.job().is_some(), "the engine ended another transfer");
}

#[test]
fn direction_that_is_not_enabled_is_not_answered() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    rig.write(map::epinen(), !1);
    assert_eq!(rig.host_in(), Answer::Silence);
    assert_eq!(rig.host_status_out(), Answer::Nak);
    rig.write(map::epinen(), 1);
    rig.write(map::epouten(), !1);
    assert_eq!(rig.host_in(), data(true, &bytes(18)));
    assert_eq!(rig.host_status_out(), Answer::Silence);
}

#[test]
fn setup_is_acknowledged_although_no_endpoint_is_enabled() {
    let mut rig = Rig::connected();
    rig.write(map::epinen(), 0);
    rig.write(map::epouten(), 0);
    rig.setup(no_data());
    assert_eq!(rig.events(), ["EVENTS_EP0SETUP"]);
}
