//! Firmware of an STM32F103: USART1's halves lend buffers, and bare registers are written besides.

use std::cell::RefCell;

use dma_api::registers::Registers;
use dma_api::stm32f103::circular::Circular;
use dma_api::stm32f103::dma::{Dma1, Dma2};
use dma_api::stm32f103::usart::{Parity, Receiver, Sender, Settings, Usart, Usart1, Usart2, Usart3};
use dma_api::transfer::Transfer;
use sim_core::by_hand::stm32f103::Hand;
use sim_core::explore::Board;

use super::values::{Access, Block, Lend};
use super::{Twin, memory, misdeed};
use crate::buffers::{Buffer, Buffers};

/// Any baud rate: lines have none here.
const SETTINGS: Settings = Settings { brr: 0x271, parity: Parity::None };

type Of<B, P> = sim_core::explore::Block<B, P>;
type Sends<B> = Sender<Of<B, Usart1>, Usart1, Of<B, Dma1>>;
type Receives<B> = Receiver<Of<B, Usart1>, Usart1, Of<B, Dma1>>;

/// What runs.
enum Running<B: Board> {
    Sends(Transfer<Buffer, Sends<B>>),
    Receives(Transfer<Buffer, Receives<B>>),
    SendsForEver(Circular<Buffer, Sends<B>>),
    ReceivesForEver(Circular<Buffer, Receives<B>>),
}

impl<B: Board> Running<B> {
    /// Starts it, with drivers of its own. The buffer comes back if it is refused.
    fn start(board: &B, buffer: Buffer, is_written: bool, is_circular: bool) -> Result<Self, Buffer> {
        let channels = Dma1::split(board.block());
        let (tx, rx) = Usart::<_, Usart1>::new(board.block(), SETTINGS).split();
        let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
        match (is_written, is_circular) {
            (false, false) => sender.write_all(buffer).map(Self::Sends).map_err(|refused| refused.buffer),
            (true, false) => receiver.read_exact(buffer).map(Self::Receives).map_err(|refused| refused.buffer),
            (false, true) => sender.circular(buffer).map(Self::SendsForEver).map_err(|refused| refused.buffer),
            (true, true) => receiver.circular(buffer).map(Self::ReceivesForEver).map_err(|refused| refused.buffer),
        }
    }

    /// The buffer, if it has ended. What goes on for ever is looked at.
    fn end(self) -> Result<Buffer, Self> {
        let mut frames = [0; 8];
        match self {
            Self::Sends(transfer) => transfer
                .poll()
                .map(|outcome| outcome.map_or_else(|failed| failed.buffer, |(buffer, _)| buffer))
                .map_err(Self::Sends),
            Self::Receives(transfer) => transfer
                .poll()
                .map(|outcome| outcome.map_or_else(|failed| failed.buffer, |(buffer, _)| buffer))
                .map_err(Self::Receives),
            Self::SendsForEver(mut round) => {
                let half = round.half().min(frames.len());
                // What it says is about a line that is not the driver's alone.
                let _ = round.write(&frames[..half]);
                Err(Self::SendsForEver(round))
            }
            Self::ReceivesForEver(mut round) => {
                let half = round.half().min(frames.len());
                let _ = round.read(&mut frames[..half]);
                Err(Self::ReceivesForEver(round))
            }
        }
    }

    fn stop(self) -> Buffer {
        match self {
            Self::Sends(transfer) => transfer.stop().0,
            Self::Receives(transfer) => transfer.stop().0,
            Self::SendsForEver(round) => round.stop().0,
            Self::ReceivesForEver(round) => round.stop().0,
        }
    }
}

struct Firmware<'a, B: Board> {
    hand: Hand<B>,
    buffers: &'a RefCell<Buffers>,
    running: Vec<(usize, Running<B>)>,
    twin: Option<Twin>,
}

/// Does all of these, and stops what runs.
pub fn run<B: Board>(board: B, accesses: &[Access], buffers: &RefCell<Buffers>, twin: Option<Twin>) {
    let mut firmware = Firmware { hand: Hand::new(board), buffers, running: Vec::new(), twin };
    for &access in accesses {
        firmware.perform(access);
    }
    while !firmware.running.is_empty() {
        firmware.perform(Access::Drop);
    }
}

impl<B: Board> Firmware<'_, B> {
    fn perform(&mut self, access: Access) {
        match access {
            Access::Read(block, offset) => self.read(block, offset),
            Access::Write(Block::Dma1, offset, value) => self.hand.write(offset, value),
            Access::Write(Block::Dma2, offset, value) => self.hand.write_dma2(offset, value),
            Access::Write(Block::Usart1, offset, value) => self.hand.usart(offset, value),
            // The other USARTs are written in `before`.
            Access::Write(block, offset, _) => self.read(block, offset),
            Access::Lend(lend) => self.lend(lend),
            Access::End => {
                if let Some((slot, running)) = self.running.pop() {
                    match running.end() {
                        Ok(buffer) => self.buffers.borrow_mut().put(slot, buffer),
                        Err(running) => self.running.push((slot, running)),
                    }
                }
            }
            Access::Drop => {
                if let Some((slot, running)) = self.running.pop() {
                    let buffer = running.stop();
                    self.buffers.borrow_mut().put(slot, buffer);
                }
            }
            access => memory(&self.hand.board, self.buffers, access, self.twin),
        }
    }

    fn read(&self, block: Block, offset: u16) {
        misdeed(self.twin, offset);
        let board = &self.hand.board;
        match block {
            Block::Dma2 => board.block::<Dma2>().read(offset),
            Block::Usart1 => board.block::<Usart1>().read(offset),
            Block::Usart2 => board.block::<Usart2>().read(offset),
            Block::Usart3 => board.block::<Usart3>().read(offset),
            Block::Dma1 | Block::Usbd | Block::Power => self.hand.read(offset),
        };
    }

    fn lend(&mut self, Lend { slot, is_written, which }: Lend) {
        if !self.buffers.borrow().has(slot) {
            return;
        }
        let buffer = self.buffers.borrow_mut().take(slot, |bytes| bytes.fill(0x5A));
        match Running::start(&self.hand.board, buffer, is_written, which % 2 == 1) {
            Ok(running) => self.running.push((slot, running)),
            Err(buffer) => self.buffers.borrow_mut().put(slot, buffer),
        }
        if self.twin == Some(Twin::StraysByAByte) {
            self.buffers.borrow_mut().write_behind(slot);
        }
    }
}
