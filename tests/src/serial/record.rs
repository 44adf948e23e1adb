//! What both sides of a run write down.

use std::cell::{Cell, RefCell};

use dma_api::stm32f103::usart::LineError;

use crate::serial::operations::Side;
use crate::serial::receiving::Receiving;
use crate::serial::sending::Sending;

/// What both sides of a run write down.
#[derive(Debug, Default)]
pub struct Record {
    /// What was sent.
    pub sending: RefCell<Sending>,
    /// What has come.
    pub receiving: RefCell<Receiving>,
    /// What the peer has done wrong, for which an error may be told.
    pub wrong: RefCell<Vec<LineError>>,
    /// The firmware waits for frames.
    pub is_waiting: Cell<bool>,
    /// The peer has come to the end of its list.
    pub list_is_done: Cell<bool>,
    /// The firmware has come to its end.
    pub firmware_is_done: Cell<bool>,
    /// What came of the calls: `sender running Stop some`.
    pub cells: RefCell<Vec<String>>,
    /// Simulated RAM, of a twin.
    pub ram: Cell<u32>,
}

impl Record {
    /// Nothing is left of a run before.
    pub fn clear(&self) {
        let Self { sending, receiving, wrong, is_waiting, list_is_done, firmware_is_done, cells, ram: _ } = self;
        sending.take();
        receiving.take();
        wrong.take();
        for flag in [is_waiting, list_is_done, firmware_is_done] {
            flag.set(false);
        }
        cells.take();
    }

    /// Does what waits for frames, if this side is the one that receives them.
    pub fn while_waiting<T>(&self, side: Side, wait: impl FnOnce() -> T) -> T {
        self.is_waiting.set(side == Side::Receiver);
        let outcome = wait();
        self.is_waiting.set(false);
        outcome
    }
}
