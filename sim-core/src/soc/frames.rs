//! A firmware in the chip's own RAM, which knows the chip's addresses.

use super::*;
use crate::device::usbd::offset_of;
use crate::explore::by_address::check_frame_lives;
use crate::memory::RAM;

impl Soc {
    /// The firmware is in RAM, and its frames are what the DMA reaches.
    ///
    /// # Panics
    ///
    /// If there is simulated RAM, which would be at the same addresses, or a cache, which would be in between.
    pub(crate) fn move_into_ram(&mut self) {
        let is_free = self.memory.load(BusAddress::new(RAM)).is_none();
        assert!(is_free && self.cache.is_none(), "a firmware in RAM has neither simulated RAM nor a cache");
        *self.memory.frames_mut() = Some(Default::default());
    }

    /// The firmware has left RAM: its frames are gone.
    pub(crate) fn move_out_of_ram(&mut self, line: Line) {
        self.at_stack(u32::MAX, line);
        self.memory.frames_mut().take();
    }

    /// The firmware's stack ends here. A transfer into a frame that is gone loses its memory.
    #[inline]
    pub(crate) fn at_stack(&mut self, stack_pointer: u32, line: Line) {
        let Some(frames) = self.memory.frames_mut() else {
            return;
        };
        frames.set_stack_pointer(stack_pointer);
        let Some(copy) = self.copy.as_mut().filter(|copy| !copy.is_blind()) else {
            return;
        };
        let range = copy.range();
        // One of no bytes has no memory either: it is blind.
        if frames.dead(&range).is_some() {
            copy.revoke();
            let misuse = check_frame_lives(range, stack_pointer);
            self.report(Some(misuse), Site::Cpu(line));
        }
    }

    /// A handler's frames begin at `top`.
    pub(crate) fn enter_frame(&mut self, top: u32) {
        if let Some(frames) = self.memory.frames_mut() {
            frames.enter(top);
        }
    }

    /// It has returned.
    pub(crate) fn leave_frame(&mut self) {
        if let Some(frames) = self.memory.frames_mut() {
            frames.leave();
        }
    }

    /// Whether this simulator has a register in the word at `address`, or says what it is instead
    /// ([`Rule::UnknownRegister`]).
    pub(crate) fn has_register(&self, address: u32) -> bool {
        if self.stm32f103.is_some() {
            return self.place_of(address).is_some();
        }
        offset_of(address).is_some() || power::offset_of(address).is_some() || self.usbd.peek(address).is_some()
    }
}
