//! One half of the USART with its channel: makes the calls of a case, and has what comes of them noted.
//!
//! A call that waits for frames says so, so that the peer sends some: see [`crate::serial::peer`].

use std::panic::{AssertUnwindSafe, panic_any, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use dma_api::transfer::{Channel, Failed, Running, Transfer, TransferFuture};
use sim_core::explore::quietly;

use crate::buffers::{Buffer, Buffers};
use crate::serial::half::{Half, Ledger, Why};
use crate::serial::operations::{Act, Side};
use crate::serial::record::Record;
use crate::serial::reference::refuses;

/// How often a start is tried again that an error of the line before has refused.
const PATIENCE: usize = 200;

/// How often a scope looks at its transfer.
const LOOKS: usize = 4;

/// What a half is.
enum State<H: Half> {
    Idle(H),
    Running(Transfer<Buffer, H>, u8),
    Circular(H::Round, u8),
    Gone,
}

/// What a transfer has come to.
type Outcome<H> = Result<(Buffer, H), Failed<<H as Channel>::Error, H, Buffer>>;

/// The panic in a scope.
struct InTheScope;

/// A half, whatever it does.
pub struct Driver<H: Half> {
    state: State<H>,
    record: std::rc::Rc<Record>,
    /// The reference is wrong about circular buffers of odd lengths: a twin.
    is_misled: bool,
}

impl<H: Half> Driver<H> {
    /// An idle half.
    pub fn new(half: H, record: std::rc::Rc<Record>, is_misled: bool) -> Self {
        Self { state: State::Idle(half), record, is_misled }
    }

    /// The half, if it is idle.
    pub fn idle(&mut self) -> Option<&mut H> {
        if let State::Idle(half) = &mut self.state { Some(half) } else { None }
    }

    /// Its transfer, if one runs.
    pub fn running(&mut self) -> Option<&mut Transfer<Buffer, H>> {
        if let State::Running(transfer, _) = &mut self.state { Some(transfer) } else { None }
    }

    /// Its circular transfer, if one runs.
    pub fn round(&mut self) -> Option<&mut H::Round> {
        if let State::Circular(round, _) = &mut self.state { Some(round) } else { None }
    }

    fn note(&self, note: impl FnOnce(&mut H::Ledger)) {
        note(&mut H::ledger(&self.record).borrow_mut());
    }

    /// Drops whatever it has.
    pub fn drop_all(&mut self) {
        if matches!(self.state, State::Running(..) | State::Circular(..)) {
            self.note(Ledger::lost);
        }
        self.state = State::Gone;
    }

    /// Ends whatever runs.
    pub fn end(&mut self, buffers: &mut Buffers) {
        match self.state {
            State::Running(..) => drop(self.act(Act::Wait, buffers)),
            State::Circular(..) => drop(self.act(Act::Stop, buffers)),
            State::Idle(_) | State::Gone => {}
        }
    }

    /// Does what the reference allows. Returns what came of it.
    ///
    /// # Panics
    ///
    /// If something else comes of it than can.
    pub fn act(&mut self, act: Act, buffers: &mut Buffers) -> &'static str {
        match (std::mem::replace(&mut self.state, State::Gone), act) {
            (State::Idle(half), Act::Start(_) | Act::Circular(_)) => self.start(half, act, buffers),
            (State::Idle(half), Act::Scope(length) | Act::ScopePanics(length)) => self.scope(half, act, length),
            (State::Running(transfer, slot), act) => self.go_on(transfer, slot, act, buffers),
            (State::Circular(round, slot), act) => self.go_round(round, slot, act, buffers),
            _ => unreachable!("the reference does not allow {act:?}"),
        }
    }

    fn start(&mut self, mut half: H, act: Act, buffers: &mut Buffers) -> &'static str {
        let (Act::Start(slot) | Act::Circular(slot)) = act else { unreachable!("it is a start") };
        let ledger = H::ledger(&self.record);
        let mut buffer = buffers.take(slot.into(), |memory| ledger.borrow_mut().prepare(memory));
        let memory = buffer.to_vec();
        let is_due = refuses(act) && !(self.is_misled && matches!(act, Act::Circular(_)));
        let mut said = "Ok";
        for _ in 0..PATIENCE {
            let started = match act {
                Act::Circular(_) => half.circular(buffer).map(|round| State::Circular(round, slot)),
                _ => half.start(buffer).map(|transfer| State::Running(transfer, slot)),
            };
            match started {
                Ok(state) => {
                    assert!(!is_due, "{act:?} of {} bytes was started", memory.len());
                    self.state = state;
                    self.note(|ledger| match act {
                        Act::Circular(_) => ledger.started_round(&memory),
                        _ => ledger.started(&memory),
                    });
                    return said;
                }
                Err((Why::Line(error), again, back)) => {
                    // The next one succeeds, unless something else has gone wrong meanwhile.
                    self.note(|ledger| ledger.refused(error));
                    (half, buffer, said) = (again, back, "Line");
                }
                Err((why, again, back)) => {
                    assert!(is_due, "{act:?} of {} bytes was refused: {why:?}", memory.len());
                    buffers.put(slot.into(), back);
                    self.state = State::Idle(again);
                    return if why == Why::Odd { "Odd" } else { "Empty" };
                }
            }
        }
        panic!("{act:?} is refused for ever");
    }

    fn go_on(&mut self, transfer: Transfer<Buffer, H>, slot: u8, act: Act, buffers: &mut Buffers) -> &'static str {
        match act {
            Act::Look => {
                let moved = H::look(&transfer, &mut H::ledger(&self.record).borrow_mut());
                self.note(|ledger| ledger.looked(moved));
                self.state = State::Running(transfer, slot);
                if moved == 0 { "none" } else { "some" }
            }
            Act::IsDone => {
                let is_done = transfer.is_done();
                self.state = State::Running(transfer, slot);
                if is_done { "true" } else { "false" }
            }
            Act::Wait => self.wait(|| transfer.wait(), slot, buffers),
            Act::Stop => self.stop(transfer, slot, buffers),
            Act::Drop => {
                self.note(Ledger::lost);
                drop(transfer);
                "()"
            }
            Act::Forget => {
                self.note(Ledger::lost);
                std::mem::forget(transfer);
                "()"
            }
            Act::Await(polls) | Act::StopPolled(polls) | Act::DropPolled(polls) | Act::ForgetPolled(polls) => {
                self.go_on_as_future(transfer.into_future(), slot, act, polls, buffers)
            }
            _ => unreachable!("the reference does not allow {act:?}"),
        }
    }

    fn stop(&mut self, transfer: Transfer<Buffer, H>, slot: u8, buffers: &mut Buffers) -> &'static str {
        let (buffer, half, moved) = transfer.stop();
        self.note(|ledger| ledger.stopped(buffer, moved));
        let said = match buffer.len() - moved {
            0 => "all",
            _ if moved == 0 => "none",
            _ => "some",
        };
        buffers.put(slot.into(), buffer);
        self.state = State::Idle(half);
        said
    }

    fn go_on_as_future(
        &mut self,
        mut future: TransferFuture<Buffer, H>,
        slot: u8,
        act: Act,
        polls: u8,
        buffers: &mut Buffers,
    ) -> &'static str {
        let mut context = Context::from_waker(Waker::noop());
        let mut outcome = None;
        for _ in 0..polls {
            if let Poll::Ready(ready) = Pin::new(&mut future).poll(&mut context) {
                outcome = Some(ready);
                break;
            }
        }
        match (act, outcome) {
            (Act::Await(_) | Act::StopPolled(_), Some(outcome)) => self.ended(outcome, slot, buffers),
            (Act::Await(_), None) => self.wait(|| block_on(future), slot, buffers),
            (Act::StopPolled(_), None) => {
                let transfer = future.into_inner().expect("it was pending");
                self.stop(transfer, slot, buffers)
            }
            (_, outcome) => {
                // Both are lost together, whether it has ended or not.
                self.note(Ledger::lost);
                let said = if outcome.is_some() { "ready" } else { "pending" };
                if matches!(act, Act::ForgetPolled(_)) {
                    std::mem::forget((future, outcome));
                }
                said
            }
        }
    }

    /// Waits for the end; the peer sends frames meanwhile.
    fn wait(&mut self, wait: impl FnOnce() -> Outcome<H>, slot: u8, buffers: &mut Buffers) -> &'static str {
        let outcome = self.record.while_waiting(H::SIDE, wait);
        self.ended(outcome, slot, buffers)
    }

    fn ended(&mut self, outcome: Outcome<H>, slot: u8, buffers: &mut Buffers) -> &'static str {
        let (buffer, half, error) = match outcome {
            Ok((buffer, half)) => (buffer, half, None),
            Err(Failed { kind, channel, buffer }) => (buffer, channel, Some(H::line_error(kind))),
        };
        self.note(|ledger| ledger.ended(buffer, error));
        buffers.put(slot.into(), buffer);
        self.state = State::Idle(half);
        if error.is_some() { "Line" } else { "Ok" }
    }

    fn go_round(&mut self, mut round: H::Round, slot: u8, act: Act, buffers: &mut Buffers) -> &'static str {
        match act {
            Act::Turn => {
                let said = H::turn(&mut round, &mut H::ledger(&self.record).borrow_mut());
                self.state = State::Circular(round, slot);
                said
            }
            Act::Stop => {
                let (buffer, half) = H::stop_round(round);
                self.note(Ledger::stopped_round);
                buffers.put(slot.into(), buffer);
                self.state = State::Idle(half);
                "()"
            }
            Act::Drop => {
                self.note(Ledger::lost);
                drop(round);
                "()"
            }
            Act::Forget => {
                self.note(Ledger::lost);
                std::mem::forget(round);
                "()"
            }
            _ => unreachable!("the reference does not allow {act:?}"),
        }
    }

    /// Borrows memory from the stack.
    fn scope(&mut self, mut half: H, act: Act, length: u8) -> &'static str {
        let record = self.record.clone();
        let ledger = H::ledger(&record);
        let mut memory = vec![0; length.into()];
        ledger.borrow_mut().prepare(&mut memory);
        let before = memory.clone();
        let panics = matches!(act, Act::ScopePanics(_));
        for _ in 0..PATIENCE {
            let mut moved = 0;
            let work = |running: &Running<'_, H>| {
                ledger.borrow_mut().started(&before);
                (0..LOOKS).for_each(|_| moved = running.moved());
                if panics {
                    panic_any(InTheScope);
                }
                ledger.borrow_mut().looked(moved);
            };
            let side = if panics { Side::Sender } else { H::SIDE };
            let scoped = quietly(AssertUnwindSafe(|| record.while_waiting(side, || half.scope(&mut memory, work))));
            let said = match scoped {
                Ok(Ok(ended)) => {
                    ledger.borrow_mut().ended(&memory, ended.err());
                    if ended.is_err() { "Line" } else { "Ok" }
                }
                Ok(Err(Why::Line(error))) => {
                    ledger.borrow_mut().refused(error);
                    continue;
                }
                Ok(Err(why)) => {
                    assert!(refuses(act), "{act:?} was refused: {why:?}");
                    "Empty"
                }
                Err(payload) if payload.is::<InTheScope>() => {
                    ledger.borrow_mut().panicked(&memory, moved);
                    "panic"
                }
                // The run has come to its end in there.
                Err(payload) => resume_unwind(payload),
            };
            self.state = State::Idle(half);
            return said;
        }
        panic!("{act:?} is refused for ever");
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return outcome;
        }
    }
}
