//! The CPU's side: both halves of USART1, and the buffers.
//!
//! After the operations of the case it brings things to an end: whatever runs is waited for or stopped, what was lost
//! is
//! taken anew, and then each half must work once more.

use std::rc::Rc;

use dma_api::address::BusAddress;
use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{LineError, Parity, Settings, Usart, Usart1};
use sim_core::explore::Board;

use crate::buffers::Buffers;
use crate::sabotage::Sabotaged;
use crate::serial::driver::Driver;
use crate::serial::halves::{Receives, Sends};
use crate::serial::operations::{Act, Operation, SLOTS, Side};
use crate::serial::record::Record;
use crate::serial::reference::{Channel, Reference};
use crate::serial::twin::{OfDma, OfUsart, Twin};

/// Any baud rate: lines have none here.
const SETTINGS: Settings = Settings { brr: 0x271, parity: Parity::None };

/// The slots that are used in the end, by a sender and a receiver.
const LAST: [u8; 2] = [2, 3];

/// The firmware, and what it is compared with.
pub struct Firmware<B: Board> {
    board: B,
    twin: Option<Twin>,
    sender: Driver<Sends<B>>,
    receiver: Driver<Receives<B>>,
    buffers: Buffers,
    reference: Reference,
    record: Rc<Record>,
    /// Controller and USART were taken anew: what had gone wrong until then is forgotten.
    was_taken_anew: bool,
}

/// Controller and USART, both halves idle.
fn take<B: Board>(board: &B, twin: Option<Twin>, ram: u32) -> (Sends<B>, Receives<B>) {
    let channels = Dma1::split(Sabotaged::new(board.block(), twin.map(|twin| OfDma::new(twin, ram))));
    let usart: Usart<_, Usart1> = Usart::new(Sabotaged::new(board.block(), twin.map(OfUsart)), SETTINGS);
    let (tx, rx) = usart.split();
    (tx.with_dma(channels.c4), rx.with_dma(channels.c5))
}

impl<B: Board> Firmware<B> {
    /// The firmware on `board`, or on a twin of it.
    pub fn new(board: B, twin: Option<Twin>, record: Rc<Record>) -> Self {
        let (sender, receiver) = take(&board, twin, record.ram.get());
        let is_misled = twin == Some(Twin::WrongReference);
        // What came before the receiver was on is lost.
        record.receiving.borrow_mut().may_lose();
        Self {
            board,
            twin,
            sender: Driver::new(sender, record.clone(), is_misled),
            receiver: Driver::new(receiver, record.clone(), is_misled),
            buffers: Buffers::new(&SLOTS),
            reference: Reference::default(),
            record,
            was_taken_anew: false,
        }
    }

    /// Does all of these, then brings things to an end.
    ///
    /// # Panics
    ///
    /// If something comes of it that cannot.
    pub fn run(mut self, operations: &[Operation]) {
        for &operation in operations {
            self.perform(operation);
        }
        self.sender.end(&mut self.buffers);
        self.receiver.end(&mut self.buffers);
        if [Side::Sender, Side::Receiver].map(|side| self.reference.channel(side)).contains(&Channel::Gone) {
            // First of all: while a forgotten channel goes round, no time passes for a peer that waits in vain.
            self.perform(Operation::TakeAnew);
        }
        while !self.record.list_is_done.get() {
            // Each look is a poll: the others go on, or time passes.
            self.board.host_is_done();
        }
        self.use_again();
        self.check();
        self.record.firmware_is_done.set(true);
        self.buffers.put_away();
    }

    /// Everything that is not lost works once more.
    fn use_again(&mut self) {
        let [sent, received] = LAST;
        self.sender.act(Act::Start(sent), &mut self.buffers);
        self.receiver.act(Act::Start(received), &mut self.buffers);
        self.sender.act(Act::Wait, &mut self.buffers);
        self.receiver.act(Act::Wait, &mut self.buffers);
        self.flush();
    }

    fn check(&self) {
        let receiving = self.record.receiving.borrow();
        if let Err(message) = receiving.check() {
            panic!("{message}");
        }
        let wrong = self.record.wrong.borrow();
        for told in receiving.told() {
            assert!(wrong.contains(told), "{told:?} is told, and the peer has done {wrong:?}");
        }
        let is_told = !receiving.told().is_empty() || self.was_taken_anew;
        // An overrun needs two frames at the same time.
        let certain = wrong.iter().find(|wrong| **wrong != LineError::Overrun);
        assert!(is_told || certain.is_none(), "nobody was told of {certain:?}");
    }

    fn perform(&mut self, operation: Operation) {
        let before = self.reference;
        let said = match operation {
            Operation::Of(Side::Sender, act) => self.sender.act(act, &mut self.buffers),
            Operation::Of(Side::Receiver, act) => self.receiver.act(act, &mut self.buffers),
            Operation::Flush => self.flush(),
            Operation::Access(slot) => {
                self.buffers.access(slot.into());
                "()"
            }
            Operation::TakeAnew => self.take_anew(),
            Operation::Pause(polls) => {
                for _ in 0..polls {
                    self.board.host_is_done();
                }
                "()"
            }
        };
        self.reference.apply(operation);
        self.record.cells.borrow_mut().push(cell(before, operation, said));
        if self.twin == Some(Twin::ReadsInFlight) {
            self.board.load(BusAddress::new(self.record.ram.get()));
        }
    }

    fn flush(&mut self) -> &'static str {
        let sender = self.sender.idle().expect("the reference says that it is idle");
        if let Some(receiver) = self.receiver.idle() {
            sender.flush(receiver);
            "by Receiver"
        } else if let Some(transfer) = self.receiver.running() {
            sender.flush(transfer);
            "by Transfer"
        } else {
            sender.flush(self.receiver.round().expect("the reference says that it is not gone"));
            "by Circular"
        }
    }

    fn take_anew(&mut self) -> &'static str {
        self.sender.drop_all();
        self.receiver.drop_all();
        let (sender, receiver) = take(&self.board, self.twin, self.record.ram.get());
        let is_misled = self.twin == Some(Twin::WrongReference);
        self.sender = Driver::new(sender, self.record.clone(), is_misled);
        self.receiver = Driver::new(receiver, self.record.clone(), is_misled);
        self.record.receiving.borrow_mut().may_lose();
        self.buffers.renew();
        self.was_taken_anew = true;
        "()"
    }
}

/// What came of an operation, and in which state.
fn cell(before: Reference, operation: Operation, said: &str) -> String {
    let Operation::Of(side, act) = operation else {
        let name = format!("{operation:?}");
        return format!("{} {said}", name.split('(').next().unwrap_or_default());
    };
    let state = match before.channel(side) {
        Channel::Idle => "idle",
        Channel::Running(_) => "running",
        Channel::Circular(_) => "circular",
        Channel::Gone => "gone",
    };
    let side = if side == Side::Sender { "sender" } else { "receiver" };
    let act = format!("{act:?}");
    format!("{side} {state} {} {said}", act.split('(').next().unwrap_or_default())
}
