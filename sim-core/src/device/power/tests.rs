//! POWER and CLOCK: registers, events, what comes when, what the CPU has seen.

use super::*;
use crate::hash::assert_told_apart;

const VBUS: u32 = map::usbregstatus::VBUSDETECT.mask();
const OUTPUT: u32 = map::usbregstatus::OUTPUTRDY.mask();
const SOME_OSCILLATOR: u32 = map::hfclkstat::STATE.mask();
const CRYSTAL: u32 = SOME_OSCILLATOR | map::hfclkstat::SRC.mask();

fn modelled() -> Power {
    Power::new(Supply::Modelled)
}

fn read(power: &mut Power, offset: u16) -> u32 {
    power.read(offset).expect("it is modelled")
}

fn write(power: &mut Power, offset: u16, value: u32) {
    power.write(offset, value).expect("it is modelled");
}

/// All that comes, in turn.
fn settle(power: &mut Power) -> Vec<Step> {
    let steps: Vec<Step> = power.steps().collect();
    steps.iter().for_each(|step| power.step(*step));
    steps
}

/// The events that are 1, by name; clears them. What this tells the CPU is forgotten.
fn events(power: &mut Power) -> Vec<String> {
    let mut look = power.clone();
    let events = REGISTERS.iter().filter(|row| row.access == Access::Event);
    let set: Vec<u16> = events.map(|row| row.offset).filter(|offset| read(&mut look, *offset) != 0).collect();
    set.iter().for_each(|event| write(power, *event, 0));
    set.into_iter().map(name_of).collect()
}

/// Enabled, with VBUS; the regulator has settled. The CPU has seen nothing of it.
fn settled() -> Power {
    let mut power = modelled();
    power.set_enabled(true);
    settle(&mut power);
    events(&mut power);
    power
}

#[test]
fn vbus_out_of_reset_is_there_without_an_event() {
    let mut power = modelled();
    assert_eq!(read(&mut power, map::usbregstatus()), VBUS);
    assert_eq!(events(&mut power), Vec::<String>::new());
}

#[test]
fn cable_raises_an_event_each_time_it_moves_and_no_more() {
    let mut power = modelled();
    for (vbus, status, event) in [(false, 0, "POWER.EVENTS_USBREMOVED"), (true, VBUS, "POWER.EVENTS_USBDETECTED")] {
        power.set_vbus(vbus);
        assert_eq!(events(&mut power), [event]);
        power.set_vbus(vbus);
        assert_eq!((events(&mut power), read(&mut power, map::usbregstatus())), (vec![], status));
    }
}

#[test]
fn regulator_settles_after_enable_and_vbus_in_either_order() {
    for vbus_first in [false, true] {
        let mut power = modelled();
        power.set_vbus(vbus_first);
        power.set_enabled(true);
        power.set_vbus(true);
        events(&mut power);
        assert_eq!(read(&mut power, map::usbregstatus()), VBUS);
        assert_eq!(settle(&mut power), [Step::Regulator]);
        assert_eq!(read(&mut power, map::usbregstatus()), VBUS | OUTPUT);
        assert_eq!(events(&mut power), ["POWER.EVENTS_USBPWRRDY"]);
        assert_eq!(settle(&mut power), []);
    }
}

#[test]
fn regulator_is_off_without_either() {
    let removals: [fn(&mut Power); 2] = [|power| power.set_vbus(false), |power| power.set_enabled(false)];
    for remove in removals {
        // Settled, and on its way.
        let mut starting = modelled();
        starting.set_enabled(true);
        for mut power in [settled(), starting] {
            remove(&mut power);
            assert_eq!(settle(&mut power), []);
            assert_eq!(read(&mut power, map::usbregstatus()) & OUTPUT, 0);
            assert!(!events(&mut power).contains(&"POWER.EVENTS_USBPWRRDY".to_owned()));
        }
    }
}

#[test]
fn crystal_starts_in_a_step_and_stops_at_once() {
    let mut power = modelled();
    assert_eq!(read(&mut power, map::hfclkstat()), SOME_OSCILLATOR);
    write(&mut power, map::tasks_hfclkstart(), 1);
    assert_eq!((read(&mut power, map::hfclkstat()), power.feed().crystal), (SOME_OSCILLATOR, false));
    assert_eq!(settle(&mut power), [Step::Crystal]);
    assert_eq!((read(&mut power, map::hfclkstat()), power.feed().crystal), (CRYSTAL, true));
    assert_eq!(events(&mut power), ["CLOCK.EVENTS_HFCLKSTARTED"]);
    // Again, while it runs.
    write(&mut power, map::tasks_hfclkstart(), 1);
    assert_eq!((settle(&mut power), events(&mut power)), (vec![], vec!["CLOCK.EVENTS_HFCLKSTARTED".to_owned()]));
    write(&mut power, map::tasks_hfclkstop(), 1);
    assert_eq!((read(&mut power, map::hfclkstat()), power.feed().crystal), (SOME_OSCILLATOR, false));
    assert_eq!(events(&mut power), Vec::<String>::new());
}

#[test]
fn crystal_stopped_while_it_starts_does_not_come() {
    let mut power = modelled();
    write(&mut power, map::tasks_hfclkstart(), 1);
    write(&mut power, map::tasks_hfclkstart(), 1);
    assert_eq!(power.steps().collect::<Vec<_>>(), [Step::Crystal]);
    write(&mut power, map::tasks_hfclkstop(), 1);
    power.step(Step::Crystal);
    assert_eq!((events(&mut power), power.feed().crystal), (vec![], false));
}

#[test]
fn writes_of_the_other_value_do_nothing() {
    let mut power = modelled();
    power.set_vbus(false);
    write(&mut power, map::tasks_hfclkstart(), 0);
    write(&mut power, map::events_usbremoved(), 1);
    write(&mut power, map::usbregstatus(), VBUS);
    assert_eq!((settle(&mut power), read(&mut power, map::usbregstatus())), (vec![], 0));
    assert_eq!(events(&mut power), ["POWER.EVENTS_USBREMOVED"]);
    assert_eq!(read(&mut power, map::tasks_hfclkstart()), 0);
}

#[test]
fn interrupt_line_follows_events_and_mask() {
    let mut power = modelled();
    write(&mut power, map::intenset(), u32::MAX);
    assert_eq!(read(&mut power, map::intenset()), 0b11_1000_0001);
    write(&mut power, map::intenclr(), map::intenclr::USBDETECTED.mask());
    assert_eq!(read(&mut power, map::intenclr()), 0b11_0000_0001);
    assert!(!power.interrupt());
    power.set_vbus(false);
    assert!(power.interrupt());
    write(&mut power, map::events_usbremoved(), 0);
    power.set_vbus(true);
    assert!(!power.interrupt(), "it is masked");
}

#[test]
fn supply_that_was_seen_is_lost_and_one_that_was_not_is_off() {
    let mut power = settled();
    power.set_vbus(false);
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::Off, Rail::Off));
    let mut power = settled();
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::On, Rail::On));
    read(&mut power, map::usbregstatus());
    power.set_vbus(false);
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::Lost, Rail::Lost));
    // The regulator is not there yet: the CPU has not seen that it has gone.
    power.set_vbus(true);
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::On, Rail::Lost));
}

#[test]
fn cpu_that_sees_the_loss_is_excused_no_more() {
    for look in [map::usbregstatus(), map::events_usbremoved()] {
        let mut power = settled();
        read(&mut power, map::usbregstatus());
        power.set_vbus(false);
        read(&mut power, look);
        assert_eq!((power.feed().vbus, power.feed().output), (Rail::Off, Rail::Off), "{}", name_of(look));
    }
    let mut power = settled();
    read(&mut power, map::usbregstatus());
    power.set_enabled(false);
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::On, Rail::Off), "it has switched it off itself");
}

#[test]
fn event_tells_the_cpu_what_is_and_not_what_was() {
    let mut power = modelled();
    power.set_vbus(false);
    power.set_vbus(true);
    power.set_enabled(true);
    settle(&mut power);
    let mut gone = power.clone();
    for event in [map::events_usbdetected(), map::events_usbpwrrdy()] {
        assert_eq!(read(&mut power, event), 1);
    }
    power.set_vbus(false);
    assert_eq!((power.feed().vbus, power.feed().output), (Rail::Lost, Rail::Lost));
    // The same events, of before.
    gone.set_vbus(false);
    for event in [map::events_usbdetected(), map::events_usbpwrrdy()] {
        assert_eq!(read(&mut gone, event), 1);
    }
    assert_eq!((gone.feed().vbus, gone.feed().output), (Rail::Off, Rail::Off));
}

#[test]
fn supply_that_is_always_there_takes_no_time_and_never_goes() {
    let mut power = Power::new(Supply::Always);
    assert_eq!((read(&mut power, map::usbregstatus()), read(&mut power, map::hfclkstat())), (VBUS, CRYSTAL));
    power.set_enabled(true);
    write(&mut power, map::tasks_hfclkstart(), 1);
    assert_eq!(settle(&mut power), []);
    assert_eq!(events(&mut power), ["CLOCK.EVENTS_HFCLKSTARTED", "POWER.EVENTS_USBPWRRDY"]);
    power.set_vbus(false);
    write(&mut power, map::tasks_hfclkstop(), 1);
    assert_eq!((read(&mut power, map::usbregstatus()), read(&mut power, map::hfclkstat())), (VBUS | OUTPUT, CRYSTAL));
    assert_eq!(events(&mut power), Vec::<String>::new());
    assert_eq!(power.feed(), Feed::default());
}

#[test]
fn register_that_usb_does_not_need_is_reported_and_changes_nothing() {
    let mut power = modelled();
    let before = format!("{power:?}");
    // RESETREAS.
    for misuse in [power.read(0x400).expect_err("a read"), power.write(0x400, 1).expect_err("a write")] {
        assert_eq!((misuse.rule, &*misuse.what), (Rule::NotModelled, "POWER/CLOCK 0x400 is not modelled"));
    }
    assert_eq!(format!("{power:?}"), before);
}

#[test]
fn address_is_in_the_block_or_not() {
    assert_eq!(offset_of(0x4000_0000), Some(0));
    assert_eq!(offset_of(0x4000_0FFC), Some(0xFFC));
    for other in [0, 0x3FFF_FFFC, 0x4000_1000, 0x4006_EC00, u32::MAX] {
        assert_eq!(offset_of(other), None);
    }
}

#[test]
fn states_with_another_future_have_another_hash() {
    let changes: [fn(&mut Power); 10] = [
        |_| {},
        |power| power.set_enabled(true),
        |power| {
            power.set_enabled(true);
            power.step(Step::Regulator);
            write(power, map::events_usbpwrrdy(), 0);
        },
        |power| power.set_vbus(false),
        |power| {
            power.set_vbus(false);
            write(power, map::events_usbremoved(), 0);
        },
        |power| write(power, map::tasks_hfclkstart(), 1),
        |power| {
            write(power, map::tasks_hfclkstart(), 1);
            power.step(Step::Crystal);
            write(power, map::events_hfclkstarted(), 0);
        },
        |power| write(power, map::intenset(), map::intenset::USBREMOVED.mask()),
        |power| {
            read(power, map::usbregstatus());
        },
        |power| {
            power.set_enabled(true);
            power.step(Step::Regulator);
            write(power, map::events_usbpwrrdy(), 0);
            read(power, map::usbregstatus());
        },
    ];
    assert_told_apart(changes.iter().map(|change| {
        let mut power = modelled();
        change(&mut power);
        power
    }));
}

#[test]
fn each_field_has_its_place_in_the_hash() {
    const RISES: [Rise; 3] = [Rise::Off, Rise::Starting, Rise::On];
    let with = |f: fn(&mut Power, u32), value| {
        let mut power = modelled();
        f(&mut power, value);
        power
    };
    // Any two bits of one number, and of different ones.
    let numbers = (0..10).flat_map(|bit| {
        [with(|power, value| power.events = value, 1 << bit), with(|power, value| power.inten = value, 1 << bit)]
    });
    assert_told_apart(numbers);
    let flags = (0_u32..1 << 4).flat_map(|flags| RISES.map(|regulator| (flags, regulator)));
    assert_told_apart(flags.flat_map(|(flags, regulator)| {
        RISES.map(|crystal| Power {
            vbus: flags & 1 != 0,
            enabled: flags & 2 != 0,
            seen_vbus: flags & 4 != 0,
            seen_output: flags & 8 != 0,
            regulator,
            crystal,
            ..modelled()
        })
    }));
}
