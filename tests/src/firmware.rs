//! The CPU's side: makes the calls of a case, and asks the reference about each.
//!
//! After the calls of the case it brings things to an end: it serves events until the host is done, waits until the
//! endpoint is free (which must come), starts once more, and takes the endpoint apart.

use std::cell::RefCell;
use std::ptr;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{AnswerError, EndError, Ep0In, Event, PacketBuffer, StartError, Usbd, map};
use sim_core::explore::Board;
use sim_core::statics;

use crate::conversation::{After, Conversation, Sure};
use crate::operations::Operation;
use crate::reference::{Call, Notice, Outcome, Reference};
use crate::sabotage::Sabotaged;
use crate::world::Phase;

/// How often the firmware asks for the same thing at the end. A poll in vain makes the CPU wait for the others, so it
/// takes a few for each step of the host.
const PATIENCE: usize = 1000;

/// What both sides of a run write down.
#[derive(Debug, Default)]
pub struct Record {
    /// The wire.
    pub conversation: RefCell<Conversation>,
    /// The cells of the reference's table that calls have come by: `sending Start Busy`.
    pub cells: RefCell<Vec<String>>,
}

/// The firmware, and what it is compared with.
#[derive(Debug)]
pub struct Firmware<B: Board> {
    board: B,
    /// `None` while it is taken apart.
    endpoint: Option<Ep0In<Sabotaged<B>>>,
    buffer: *const PacketBuffer,
    record: Rc<Record>,
    reference: Reference,
    careful: bool,
    starts: u8,
    /// How many of the host's steps the reference knows.
    known: usize,
}

impl<B: Board> Firmware<B> {
    /// The firmware of an endpoint on `driven`, which is `board` or a twin of it.
    pub fn new(board: B, driven: Sabotaged<B>, record: Rc<Record>, reference: Reference, careful: bool) -> Self {
        let buffer = statics::packet_buffer();
        let pointer = ptr::from_ref(buffer);
        let endpoint = Some(Ep0In::new(Usbd::new(driven), buffer));
        Self { board, endpoint, buffer: pointer, record, reference, careful, starts: 0, known: 0 }
    }

    /// Makes these calls, then brings things to an end.
    ///
    /// # Panics
    ///
    /// If the endpoint does something else than the reference.
    pub fn run(mut self, operations: &[Operation]) {
        for &operation in operations {
            if !self.leaves_out(operation) {
                self.call(operation);
            }
        }
        self.serve();
        self.wait_until_free();
        self.call(Operation::Start(1));
        self.wait_until_free();
        self.put_away();
    }

    fn leaves_out(&self, operation: Operation) -> bool {
        let conversation = self.record.conversation.borrow();
        let hazards = match self.reference.is_idle() {
            Sure::Yes => [conversation.hazard(operation, false), None],
            Sure::No => [conversation.hazard(operation, true), None],
            Sure::Maybe => [true, false].map(|busy| conversation.hazard(operation, busy)),
        };
        self.careful && hazards.iter().any(Option::is_some)
    }

    /// Takes events until the host is done and there are no more.
    fn serve(&mut self) {
        for _ in 0..PATIENCE {
            let host_is_done = self.board.host_is_done();
            if self.call(Operation::NextEvent) == Outcome::Event(None) && host_is_done {
                return;
            }
        }
        panic!("events have no end: the host is done, and next_event has returned one {PATIENCE} times");
    }

    /// Gives up what the host has not taken. The endpoint must be free soon, and the events that waited for it come.
    fn wait_until_free(&mut self) {
        if self.reference.is_sending() != Sure::No {
            self.call(Operation::Abort);
        }
        for _ in 0..PATIENCE {
            if self.call(Operation::Busy) == Outcome::Busy(false) {
                return self.serve();
            }
        }
        panic!("the endpoint is stuck: busy {PATIENCE} times after the host has given up");
    }

    fn put_away(mut self) {
        self.call(Operation::TakeApart);
        let parts = self.endpoint.take().map(Ep0In::into_parts);
        let Some(Ok((_, buffer))) = parts else {
            panic!("the endpoint was idle, and into_parts has refused");
        };
        statics::give_back(buffer);
    }

    fn endpoint(&mut self) -> &mut Ep0In<Sabotaged<B>> {
        self.endpoint.as_mut().expect("it is put together again after each call")
    }

    /// Whether EVENTS_ENDEPIN\[0\] says so. It means nothing while the endpoint is idle.
    fn dma_has_ended(&self) -> bool {
        self.reference.is_idle() != Sure::Yes && self.board.read(map::events_endepin(0)) != 0
    }

    /// Makes one call, with all that belongs to it.
    fn call(&mut self, operation: Operation) -> Outcome {
        let ended_before = self.dma_has_ended();
        self.record.conversation.borrow_mut().call_begins(operation, self.reference.is_idle());
        let begin = self.record.conversation.borrow().events().len();
        let outcome = self.perform(operation);
        let end = self.record.conversation.borrow().events().len();
        // The other calls clear the event. What they think of it, the monitor sees.
        let may_have_ended = operation != Operation::Busy || self.dma_has_ended();
        let dma_ended = match (ended_before, may_have_ended) {
            (true, _) => Sure::Yes,
            (false, true) => Sure::Maybe,
            (false, false) => Sure::No,
        };

        let mut conversation = self.record.conversation.borrow_mut();
        let (before, during) = conversation.events()[self.known..end].split_at(begin - self.known);
        let call = Call { operation, before, during, dma_ended };
        let phase = self.reference.phase();
        if let Err(difference) = self.reference.check(&call, &outcome) {
            panic!("{difference}");
        }
        self.known = end;
        let after = After {
            triggered: self.triggered(&outcome),
            idle: self.reference.is_idle(),
            sending: self.reference.is_sending(),
            read: self.reference.read(),
        };
        conversation.call_returns(after);
        if let Outcome::Event(Some(Notice::Setup(number))) = outcome {
            let misled = conversation.misled() == number;
            assert!(!misled, "SETUP {number} is reported, and the host has taken the answer to another in its place");
        }
        if let Some(phase) = phase {
            let refused = self.reference.has_refused() == Sure::Yes;
            self.record.cells.borrow_mut().push(cell(phase, operation, &outcome, refused));
        }
        outcome
    }

    /// Whether the task that a call is about was triggered: EP0STATUS, or EP0STALL.
    fn triggered(&self, outcome: &Outcome) -> Sure {
        match outcome {
            Outcome::Triggered(Ok(())) => Sure::Yes,
            Outcome::Event(None) => self.reference.has_refused(),
            _ => Sure::No,
        }
    }

    fn perform(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Start(length) => {
                // The first byte tells this start's packet from every other. The bytes die with this call.
                let first = self.starts;
                let bytes: Vec<u8> = (0..length).map(|index| first.wrapping_add(index.wrapping_mul(7))).collect();
                self.starts += 1;
                self.start(&bytes, |endpoint| endpoint.start(&bytes))
            }
            Operation::StartZeroLength => self.start(&[], Ep0In::start_zero_length),
            Operation::End => Outcome::Ended(self.endpoint().end()),
            Operation::Abort => {
                self.endpoint().abort();
                Outcome::Nothing
            }
            Operation::Busy => Outcome::Busy(self.endpoint().busy()),
            Operation::NextEvent => {
                let event = self.endpoint().next_event();
                Outcome::Event(event.map(|event| self.notice(event)))
            }
            Operation::Accept => Outcome::Triggered(self.endpoint().accept()),
            Operation::Stall => Outcome::Triggered(self.endpoint().stall()),
            Operation::TakeApart => self.take_apart(),
            Operation::Wait(polls) => {
                for _ in 0..polls {
                    if self.board.host_is_done() {
                        break;
                    }
                }
                Outcome::Nothing
            }
        }
    }

    fn start(
        &mut self,
        bytes: &[u8],
        start: impl FnOnce(&mut Ep0In<Sabotaged<B>>) -> Result<(), StartError>,
    ) -> Outcome {
        self.record.conversation.borrow_mut().start_begins(bytes);
        let result = start(self.endpoint());
        self.record.conversation.borrow_mut().start_returns(result.is_ok());
        Outcome::Started(result)
    }

    fn notice(&self, event: Event) -> Notice {
        match event {
            Event::Reset => Notice::Reset,
            Event::Sent => Notice::Sent,
            Event::Setup(setup) => match self.record.conversation.borrow().number_of(setup) {
                Some(number) => Notice::Setup(number),
                None => panic!("the host has sent no such SETUP: {setup:?}"),
            },
            other => panic!("the reference does not know this event: {other:?}"),
        }
    }

    fn take_apart(&mut self) -> Outcome {
        let endpoint = self.endpoint.take().expect("it is put together again after each call");
        match endpoint.into_parts() {
            Ok((usbd, buffer)) => {
                assert!(ptr::eq(buffer, self.buffer), "into_parts has returned another buffer");
                self.endpoint = Some(Ep0In::new(usbd, buffer));
                Outcome::TakenApart(true)
            }
            Err(endpoint) => {
                self.endpoint = Some(endpoint);
                Outcome::TakenApart(false)
            }
        }
    }
}

/// A cell of the table: state, call, result.
fn cell(phase: Phase, operation: Operation, outcome: &Outcome, refused: bool) -> String {
    let phase = match phase {
        Phase::Idle => "idle",
        Phase::Sending { .. } => "sending",
        Phase::Aborted { .. } => "aborted",
    };
    let operation = format!("{operation:?}");
    let (operation, _) = operation.split_once('(').unwrap_or((&operation, ""));
    let result = match outcome {
        Outcome::Started(Err(StartError::Busy)) | Outcome::Triggered(Err(AnswerError::Busy)) => "Busy",
        Outcome::Started(Err(StartError::TooLong { .. })) => "TooLong",
        Outcome::Started(Err(StartError::Empty)) => "Empty",
        Outcome::Ended(Err(EndError::NotDone)) => "NotDone",
        Outcome::Ended(Err(EndError::NotStarted)) => "NotStarted",
        Outcome::Started(result) if result.is_err() => "another error",
        Outcome::Ended(result) if result.is_err() => "another error",
        Outcome::Triggered(result) if result.is_err() => "another error",
        Outcome::Started(_) | Outcome::Ended(_) | Outcome::Triggered(_) | Outcome::TakenApart(true) => "Ok",
        Outcome::TakenApart(false) => "Err",
        Outcome::Busy(true) => "true",
        Outcome::Busy(false) => "false",
        Outcome::Event(None) if refused => "refused",
        Outcome::Event(None) => "None",
        Outcome::Event(Some(Notice::Reset)) => "Reset",
        Outcome::Event(Some(Notice::Sent)) => "Sent",
        Outcome::Event(Some(Notice::Setup(_))) => "Setup",
        Outcome::Nothing => "()",
    };
    format!("{phase} {operation} {result}")
}
