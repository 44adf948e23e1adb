//! Reset values, access kinds and fields, for every row of the register map.

use super::*;

/// The rows that are not modelled, from this index of their array on.
const NOT_MODELLED: &[(Name, u16)] = &[(Name::DMASTATE, 0), (Name::COREDATA, 0)];

fn is_modelled(row: &Register<Name>, offset: u16) -> bool {
    let n = (offset - row.offset) / row.stride;
    !NOT_MODELLED.iter().any(|&(name, first)| name == row.name && n >= first)
}

fn modelled(access: Access) -> impl Iterator<Item = (&'static Register<Name>, u16)> {
    every_register().filter(move |&(row, offset)| row.access == access && is_modelled(row, offset))
}

/// A chip with as many bits set as it can have: every event that it raises, both directions of EPSTATUS.
fn eventful() -> Rig {
    let mut rig = Rig::ready(Options::ideal());
    rig.write(map::usbpullup(), 1);
    rig.bus_reset();
    rig.setup(control_write(64));
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(true, &bytes(64)), Answer::Ack);
    rig.start_out(64);
    rig.end_out();
    rig.arm(&bytes(8));
    rig
}

const RAISED: [u16; 7] = [
    map::events_usbreset(),
    map::events_started(),
    map::events_endepin(0),
    map::events_ep0datadone(),
    map::events_endepout(0),
    map::events_usbevent(),
    map::events_ep0setup(),
];

#[test]
fn register_of_a_chip_out_of_reset_holds_its_reset_value() {
    let mut rig = Rig::off();
    for (row, offset) in every_register() {
        assert_eq!(rig.read(offset), row.reset, "{}", name_of(offset));
    }
    assert!(rig.rules().iter().all(|rule| matches!(rule, Rule::NotModelled | Rule::AccessBeforeReady)));
}

#[test]
fn register_after_power_up_holds_its_reset_value() {
    let mut rig = Rig::ready(Options::ideal());
    for (row, offset) in every_register() {
        let expected = match row.name {
            Name::ENABLE | Name::EVENTS_USBEVENT => 1,
            Name::EVENTCAUSE => map::eventcause::READY.mask(),
            _ => row.reset,
        };
        assert_eq!(rig.read(offset), expected, "{}", name_of(offset));
    }
    assert!(rig.rules().iter().all(|rule| *rule == Rule::NotModelled));
}

#[test]
fn register_that_is_not_modelled_is_reported_and_no_other_is() {
    let mut rig = Rig::connected();
    for (row, offset) in every_register() {
        let expected: &[Rule] = if is_modelled(row, offset) { &[] } else { &[Rule::NotModelled] };
        rig.read(offset);
        assert_eq!(rig.rules(), expected, "read of {}", name_of(offset));
        rig.write(offset, 0);
        assert_eq!(rig.rules(), expected, "write of {}", name_of(offset));
        if row.name == Name::ENABLE {
            rig = Rig::connected();
        } else if row.name == Name::USBPULLUP {
            rig.write(offset, 1);
        }
    }
}

#[test]
fn register_that_is_not_modelled_keeps_its_reset_value() {
    for (row, offset) in every_register().filter(|&(row, offset)| !is_modelled(row, offset)) {
        let mut rig = Rig::connected();
        let before = rig.state();
        rig.write(offset, u32::MAX);
        assert_eq!(rig.rules(), [Rule::NotModelled]);
        assert_eq!(rig.state(), before, "{}", name_of(offset));
        assert_eq!(rig.read(offset), row.reset, "{}", name_of(offset));
        rig.rules();
    }
}

#[test]
fn core_register_takes_an_armed_packet_out() {
    let busy =
        |n| if n == 0 { (map::CORE_EP0CS, map::CORE_EP0CS_INBSY) } else { (map::core_incs(n), map::CORE_INCS_BUSY) };
    for endpoint in 0..8 {
        let mut rig = Rig::configured();
        rig.setup(Setup::get_device_descriptor(8));
        for endpoint in 0..8 {
            rig.arm_at(endpoint, &bytes(8));
        }
        let (index, bit) = busy(endpoint);
        rig.write(map::coreindex(), index);
        assert_eq!(rig.read(map::coredata()), bit);
        rig.write(map::coredata(), 0);
        assert_eq!(rig.read(map::coredata()), bit, "writing 0 changes nothing");
        rig.write(map::coredata(), bit);
        assert_eq!(rig.read(map::coredata()), 0);
        for other in 0..8 {
            let expected = if other == endpoint { Answer::Nak } else { data(other == 0, &bytes(8)) };
            assert_eq!(rig.host_in_at(other), expected, "EPIN[{other}] after the poke for EPIN[{endpoint}]");
        }
    }
}

#[test]
fn other_core_registers_are_not_modelled() {
    let mut rig = Rig::connected();
    rig.write(map::coreindex(), 0x7AB);
    rig.write(map::coredata(), 0x40);
    assert_eq!(rig.rules(), [Rule::NotModelled]);
}

#[test]
fn every_word_takes_reads_and_writes_in_every_state() {
    let states = [
        Rig::off(),
        {
            let mut starting = Rig::off();
            starting.write(map::enable(), 1);
            starting
        },
        Rig::ready(Options::ideal()),
        Rig::connected(),
        Rig::asked(Setup::get_device_descriptor(18)),
        {
            let mut transfer = Rig::asked(Setup::get_device_descriptor(18));
            transfer.start_in(18);
            transfer
        },
        eventful(),
    ];
    for state in states {
        let mut all = Rig(state.clone());
        for offset in (0..0x1000).step_by(4) {
            for value in [0, 1, u32::MAX] {
                let mut alone = Rig(state.clone());
                for rig in [&mut alone, &mut all] {
                    rig.read(offset);
                    rig.write(offset, value);
                    rig.read(offset);
                    rig.rules();
                }
            }
        }
    }
}

#[test]
fn offset_of_no_register_reads_as_zero_and_is_reported() {
    let mut rig = Rig::connected();
    let known: Vec<u16> = every_register().map(|(_, offset)| offset).collect();
    let before = rig.state();
    let unknown = (0..0x1000).chain([0x1000, u16::MAX]).filter(|offset| !known.contains(offset));
    for offset in unknown {
        assert_eq!(rig.read(offset), 0, "{offset:#x}");
        rig.write(offset, u32::MAX);
        assert_eq!(rig.rules(), [Rule::UnknownRegister; 2], "{offset:#x}");
    }
    assert_eq!(rig.state(), before);
}

#[test]
fn read_write_register_keeps_the_bits_of_its_fields_only() {
    // DTOGGLE has tests of its own: what it reads is not what was written.
    for (row, offset) in modelled(Access::ReadWrite).filter(|(row, _)| row.name != Name::DTOGGLE) {
        let mut rig = Rig::connected();
        rig.write(offset, u32::MAX);
        let over: &[Rule] = if row.text.ends_with("MAXCNT") { &[Rule::LengthOverBuffer] } else { &[] };
        assert_eq!(rig.rules(), over, "{}", name_of(offset));
        assert_eq!(rig.read(offset), row.mask(), "{}", name_of(offset));
        rig.write(offset, 0);
        assert_eq!(rig.read(offset), 0, "{}", name_of(offset));
    }
}

#[test]
fn array_register_is_a_register_of_its_own() {
    let arrays = [Name::EPIN_PTR, Name::EPIN_MAXCNT, Name::EPOUT_PTR, Name::EPOUT_MAXCNT];
    let mut rig = Rig::connected();
    let offsets: Vec<u16> =
        modelled(Access::ReadWrite).filter(|(row, _)| arrays.contains(&row.name)).map(|(_, offset)| offset).collect();
    for (value, &offset) in (1..).zip(&offsets) {
        rig.write(offset, value);
    }
    for (value, &offset) in (1..).zip(&offsets) {
        assert_eq!(rig.read(offset), value, "{}", name_of(offset));
    }
}

#[test]
fn read_only_register_ignores_writes() {
    let mut rig = eventful();
    let before = rig.state();
    for (_, offset) in modelled(Access::ReadOnly) {
        for value in [0, 1, u32::MAX] {
            rig.write(offset, value);
        }
        assert_eq!(rig.state(), before, "{}", name_of(offset));
    }
}

#[test]
fn task_written_without_its_bit_does_nothing_and_reads_as_zero() {
    let mut rig = Rig::asked(control_write(8));
    let before = rig.state();
    for (_, offset) in modelled(Access::Task) {
        rig.write(offset, 0);
        rig.write(offset, !1);
        assert_eq!(rig.state(), before, "{}", name_of(offset));
    }
    for (_, offset) in modelled(Access::Task) {
        let mut rig = Rig::asked(control_write(8));
        rig.task(offset);
        assert_eq!(rig.read(offset), 0, "{}", name_of(offset));
        rig.rules();
    }
}

#[test]
fn event_is_cleared_by_zero_and_not_by_one() {
    for offset in RAISED {
        let mut rig = eventful();
        rig.write(offset, 1);
        assert_eq!(rig.read(offset), 1, "{}", name_of(offset));
        rig.write(offset, 0);
        for other in RAISED {
            assert_eq!(rig.event(other), other != offset, "{} after {}", name_of(other), name_of(offset));
        }
    }
}

#[test]
fn event_cannot_be_raised_by_a_write() {
    let mut rig = Rig::connected();
    for (_, offset) in modelled(Access::Event) {
        rig.write(offset, 1);
    }
    assert_eq!(rig.events(), Vec::<String>::new());
}

#[test]
fn cause_and_status_bits_are_cleared_by_writing_one_to_them() {
    let ready = map::eventcause::READY.mask();
    let captured = map::epstatus::EPIN0.mask() | map::epstatus::EPOUT0.mask();
    for (offset, bits) in [(map::eventcause(), ready), (map::epstatus(), captured)] {
        let mut rig = eventful();
        rig.write(offset, 0);
        rig.write(offset, !bits);
        assert_eq!(rig.read(offset), bits, "{}", name_of(offset));
        let lowest = bits & bits.wrapping_neg();
        rig.write(offset, lowest);
        assert_eq!(rig.read(offset), bits & !lowest, "{}", name_of(offset));
    }
}

#[test]
fn data_status_has_no_bit_for_endpoint_zero() {
    let mut rig = eventful();
    rig.setup(Setup::get_device_descriptor(8));
    rig.arm(&bytes(8));
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    assert_eq!(rig.read(map::epdatastatus()), 0);
    assert!(!rig.event(map::events_epdata()));
}

#[test]
fn interrupt_mask_is_set_and_cleared_bit_by_bit() {
    let mut rig = Rig::connected();
    rig.write(map::intenset(), 0b0101);
    rig.write(map::intenset(), 0b0010);
    rig.write(map::intenset(), 0);
    for offset in [map::inten(), map::intenset(), map::intenclr()] {
        assert_eq!(rig.read(offset), 0b0111, "{}", name_of(offset));
    }
    rig.write(map::intenclr(), 0b0110);
    rig.write(map::intenclr(), 0);
    assert_eq!(rig.read(map::inten()), 0b0001);
    rig.write(map::inten(), 0b1000);
    assert_eq!(rig.read(map::intenset()), 0b1000);
}

#[test]
fn interrupt_mask_has_a_bit_for_every_event_and_no_other() {
    let mut rig = Rig::connected();
    rig.write(map::intenset(), u32::MAX);
    let events = modelled(Access::Event).fold(0, |bits, (_, offset)| bits | map::event_bit(offset));
    assert_eq!(rig.read(map::inten()), events);
}

#[test]
fn interrupt_line_is_high_while_an_event_and_its_bit_are_set() {
    for offset in RAISED {
        let mut rig = eventful();
        rig.write(map::intenset(), !map::event_bit(offset));
        for other in RAISED.into_iter().filter(|&other| other != offset) {
            rig.write(other, 0);
        }
        assert!(!rig.interrupt(), "{} is masked", name_of(offset));
        rig.write(map::intenset(), map::event_bit(offset));
        assert!(rig.interrupt(), "{} is not masked", name_of(offset));
        rig.write(offset, 1);
        assert!(rig.interrupt(), "{} is still set", name_of(offset));
        rig.write(offset, 0);
        assert!(!rig.interrupt(), "{} is cleared", name_of(offset));
    }
}

#[test]
fn latch_of_erratum_199_holds_what_is_written() {
    let mut rig = Rig::connected();
    rig.write(map::dmalatch(), 0x82);
    assert_eq!(rig.read(map::dmalatch()), 0x82);
}

#[test]
fn name_is_the_datasheets() {
    assert_eq!(usize::try_from(address_of(0)), Ok(map::BASE));
    assert_eq!((offset_of(address_of(0x51C)), offset_of(address_of(0x1000))), (Some(0x51C), None));
    assert_eq!(name_of(map::epin_ptr(0)), "EPIN[0].PTR");
    assert_eq!(name_of(map::epout_maxcnt(7)), "EPOUT[7].MAXCNT");
    assert_eq!(name_of(map::size_epout(0)), "SIZE.EPOUT[0]");
    assert_eq!(name_of(map::halted_epin(3)), "HALTED.EPIN[3]");
    assert_eq!(name_of(map::tasks_startepin(0)), "TASKS_STARTEPIN[0]");
    assert_eq!(name_of(map::events_ep0setup()), "EVENTS_EP0SETUP");
    assert_eq!(name_of(0x060), "0x060");
}

#[test]
fn garbage_of_a_register_out_of_reach_stays_in_its_fields() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.start_in(18);
    for (row, offset) in every_register() {
        let value = rig.read(offset);
        assert_eq!(value & !row.mask(), 0, "{}", name_of(offset));
        if rig.rules() == [Rule::NotModelled] {
            assert_eq!(value, row.reset, "{}", name_of(offset));
        }
    }
}
