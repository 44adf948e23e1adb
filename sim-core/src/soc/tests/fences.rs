//! Which fences order CPU and DMA, on which machine.

use super::*;
use crate::device::usbd::EndOnReset;
use crate::machine::{Machine, Strength};
use crate::monitor::Violation;

/// Two packets from one buffer, one after the other.
fn two_packets_in(fences: Fences) -> Rig {
    let mut rig = Rig::asked(Config { fences, ..config() });
    for _ in 0..2 {
        let address = rig.release(8, Direction::MemoryToDevice);
        rig.write(map::events_endepin(0), 0);
        rig.start_in(address, 8);
        rig.run_to_end();
        rig.acquire(8, Direction::MemoryToDevice);
        rig.host(Token::In);
    }
    rig
}

/// One packet into the buffer.
fn packet_out(fences: Fences) -> Rig {
    let mut rig = Rig::received(Config { fences, ..config() });
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.run_to_end();
    rig.acquire(BUFFER, Direction::DeviceToMemory);
    rig
}

fn races(rig: &Rig) -> impl Iterator<Item = &Violation> {
    assert!(rig.rules().iter().all(|rule| *rule == Rule::Race), "{:?}", rig.rules());
    rig.soc.monitor().violations().iter()
}

#[test]
fn missing_release_is_a_race_of_the_dma_and_missing_acquire_one_of_the_cpu() {
    for fences in Fences::all() {
        for rig in [two_packets_in(fences), packet_out(fences)] {
            let of_the_dma = races(&rig).any(|race| matches!(race.site, Site::Dma { .. }));
            let of_the_cpu = races(&rig).any(|race| matches!(race.site, Site::Cpu(_)));
            assert_eq!(of_the_dma, !fences.machine.honours(fences.start), "{fences:?}");
            assert_eq!(of_the_cpu, !fences.machine.honours(fences.end), "{fences:?}");
        }
    }
}

#[test]
fn fences_that_suffice_raise_nothing_on_any_machine() {
    for machine in Machine::ALL {
        assert_eq!(two_packets_in(Fences::right(machine)).rules(), [], "{machine}");
        assert_eq!(packet_out(Fences::right(machine)).rules(), [], "{machine}");
    }
}

#[test]
fn race_names_both_sites() {
    let fences = Fences { start: Strength::None, ..Fences::default() };
    let mut rig = Rig::asked(Config { fences, ..config() });
    let line = line!() + 1;
    let address = rig.release(4, Direction::MemoryToDevice);
    rig.start_in(address, 4);
    rig.run_to_end();
    let [race] = rig.soc.monitor().violations() else { panic!("one beat, one race") };
    assert_eq!(race.site, Site::Dma { block: "EPIN", endpoint: 0, beat: 0 });
    assert!(matches!(race.misuse.other, Some(Site::Cpu(other)) if other.line() == line && other.file() == file!()));
    assert_eq!(race.misuse.range, Some(address.get()..address.get() + 4));
}

#[test]
fn acquire_without_a_look_at_the_end_is_a_race() {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    while rig.soc.engine_is_busy() {
        rig.soc.engine_step();
    }
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), [Rule::Race]);
}

#[test]
fn fence_of_a_program_orders_its_simulated_ram() {
    for (start, end, expected) in [
        (Strength::Compiler, Strength::Compiler, vec![]),
        (Strength::None, Strength::Compiler, vec![Rule::Race]),
        (Strength::Compiler, Strength::None, vec![Rule::Race]),
    ] {
        let fences = Fences { machine: Machine::CortexM4, start, end };
        let mut rig = Rig::asked(Config { fences, ram: 4, ..config() });
        let address = rig.soc.allocate(4);
        rig.soc.store(address, 1, Location::caller());
        rig.soc.release_fence();
        rig.start_in(address, 4);
        rig.run_to_end();
        rig.soc.acquire_fence();
        rig.soc.store(address, 2, Location::caller());
        assert_eq!(rig.rules(), expected, "{fences:?}");
    }
}

/// A transfer that a bus reset has caught after a beat, on a chip where it then never ends.
fn given_up(end: Strength) -> Rig {
    let options = Options { end_on_reset: EndOnReset::Never, ..Options::ideal() };
    let mut rig = Rig::asked(Config { options, fences: Fences { end, ..Fences::default() }, ..config() });
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    rig.soc.engine_step();
    rig.soc.bus_reset();
    rig
}

#[test]
fn transfer_given_up_by_the_chip_is_over_for_who_sees_it_and_acquires() {
    let mut rig = given_up(Strength::Compiler);
    rig.read(map::events_usbreset());
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), []);
}

#[test]
fn transfer_given_up_by_the_chip_is_a_race_without_the_acquire_or_the_look() {
    let mut rig = given_up(Strength::None);
    rig.read(map::events_usbreset());
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), [Rule::Race]);
    let mut rig = given_up(Strength::Compiler);
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), [Rule::Race]);
}

#[test]
fn copy_taken_out_of_a_transfer_given_up_is_over_when_it_ends() {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    let mut copy = rig.soc.take_copy().expect("a transfer runs");
    while let Some(beat) = copy.next() {
        let bytes = copy.step();
        rig.soc.note_beat(beat, bytes, false);
    }
    rig.write(map::enable(), 0);
    rig.soc.end_copy(&copy);
    rig.read(map::enable());
    rig.acquire(8, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), [Rule::PowerDownDuringTransfer]);
}
