//! Memory with owners, as the specimens' APIs take it: simulated RAM that is taken, given back, and taken again.
//!
//! A frame of the stack and a block of the heap are alike here: when its owner goes, the next one gets it, and writes
//! what it begins with. To move an array is to copy it: the old place is free then.

use std::cell::Cell;

use super::Serial;
use crate::by_hand::stm32f103::{BUFFER, SECOND};

/// How many bytes each block has.
pub const LENGTH: u32 = 2;

/// Two blocks of memory.
pub struct Heap<'h> {
    hand: &'h Serial,
    taken: [Cell<bool>; 2],
}

/// Where they are.
const BLOCKS: [u32; 2] = [BUFFER, SECOND];

impl<'h> Heap<'h> {
    pub fn new(hand: &'h Serial) -> Self {
        Self { hand, taken: Default::default() }
    }

    /// Takes a block, and clears it.
    #[track_caller]
    pub fn take(&self) -> Array<'_, 'h> {
        let block = self.taken.iter().position(|taken| !taken.replace(true)).expect("two blocks are enough");
        let array = Array { heap: self, block };
        for index in 0..LENGTH {
            self.hand.store(array.address() + index, 0);
        }
        array
    }

    /// Takes a block for ever, as a `&'static mut` has it.
    #[track_caller]
    pub fn take_for_ever(&self) -> Forever {
        let array = self.take();
        let address = array.address();
        std::mem::forget(array);
        Forever(address)
    }

    /// The next function has an array of its own, and keeps something in it.
    #[track_caller]
    pub fn call_another(&self) {
        let array = self.take();
        super::steps::reuse(self.hand, array.address());
    }
}

/// An array: its value is its memory. Given back when it is dropped.
pub struct Array<'a, 'h> {
    heap: &'a Heap<'h>,
    block: usize,
}

impl Array<'_, '_> {
    /// Moves the array: into the frame of a caller, say.
    #[track_caller]
    pub fn moved(self) -> Self {
        let to = self.heap.take();
        for index in 0..LENGTH {
            self.heap.hand.store(to.address() + index, self.heap.hand.load(self.address() + index));
        }
        to
    }
}

impl Drop for Array<'_, '_> {
    fn drop(&mut self) {
        self.heap.taken[self.block].set(false);
    }
}

/// A pointer to an array that nobody gives back.
pub struct Forever(u32);

/// What can be asked where its bytes are: safe to implement, as `AsMutSlice` is.
pub trait Slice {
    /// The address. Who answers may answer anything.
    fn address(&mut self) -> u32;
}

impl Array<'_, '_> {
    pub fn address(&self) -> u32 {
        BLOCKS[self.block]
    }
}

impl Slice for Array<'_, '_> {
    fn address(&mut self) -> u32 {
        BLOCKS[self.block]
    }
}

impl Slice for &mut Array<'_, '_> {
    fn address(&mut self) -> u32 {
        BLOCKS[self.block]
    }
}

impl Slice for Forever {
    fn address(&mut self) -> u32 {
        self.0
    }
}
