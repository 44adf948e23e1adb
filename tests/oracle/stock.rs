//! loom without the layer: its own fences, and two ways to access a location.

#![expect(clippy::disallowed_methods, reason = "what loom makes of its own fences is what is measured here")]

use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use sim_core::explore::model::cell::Shadow;
use sim_core::monitor::clocks::Access;

use super::by_loom::{Creation, Memory};
use super::program::{Fence, Place};

/// The literal translation: loads and stores.
#[derive(Debug)]
pub struct Plain {
    locations: [AtomicUsize; 2],
    cell: Shadow,
}

/// Read-modify-writes, and before each sequentially consistent fence one of a location that all of them share: the
/// cure for two of loom's holes, and not for the others.
#[derive(Debug)]
pub struct ReadModifyWrite {
    locations: [AtomicUsize; 2],
    order: AtomicUsize,
    cell: Shadow,
}

fn loom_fence(kind: Fence) {
    fence(match kind {
        Fence::Release => Ordering::Release,
        Fence::Acquire => Ordering::Acquire,
        Fence::AcquireRelease => Ordering::AcqRel,
        Fence::SequentiallyConsistent => Ordering::SeqCst,
    });
}

impl Memory for Plain {
    const NAME: &str = "plain";

    fn new(creation: Creation) -> Self {
        Self { locations: creation.make(|| AtomicUsize::new(0)), cell: Shadow::new() }
    }

    fn read(&self, place: Place) -> usize {
        self.locations[place as usize].load(Ordering::Relaxed)
    }

    fn write(&self, place: Place, value: usize) {
        self.locations[place as usize].store(value, Ordering::Relaxed);
    }

    fn fence(&self, fence: Fence) {
        loom_fence(fence);
    }

    fn access(&self, access: Access) {
        self.cell.touch(access);
    }
}

impl Memory for ReadModifyWrite {
    const NAME: &str = "read-modify-write";

    fn new(creation: Creation) -> Self {
        let locations = creation.make(|| AtomicUsize::new(0));
        Self { locations, order: AtomicUsize::new(0), cell: Shadow::new() }
    }

    fn read(&self, place: Place) -> usize {
        self.locations[place as usize].fetch_add(0, Ordering::Relaxed)
    }

    fn write(&self, place: Place, value: usize) {
        self.locations[place as usize].swap(value, Ordering::Relaxed);
    }

    fn fence(&self, fence: Fence) {
        if fence == Fence::SequentiallyConsistent {
            self.order.fetch_add(1, Ordering::Relaxed);
        }
        loom_fence(fence);
    }

    fn access(&self, access: Access) {
        self.cell.touch(access);
    }
}
