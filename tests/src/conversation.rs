//! What has passed on the wire, and what the host may be answered.
//!
//! The host's side of the property. It knows what the host sent and what the firmware called, nothing of registers:
//!
//! - A packet in a data stage has exactly the bytes of the last `start`, and comes once. A SETUP discards it.
//! - A status stage is answered only if the firmware has called `accept` since the SETUP, or the host has taken a
//!   packet that was not aborted, or the chip answers by itself (SET_ADDRESS). If so, it is answered.
//! - STALL is answered only if the firmware has called `stall` since the SETUP. If so, every stage is.
//! - A SETUP is acknowledged, always. Nothing goes unanswered.
//!
//! What happens while a call of the firmware runs may come before or after the call's effect; [`Sure`] has a third
//! value for that.

use dma_api::usb::Setup;
use sim_core::device::usbd::{Answer, Packet};
use sim_core::monitor::Rule;

use crate::operations::{Operation, Request};

/// Something that the host did, as the firmware can notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// It has reset the bus.
    Reset,
    /// It has sent a SETUP.
    Setup,
    /// It has taken the packet of a data stage.
    Taken,
}

/// Safe calls that make the chip report a broken rule. What a careful firmware leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// `accept` while the latest SETUP is SET_ADDRESS. The firmware may not have seen it yet.
    AcceptOfSetAddress,
}

impl Hazard {
    /// The rule that it breaks.
    pub fn rule(self) -> Rule {
        match self {
            Self::AcceptOfSetAddress => Rule::StatusOnSetAddress,
        }
    }
}

/// Whether something is so, as far as can be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// It is not.
    #[default]
    No,
    /// It depends on what came first.
    Maybe,
    /// It is.
    Yes,
}

/// What a task of endpoint 0 has brought about: a permission, a stall.
#[derive(Debug, Default)]
struct Effect {
    holds: Sure,
    /// The call that triggers the task runs.
    calling: bool,
    /// The host has changed it since the call began.
    disturbed: bool,
}

impl Effect {
    fn call_begins(&mut self) {
        self.calling = true;
        self.disturbed = false;
    }

    fn call_returns(&mut self, triggered: Sure) {
        if std::mem::take(&mut self.calling) && triggered != Sure::No {
            let is_sure = triggered == Sure::Yes && !self.disturbed;
            self.holds = if is_sure { Sure::Yes } else { self.holds.max(Sure::Maybe) };
        }
    }

    fn becomes(&mut self, holds: Sure) {
        self.holds = holds;
        self.disturbed = true;
    }

    fn may_hold(&self) -> bool {
        self.calling || self.holds != Sure::No
    }

    fn must_hold(&self) -> bool {
        self.holds == Sure::Yes
    }
}

/// What is known when a call has returned.
#[derive(Clone, Copy, Debug)]
pub struct After {
    /// The task that the call is about was triggered.
    pub triggered: Sure,
    /// The endpoint is idle: nothing is armed.
    pub idle: Sure,
    /// The endpoint is sending: the packet, when taken, permits the status stage.
    pub sending: Sure,
    /// The last SETUP that the firmware, or the endpoint, may know.
    pub read: usize,
}

/// A packet that waits for the host.
#[derive(Debug)]
struct Armed {
    bytes: Vec<u8>,
    /// The SETUP that it is an answer to.
    answers: usize,
}

/// What has passed on the wire, and what the firmware has said about it.
#[derive(Debug, Default)]
pub struct Conversation {
    requests: Vec<(Request, Setup)>,
    events: Vec<HostEvent>,
    calling: Option<Operation>,
    /// The packet that the next IN token of a data stage may be given.
    armed: Option<Armed>,
    /// The packet of a start under way, which comes after that one.
    starting: Option<Armed>,
    /// Whether the packet, when taken, permits the status stage: SHORT EP0DATADONE_EP0STATUS.
    shortcut: Sure,
    /// The last SETUP that the firmware, or the endpoint, may know.
    read: usize,
    /// The last SETUP in whose data stage the host has taken the answer to another.
    misled: usize,
    permitted: Effect,
    stalled: Effect,
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// The firmware's side.
impl Conversation {
    /// What the host did so far, oldest first.
    pub fn events(&self) -> &[HostEvent] {
        &self.events
    }

    /// How many SETUPs the host has sent.
    pub fn setups(&self) -> usize {
        self.requests.len()
    }

    /// Which of the host's SETUPs this is, counted from 1.
    pub fn number_of(&self, setup: Setup) -> Option<usize> {
        self.requests.iter().position(|(_, sent)| *sent == setup).map(|index| index + 1)
    }

    /// The last SETUP in whose data stage the host has taken the answer to one before, counted from 1.
    ///
    /// 0 if there was another call than `next_event` since: a firmware that ends or aborts a packet by its own calls
    /// takes it upon itself that a SETUP may have come.
    pub fn misled(&self) -> usize {
        self.misled
    }

    /// What `operation` risks now, if the endpoint is `busy`, or is not.
    pub fn hazard(&self, operation: Operation, busy: bool) -> Option<Hazard> {
        match operation {
            Operation::Accept if !busy && self.is_set_address() => Some(Hazard::AcceptOfSetAddress),
            _ => None,
        }
    }

    /// Why the call under way was bound to break `rule`.
    pub fn excuse(&self, rule: Rule) -> Option<Hazard> {
        let operation = self.calling?;
        let hazards = [true, false].map(|busy| self.hazard(operation, busy));
        hazards.into_iter().flatten().find(|hazard| hazard.rule() == rule)
    }

    /// The firmware calls `operation`. An endpoint that is `idle` refuses nothing by itself.
    pub fn call_begins(&mut self, operation: Operation, idle: Sure) {
        self.calling = Some(operation);
        match operation {
            Operation::Accept => self.permitted.call_begins(),
            Operation::Stall => self.stalled.call_begins(),
            Operation::NextEvent => {
                self.shortcut = Sure::Maybe;
                if idle != Sure::Yes {
                    self.stalled.call_begins();
                }
            }
            Operation::Busy | Operation::TakeApart | Operation::Wait(_) => {}
            _ => self.shortcut = Sure::Maybe,
        }
    }

    /// The firmware starts a packet of these bytes.
    pub fn start_begins(&mut self, bytes: &[u8]) {
        self.starting = Some(Armed { bytes: bytes.to_vec(), answers: self.read });
    }

    /// The start has returned. A packet that was started, and that the host has not taken yet, is armed.
    pub fn start_returns(&mut self, is_started: bool) {
        let starting = self.starting.take();
        if is_started {
            self.armed = starting;
        }
    }

    /// The call has returned.
    pub fn call_returns(&mut self, after: After) {
        if !matches!(self.calling.take(), Some(Operation::NextEvent | Operation::Busy | Operation::Wait(_))) {
            self.misled = 0;
        }
        self.shortcut = after.sending;
        self.read = after.read;
        if after.idle == Sure::Yes {
            self.armed = None;
        }
        self.permitted.call_returns(after.triggered);
        self.stalled.call_returns(after.triggered);
    }
}

/// The host's side.
impl Conversation {
    fn is_set_address(&self) -> bool {
        matches!(self.requests.last(), Some((Request::SetAddress, _)))
    }

    /// The host has reset the bus. What endpoint 0 was about goes on until the next SETUP.
    pub fn reset(&mut self) {
        self.events.push(HostEvent::Reset);
    }

    /// The SETUP packet for the host's next request.
    ///
    /// # Panics
    ///
    /// If the host has sent 255 already: more than a case has.
    pub fn next_setup(&self, request: Request) -> Setup {
        request.setup(u8::try_from(self.requests.len() + 1).expect("a case has fewer SETUPs"))
    }

    /// The host has sent a SETUP.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer.
    pub fn setup(&mut self, request: Request, answer: Answer) -> Result<(), String> {
        ensure(answer == Answer::Ack, || format!("SETUP was answered with {answer:?}"))?;
        let setup = self.next_setup(request);
        self.requests.push((request, setup));
        self.events.push(HostEvent::Setup);
        self.armed = None;
        self.stalled.becomes(Sure::No);
        self.permitted.becomes(if request == Request::SetAddress { Sure::Yes } else { Sure::No });
        Ok(())
    }

    /// The host has sent an IN token.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer.
    pub fn token_in(&mut self, answer: Answer) -> Result<(), String> {
        let is_data = matches!(self.requests.last(), Some((Request::Read(_), _)));
        match answer {
            Answer::Data { packet, .. } if is_data => self.taken(&packet),
            Answer::Data { data1, packet } => {
                ensure(data1 && packet.bytes().is_empty(), || format!("a status stage brought {packet:?}"))?;
                self.status_stage("IN")
            }
            Answer::Nak if is_data => self.nak_in_data_stage(),
            other => self.no_data("IN", other),
        }
    }

    /// The host has sent an OUT token without bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer.
    pub fn token_out(&self, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Ack => self.status_stage("OUT"),
            other => self.no_data("OUT", other),
        }
    }

    fn taken(&mut self, packet: &Packet) -> Result<(), String> {
        ensure(!self.stalled.must_hold(), || "a stalled data stage brought a packet".to_owned())?;
        let got = packet.bytes();
        let due = self.armed.take_if(|due| due.bytes == got).or_else(|| self.starting.take_if(|due| due.bytes == got));
        let Some(due) = due else {
            let (armed, starting) = (&self.armed, &self.starting);
            return Err(format!("the host was given {got:?}, and due was {armed:?}; {starting:?} is being started"));
        };
        if due.answers != self.setups() {
            self.misled = self.setups();
        }
        self.events.push(HostEvent::Taken);
        self.permitted.holds = self.permitted.holds.max(self.shortcut);
        Ok(())
    }

    fn nak_in_data_stage(&self) -> Result<(), String> {
        ensure(!self.stalled.must_hold(), || "a stalled data stage answers NAK".to_owned())
    }

    fn status_stage(&self, token: &str) -> Result<(), String> {
        ensure(!self.requests.is_empty(), || format!("{token} was answered before the first SETUP"))?;
        ensure(!self.stalled.must_hold(), || format!("a stalled status stage answers {token}"))?;
        ensure(self.permitted.may_hold(), || format!("{token} ended a status stage that nobody has permitted"))
    }

    /// NAK or STALL, in a status stage or before the first SETUP.
    fn no_data(&self, token: &str, answer: Answer) -> Result<(), String> {
        let permitted = self.permitted.must_hold() && !self.requests.is_empty();
        match answer {
            Answer::Stall => {
                ensure(self.stalled.may_hold(), || format!("{token} was answered with STALL, and nobody has stalled"))
            }
            Answer::Nak => {
                ensure(!self.stalled.must_hold(), || format!("{token} was answered with NAK in spite of a stall"))?;
                ensure(!permitted, || format!("{token} was answered with NAK, and the status stage was permitted"))
            }
            other => Err(format!("{token} was answered with {other:?}")),
        }
    }
}
