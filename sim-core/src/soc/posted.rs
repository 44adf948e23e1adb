//! Posted writes: what the CPU has written, and its peripheral has not seen.
//!
//! `post` puts a write into the queue of its peripheral; `take_effect` does the oldest of one. A read of a peripheral
//! empties its queue first.

use super::*;
use crate::device::stm32f103::{Place, place_of};
use crate::device::usbd::{address_of, offset_of};
use crate::monitor::ownership::Stamp;
use crate::quirks::Writes;

/// A write on its way.
#[derive(Clone, Debug, Hash)]
pub(super) struct Posted {
    /// Whose queue it is in.
    queue: u8,
    address: u32,
    value: u32,
    line: Line,
    /// What it carries.
    stamp: Stamp,
}

/// The queue of the peripheral that has a register at `address`. The first is USBD's. `None`: writes take effect at
/// once.
fn queue_of(address: u32) -> Option<u8> {
    if offset_of(address).is_some() {
        return Some(0);
    }
    if power::offset_of(address).is_some() {
        return Some(1);
    }
    let index = match place_of(address)? {
        Place::Dma(controller, _) => 2 + controller,
        Place::Usart(usart, _) => 4 + usart,
        Place::Other => return None,
    };
    u8::try_from(index).ok()
}

impl Soc {
    /// The driver writes the register at `address`, and the write is posted: `false` if it is to take effect at once.
    #[inline]
    pub(crate) fn post(&mut self, address: u32, value: u32, line: Line) -> bool {
        self.quirks.writes == Writes::Posted && self.post_later(address, value, line)
    }

    fn post_later(&mut self, address: u32, value: u32, line: Line) -> bool {
        let Some(queue) = queue_of(address) else {
            return false;
        };
        self.trace.note(Some(line), || Record::Posted { address, value });
        let stamp = self.ownership.post();
        self.posted.push(Posted { queue, address, value, line, stamp });
        true
    }

    /// The queues that hold a write.
    pub(crate) fn posted(&self) -> impl Iterator<Item = u8> + use<'_> {
        self.posted.iter().map(|posted| posted.queue)
    }

    /// The oldest write of a queue takes effect.
    pub(crate) fn take_effect(&mut self, queue: u8) {
        let Some(index) = self.posted.iter().position(|posted| posted.queue == queue) else {
            return;
        };
        let Posted { address, value, line, stamp, .. } = self.posted.remove(index);
        self.ownership.takes_effect(&stamp);
        match offset_of(address) {
            Some(offset) => self.write_usbd(offset, value, line),
            None => self.write_outside(address, value, line),
        }
    }

    /// Whether a read of the register at `address` has to wait for a write.
    #[inline]
    pub(crate) fn has_posted_to(&self, address: u32) -> bool {
        !self.posted.is_empty() && queue_of(address).is_some_and(|queue| self.posted().any(|posted| posted == queue))
    }

    /// The writes to the peripheral that has a register at `address` take effect: it is read.
    pub(super) fn flush(&mut self, address: u32) {
        while self.has_posted_to(address) {
            queue_of(address).into_iter().for_each(|queue| self.take_effect(queue));
        }
    }

    /// As [`flush`](Self::flush), for a register of USBD.
    #[inline]
    pub(super) fn flush_usbd(&mut self, offset: u16) {
        if !self.posted.is_empty() {
            self.flush(address_of(offset));
        }
    }

    /// All writes take effect, the oldest first.
    pub(super) fn flush_all(&mut self) {
        while let Some(queue) = self.posted.first().map(|posted| posted.queue) {
            self.take_effect(queue);
        }
    }
}
