//! Firmware of an nRF52840: USBD's engine lends buffers, and bare registers are written besides.

use std::cell::RefCell;
use std::mem::forget;

use dma_api::nrf52840::power::PowerClock;
use dma_api::nrf52840::usbd::{Endpoints, Engine, Transfer, Usbd};
use dma_api::registers::Registers;
use sim_core::by_hand::nrf52840::Hand;
use sim_core::explore::Board;
use sim_core::statics;

use super::values::{Access, Block, Lend};
use super::{Twin, memory, misdeed};
use crate::buffers::{Buffer, Buffers};

/// In [`Lend::which`]: the endpoint is opened before.
const OPENS: u8 = 8;

/// The firmware: as many engines as have lost theirs to a transfer.
struct Firmware<'a, B: Board> {
    hand: Hand<B>,
    buffers: &'a RefCell<Buffers>,
    engine: Option<Engine<B>>,
    endpoints: Option<Endpoints>,
    running: Vec<(usize, Transfer<B, Buffer>)>,
    twin: Option<Twin>,
}

/// Does all of these.
pub fn run<B: Board>(board: B, accesses: &[Access], buffers: &RefCell<Buffers>, twin: Option<Twin>) {
    let (hand, running) = (Hand(board), Vec::new());
    let mut firmware = Firmware { hand, buffers, engine: None, endpoints: None, running, twin };
    for &access in accesses {
        firmware.perform(access);
    }
    // Dropped, they would wait, and who knows what for: the registers are not the driver's alone.
    firmware.running.drain(..).for_each(forget);
}

impl<B: Board> Firmware<'_, B> {
    fn perform(&mut self, access: Access) {
        match access {
            Access::Read(Block::Usbd, offset) => {
                misdeed(self.twin, offset);
                self.hand.read(offset);
            }
            Access::Read(_, offset) => drop(self.hand.0.block::<PowerClock>().read(offset)),
            Access::Write(Block::Usbd, offset, value) => self.hand.write(offset, value),
            // A register of POWER is written in `before`.
            Access::Write(_, offset, _) => drop(self.hand.0.block::<PowerClock>().read(offset)),
            Access::Lend(lend) => self.lend(lend),
            Access::End => self.end(),
            Access::Drop => self.running.pop().into_iter().for_each(forget),
            access => memory(&self.hand.0, self.buffers, access, self.twin),
        }
    }

    fn lend(&mut self, Lend { slot, is_written, which }: Lend) {
        if !self.buffers.borrow().has(slot) {
            return;
        }
        if self.engine.is_none() {
            let made = Engine::new(Usbd::new(self.hand.0.clone()), statics::packet_buffer());
            (self.engine, self.endpoints) = (Some(made.0), Some(made.1));
        }
        let (Some(mut engine), Some(endpoints)) = (self.engine.take(), self.endpoints.as_mut()) else {
            return;
        };
        let (epin, epout) = (&mut endpoints.epin[usize::from(which % 7)], &mut endpoints.epout[usize::from(which % 7)]);
        if which & OPENS != 0 {
            if is_written { epout.open(&mut engine) } else { epin.open(&mut engine) }
        }
        let buffer = self.buffers.borrow_mut().take(slot, |bytes| bytes.fill(0x5A));
        let refused = if is_written {
            epout.received(&engine);
            epout.receive(engine, buffer).map_err(|refused| (refused.channel, refused.buffer))
        } else {
            epin.is_sent(&engine);
            epin.send(engine, buffer).map_err(|refused| (refused.channel, refused.buffer))
        };
        match refused {
            Ok(transfer) => self.running.push((slot, transfer)),
            Err((engine, buffer)) => {
                self.engine = Some(engine);
                self.buffers.borrow_mut().put(slot, buffer);
            }
        }
        if self.twin == Some(Twin::StraysByAByte) {
            self.buffers.borrow_mut().write_behind(slot);
        }
    }

    fn end(&mut self) {
        let Some((slot, transfer)) = self.running.pop() else {
            return;
        };
        match transfer.end() {
            Ok((engine, buffer)) => {
                self.engine = Some(engine);
                self.buffers.borrow_mut().put(slot, buffer);
            }
            Err(transfer) => self.running.push((slot, transfer)),
        }
    }
}
