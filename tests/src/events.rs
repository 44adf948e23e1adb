//! What `next_event` may return.
//!
//! It looks for a SETUP, a reset, a taken packet, in this order, and reports in the order reset, sent, SETUP: what came
//! before a SETUP is seen to have come, and is reported before it. Each is reported once, and a SETUP with the bytes of
//! the latest.
//!
//! A SETUP ends what goes on. It is held back until the DMA has ended. If the host has taken the packet in answer to
//! this SETUP, or may have, the SETUP is not reported: the endpoint has refused it with STALL, and the host asks again.

use std::collections::BTreeSet;

use crate::reference::{Call, Notice, Outcome, may_be_free};
use crate::world::{Moment, Phase, World, later};

type Result = (Outcome, Moment);

/// A call under way: what it may return, and what the host does meanwhile.
struct Looking<'a> {
    call: &'a Call<'a>,
    results: Vec<Result>,
}

/// What `next_event` may return in `world`, and the moment at which it has had its effect.
pub(crate) fn next(world: World, call: &Call<'_>) -> Vec<Result> {
    if let Some(number) = world.held {
        let world = World { held: None, ..world };
        return vec![(Outcome::Event(Some(Notice::Setup(number))), (world, 0))];
    }
    let mut looking = Looking { call, results: Vec::new() };
    let looked = looking.later([(world, 0)]);
    for setup in [false, true] {
        let seen = looked.iter().copied().filter(|(world, _)| world.has_setup() == setup);
        let seen = looking.later(seen);
        let (reset, no_reset) = seen.into_iter().partition(|(world, _)| world.reset);
        looking.reset(reset);
        looking.no_reset(no_reset, setup);
    }
    looking.results
}

impl Looking<'_> {
    fn later(&self, now: impl IntoIterator<Item = Moment>) -> BTreeSet<Moment> {
        later(now, self.call.during)
    }

    fn may_return(&mut self, event: Option<Notice>, moment: Moment) {
        self.results.push((Outcome::Event(event), moment));
    }

    /// A reset was seen: it and what was taken before it are forgotten, and a packet under way is given up.
    fn reset(&mut self, now: BTreeSet<Moment>) {
        let cleared = self.later(now).into_iter().map(|(world, at)| (World { reset: false, ..world.aborted() }, at));
        let forgotten = self.later(cleared).into_iter().map(|(world, at)| (forget_taken(world), at));
        for (world, at) in self.later(forgotten) {
            self.may_return(Some(Notice::Reset), (suspect(world), at));
        }
    }

    fn no_reset(&mut self, now: BTreeSet<Moment>, setup: bool) {
        let mut given_up = BTreeSet::new();
        for (world, at) in self.later(now) {
            match world.phase {
                Phase::Sending { taken: true, overtaken: false } => {
                    self.may_return(Some(Notice::Sent), (world.with(Phase::Idle), at));
                }
                _ if !setup => self.may_return(None, (world, at)),
                _ => _ = given_up.insert((world.aborted(), at)),
            }
        }
        for (world, at) in self.later(given_up) {
            for free in may_be_free(world, self.call) {
                match free {
                    true => self.free(world, at),
                    false => self.may_return(None, (world, at)),
                }
            }
        }
    }

    /// The buffer is free, and the packet, if there was one, can be taken no more.
    fn free(&mut self, world: World, at: usize) {
        let (stale, clean) = self.later([(world, at)]).into_iter().partition::<BTreeSet<_>, _>(
            |(world, _)| matches!(world.phase, Phase::Aborted { taken, stale } if taken || stale),
        );
        for (world, at) in self.later(stale) {
            let world = World { read: world.sent, refused: true, ..world.with(Phase::Idle) };
            self.may_return(None, (world, at));
        }
        let read = self.later(clean).into_iter().map(|(world, at)| (World { read: world.sent, ..world }, at));
        for (world, at) in self.later(read) {
            let world = world.with(Phase::Idle);
            match world.reset {
                true => {
                    let held = World { held: Some(world.read), ..world };
                    let cleared = self.later([(held, at)]);
                    for (world, at) in cleared {
                        self.may_return(Some(Notice::Reset), (World { reset: false, ..world }, at));
                    }
                }
                false => self.may_return(Some(Notice::Setup(world.read)), (world, at)),
            }
        }
    }
}

fn forget_taken(world: World) -> World {
    match world.phase {
        Phase::Aborted { stale, .. } => world.with(Phase::Aborted { taken: false, stale }),
        _ => world,
    }
}

fn suspect(world: World) -> World {
    match world.phase {
        Phase::Aborted { taken, .. } => world.with(Phase::Aborted { taken, stale: world.has_setup() }),
        _ => world,
    }
}
