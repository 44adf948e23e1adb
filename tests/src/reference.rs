//! The endpoint's states, written from its documentation: what a call may return.
//!
//! The reference knows what the host did before a call and during it, and what EVENTS_ENDEPIN\[0\] was before and
//! after. Where the result depends on which came first, the host's step or the call's look at a register, it tries them
//! all: it keeps every [`World`] that agrees with what was returned so far, and a result that none of them allows is
//! wrong.
//!
//! Taken from the table in `dma-api/src/nrf52840/usbd/ep0in`; its reading where the table is silent:
//!
//! - What is wrong with the argument is said first: `Empty` and `TooLong` in every state.
//! - `accept`, `stall` and `into_parts` take the buffer of an *aborted* transfer back as `start` does.
//! - Taking the endpoint apart and making one of the parts loses nothing.
//! - `next_event`: see [`events`].

use std::collections::BTreeSet;

use dma_api::nrf52840::usbd::{AnswerError, EndError, StartError, map};

use crate::conversation::{HostEvent, Sure};
use crate::events;
use crate::operations::Operation;
use crate::world::{Moment, Phase, World, later};

/// What a call has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of `start` and `start_zero_length`.
    Started(Result<(), StartError>),
    /// Of `end`.
    Ended(Result<(), EndError>),
    /// Of `busy`.
    Busy(bool),
    /// Of `next_event`.
    Event(Option<Notice>),
    /// Of `accept` and `stall`.
    Triggered(Result<(), AnswerError>),
    /// Of `into_parts`: whether it gave the parts.
    TakenApart(bool),
    /// Of what returns nothing.
    Nothing,
}

/// An event, as the reference can compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// `Event::Reset`.
    Reset,
    /// `Event::Sent`.
    Sent,
    /// `Event::Setup` with the bytes of the host's SETUP of this number, counted from 1.
    Setup(usize),
}

/// One call, and what is known about its circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What was called.
    pub operation: Operation,
    /// What the host did before the call and after the one before.
    pub before: &'a [HostEvent],
    /// What the host did during the call.
    pub during: &'a [HostEvent],
    /// Whether a look at EVENTS_ENDEPIN\[0\] during the call may find 1, or must.
    pub dma_ended: Sure,
}

/// Every state that the endpoint may be in.
#[derive(Clone, Debug)]
pub struct Reference {
    worlds: BTreeSet<World>,
    /// MUTANT: what `end` returns in `Idle`.
    end_when_idle: EndError,
}

fn sure(worlds: &BTreeSet<World>, holds: impl Fn(&World) -> bool) -> Sure {
    match worlds.iter().filter(|&world| holds(world)).count() {
        0 => Sure::No,
        all if all == worlds.len() => Sure::Yes,
        _ => Sure::Maybe,
    }
}

impl Reference {
    /// An endpoint just made, on a chip to which nothing has happened.
    ///
    /// `end_when_idle` is what `end` returns without a transfer: `NotStarted`, or something else to see that it is
    /// noticed.
    pub fn new(end_when_idle: EndError) -> Self {
        Self { worlds: BTreeSet::from([World::new()]), end_when_idle }
    }

    /// The state, where only one is possible.
    pub fn phase(&self) -> Option<Phase> {
        let first = self.worlds.first()?.phase;
        self.worlds.iter().all(|world| world.phase == first).then_some(first)
    }

    /// Whether the endpoint is idle: then nothing is armed.
    pub fn is_idle(&self) -> Sure {
        sure(&self.worlds, |world| world.phase == Phase::Idle)
    }

    /// Whether the endpoint is sending: then the SHORT EP0DATADONE_EP0STATUS is set.
    pub fn is_sending(&self) -> Sure {
        sure(&self.worlds, |world| matches!(world.phase, Phase::Sending { .. }))
    }

    /// Whether the last call has refused a SETUP.
    pub fn has_refused(&self) -> Sure {
        sure(&self.worlds, |world| world.refused)
    }

    /// The last SETUP that the endpoint may have dealt with.
    pub fn read(&self) -> usize {
        self.worlds.iter().map(|world| world.read).max().unwrap_or_default()
    }

    /// Compares what a call has returned with what it may.
    ///
    /// # Errors
    ///
    /// What it was, and what it may have been.
    pub fn check(&mut self, call: &Call<'_>, outcome: &Outcome) -> Result<(), String> {
        let before = self.worlds.iter().map(|&world| World { refused: false, ..world }.absorb(call.before));
        let before: BTreeSet<World> = before.collect();
        let allowed: Vec<_> = before.iter().flat_map(|&world| self.results(world, call)).collect();
        let same = allowed.iter().filter(|(result, _)| result == outcome);
        self.worlds = same.map(|(_, (world, position))| world.absorb(&call.during[*position..])).collect();
        if !self.worlds.is_empty() {
            return Ok(());
        }
        let mut results: Vec<_> = allowed.into_iter().map(|(result, _)| format!("{result:?}")).collect();
        results.sort();
        results.dedup();
        let (operation, results) = (call.operation, results.join(" or "));
        Err(format!("{operation:?} has returned {outcome:?}, expected {results}; {call:?} in {before:?}"))
    }

    /// What `call` may return in `world`, and the moment at which it has had its effect.
    fn results(&self, world: World, call: &Call<'_>) -> Vec<(Outcome, Moment)> {
        let one = |outcome, world| vec![(outcome, (world, 0))];
        match call.operation {
            Operation::Start(0) => one(Outcome::Started(Err(StartError::Empty)), world),
            Operation::Start(length) if usize::from(length) > map::PACKET_SIZE => {
                one(Outcome::Started(Err(StartError::TooLong { length: length.into() })), world)
            }
            Operation::Start(_) | Operation::StartZeroLength => {
                let results =
                    take_back(world, call, |free| Outcome::Started(free.then_some(()).ok_or(StartError::Busy)));
                results.into_iter().flat_map(|result| started(result, call.during)).collect()
            }
            Operation::End => self.end(world, call),
            Operation::Abort => one(Outcome::Nothing, world.aborted()),
            Operation::Busy => may_be_free(world, call).map(|free| (Outcome::Busy(!free), (world, 0))).collect(),
            Operation::NextEvent => events::next(world, call),
            Operation::Accept | Operation::Stall => {
                take_back(world, call, |free| Outcome::Triggered(free.then_some(()).ok_or(AnswerError::Busy)))
            }
            Operation::TakeApart => take_back(world, call, Outcome::TakenApart),
            Operation::Wait(_) => one(Outcome::Nothing, world),
        }
    }

    fn end(&self, world: World, call: &Call<'_>) -> Vec<(Outcome, Moment)> {
        let moments = later([(world, 0)], call.during).into_iter();
        let result = |(world, position): Moment| match world.phase {
            Phase::Idle => (Outcome::Ended(Err(self.end_when_idle)), (world, position)),
            Phase::Aborted { .. } => (Outcome::Ended(Err(EndError::NotStarted)), (world, position)),
            Phase::Sending { taken: true, .. } => (Outcome::Ended(Ok(())), (world.with(Phase::Idle), position)),
            Phase::Sending { taken: false, .. } => (Outcome::Ended(Err(EndError::NotDone)), (world, position)),
        };
        moments.map(result).collect()
    }
}

/// Whether the call may find the buffer free, and whether it may find it lent.
pub(crate) fn may_be_free(world: World, call: &Call<'_>) -> impl Iterator<Item = bool> {
    let (free, lent) = match world.phase {
        Phase::Idle => (true, false),
        Phase::Sending { .. } => (false, true),
        Phase::Aborted { .. } => (call.dma_ended != Sure::No, call.dma_ended != Sure::Yes),
    };
    [true, false].into_iter().filter(move |&found| if found { free } else { lent })
}

/// A call that needs the buffer: -> `Idle` if it is free.
fn take_back(world: World, call: &Call<'_>, outcome: impl Fn(bool) -> Outcome) -> Vec<(Outcome, Moment)> {
    let result = |free| (outcome(free), (if free { world.with(Phase::Idle) } else { world }, 0));
    may_be_free(world, call).map(result).collect()
}

/// A start that has taken the buffer sends. What the host has taken until then was another packet.
fn started((outcome, moment): (Outcome, Moment), during: &[HostEvent]) -> Vec<(Outcome, Moment)> {
    if outcome != Outcome::Started(Ok(())) {
        return vec![(outcome, moment)];
    }
    let start = |(world, at): Moment| (world.with(Phase::Sending { taken: false, overtaken: false }), at);
    let started = later(later([moment], during).into_iter().map(start), during);
    let mut results = Vec::new();
    for (setup, at) in started {
        for (world, at) in later([(setup, at)], during) {
            let Phase::Sending { taken, .. } = world.phase else { continue };
            let overtaken = setup.has_setup() && !taken;
            results.push((outcome.clone(), (world.with(Phase::Sending { taken, overtaken }), at)));
        }
    }
    results
}
