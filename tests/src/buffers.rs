//! Buffers of a case: each between two red zones, with a note of what is in it while the CPU has it.
//!
//! A transfer takes a buffer by value, so a slot is empty while the DMA has it. What the CPU has must stay as the CPU
//! has left it, and the zones must stay as they are, always: both are plain memory, which no board watches.
//!
//! A buffer that is dropped with a transfer, or forgotten, does not come back. Its zones are kept, and looked at in the
//! end as well.

use std::cell::RefCell;

/// Memory for a transfer.
pub type Buffer = &'static mut [u8];

/// How many bytes a red zone has. A multiple of 4: a buffer is aligned as the whole is.
const ZONE: usize = 8;

thread_local! {
    static WHOLE: RefCell<Vec<Buffers>> = const { RefCell::new(Vec::new()) };
}

/// A buffer's place.
#[derive(Debug)]
struct Slot {
    length: usize,
    zones: [Buffer; 2],
    /// `None` while a transfer has it, and once it is lost.
    buffer: Option<Buffer>,
    address: usize,
    /// What the CPU has left in it.
    left: Vec<u8>,
}

impl Slot {
    fn new(length: usize) -> Self {
        let whole = Box::leak(vec![0; length + 2 * ZONE].into_boxed_slice());
        let (before, rest) = whole.split_at_mut(ZONE);
        let (buffer, after) = rest.split_at_mut(length);
        for (zone, first) in [&mut *before, &mut *after].into_iter().zip([0xA0, 0xB0]) {
            zone.iter_mut().zip(first..).for_each(|(byte, due)| *byte = due);
        }
        let address = buffer.as_ptr().addr();
        Self { length, zones: [before, after], buffer: Some(buffer), address, left: vec![0; length] }
    }

    fn assert_zones(&self) {
        for (zone, first) in self.zones.iter().zip([0xA0_u8, 0xB0]) {
            let is_intact = zone.iter().zip(first..).all(|(&byte, due)| byte == due);
            assert!(is_intact, "a red zone of a buffer of {} bytes was written: {zone:x?}", self.length);
        }
    }

    fn assert_left(&self) {
        if let Some(buffer) = &self.buffer {
            assert_eq!(**buffer, self.left, "a buffer that the CPU has was written by somebody else");
        }
    }
}

/// The buffers of a case.
#[derive(Debug)]
pub struct Buffers {
    slots: Vec<Slot>,
    /// Slots whose buffers are lost.
    lost: Vec<Slot>,
}

impl Buffers {
    /// Buffers of these lengths.
    pub fn new(lengths: &[usize]) -> Self {
        let is_such = |buffers: &Self| buffers.slots.iter().map(|slot| slot.length).eq(lengths.iter().copied());
        let used = WHOLE.with_borrow_mut(|kept| {
            let index = kept.iter().position(is_such)?;
            Some(kept.swap_remove(index))
        });
        used.unwrap_or_else(|| Self { slots: lengths.iter().copied().map(Slot::new).collect(), lost: Vec::new() })
    }

    /// A buffer for a transfer, filled by `fill`.
    ///
    /// # Panics
    ///
    /// If it is not here, or somebody else has written to it.
    pub fn take(&mut self, slot: usize, fill: impl FnOnce(&mut [u8])) -> Buffer {
        let slot = &mut self.slots[slot];
        slot.assert_left();
        let buffer = slot.buffer.take().expect("the reference says that the CPU has it");
        fill(buffer);
        buffer
    }

    /// Whether the CPU has the buffer of this slot.
    pub fn has(&self, slot: usize) -> bool {
        self.slots[slot].buffer.is_some()
    }

    /// Writes the byte behind a buffer, as a DMA would that goes too far: a twin's.
    pub fn write_behind(&mut self, slot: usize) {
        let [_, after] = &mut self.slots[slot].zones;
        after[0] ^= 0xFF;
    }

    /// Writes a byte of a buffer, if the CPU has it, as somebody else would: a twin's.
    pub fn write_unseen(&mut self, slot: usize) {
        if let Some(buffer) = &mut self.slots[slot].buffer {
            buffer[0] ^= 0xFF;
        }
    }

    /// A buffer that a transfer has given back.
    ///
    /// # Panics
    ///
    /// If it is another.
    pub fn put(&mut self, slot: usize, buffer: Buffer) {
        let slot = &mut self.slots[slot];
        assert_eq!((buffer.as_ptr().addr(), buffer.len()), (slot.address, slot.length), "another buffer came back");
        slot.left = buffer.to_vec();
        slot.buffer = Some(buffer);
        slot.assert_zones();
    }

    /// The CPU reads a buffer that it has, and writes to it.
    ///
    /// # Panics
    ///
    /// If it is not here, or somebody else has written to it.
    pub fn access(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        slot.assert_left();
        let buffer = slot.buffer.as_mut().expect("the reference says that the CPU has it");
        buffer.iter_mut().for_each(|byte| *byte = byte.wrapping_add(0x55));
        slot.left = buffer.to_vec();
    }

    /// Others in place of those that are lost.
    pub fn renew(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.buffer.is_none()) {
            let fresh = Slot::new(slot.length);
            self.lost.push(std::mem::replace(slot, fresh));
        }
    }

    /// Looks at all of them, once more, and puts them away.
    ///
    /// # Panics
    ///
    /// If somebody has written where nobody may.
    pub fn put_away(mut self) {
        for slot in self.slots.iter().chain(&self.lost) {
            slot.assert_zones();
            slot.assert_left();
        }
        self.lost.clear();
        if self.slots.iter().all(|slot| slot.buffer.is_some()) {
            WHOLE.with_borrow_mut(|kept| kept.push(self));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_that_the_cpu_has_is_seen_to_stay_as_it_is() {
        let mut buffers = Buffers::new(&[2, 3]);
        let buffer = buffers.take(1, |bytes| bytes.fill(7));
        buffers.put(1, buffer);
        buffers.access(1);
        buffers.renew();
        buffers.put_away();
    }

    #[test]
    #[should_panic(expected = "a buffer that the CPU has was written by somebody else")]
    fn write_by_somebody_else_is_found() {
        let mut buffers = Buffers::new(&[4]);
        buffers.slots[0].buffer.as_mut().expect("it is here")[3] = 1;
        buffers.access(0);
    }

    #[test]
    #[should_panic(expected = "a red zone of a buffer of 5 bytes was written")]
    fn write_beside_a_buffer_is_found() {
        let mut buffers = Buffers::new(&[5]);
        let _lost = buffers.take(0, |_| ());
        buffers.slots[0].zones[1][0] = 1;
        buffers.renew();
        buffers.put_away();
    }

    #[test]
    #[should_panic(expected = "another buffer came back")]
    fn buffer_of_another_slot_is_found() {
        let mut buffers = Buffers::new(&[6, 6]);
        let buffer = buffers.take(0, |_| ());
        buffers.put(1, buffer);
    }
}
