//! Writes that take effect later, and words that land later than their flag.

use dma_api::nrf52840::power::map as power_map;

use super::*;
use crate::machine::Strength;
use crate::monitor::ownership::BEAT;
use crate::quirks::{Completion, Quirks, Writes};

/// The queue of USBD's writes.
const USBD: u8 = 0;

/// EasyDMA's place among the controllers.
const EASYDMA: u8 = 0;

const LENGTH: usize = 8;

fn posting() -> Config {
    Config { quirks: Quirks::POSTED, ..config() }
}

fn early(completion: Completion) -> Config {
    Config { quirks: Quirks { completion, writes: Writes::AtOnce }, ..config() }
}

impl Rig {
    #[track_caller]
    fn post(&mut self, offset: u16, value: u32) {
        let address = crate::device::usbd::address_of(offset);
        assert!(self.soc.post(address, value, Location::caller()), "it is posted");
    }

    /// A packet of eight 0x11 to the buffer, up to END.
    fn end_early(completion: Completion) -> Self {
        let mut rig = Self::received(early(completion));
        let address = rig.release(LENGTH, Direction::DeviceToMemory);
        rig.start_out(address, 8);
        while rig.soc.engine_is_busy() {
            rig.soc.engine_step();
        }
        rig
    }
}

#[test]
fn posted_writes_take_effect_in_order_and_not_before() {
    let mut rig = Rig::connected(posting());
    for value in [1, 2] {
        rig.post(map::epin_ptr(1), value);
    }
    let mut seen = vec![rig.soc.usbd().clone().read(map::epin_ptr(1))];
    for _ in 0..2 {
        rig.soc.take_effect(USBD);
        seen.push(rig.soc.usbd().clone().read(map::epin_ptr(1)));
    }
    assert_eq!(seen, [0, 1, 2]);
    assert_eq!(rig.soc.posted().count(), 0);
}

#[test]
fn read_of_a_peripheral_comes_after_the_writes_to_it_and_to_no_other() {
    let mut rig = Rig::connected(posting());
    rig.post(map::epin_ptr(1), 3);
    let line = Location::caller();
    let power = u32::try_from(power_map::BASE).expect("32 bits") + u32::from(power_map::intenset());
    assert!(rig.soc.post(power, 0, line));
    assert_eq!(rig.read(map::epin_ptr(1)), 3);
    assert_eq!(rig.soc.posted().collect::<Vec<_>>(), [1], "POWER's is still on its way");
}

#[test]
fn posted_write_carries_what_was_released_when_it_was_issued() {
    for (is_late, expected) in [(false, vec![]), (true, vec![Rule::Race])] {
        // The fence of `release` is none; the driver's own comes before START, or too late.
        let fences = Fences { start: Strength::None, ..Fences::default() };
        let mut rig = Rig::asked(Config { fences, ..posting() });
        let address = rig.release(LENGTH, Direction::MemoryToDevice);
        let fence = |rig: &mut Rig| rig.soc.ownership.release_fence();
        if !is_late {
            fence(&mut rig);
        }
        rig.post(map::epin_ptr(0), address.get());
        rig.post(map::epin_maxcnt(0), 4);
        rig.post(map::tasks_startepin(0), 1);
        fence(&mut rig);
        assert!(!rig.soc.engine_is_busy(), "nothing was started");
        (0..3).for_each(|_| rig.soc.take_effect(USBD));
        rig.run_to_end();
        assert_eq!(rig.rules(), expected, "late: {is_late}");
    }
}

#[test]
fn word_that_a_flag_tells_of_lands_later() {
    let mut rig = Rig::end_early(Completion::BeforeData);
    assert_eq!(rig.soc.usbd().clone().read(map::events_endepout(0)), 1);
    assert_eq!(rig.soc.usbd().clone().read(map::epout_amount(0)), 8);
    assert_eq!(rig.buffer()[..LENGTH], [0x11, 0x11, 0x11, 0x11, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED]);
    rig.soc.land(EASYDMA);
    rig.read(map::events_endepout(0));
    rig.acquire(LENGTH, Direction::DeviceToMemory);
    assert_eq!(rig.buffer()[..LENGTH], [0x11; LENGTH]);
    assert_eq!(rig.rules(), []);
}

#[test]
fn memory_that_is_taken_back_before_its_last_word_is_reported_and_stays() {
    let mut rig = Rig::end_early(Completion::BeforeData);
    rig.read(map::events_endepout(0));
    rig.acquire(LENGTH, Direction::DeviceToMemory);
    rig.soc.land(EASYDMA);
    assert_eq!(rig.buffer()[4..LENGTH], [UNTOUCHED; BEAT as usize]);
    assert_eq!(rig.rules(), [Rule::AcquiredInFlight]);
    let what = &rig.soc.monitor().violations()[0].misuse.what;
    assert!(what.contains("flags come early"), "{what}");
}

/// The flag itself and AMOUNT push nothing; other registers do, if the device is one of those.
#[test]
fn word_is_pushed_by_a_read_that_does_not_tell_of_the_end() {
    for (completion, pushes) in [(Completion::BeforeData, false), (Completion::BeforeDataUntilRead, true)] {
        let mut rig = Rig::end_early(completion);
        for offset in [map::events_endepout(0), map::events_ep0datadone(), map::epout_amount(0)] {
            rig.read(offset);
            assert_eq!(rig.soc.late_steps().count(), 1, "{offset:#x}");
        }
        rig.read(map::usbaddr());
        assert_eq!(rig.soc.late_steps().count(), usize::from(!pushes));
        rig.acquire(LENGTH, Direction::DeviceToMemory);
        let expected = if pushes { vec![] } else { vec![Rule::AcquiredInFlight] };
        assert_eq!(rig.rules(), expected);
    }
}

#[test]
fn word_lands_before_the_controllers_next_write() {
    let mut rig = Rig::end_early(Completion::BeforeData);
    // The same packet again, into the same memory.
    let address = rig.soc.usbd().clone().read(map::epout_ptr(0));
    rig.write(map::tasks_ep0rcvout(), 1);
    rig.host(Token::Out { data1: false, packet: Packet::new(&[0x22; 8]) });
    rig.start_out(BusAddress::new(address), 8);
    rig.soc.engine_step();
    assert_eq!(rig.buffer()[..LENGTH], [0x22, 0x22, 0x22, 0x22, 0x11, 0x11, 0x11, 0x11]);
}

#[test]
fn transfer_from_memory_has_nothing_that_comes_late() {
    let mut rig = Rig::asked(early(Completion::BeforeData));
    let address = rig.release(LENGTH, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    rig.run_to_end();
    assert_eq!(rig.soc.late_steps().count(), 0);
    rig.acquire(LENGTH, Direction::MemoryToDevice);
    assert_eq!(rig.rules(), []);
}

#[test]
fn run_that_is_left_loses_what_is_on_its_way() {
    let mut rig = Rig::end_early(Completion::BeforeData);
    rig.soc.quirks.writes = Writes::Posted;
    rig.post(map::epin_ptr(1), 3);
    rig.soc.leave();
    assert_eq!((rig.soc.posted().count(), rig.soc.late_steps().count()), (0, 0));
}
