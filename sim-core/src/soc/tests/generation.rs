//! Whatever a register shows or a host is answered is counted when it changes.

use std::collections::BTreeSet;

use dma_api::nrf52840::usbd::map::REGISTERS;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::device::usbd::{EndOnReset, OutOfReach, SecondStart};

const TOKENS: [Token; 4] = [
    Token::Setup([0; 8]),
    Token::In,
    Token::Out { data1: true, packet: Packet::EMPTY },
    Token::Out { data1: false, packet: Packet::EMPTY },
];

/// What every register reads, what every token is answered at two addresses and two endpoints, what the isochronous
/// endpoint has, whether there is a device, and whether it asks for a resume.
fn observable(soc: &Soc) -> impl PartialEq + use<> {
    let mut chip = soc.usbd().clone();
    let rows = REGISTERS.iter();
    let offsets = rows.flat_map(|row| (0..row.count).map(|n| row.offset + n * row.stride));
    let values: Vec<u32> = offsets.map(|offset| chip.read(offset)).collect();
    let ends = [(0, 0), (5, 0), (0, 1), (5, 1)];
    let answers =
        ends.into_iter().flat_map(|(address, number)| TOKENS.map(|token| chip.answer(address, number, &token)));
    let answers: Vec<Answer> = answers.collect();
    (values, answers, chip.iso_in(0), chip.is_connected(), chip.is_driving_resume())
}

/// One thing that somebody does; the number is a random one.
type Operation = fn(&mut Rig, u16);

fn setup(rig: &mut Rig, setup: Setup) {
    rig.host(Token::Setup(setup.to_bytes()));
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("enable", |rig, _| rig.write(map::enable(), 1)),
    ("disable", |rig, random| rig.write(map::enable(), u32::from(!random.is_multiple_of(8)))),
    ("ready", |rig, _| rig.soc.power_up_done()),
    ("pull-up", |rig, _| rig.write(map::usbpullup(), 1)),
    ("bus reset", |rig, _| rig.soc.bus_reset()),
    ("control read", |rig, _| setup(rig, Setup::get_device_descriptor(64))),
    ("control write", |rig, _| setup(rig, Setup { request_type: 0x21, ..Setup::get_device_descriptor(64) })),
    ("set address", |rig, _| setup(rig, Setup::set_address(5))),
    ("in", |rig, random| {
        rig.soc.transaction(if random.is_multiple_of(2) { 0 } else { 5 }, 0, Token::In);
    }),
    ("out", |rig, random| {
        let packet = Packet::new(&[0x11; BUFFER][..usize::from(random) % BUFFER]);
        rig.host(Token::Out { data1: random.is_multiple_of(2), packet });
    }),
    ("in, endpoint 1", |rig, _| {
        rig.soc.transaction(0, 1, Token::In);
    }),
    ("out, endpoint 1", |rig, random| {
        let packet = Packet::new(&[0x11; BUFFER][..usize::from(random) % BUFFER]);
        rig.soc.transaction(0, 1, Token::Out { data1: random.is_multiple_of(2), packet });
    }),
    ("isochronous in", |rig, _| {
        rig.soc.iso_in(0);
    }),
    ("isochronous out", |rig, random| rig.soc.iso_out(0, &[0x11; 9], random.is_multiple_of(2))),
    ("startisoin", |rig, _| rig.write(map::tasks_startisoin(), 1)),
    ("startisoout", |rig, _| rig.write(map::tasks_startisoout(), 1)),
    ("suspend", |rig, _| rig.soc.suspend()),
    ("resume", |rig, _| rig.soc.resume()),
    ("start of frame", |rig, random| rig.soc.start_of_frame(random)),
    ("low power", |rig, random| rig.write(map::lowpower(), u32::from(random.is_multiple_of(4)))),
    ("drive", |rig, random| {
        rig.write(map::dpdmvalue(), u32::from(random % 5));
        rig.write(map::tasks_dpdmdrive(), 1);
    }),
    ("no drive", |rig, _| rig.write(map::tasks_dpdmnodrive(), 1)),
    ("startepin", |rig, random| rig.write(map::tasks_startepin(random % 2), 1)),
    ("startepout", |rig, random| rig.write(map::tasks_startepout(random % 2), 1)),
    ("ep0rcvout", |rig, _| rig.write(map::tasks_ep0rcvout(), 1)),
    ("ep0status", |rig, _| rig.write(map::tasks_ep0status(), 1)),
    ("ep0stall", |rig, random| rig.write(map::tasks_ep0stall(), u32::from(random.is_multiple_of(4)))),
    ("shorts", |rig, random| rig.write(map::shorts(), random.into())),
    ("maxcnt", |rig, random| rig.write(map::epin_maxcnt(0), u32::from(random % 9))),
    ("clear", |rig, random| rig.write(map::events_usbreset() + 4 * (random % 25), 0)),
    ("epstatus", |rig, _| rig.write(map::epstatus(), u32::MAX)),
    ("epdatastatus", |rig, _| rig.write(map::epdatastatus(), u32::MAX)),
    ("size", |rig, random| rig.write(map::size_epout(random % 2), 0)),
    ("epinen", |rig, random| rig.write(map::epinen(), if random.is_multiple_of(8) { 0 } else { 0x103 })),
    ("epouten", |rig, random| rig.write(map::epouten(), if random.is_multiple_of(8) { 0 } else { 0x103 })),
    ("epstall", |rig, random| rig.write(map::epstall(), u32::from(random) & 0x181)),
    ("dtoggle", |rig, random| rig.write(map::dtoggle(), u32::from(random) & 0x381)),
    ("engine", |rig, _| rig.soc.engine_step()),
    ("end", |rig, _| (0..20).for_each(|_| rig.soc.engine_step())),
    ("look", |rig, random| {
        rig.read(random % 0x400 * 4);
    }),
];

fn options(number: usize) -> Options {
    Options {
        second_start: [SecondStart::Dropped, SecondStart::Replaces, SecondStart::Corrupts][number % 3],
        end_on_reset: [EndOnReset::Fires, EndOnReset::Never][number / 3 % 2],
        out_of_reach: [OutOfReach::Core, OutOfReach::Sizes][number / 6 % 2],
        ..Options::ideal()
    }
}

#[test]
fn change_that_somebody_can_observe_is_counted() {
    let mut changed_by = BTreeSet::new();
    for number in 0..36 {
        let mut random = ChaCha8Rng::seed_from_u64(number as u64);
        let mut next = || u16::try_from(random.next_u32() >> 16).expect("sixteen bits are left");
        let mut rig = Rig::connected(Config { options: options(number), ram: BUFFER, ..config() });
        let address = rig.soc.allocate(BUFFER);
        rig.write(map::epin_ptr(0), address.get());
        rig.write(map::epout_ptr(0), address.get());
        let mut before = (observable(&rig.soc), rig.soc.generation());
        for _ in 0..400 {
            let (name, operation) = OPERATIONS[usize::from(next()) % OPERATIONS.len()];
            operation(&mut rig, next());
            let after = (observable(&rig.soc), rig.soc.generation());
            if after.0 != before.0 {
                assert_ne!(after.1, before.1, "{name} has changed what can be observed");
                changed_by.insert(name);
            }
            before = after;
        }
    }
    let expected: BTreeSet<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
    let unseen: Vec<&&str> = expected.difference(&changed_by).collect();
    assert_eq!(unseen, [&"look"], "every operation but a look is to change something, somewhere");
}

#[test]
fn nak_silence_and_reads_are_no_changes() {
    let mut rig = Rig::asked(config());
    let before = rig.soc.generation();
    assert_eq!(rig.host(Token::In), Answer::Nak);
    assert_eq!(rig.soc.transaction(5, 0, Token::In), Answer::Silence);
    rig.read(map::events_ep0datadone());
    assert_eq!(rig.soc.generation(), before);
}
