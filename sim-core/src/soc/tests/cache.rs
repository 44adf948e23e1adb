//! A data cache between CPU and DMA: each rule broken and kept, on simulated RAM.

use super::*;
use crate::memory::cache::{DataCache, LineSize, Operation, Whim};
use crate::monitor::tests::Driver;

/// The first line of simulated RAM.
const RAM: BusAddress = BusAddress::new(crate::memory::RAM);
const LINE: u32 = LineSize::CORTEX_M7.bytes();

fn with_cache() -> Config {
    Config { cache: Some(DataCache::CORTEX_M7), ram: 128, ..config() }
}

fn at(offset: u32) -> BusAddress {
    BusAddress::new(RAM.get() + offset)
}

impl Rig {
    /// With 128 bytes of simulated RAM, and a packet of 64 times 0x11 that waits.
    fn receiving() -> Self {
        let mut rig = Self::received(with_cache());
        rig.soc.allocate(128);
        rig
    }

    #[track_caller]
    fn store(&mut self, offset: u32, value: u8) {
        self.soc.store(at(offset), value, Location::caller());
    }

    #[track_caller]
    fn load(&mut self, offset: u32) -> u8 {
        self.soc.load(at(offset), Location::caller())
    }

    /// Receives the packet, and passes the fence.
    fn receive_at(&mut self, offset: u32) {
        self.start_out(at(offset), 64);
        self.run_to_end();
        self.soc.acquire_fence();
    }
}

pub(crate) fn cache_not_cleaned(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::asked(with_cache());
    rig.soc.allocate(128);
    rig.store(0, 7);
    if driver == Driver::Right {
        rig.soc.maintain(RAM, 4, Operation::Clean);
    }
    rig.soc.release_fence();
    rig.start_in(RAM, 4);
    rig.run_to_end();
    rig.rules()
}

pub(crate) fn cache_not_invalidated(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::receiving();
    rig.load(0);
    rig.soc.release_fence();
    rig.receive_at(0);
    if driver == Driver::Right {
        rig.soc.maintain(RAM, 64, Operation::Invalidate);
    }
    rig.load(0);
    rig.rules()
}

/// The neighbour is in the same line, or in the one before.
pub(crate) fn cache_line_shared(driver: Driver) -> Vec<Rule> {
    let mut rig = Rig::receiving();
    rig.soc.release_fence();
    let buffer = if driver == Driver::Wrong { 4 } else { LINE };
    rig.receive_at(buffer);
    rig.store(0, 7);
    rig.soc.maintain(at(buffer), 64, Operation::Invalidate);
    rig.rules()
}

#[test]
fn dma_reads_what_was_cleaned_and_not_what_was_stored() {
    assert_eq!(cache_not_cleaned(Driver::Wrong), [Rule::CacheNotCleaned]);
    assert_eq!(cache_not_cleaned(Driver::Right), []);
    for (operation, sent) in [(None, 0), (Some(Operation::Clean), 7), (Some(Operation::CleanInvalidate), 7)] {
        let mut rig = Rig::asked(with_cache());
        rig.soc.allocate(128);
        rig.store(1, 7);
        if let Some(operation) = operation {
            rig.soc.maintain(at(1), 1, operation);
        }
        rig.soc.release_fence();
        rig.start_in(RAM, 4);
        rig.run_to_end();
        let packet = Packet::new(&[0, sent, 0, 0]);
        assert_eq!(rig.host(Token::In), Answer::Data { data1: true, packet }, "{operation:?}");
    }
}

#[test]
fn line_that_goes_back_in_time_is_as_good_as_cleaned() {
    let mut rig = Rig::asked(with_cache());
    rig.soc.allocate(128);
    rig.store(0, 7);
    rig.soc.release_fence();
    rig.start_in(RAM, 4);
    assert_eq!(rig.soc.whims(), [Whim::WriteBack(RAM.get())]);
    rig.soc.have_whim(Whim::WriteBack(RAM.get()));
    rig.run_to_end();
    assert_eq!((rig.rules(), rig.soc.whims()), (vec![], vec![]));
}

#[test]
fn cpu_finds_what_was_read_ahead_unless_it_is_invalidated_after_the_end() {
    assert_eq!(cache_not_invalidated(Driver::Wrong), [Rule::CacheNotInvalidated]);
    assert_eq!(cache_not_invalidated(Driver::Right), []);
    for (is_read_ahead, invalidates, found) in
        [(true, false, 0), (true, true, 0x11), (false, false, 0x11), (false, true, 0x11)]
    {
        let mut rig = Rig::receiving();
        rig.soc.release_fence();
        rig.start_out(RAM, 64);
        assert_eq!(rig.soc.whims(), [Whim::ReadAhead(RAM.get()), Whim::ReadAhead(RAM.get() + LINE)]);
        if is_read_ahead {
            rig.soc.have_whim(Whim::ReadAhead(RAM.get()));
        }
        rig.run_to_end();
        rig.soc.acquire_fence();
        if invalidates {
            rig.soc.maintain(RAM, 64, Operation::Invalidate);
        }
        assert_eq!(rig.load(3), found, "{is_read_ahead} {invalidates}");
        let expected = if found == 0 { vec![Rule::CacheNotInvalidated] } else { vec![] };
        assert_eq!(rig.rules(), expected);
    }
}

#[test]
fn dirty_line_that_goes_back_costs_what_the_dma_has_written() {
    for invalidates in [false, true] {
        let mut rig = Rig::receiving();
        rig.store(0, 7);
        if invalidates {
            rig.soc.maintain(RAM, 64, Operation::Invalidate);
        }
        rig.soc.release_fence();
        rig.start_out(RAM, 64);
        rig.soc.engine_step();
        rig.soc.engine_step();
        let whims = rig.soc.whims();
        rig.soc.have_whim(whims[0]);
        let expected = if invalidates { Whim::ReadAhead(RAM.get()) } else { Whim::WriteBack(RAM.get()) };
        assert_eq!(whims[0], expected);
        rig.run_to_end();
        rig.soc.acquire_fence();
        rig.soc.maintain(RAM, 64, Operation::Invalidate);
        let received: Vec<u8> = [0, 4, 8].map(|offset| rig.load(offset)).to_vec();
        if invalidates {
            assert_eq!((rig.rules(), received), (vec![], vec![0x11; 3]));
        } else {
            assert_eq!((rig.rules(), received), (vec![Rule::CacheNotInvalidated], vec![7, 0, 0x11]));
            let violation = &rig.soc.monitor().violations()[0];
            assert_eq!(violation.misuse.range, Some(RAM.get()..RAM.get() + 8), "two words");
            assert_eq!(violation.site, Site::Cache { line: RAM.get() });
            assert!(matches!(violation.misuse.other, Some(Site::Dma { beat: 1, .. })), "{violation}");
        }
    }
}

#[test]
fn neighbour_in_a_line_loses_its_store_or_costs_the_buffer_its_bytes() {
    assert_eq!(cache_line_shared(Driver::Wrong), [Rule::CacheLineShared]);
    assert_eq!(cache_line_shared(Driver::Right), []);
    for (operation, neighbour, received) in
        [(Operation::Invalidate, 0, 0x11), (Operation::CleanInvalidate, 7, 0), (Operation::Clean, 7, 0)]
    {
        let mut rig = Rig::receiving();
        rig.load(0);
        rig.soc.release_fence();
        rig.receive_at(4);
        rig.store(0, 7);
        rig.soc.maintain(at(4), 64, operation);
        assert_eq!(rig.rules(), [Rule::CacheLineShared], "{operation}");
        assert_eq!([rig.load(0), rig.load(4)], [neighbour, received], "{operation}");
    }
}

#[test]
fn store_to_a_neighbour_in_flight_sends_the_line_back_over_the_packet() {
    let mut rig = Rig::receiving();
    rig.soc.release_fence();
    rig.start_out(at(4), 64);
    rig.store(0, 7);
    rig.soc.engine_step();
    rig.soc.have_whim(Whim::WriteBack(RAM.get()));
    assert_eq!(rig.rules(), [Rule::CacheLineShared]);
}

#[test]
fn maintenance_is_of_whole_lines_and_of_no_others() {
    let mut rig = Rig::receiving();
    for offset in [0, LINE - 1, LINE, 2 * LINE] {
        rig.store(offset, 9);
    }
    rig.soc.maintain(at(LINE - 1), 2, Operation::Clean);
    rig.soc.maintain(at(2 * LINE), 0, Operation::Clean);
    let memory = [0, LINE - 1, LINE, 2 * LINE].map(|offset| rig.soc.memory.load(at(offset)));
    assert_eq!(memory, [Some(9), Some(9), Some(9), Some(0)], "the last was not named");
    let cpu = [0, LINE - 1, LINE, 2 * LINE].map(|offset| rig.load(offset));
    assert_eq!(cpu, [9; 4], "the CPU finds all that it has stored");
    rig.soc.maintain(at(2 * LINE), 1, Operation::Invalidate);
    assert_eq!(rig.load(2 * LINE), 0, "its own store, given up by itself");
    assert_eq!(rig.rules(), []);
}

const READ: Direction = Direction::MemoryToDevice;
const WRITTEN: Direction = Direction::DeviceToMemory;

/// Lends regions one behind the other, the first so far into a line.
fn lent(offset: usize, regions: &[(usize, Direction)]) -> Vec<Rule> {
    #[repr(align(32))]
    struct Lines([u8; 128]);
    let mut lines = Lines([0; 128]);
    let mut rig = Rig::connected(with_cache());
    let mut pointer = lines.0.as_mut_ptr().wrapping_add(offset);
    for &(length, direction) in regions {
        // SAFETY:
        // - The region is part of `lines`, which outlives the system; nobody uses it, and no transfer is started.
        unsafe { rig.soc.release(Region { pointer, length, direction }, Location::caller()) };
        pointer = pointer.wrapping_add(length);
    }
    rig.rules()
}

#[test]
fn buffer_that_the_dma_writes_begins_with_a_line_and_shares_none_with_another_that_is_lent() {
    assert_eq!(lent(0, &[(64, WRITTEN)]), []);
    assert_eq!(lent(0, &[(40, WRITTEN)]), [], "what follows may be its own");
    assert_eq!(lent(1, &[(63, WRITTEN)]), [Rule::CacheLineShared]);
    assert_eq!(lent(1, &[(63, READ), (32, READ)]), [], "the DMA only reads");
    assert_eq!(lent(0, &[(40, WRITTEN), (24, READ)]), [Rule::CacheLineShared]);
    assert_eq!(lent(0, &[(40, READ), (24, WRITTEN)]), [Rule::CacheLineShared]);
    for directions in [[READ, WRITTEN], [WRITTEN, READ], [WRITTEN, WRITTEN]] {
        assert_eq!(lent(0, &[(32, directions[0]), (40, directions[1])]), [], "{directions:?}");
    }
}

#[test]
fn line_is_a_power_of_two_and_64_bytes_at_most() {
    let sizes = [0, 1, 2, 3, 32, 64, 65, 128].map(|bytes| LineSize::new(bytes).map(LineSize::bytes));
    assert_eq!(sizes, [None, Some(1), Some(2), None, Some(32), Some(64), None, None]);
}
