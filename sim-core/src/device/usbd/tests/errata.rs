//! What silicon does beyond the datasheet: errata with and without their workarounds.

use super::*;

fn options(erratum: Erratum) -> Options {
    Options { errata: Errata::none().with(erratum), ..Options::ideal() }
}

fn newest() -> Options {
    Options { errata: Errata::of(Revision::NEWEST), ..Options::ideal() }
}

/// The sequence of nrfx for a register outside of the block.
pub(super) fn poke(rig: &mut Rig, address: u32, value: u32) {
    rig.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    rig.poke(address, value);
    rig.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
}

/// All that nrfx does from power-up to the host's reset.
fn brought_up(options: Options) -> Rig {
    let mut rig = Rig(Usbd::new(options));
    poke(&mut rig, map::WORKAROUND_187, 3);
    poke(&mut rig, map::WORKAROUND_171, 0xC0);
    rig.write(map::enable(), 1);
    rig.power_up_done();
    poke(&mut rig, map::WORKAROUND_171, 0);
    poke(&mut rig, map::WORKAROUND_187, 0);
    rig.write(map::eventcause(), u32::MAX);
    rig.write(map::usbpullup(), 1);
    rig.bus_reset();
    rig.events();
    rig
}

fn set_core(rig: &mut Rig, index: u32, value: u32) {
    rig.write(map::coreindex(), index);
    rig.write(map::coredata(), value);
}

#[test]
fn revision_has_the_errata_of_its_code() {
    let numbers = |code| {
        let errata = Errata::of(Revision(code));
        Erratum::ALL.iter().filter(|erratum| errata.has(**erratum)).copied().collect::<Vec<_>>()
    };
    use Erratum::*;
    assert_eq!(numbers(0), [E104, E154, E166, E171, E199, E200]);
    for code in 1..=6 {
        assert_eq!(numbers(code), [E166, E171, E187, E199, E211], "code {code}");
    }
    assert_eq!(Errata::default(), Errata::none());
    assert_eq!(Errata::none().with(E187).with(E211).without(E187), Errata::none().with(E211));
}

#[test]
fn driver_with_every_workaround_breaks_no_rule_on_the_newest_silicon() {
    let mut rig = brought_up(newest());
    set_core(&mut rig, map::CORE_ISO, map::CORE_ISO_DOUBLE_BUFFERED);
    rig.setup(Setup::get_device_descriptor(8));
    rig.write(map::dmalatch(), map::DMALATCH_RUNNING);
    rig.arm(&bytes(8));
    rig.write(map::dmalatch(), 0);
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    rig.write(map::enable(), 0);
}

#[test]
fn chip_does_not_come_up_without_its_pokes() {
    for (erratum, address, value) in
        [(Erratum::E171, map::WORKAROUND_171, 0xC0), (Erratum::E187, map::WORKAROUND_187, 3)]
    {
        let mut rig = Rig(Usbd::new(options(erratum)));
        rig.write(map::enable(), 1);
        assert_eq!(rig.rules(), [Rule::WorkaroundMissing]);
        poke(&mut rig, address, value);
        assert!(!rig.is_powering_up(), "the poke comes too late");
        rig.power_up_done();
        assert_eq!(rig.read(map::eventcause()), 0);
        rig.read(map::usbaddr());
        assert_eq!(rig.rules(), [Rule::AccessBeforeReady]);
        rig.write(map::enable(), 0);
        rig.write(map::enable(), 1);
        rig.power_up_done();
        assert_eq!(rig.read(map::eventcause()), map::eventcause::READY.mask(), "what was poked outlives ENABLE=0");
    }
}

#[test]
fn misuse_names_the_pokes_that_are_missing() {
    let mut rig = Rig(Usbd::new(newest()));
    rig.write(map::enable(), 1);
    let [misuse] = &rig.take_misuse()[..] else { panic!("one rule was broken") };
    let expected =
        "ENABLE=1 without 0xC0 at 0x4006EC14 (erratum 171) and 3 at 0x4006ED14 (erratum 187): READY never comes";
    assert_eq!(misuse.what, expected);
}

#[test]
fn registers_of_the_pokes_are_closed_until_they_are_opened() {
    let mut rig = Rig::off();
    rig.poke(map::WORKAROUND_171, 0xC0);
    rig.poke(map::WORKAROUND_KEY, 1);
    rig.poke(map::WORKAROUND_187, 3);
    assert_eq!((rig.peek(map::WORKAROUND_171), rig.peek(map::WORKAROUND_187)), (Some(0), Some(0)));
    rig.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    assert_ne!(rig.peek(map::WORKAROUND_KEY), Some(0));
    rig.poke(map::WORKAROUND_171, 0xC0);
    rig.poke(map::WORKAROUND_187, 3);
    rig.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    assert_eq!(rig.peek(map::WORKAROUND_KEY), Some(0));
    rig.poke(map::WORKAROUND_171, 0);
    assert_eq!((rig.peek(map::WORKAROUND_171), rig.peek(map::WORKAROUND_187)), (Some(0xC0), Some(3)));
    rig.poke(0x4006_EC04, 1);
    assert_eq!(rig.peek(0x4006_EC04), None);
}

#[test]
fn core_does_not_wake_on_a_suspended_bus_without_its_poke() {
    for poked_first in [true, false] {
        let mut rig = brought_up(options(Erratum::E171));
        rig.suspend();
        rig.write(map::lowpower(), 1);
        if poked_first {
            poke(&mut rig, map::WORKAROUND_171, 0xC0);
        }
        rig.write(map::lowpower(), 0);
        assert_eq!(rig.is_powering_up(), poked_first);
        poke(&mut rig, map::WORKAROUND_171, 0xC0);
        rig.power_up_done();
        let causes = map::eventcause::SUSPEND.mask() | map::eventcause::USBWUALLOWED.mask();
        assert_eq!(rig.read(map::eventcause()), causes, "either order will do");
    }
    let mut rig = brought_up(options(Erratum::E171));
    rig.suspend();
    rig.write(map::lowpower(), 1);
    rig.resume();
    rig.write(map::lowpower(), 0);
    assert!(rig.is_powering_up(), "the host has woken it");
}

#[test]
fn start_without_the_latch_is_lost() {
    let mut rig = Rig::with(options(Erratum::E199));
    rig.setup(Setup::get_device_descriptor(8));
    rig.events();
    rig.start_in(8);
    assert_eq!(rig.rules(), [Rule::WorkaroundMissing]);
    assert_eq!(rig.job(), None);
    assert_eq!((rig.read(map::epstatus()), rig.events()), (0, vec![]));
    rig.write(map::dmalatch(), map::DMALATCH_RUNNING);
    rig.arm(&bytes(8));
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
}

#[test]
fn latch_that_is_cleared_before_the_end_is_reported_and_loses_tokens_if_so_chosen() {
    let mut rig = Rig::with(Options { erratum_199: Erratum199::TokensLost, ..options(Erratum::E199) });
    rig.setup(Setup::get_device_descriptor(8));
    rig.events();
    rig.write(map::dmalatch(), map::DMALATCH_RUNNING);
    rig.start_in(8);
    rig.write(map::dmalatch(), map::DMALATCH_RUNNING);
    assert_eq!(rig.rules(), []);
    rig.write(map::dmalatch(), 0);
    assert_eq!(rig.rules(), [Rule::WorkaroundMissing]);
    assert_eq!(rig.token(0, 0, &Token::Setup(no_data().to_bytes())), Answer::Silence);
    rig.end_in(&bytes(8));
    rig.write(map::dmalatch(), 0);
    assert_eq!(rig.rules(), []);
}

#[test]
fn tokens_during_a_transfer_without_the_latch_are_lost_if_so_chosen() {
    for (latch, answer) in [(0, Answer::Silence), (map::DMALATCH_RUNNING, Answer::Ack)] {
        let mut rig = Rig::with(Options { erratum_199: Erratum199::TokensLost, ..options(Erratum::E199) });
        rig.setup(Setup::get_device_descriptor(8));
        rig.events();
        rig.write(map::dmalatch(), latch);
        rig.start_in(8);
        assert_eq!(rig.rules().is_empty(), latch != 0);
        assert_eq!(rig.token(0, 0, &Token::Setup(no_data().to_bytes())), answer);
        assert_eq!(rig.event(map::events_ep0setup()), answer == Answer::Ack);
        rig.end_in(&bytes(8));
        rig.setup(no_data());
    }
}

#[test]
fn isochronous_packets_have_one_buffer_without_the_poke() {
    let mut rig = Rig::with(options(Erratum::E166));
    rig.write(map::epinen(), 0x101);
    rig.write(map::epouten(), 0x101);
    rig.write(map::isoin_maxcnt(), 2);
    rig.task(map::tasks_startisoin());
    rig.end_in(&[1; 2]);
    rig.task(map::tasks_startisoin());
    assert_eq!(rig.rules(), [Rule::WorkaroundMissing, Rule::StartWhileArmed, Rule::WorkaroundMissing]);
    rig.end_in(&[2; 2]);
    assert_eq!(rig.iso_in(0).as_deref(), Some(&[2; 2][..]), "sent in the frame in which it was filled");
    rig.iso_out(0, &[3; 5], true);
    assert_eq!(rig.read(map::size_isoout()), 5, "readable in the frame in which it came");
    rig.iso_out(0, &[4; 3], true);
    rig.start_of_frame(1);
    assert_eq!(rig.read(map::size_isoout()), 3, "overwritten by the next");
    set_core(&mut rig, map::CORE_ISO, map::CORE_ISO_DOUBLE_BUFFERED);
    rig.task(map::tasks_startisoin());
    rig.end_in(&[5; 2]);
    assert_eq!(rig.iso_in(0), None);
    rig.start_of_frame(2);
    assert_eq!(rig.iso_in(0).as_deref(), Some(&[5; 2][..]));
}

#[test]
fn size_is_written_through_the_core_where_it_is_not_writable() {
    let mut rig = Rig::with(options(Erratum::E200));
    rig.write(map::epouten(), 0b11);
    rig.write(map::size_epout(1), 0);
    assert_eq!(rig.rules(), [Rule::WorkaroundMissing]);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Nak);
    set_core(&mut rig, map::core_outbc(1), 0);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Ack);
    assert_eq!(rig.read(map::coredata()), 8);
}

#[test]
fn status_stage_is_not_in_the_hands_of_software_on_the_first_silicon() {
    for (erratum, answer) in [(Erratum::E154, Answer::Ack), (Erratum::E200, Answer::Nak)] {
        let mut rig = Rig::with(options(erratum));
        rig.setup(Setup::get_device_descriptor(18));
        assert_eq!(rig.host_status_out(), answer);
        rig.task(map::tasks_ep0stall());
        let stalled = if answer == Answer::Ack { Answer::Ack } else { Answer::Stall };
        assert_eq!(rig.host_status_out(), stalled);
        assert_eq!(rig.host_in(), Answer::Stall, "the data stage is stalled");
    }
}

#[test]
fn every_second_start_and_data_event_is_lost_on_the_first_silicon() {
    let mut rig = Rig::with(options(Erratum::E104));
    rig.write(map::epinen(), 0b11);
    rig.start_in_at(1, 8);
    assert_eq!(rig.job(), None);
    assert_eq!(rig.events(), Vec::<String>::new());
    rig.start_in_at(1, 8);
    assert_eq!(rig.events(), ["EVENTS_STARTED"]);
    rig.end_in(&bytes(8));
    rig.events();
    assert_eq!(rig.host_in_at(1), data(false, &bytes(8)));
    assert_eq!((rig.events(), rig.read(map::epdatastatus())), (vec![], 0));
    rig.write(map::coreindex(), map::CORE_IN07IRQ);
    assert_eq!(rig.read(map::coredata()), 0b10, "the core knows it");
    rig.write(map::coredata(), 0b10);
    assert_eq!(rig.read(map::coredata()), 0);
    rig.write(map::epouten(), 0b11);
    rig.write(map::size_epout(1), 0);
    rig.host_out_at(1, false, &bytes(8));
    assert_eq!(rig.events(), ["EVENTS_EPDATA"]);
    rig.write(map::coreindex(), map::CORE_OUT07IRQ);
    assert_eq!(rig.read(map::coredata()), 0b10);
}

#[test]
fn frames_do_not_end_a_suspension_without_the_poke() {
    let mut rig = Rig::with(options(Erratum::E211));
    rig.suspend();
    rig.start_of_frame(1);
    assert!(rig.is_suspended());
    poke(&mut rig, map::WORKAROUND_187, 3);
    rig.start_of_frame(2);
    assert!(!rig.is_suspended());
    poke(&mut rig, map::WORKAROUND_187, 0);
    rig.suspend();
    rig.resume();
    assert!(!rig.is_suspended(), "a K is seen");
}
