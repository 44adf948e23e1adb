//! Every rule that the system judges: a sequence that breaks it, and its twin.
//!
//! A sequence does one thing wrong if its driver is [`Driver::Wrong`], and is the same otherwise. It returns the rules
//! that it breaks.

use super::*;
use crate::machine::Strength;
use crate::monitor::tests::Driver;

pub(crate) fn race(driver: Driver) -> Vec<Rule> {
    let right = Fences::default();
    let fences = if driver == Driver::Wrong { Fences { end: Strength::None, ..right } } else { right };
    let mut rig = Rig::asked(Config { fences, ..config() });
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    rig.run_to_end();
    rig.acquire(8, Direction::MemoryToDevice);
    rig.rules()
}

pub(crate) fn cpu_access_in_flight(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(Config { ram: 8, ..config() });
    let address = rig.soc.allocate(8);
    let line = Location::caller();
    rig.soc.store(address, 1, line);
    rig.soc.release_fence();
    rig.start_in(address, 8);
    if driver == Driver::Right {
        rig.run_to_end();
        rig.soc.acquire_fence();
    }
    rig.soc.store(address, 2, line);
    rig.rules()
}

pub(crate) fn released_twice(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(config());
    rig.release(8, Direction::MemoryToDevice);
    if driver == Driver::Right {
        rig.acquire(8, Direction::MemoryToDevice);
    }
    rig.release(8, Direction::MemoryToDevice);
    rig.rules()
}

pub(crate) fn acquired_in_flight(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    if driver == Driver::Right {
        rig.run_to_end();
    }
    rig.acquire(8, Direction::MemoryToDevice);
    rig.rules()
}

pub(crate) fn pointer_outside_ram(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    let flash = BusAddress::new(0x0001_0000);
    rig.start_in(if driver == Driver::Wrong { flash } else { address }, 8);
    rig.rules()
}

pub(crate) fn acquired_without_release(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(config());
    rig.release(8, Direction::MemoryToDevice);
    rig.acquire(if driver == Driver::Wrong { 4 } else { 8 }, Direction::MemoryToDevice);
    rig.rules()
}

pub(crate) fn pointer_not_lent(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    if driver == Driver::Wrong {
        rig.acquire(8, Direction::MemoryToDevice);
    }
    rig.start_in(address, 8);
    rig.rules()
}

#[test]
fn race_is_reported() {
    assert_eq!(race(Driver::Wrong), [Rule::Race]);
    assert_eq!(race(Driver::Right), []);
}

#[test]
fn cpu_access_in_flight_is_reported() {
    assert_eq!(cpu_access_in_flight(Driver::Wrong), [Rule::CpuAccessInFlight]);
    assert_eq!(cpu_access_in_flight(Driver::Right), []);
}

#[test]
fn released_twice_is_reported() {
    assert_eq!(released_twice(Driver::Wrong), [Rule::ReleasedTwice]);
    assert_eq!(released_twice(Driver::Right), []);
}

#[test]
fn acquired_in_flight_is_reported() {
    assert_eq!(acquired_in_flight(Driver::Wrong), [Rule::AcquiredInFlight]);
    assert_eq!(acquired_in_flight(Driver::Right), []);
}

#[test]
fn acquired_without_release_is_reported() {
    assert_eq!(acquired_without_release(Driver::Wrong), [Rule::AcquiredWithoutRelease]);
    assert_eq!(acquired_without_release(Driver::Right), []);
    let mut rig = Rig::asked(config());
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), [Rule::AcquiredWithoutRelease], "nothing was lent");
}

#[test]
fn pointer_outside_ram_is_reported() {
    assert_eq!(pointer_outside_ram(Driver::Wrong), [Rule::PointerOutsideRam]);
    assert_eq!(pointer_outside_ram(Driver::Right), []);
}

#[test]
fn pointer_not_lent_is_reported() {
    assert_eq!(pointer_not_lent(Driver::Wrong), [Rule::PointerNotLent]);
    assert_eq!(pointer_not_lent(Driver::Right), []);
}

#[test]
fn pointer_to_flash_a_peripheral_or_over_the_end_of_ram_is_outside() {
    for address in
        [0, 0x0001_0000, 0x000F_FFFF, 0x0080_0000, 0x1FFF_FFFF, 0x2003_FFF9, 0x2004_0000, 0x4002_7000, u32::MAX]
    {
        let mut rig = Rig::asked(config());
        rig.start_in(BusAddress::new(address), 8);
        assert_eq!(rig.rules(), [Rule::PointerOutsideRam], "{address:#010x}");
    }
}

#[test]
fn pointer_into_ram_that_nobody_lent_is_not_lent() {
    for address in [0x2000_0000, 0x2001_FFFC, 0x2003_FFF8] {
        let mut rig = Rig::asked(config());
        rig.start_in(BusAddress::new(address), 8);
        assert_eq!(rig.rules(), [Rule::PointerNotLent], "{address:#010x}");
    }
}

#[test]
fn buffer_lent_for_the_other_direction_is_not_lent() {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::DeviceToMemory);
    rig.start_in(address, 8);
    assert_eq!(rig.rules(), [Rule::PointerNotLent]);
}

#[test]
fn transfer_without_bytes_ignores_its_pointer() {
    let mut rig = Rig::asked(config());
    rig.start_in(BusAddress::new(0), 0);
    rig.run_to_end();
    assert_eq!(rig.rules(), []);
    assert_eq!(rig.host(Token::In), Answer::Data { data1: true, packet: Packet::EMPTY });
}

#[test]
fn transfer_that_a_shortcut_starts_is_judged_as_well() {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    rig.run_to_end();
    rig.write(map::epin_ptr(0), 0);
    rig.write(map::shorts(), map::shorts::EP0DATADONE_STARTEPIN0.mask());
    assert_eq!(rig.rules(), []);
    rig.host(Token::In);
    assert_eq!(rig.rules(), [Rule::PointerOutsideRam]);
    assert_eq!(rig.soc.monitor().violations()[0].site, Site::Host { endpoint: 0 });
}

#[test]
fn misuse_of_the_chip_by_a_shortcut_at_the_end_is_judged_as_well() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.write(map::shorts(), map::shorts::ENDEPOUT0_EP0STATUS.mask());
    rig.start_out(address, 64);
    rig.host(Token::Setup(Setup::set_address(5).to_bytes()));
    assert_eq!(rig.rules(), []);
    while rig.soc.engine_is_busy() {
        rig.soc.engine_step();
    }
    assert_eq!(rig.rules(), [Rule::StatusOnSetAddress]);
    assert_eq!(rig.soc.monitor().violations()[0].site, Site::Dma { block: "EPOUT", endpoint: 0, beat: 16 });
}

#[test]
fn cpu_read_in_flight_conflicts_with_an_out_transfer_only() {
    let mut rig = Rig::asked(Config { ram: 8, ..config() });
    let address = rig.soc.allocate(8);
    rig.start_in(address, 8);
    rig.soc.load(address, Location::caller());
    assert_eq!(rig.rules(), []);
    let mut rig = Rig::received(Config { ram: 8, ..config() });
    let address = rig.soc.allocate(8);
    rig.start_out(address, 8);
    rig.soc.load(address, Location::caller());
    assert_eq!(rig.rules(), [Rule::CpuAccessInFlight]);
}

#[test]
fn cpu_access_beside_the_transfer_is_no_misuse() {
    let mut rig = Rig::asked(Config { ram: 16, ..config() });
    let address = rig.soc.allocate(16);
    rig.start_in(address, 8);
    rig.soc.store(BusAddress::new(address.get() + 8), 1, Location::caller());
    assert_eq!(rig.rules(), []);
}

#[test]
fn policy_decides_what_becomes_of_a_violation() {
    for (policy, stops, noted) in
        [(Policy::Stop, true, 1), (Policy::Panic, true, 1), (Policy::Collect, false, 1), (Policy::Silicon, false, 0)]
    {
        let policies = Policies::all(Policy::Collect).with(Rule::UnknownRegister, policy);
        let mut rig = Rig::connected(Config { policies, keep: Keep::Order, ..config() });
        assert_eq!(rig.soc.stop(), None);
        rig.read(0x060);
        assert_eq!(rig.soc.stop().map(|(_, policy)| policy), stops.then_some(policy));
        assert_eq!(rig.rules(), vec![Rule::UnknownRegister; noted], "{policy:?}");
        let entries = rig.soc.trace().entries();
        let is_violation = |record: &Record| *record == Record::Violation(Rule::UnknownRegister);
        assert_eq!(entries.iter().filter(|entry| is_violation(&entry.record)).count(), noted, "{policy:?}");
    }
}
