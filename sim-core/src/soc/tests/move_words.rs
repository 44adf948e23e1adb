//! Words that are moved at once leave what words that are moved one by one leave.

use super::*;
use crate::machine::{Machine, Strength};

/// A transfer of `length` bytes that begins `offset` bytes into the buffer, with `steps` steps done.
fn under_way(config: Config, direction: Direction, [offset, length, steps]: [u32; 3]) -> Rig {
    let begin = if direction == Direction::MemoryToDevice { Rig::asked } else { Rig::received };
    let mut rig = begin(config);
    let address = BusAddress::new(rig.release(BUFFER, direction).get() + offset);
    match direction {
        Direction::MemoryToDevice => rig.start_in(address, length),
        Direction::DeviceToMemory => rig.start_out(address, length),
    }
    (0..steps).for_each(|_| rig.soc.engine_step());
    rig
}

/// All that the future depends on, what was found, and the buffer.
fn left(rig: &mut Rig) -> (u64, Vec<Violation>, Vec<u8>) {
    rig.run_to_end();
    let violations = rig.soc.monitor().violations().to_vec();
    (hash(&rig.soc), violations, rig.buffer().to_vec())
}

/// How many words are moved at once in such a transfer, which is then as if they were moved one by one.
#[track_caller]
fn moved(config: Config, direction: Direction, shape: [u32; 3]) -> usize {
    let mut one_by_one = under_way(config, direction, shape);
    let mut at_once = under_way(config, direction, shape);
    let moved = at_once.soc.move_words();
    assert!(moved == 0 || at_once.soc.words_left() == 0);
    assert_eq!(left(&mut at_once), left(&mut one_by_one), "{direction:?} {shape:?}");
    moved
}

#[test]
fn words_moved_at_once_leave_what_words_moved_one_by_one_leave() {
    for direction in [Direction::MemoryToDevice, Direction::DeviceToMemory] {
        for (shape, words) in [
            ([0, 64, 0], 16),
            ([0, 64, 5], 11),
            ([0, 64, 16], 0),
            ([8, 7, 0], 2),
            ([8, 7, 1], 1),
            ([60, 1, 0], 1),
            ([0, 0, 0], 0),
        ] {
            assert_eq!(moved(config(), direction, shape), words, "{direction:?} {shape:?}");
        }
    }
}

#[test]
fn words_are_not_moved_at_once_where_each_is_seen() {
    let no_fence = Fences { machine: Machine::CortexM4, start: Strength::None, end: Strength::None };
    for direction in [Direction::MemoryToDevice, Direction::DeviceToMemory] {
        let race = Config { fences: no_fence, ..config() };
        assert_eq!(moved(race, direction, [0, 64, 0]), 0, "each beat is a race");
        let kept = Config { keep: Keep::Order, ..config() };
        assert_eq!(moved(kept, direction, [0, 64, 0]), 0, "each beat is kept");
        assert_eq!(moved(config(), direction, [1, 8, 0]), 0, "a beat is a part of two words");
        assert_eq!(moved(config(), direction, [32, 64, 0]), 0, "it leaves what was lent: no memory, no access");
    }
}
