//! An access by address: to the board, or a gap.

use dma_api::table::Access as Mode;
use vcell::hook::{Access, Registers};

use super::{Cpu, Gap, Missing, ram};
use crate::device::usbd;

/// The bytes of a register.
const WORD: usize = 4;

impl Registers for Cpu {
    fn read(&self, access: Access) -> u64 {
        let Access { address, line, .. } = access;
        self.board.at_stack(ram::stack_pointer(), line);
        if self.misses(access, false) {
            return 0;
        }
        self.board.read_at(address, line).into()
    }

    fn write(&self, access: Access, value: u64) {
        let Access { address, line, .. } = access;
        self.board.at_stack(ram::stack_pointer(), line);
        if self.misses(access, true) {
            return;
        }
        let value = u32::try_from(value).expect("a word was written: `misses` has looked");
        self.board.write_at(address, value, line);
    }
}

impl Cpu {
    /// Whether this access is not answered. It is counted then, and the first of its kind a violation.
    fn misses(&self, access: Access, write: bool) -> bool {
        let Some(missing) = self.missing(access, write) else {
            return false;
        };
        let gap = Gap { address: access.address, write, missing };
        if self.gaps.count(gap) {
            self.board.report(gap.check(), access.line);
        }
        true
    }

    fn missing(&self, Access { address, bytes, .. }: Access, write: bool) -> Option<Missing> {
        if !self.board.with_soc(|soc| soc.has_register(address & !3)) {
            return Some(Missing::Register);
        }
        if bytes != WORD || !address.is_multiple_of(4) {
            return Some(Missing::Width(bytes));
        }
        // What is no register of the controller, it says itself (`Rule::UnknownRegister`).
        let mode = usbd::offset_of(address).and_then(usbd::mode_of)?;
        match (mode, write) {
            (Mode::ReadOnly, true) => Some(Missing::Writing),
            (Mode::Task | Mode::WriteOnly, false) => Some(Missing::Reading),
            _ => None,
        }
    }
}
