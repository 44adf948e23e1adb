//! What both sides of a run write down.

use std::cell::{Cell, RefCell};

use crate::usbd::operations::{Pipe, Way};
use crate::usbd::packets::Packets;

/// What both sides of a run write down.
#[derive(Debug, Default)]
pub struct Record {
    /// Bulk packets, to the host and from it.
    bulk: [RefCell<Packets>; 2],
    /// Isochronous packets, likewise.
    isochronous: [RefCell<Packets>; 2],
    /// See [`crate::usbd::packets`].
    pub epoch: Cell<u32>,
    /// Isochronous packets that were filled in as a whole in one frame: the host gets each if it asks in the next.
    due: RefCell<Vec<Due>>,
    /// How often the isochronous endpoint to the host was opened or closed.
    streams: Cell<u32>,
    /// An isochronous packet was corrupted, by the host's list.
    has_corrupted: Cell<bool>,
    /// The host has come to the end of its list, and waits for isochronous packets.
    pub host_streams: Cell<bool>,
    /// The engine's buffer is on its way: `write` or `read`.
    pub is_copying: Cell<bool>,
    /// The engine is lost for good.
    pub engine_is_gone: Cell<bool>,
    /// What came of the calls.
    pub cells: RefCell<Vec<String>>,
}

/// An isochronous packet that was filled in as a whole in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The packet's.
    pub number: u8,
    /// In which it was filled in.
    frame: u16,
    stream: u32,
}

impl Record {
    /// What went over a pipe.
    pub fn packets(&self, pipe: Pipe, way: Way) -> &RefCell<Packets> {
        let [to_host, from_host] = match pipe {
            Pipe::Bulk => &self.bulk,
            Pipe::Isochronous => &self.isochronous,
        };
        if way == Way::In { to_host } else { from_host }
    }

    /// How many packets have come: bulk, isochronous; of each, to host and firmware.
    pub fn counts(&self) -> [[usize; 2]; 2] {
        [&self.bulk, &self.isochronous]
            .map(|[to_host, from_host]| [to_host.borrow().count(), from_host.borrow().count()])
    }

    /// Nothing is left of a run before.
    pub fn clear(&self) {
        let Self {
            bulk,
            isochronous,
            epoch,
            due,
            streams,
            has_corrupted,
            host_streams,
            is_copying,
            engine_is_gone,
            cells,
        } = self;
        for packets in bulk.iter().chain(isochronous) {
            packets.take();
        }
        epoch.set(0);
        due.take();
        streams.set(0);
        for flag in [has_corrupted, host_streams, is_copying, engine_is_gone] {
            flag.set(false);
        }
        cells.take();
    }

    /// What was under way is lost: see [`crate::usbd::packets`].
    pub fn begin_epoch(&self) {
        self.epoch.set(self.epoch.get() + 1);
    }

    /// The isochronous endpoint to the host was opened or closed: nothing is due of before.
    pub fn begin_stream(&self) {
        self.streams.set(self.streams.get() + 1);
    }

    /// An isochronous packet was filled in, in this frame.
    pub fn fill_in(&self, number: u8, frame: u16) {
        self.due.borrow_mut().push(Due { number, frame, stream: self.streams.get() });
    }

    /// The packet that was filled in in this frame. What was in frames other than it and `next` is forgotten: frames'
    /// numbers come again.
    pub fn filled_in(&self, frame: u16, next: u16) -> Option<Due> {
        let mut due = self.due.borrow_mut();
        due.retain(|due| due.frame == frame || due.frame == next);
        due.iter().rfind(|due| due.frame == frame).copied()
    }

    /// Whether this packet is still due: the endpoint was not closed since.
    pub fn is_due(&self, due: &Due) -> bool {
        due.stream == self.streams.get()
    }

    /// The wire corrupts an isochronous packet.
    pub fn corrupt(&self) {
        self.has_corrupted.set(true);
    }

    /// Whether it has.
    pub fn has_corrupted(&self) -> bool {
        self.has_corrupted.get()
    }
}
