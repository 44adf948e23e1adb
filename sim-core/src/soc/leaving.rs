//! A run is left: by a violation, or by a program that unwinds.

use super::*;

impl Soc {
    /// Leaves the run: the driver's frames are about to go, and its buffers with them. The engine moves nothing more. A
    /// copy that was taken out is to be waited for ([`Soc::is_copying`]).
    pub(crate) fn leave(&mut self) {
        self.left = true;
        self.copy = None;
        self.posted.clear();
        self.late.clear();
        self.memory.take_all_back();
        self.memory.frames_mut().take();
    }

    /// An access of a program that unwinds by a panic of its own. `None` if the run was left.
    pub(crate) fn while_unwinding<T>(&mut self, access: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.left {
            return None;
        }
        let before = self.stop().is_some();
        let result = access(self);
        self.broken_while_unwinding |= !before && self.stop().is_some();
        Some(result)
    }

    /// Whether the violation that ends the run came while the program unwound by a panic of its own.
    pub(crate) fn is_broken_while_unwinding(&self) -> bool {
        self.broken_while_unwinding
    }
}
