//! The device's side: what it does in a turn, and when the driver sees that.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering as Plain};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dma_api::address::Region;
use loom::sync::atomic::AtomicUsize;

use super::cell::{Place, Shadows};
use super::host::{Act, Step};
use super::{Evidence, Packets, fence, location};
use crate::engine::Copy;
use crate::explore::unwind;
use crate::fate::Passed;
use crate::machine::Moment;
use crate::monitor::clocks::Access;
use crate::monitor::{Rule, Site};
use crate::soc::{Items, Soc};

/// What the driver has started, and the device has not done.
pub(super) enum Job {
    /// A transfer of USBD.
    Copy(Copy),
    /// A transfer of a DMA channel, or half a lap of one.
    Items(Items),
    /// One that was stopped before the device had begun.
    Stopped,
}

/// What the device does, in order; it takes effect when the driver's reads have seen it.
enum Action {
    End(Copy),
    Items(Items),
    Host(Act),
}

/// Chip, buffers, and what passes between the two threads.
pub(super) struct Shared {
    pub soc: Mutex<Soc>,
    /// Races are loom's to find, and it goes no further than the first. The other rules are the monitor's.
    finds_races: bool,
    buffers: Mutex<Shadows>,
    to_device: location::Location,
    to_cpu: location::Location,
    jobs: Mutex<VecDeque<Job>>,
    /// What the driver has filled: turns of a channel that sends for ever. The next register write hands them over.
    pub filled: Mutex<Vec<Items>>,
    /// How many jobs there will be.
    due: u64,
    /// How many jobs there were.
    pub started: AtomicU64,
    actions: Mutex<VecDeque<Action>>,
    /// How many actions there were.
    pub acted: AtomicU64,
    applied: AtomicU64,
    /// All actions that there will be.
    all: AtomicU64,
    /// What a channel that was stopped has done by then, as a count of actions: a read of a register waits for it.
    in_flight_to: AtomicU64,
    /// What the driver's stop and the device's turn both pass: loom tries both orders. It orders no memory.
    turnstile: AtomicUsize,
    /// What the device does, step by step.
    steps: Vec<Step>,
    /// How many jobs it has done.
    pub done: AtomicU64,
    pub polled: Mutex<Vec<u32>>,
    evidence: Arc<Evidence>,
}

/// loom runs all its threads on one thread of the system, so these locks are free; one that panicked is the end of
/// the execution anyway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new<P: Packets>(program: &P, evidence: Arc<Evidence>) -> Self {
        let config = program.config();
        let mut soc = Soc::new(config);
        soc.leave_races_to_loom();
        program.prepare(&mut soc);
        let steps = program.steps();
        let transfers = steps.iter().filter(|step| step.transfer).count();
        assert_eq!(transfers, program.packets(), "`Packets::steps` has a transfer for each of `Packets::packets`");
        Self {
            soc: Mutex::new(soc),
            finds_races: config.policies.of(Rule::Race).ends_the_run(),
            buffers: Mutex::default(),
            to_device: location::Location::new(),
            to_cpu: location::Location::new(),
            jobs: Mutex::default(),
            filled: Mutex::default(),
            due: program.packets() as u64,
            started: AtomicU64::new(0),
            actions: Mutex::default(),
            acted: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            all: AtomicU64::new(steps.iter().map(Step::actions).sum()),
            in_flight_to: AtomicU64::new(0),
            turnstile: AtomicUsize::new(0),
            steps,
            done: AtomicU64::new(0),
            polled: Mutex::default(),
            evidence,
        }
    }

    /// The driver has started `jobs`: the device is told.
    pub fn start(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut queue = lock(&self.jobs);
        let before = queue.len();
        queue.extend(jobs);
        let more = queue.len() - before;
        drop(queue);
        if more > 0 {
            let count = self.started.fetch_add(more as u64, Plain::Relaxed) + more as u64;
            lock(&self.polled).clear();
            self.to_device.write(usize::try_from(count).expect("a count of transfers"));
        }
    }

    /// The driver's fence at `line`.
    pub fn fence(&self, moment: Moment, line: &'static Location<'static>) {
        let passed = lock(&self.soc).passed(moment, line);
        match passed {
            Passed::Release => fence::release(),
            Passed::Acquire => fence::acquire(),
            Passed::AcquireBefore => fence::acquire_before(),
            // The register write behind which it stands passes it.
            Passed::ReleaseBehind => lock(&self.soc).postpone_release(moment),
            Passed::Nothing => {}
        }
    }

    /// The driver has filled `region` for the DMA to read: in a turn that begins once a register was written.
    pub fn fill(&self, region: Region, line: &'static Location<'static>) {
        let mut soc = lock(&self.soc);
        soc.end_fill(region, line);
        lock(&self.filled).extend(soc.turn_of(region));
    }

    /// The driver is about to stop a channel: what the device has not begun it does not do, what it has done has
    /// happened. That the driver knows of that, takes a look.
    pub fn stop(&self, controller: usize, channel: usize) {
        self.turnstile.fetch_add(0, Plain::Relaxed);
        let acted = self.acted.load(Plain::Relaxed);
        self.in_flight_to.store(acted, Plain::Relaxed);
        self.apply(acted);
        for job in lock(&self.jobs).iter_mut() {
            if matches!(job, Job::Items(items) if (items.controller, items.channel) == (controller, channel)) {
                *job = Job::Stopped;
                self.all.fetch_sub(1, Plain::Relaxed);
            }
        }
        lock(&self.polled).clear();
        // A channel that sends for ever takes no more turns than there were fills.
        if lock(&self.soc).sends_for_ever(controller, channel).is_some() {
            lock(&self.filled).clear();
            let missing = self.due.checked_sub(self.started.load(Plain::Relaxed));
            let missing = missing.expect("`Packets::packets` counts every start, and every half that is filled");
            self.all.fetch_sub(missing, Plain::Relaxed);
            self.start((0..missing).map(|_| Job::Stopped));
        }
    }

    /// The driver reads a register of a controller: it waits for the items in flight of channels that were stopped.
    pub fn drain(&self) {
        while (self.to_cpu.read() as u64) < self.in_flight_to.load(Plain::Relaxed) {
            loom::thread::yield_now();
        }
    }

    /// Takes the memory of `region` away from the jobs that are not done yet: its window is about to close.
    pub fn revoke(&self, region: Region) {
        let soc = lock(&self.soc);
        for job in lock(&self.jobs).iter_mut() {
            if let Job::Copy(copy) = job
                && soc.shows(&copy.range(), region)
            {
                copy.revoke();
            }
        }
    }

    pub fn has_all_news(&self) -> bool {
        self.applied.load(Plain::Relaxed) == self.all.load(Plain::Relaxed)
    }

    /// Leaves the execution if a violation has ended it.
    #[track_caller]
    pub fn stop_at_violation(&self) {
        let stop = lock(&self.soc).stop().map(|(violation, policy)| (violation.clone(), policy));
        if let Some((violation, policy)) = stop {
            *lock(&self.evidence.violation) = Some(violation.clone());
            unwind(&violation, policy);
        }
    }

    /// The CPU accesses the buffer at `region`, for loom to judge.
    pub fn cpu_access(&self, region: Region, access: Access, site: Site) {
        let start = region.pointer.addr();
        self.access(Place::Host(start..start + region.length), access, site);
    }

    /// An access, for loom to judge.
    pub fn access(&self, place: Place, access: Access, site: Site) {
        if self.finds_races {
            let cells = lock(&self.buffers).of(place);
            cells.iter().for_each(|cell| cell.access(access, site));
        }
    }

    /// Whether a read of this register looks for news of the device, or belongs to the poll that has looked already:
    /// one poll takes all it reads from one moment. A poll that repeats itself lets the device go on first.
    pub fn wants_news(&self, register: u32) -> bool {
        let mut polled = lock(&self.polled);
        let repeats = polled.contains(&register);
        let first = polled.is_empty();
        if repeats {
            polled.clear();
        }
        polled.push(register);
        drop(polled);
        if repeats {
            loom::thread::yield_now();
        }
        repeats || first
    }

    /// The driver looks for news of the device.
    pub fn look(&self) {
        self.apply(self.to_cpu.read() as u64);
    }

    /// Lets the device's actions up to the `seen`th take effect, as far as the chip is ready for what the host does.
    fn apply(&self, seen: u64) {
        while self.applied.load(Plain::Relaxed) < seen {
            let action = lock(&self.actions).pop_front().expect("an action stands before its count is stored");
            let mut soc = lock(&self.soc);
            match action {
                Action::End(copy) => soc.end_copy(&copy),
                Action::Items(items) => soc.move_items(&items),
                Action::Host(act) => {
                    if !act.carry_out(&mut soc) {
                        return lock(&self.actions).push_front(Action::Host(act));
                    }
                }
            }
            drop(soc);
            self.applied.fetch_add(1, Plain::Relaxed);
        }
    }

    /// The device thread: engine and host, step by step.
    pub fn device(&self) {
        for step in &self.steps {
            let mut actions = Vec::new();
            if step.transfer {
                match self.transfer() {
                    Some(action) => actions.push(action),
                    None => continue,
                }
            }
            actions.extend(step.acts.iter().cloned().map(Action::Host));
            let count = self.acted.fetch_add(actions.len() as u64, Plain::Relaxed) + actions.len() as u64;
            lock(&self.actions).extend(actions);
            self.to_cpu.write(usize::try_from(count).expect("a count of actions"));
        }
    }

    /// The engine waits for the next job, and does it. `None`: it was stopped before.
    fn transfer(&self) -> Option<Action> {
        let number = self.done.load(Plain::Relaxed) + 1;
        while (self.to_device.read() as u64) < number {
            loom::thread::yield_now();
        }
        self.turnstile.fetch_add(0, Plain::Relaxed);
        // ORDERING: pairs with the driver's `release`; orders the engine's accesses after the trigger.
        fence::acquire();
        self.access_front();
        self.done.fetch_add(1, Plain::Relaxed);
        // It stands there until now, so that `acquire` finds it. Nobody else runs between here and its end.
        let job = lock(&self.jobs).pop_front().expect("it stood there, and only this thread takes it");
        let action = match job {
            Job::Copy(mut copy) => {
                copy.finish();
                Action::End(copy)
            }
            Job::Items(items) => Action::Items(items),
            Job::Stopped => return None,
        };
        // ORDERING: pairs with the driver's `acquire`; orders the engine's accesses before END.
        fence::release();
        Some(action)
    }

    /// The engine accesses the buffer of the job that is next.
    fn access_front(&self) {
        let access = match lock(&self.jobs).front().expect("a job stands before its count is stored") {
            Job::Copy(copy) => copy.next().map(|beat| (beat.range, beat.access, beat.site)),
            Job::Items(items) => Some((items.range.clone(), items.access, items.site)),
            Job::Stopped => None,
        };
        if let Some((range, access, site)) = access {
            let host = lock(&self.soc).host_range(&range);
            self.access(host.map_or(Place::Simulated, Place::Host), access, site);
        }
    }
}
