//! Firmware that is in the chip's RAM itself: its frames are what the DMA reaches.
//!
//! Nothing is lent there, so nobody says which bytes are the DMA's. They are any byte of the firmware's frames, as on
//! the chip; but not what is below the stack pointer, nor the simulator's own frames, which lie between those of the
//! main program and those of an interrupt handler.

use std::ops::Range;

use super::{Bytes, Fault, View};

/// The frames of the firmware, from the stack pointer to the end of RAM.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    stack_pointer: u32,
    /// The simulator's frames, one range for each handler that runs.
    simulator: Vec<Range<u32>>,
}

/// What the firmware does.
#[cfg(any(test, all(target_os = "linux", target_arch = "x86_64")))]
impl Frames {
    /// The firmware makes an access, from here.
    pub fn set_stack_pointer(&mut self, stack_pointer: u32) {
        self.stack_pointer = stack_pointer;
    }

    /// A handler's frames begin at `top`.
    pub fn enter(&mut self, top: u32) {
        self.simulator.push(top.min(self.stack_pointer)..self.stack_pointer);
        self.stack_pointer = top;
    }

    /// It has returned.
    pub fn leave(&mut self) {
        if let Some(frames) = self.simulator.pop() {
            self.stack_pointer = frames.end;
        }
    }
}

impl Frames {
    /// The first byte of `range` that is in no frame of the firmware.
    pub fn dead(&self, range: &Range<u32>) -> Option<u32> {
        let below = (range.start < self.stack_pointer).then_some(range.start);
        let meets = |frames: &&Range<u32>| range.start < frames.end && frames.start < range.end;
        let between = || self.simulator.iter().find(meets).map(|frames| range.start.max(frames.start));
        below.or_else(between)
    }

    /// What the DMA needs to move the bytes of `range`, which is in RAM.
    pub fn view(&self, range: Range<u32>) -> Result<View, Fault> {
        if let Some(dead) = self.dead(&range) {
            return Err(Fault::DeadFrame(dead));
        }
        // The firmware has said where, and only where. What it is in was mapped for it (`explore::by_address`).
        let pointer = std::ptr::with_exposed_provenance_mut(range.start as usize);
        Ok(View(Bytes::Host { pointer, length: range.len() }))
    }
}

impl super::Memory {
    /// The frames of a firmware that is in RAM, if one is.
    pub(crate) fn frames_mut(&mut self) -> &mut Option<Frames> {
        &mut self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_stack_pointer_is_dead_and_the_rest_is_not() {
        let mut frames = Frames::default();
        frames.set_stack_pointer(0x2003_FF00);
        assert_eq!(frames.dead(&(0x2003_FF00..0x2003_FF40)), None);
        assert_eq!(frames.dead(&(0x2003_FEFF..0x2003_FF40)), Some(0x2003_FEFF));
    }

    #[test]
    fn simulator_between_main_program_and_handler_is_out_of_reach() {
        let mut frames = Frames::default();
        frames.set_stack_pointer(0x2003_FF00);
        frames.enter(0x2003_F000);
        frames.set_stack_pointer(0x2003_E000);
        for (alive, range) in [(true, 0x2003_FF00..0x2003_FF40), (true, 0x2003_E000..0x2003_F000)] {
            assert_eq!(frames.dead(&range).is_none(), alive, "{range:#x?}");
        }
        assert_eq!(frames.dead(&(0x2003_EFFC..0x2003_F004)), Some(0x2003_F000));
        assert_eq!(frames.dead(&(0x2003_FE00..0x2003_FF04)), Some(0x2003_FE00));
        frames.leave();
        assert_eq!(frames.stack_pointer, 0x2003_FF00);
        assert_eq!(frames.dead(&(0x2003_E000..0x2003_F000)), Some(0x2003_E000));
    }
}
