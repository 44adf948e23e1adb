//! The system: chip, memory, engine, monitor and trace, behind one door.
//!
//! Every explorer drives this value; they differ only in who may call when. All methods are instantaneous: whatever
//! takes time on the chip is split into steps that an explorer calls one after the other.
//!
//! ```text
//! CPU   cpu_read, cpu_write, cpu_peek, cpu_poke, release, acquire, load, store
//! DMA   engine_step (a beat, or the END);  or take_copy .. note_beat .. end_copy, to copy outside of a lock
//!       dma_step (an item's read, or its write), of an STM32F103
//! host  transaction, bus_reset, iso_in, iso_out, start_of_frame, suspend, resume, plug
//! peer  serial_send, serial_idle, serial_receive; wire_step (a frame has gone over the wire)
//! time  power_up_done, supply_step
//! cache maintain, by the CPU; have_whim, by itself
//! ```

use std::ops::Range;
use std::panic::Location;

use dma_api::address::{BusAddress, Region};

use crate::device::Chip;
use crate::device::power::{self, Power, Step};
use crate::device::stm32f103::{BusError, Line as SerialLine, Stm32f103};
use crate::device::usbd::{Options, Usbd, names_of};
use crate::engine::Copy;
use crate::fate::{Fate, Passed};
use crate::hash::hash;
use crate::host::Faults;
use crate::machine::{FencePlace, Fences, Strength};
use crate::memory::cache::DataCache;
use crate::memory::{Fault, Memory, View};
use crate::monitor::clocks::Access;
use crate::monitor::ownership::{self, Ownership, overlap};
use crate::monitor::{Misuse, Monitor, Policies, Policy, Rule, Site, Violation};
use crate::quirks::Quirks;
use crate::trace::{Keep, Levels, Record, Trace};

mod cache;
mod cpu;
mod dma;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod frames;
mod handover;
mod late;
mod leaving;
mod posted;
mod stm32f103;
mod turns;
mod usb;

pub(crate) use turns::Items;

type Line = &'static Location<'static>;

/// What a system is made of.
///
/// ```
/// # use sim_core::device::usbd::{Options, Supply};
/// # use sim_core::device::Chip;
/// # use sim_core::machine::{Fences, Machine};
/// # use sim_core::memory::cache::DataCache;
/// # use sim_core::soc::Config;
/// let cached = Config {
///     fences: Fences::right(Machine::CortexM7),
///     cache: Some(DataCache::CORTEX_M7),
///     ..Config::default()
/// };
/// let plugged = Config { options: Options { supply: Supply::Modelled, ..Options::default() }, ..Config::default() };
/// let serial = Config { chip: Chip::Stm32f103, ram: 64, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Config {
    /// What the chip's datasheet leaves open.
    pub options: Options,
    /// The core, and the fences that `release` and `acquire` stand for.
    pub fences: Fences,
    /// What bus and device do besides.
    pub quirks: Quirks,
    /// A fence of the driver that is not as these: weaker, stronger, or misplaced.
    pub fence_at: Option<(FencePlace, Fate)>,
    /// A data cache between the CPU and memory, if there is one. `explore::stepped` lets it do what it likes;
    /// `explore::threads` has it do nothing by itself, and `explore::model` judges no program that has one.
    pub cache: Option<DataCache>,
    /// A fence of the driver that does nothing about the cache.
    pub no_upkeep_at: Option<FencePlace>,
    /// What to do about violations, for each rule.
    pub policies: Policies,
    /// What to keep of the run.
    pub keep: Keep,
    /// Bytes of simulated RAM.
    pub ram: usize,
    /// The chip.
    pub chip: Chip,
    /// How quick the serial lines of an STM32F103 are.
    pub line: SerialLine,
    /// The item, if any, at which the DMA of an STM32F103 finds nothing on the bus.
    pub bus_error: Option<BusError>,
    /// How many of the buffers, counted from the first that is lent, no DMA reaches: a test's.
    pub out_of_reach: u8,
    /// What may happen on the wire, where a scheduler chooses: `explore::stepped`.
    pub faults: Faults,
}

/// Chip, memory, engine, monitor and trace.
///
/// An explorer drives it step by step. So can a test, with nobody else:
///
/// ```
/// # use std::panic::Location;
/// # use dma_api::nrf52840::usbd::map;
/// # use sim_core::monitor::Rule;
/// # use sim_core::soc::{Config, Soc};
/// let mut soc = Soc::new(Config::default());
/// // Not before ENABLE=1 and READY.
/// soc.cpu_write(map::usbpullup(), 1, Location::caller());
/// assert_eq!(soc.monitor().violations()[0].misuse.rule, Rule::AccessBeforeReady);
/// ```
#[derive(Debug)]
pub struct Soc {
    fences: Fences,
    quirks: Quirks,
    fence_at: Option<(FencePlace, Fate)>,
    cache: Option<DataCache>,
    no_upkeep_at: Option<FencePlace>,
    /// What was lent last.
    released: Range<u32>,
    usbd: Usbd,
    power: Power,
    /// In an STM32F103 only; USBD and POWER are out of reset then, for ever.
    stm32f103: Option<Box<Stm32f103>>,
    line: SerialLine,
    bus_error: Option<BusError>,
    /// How many buffers are still to be lent that no DMA reaches.
    out_of_reach: u8,
    /// The buffer that was lent out of reach, and not taken back.
    refused: Option<Range<u32>>,
    memory: Memory,
    ownership: Ownership,
    monitor: Monitor,
    trace: Trace,
    copy: Option<Copy>,
    /// The memory of a copy that was taken out.
    taken: Option<(Range<u32>, Site)>,
    /// Register writes on their way, the oldest first.
    posted: Vec<posted::Posted>,
    /// Words on their way to memory, one of a controller at most.
    late: Vec<late::Late>,
    captured: u32,
    /// The cable is plugged in.
    plugged: bool,
    /// The run is over: nothing moves any more.
    left: bool,
    broken_while_unwinding: bool,
    /// Somebody else looks for races.
    ignores_races: bool,
    /// How many frames the peer has sent, where the script does not: in `turns`.
    fed: u16,
    /// Counts changes that somebody else can observe.
    generation: u64,
    /// What the DMA has written into memory since the driver took some back, as a hash.
    delivered: u64,
}

impl Soc {
    /// A system out of reset.
    pub fn new(config: Config) -> Self {
        let power = Power::new(config.options.supply);
        let mut usbd = Usbd::new(config.options);
        usbd.set_feed(power.feed());
        Self {
            fences: config.fences,
            quirks: config.quirks,
            fence_at: config.fence_at,
            cache: config.cache,
            no_upkeep_at: config.no_upkeep_at,
            released: 0..0,
            usbd,
            power,
            stm32f103: (config.chip == Chip::Stm32f103).then(Box::default),
            line: config.line,
            bus_error: config.bus_error,
            out_of_reach: config.out_of_reach,
            refused: None,
            memory: match config.cache {
                Some(cache) => Memory::new(config.chip, config.ram).behind_cache(cache.line),
                None => Memory::new(config.chip, config.ram),
            },
            ownership: Ownership::new(matches!(config.fence_at, Some((_, Fate::OtherSide)))),
            monitor: Monitor::new(config.policies),
            trace: Trace::new(config.keep),
            copy: None,
            taken: None,
            posted: Vec::new(),
            late: Vec::new(),
            captured: 0,
            plugged: true,
            left: false,
            broken_while_unwinding: false,
            ignores_races: false,
            fed: 0,
            generation: 0,
            delivered: 0,
        }
    }

    /// The chip.
    pub fn usbd(&self) -> &Usbd {
        &self.usbd
    }

    /// The chip's POWER and CLOCK.
    pub fn power(&self) -> &Power {
        &self.power
    }

    /// The trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The monitor.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// A count that grows with every change that the other side can observe.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The violation that ends the run, if one does, and how: [`Policy::Stop`] or [`Policy::Panic`].
    pub fn stop(&self) -> Option<(&Violation, Policy)> {
        let violation = self.monitor.stop()?;
        Some((violation, self.monitor.policy_of(violation.misuse.rule)))
    }

    /// Whether a violation ends the run.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.monitor.is_stopped()
    }

    /// Whether nobody is here but an nRF52840's controller, engine and host: no quirk, no cache, no supply that comes
    /// and goes. It is so for a whole run.
    pub(crate) fn is_plain(&self) -> bool {
        let Self { quirks, cache, power, stm32f103, .. } = self;
        *quirks == Quirks::default() && cache.is_none() && !power.is_modelled() && stm32f103.is_none()
    }

    /// What is left when the run is over: what happened, what was found.
    pub fn into_evidence(self) -> (Trace, Vec<Violation>) {
        (self.trace, self.monitor.into_violations())
    }

    /// Whether a transfer runs, or a channel is enabled for one.
    pub fn dma_is_busy(&self) -> bool {
        self.engine_is_busy() || self.stm32f103().is_some_and(Stm32f103::is_busy)
    }

    /// Whether the interrupt line is asserted.
    pub fn interrupt(&self) -> bool {
        self.usbd.interrupt() || self.stm32f103().is_some_and(Stm32f103::interrupt)
    }

    /// What asserts the interrupt line, by name.
    pub fn asserted(&self) -> Vec<String> {
        let stm32f103 = self.stm32f103().map(Stm32f103::asserted).unwrap_or_default();
        names_of(self.usbd.asserted()).chain(stm32f103).collect()
    }

    /// The wires between POWER, CLOCK and the controller.
    #[inline]
    fn feed(&mut self) {
        self.power.set_enabled(self.usbd.is_enabled());
        self.usbd.set_feed(self.power.feed());
    }

    /// Where in the memory of the host the bytes at these addresses are. `None` if in no window that is open.
    pub(crate) fn host_range(&self, range: &Range<u32>) -> Option<Range<usize>> {
        self.memory.host_range(range)
    }

    /// Races are not looked for: loom does that.
    pub(crate) fn leave_races_to_loom(&mut self) {
        self.ignores_races = true;
    }

    /// Whether `range` shows a byte of `region`, which is lent.
    pub(crate) fn shows(&self, range: &Range<u32>, region: Region) -> bool {
        self.memory.lent(region).any(|lent| overlap(range, &lent))
    }

    /// Whether a copy that was taken out still uses `region`; reports it to be taken back too early, if so.
    pub(crate) fn is_in_use(&mut self, region: Region, line: Line) -> bool {
        let Some((taken, site)) = self.taken.clone() else {
            return false;
        };
        if !self.shows(&taken, region) {
            return false;
        }
        self.report(Some(ownership::check_acquired_in_flight(taken, site)), Site::Cpu(line));
        true
    }

    /// Whether a copy was taken out, and is not ended yet.
    pub(crate) fn is_copying(&self) -> bool {
        self.taken.is_some()
    }

    /// Takes `length` bytes of simulated RAM.
    pub fn allocate(&mut self, length: usize) -> BusAddress {
        self.memory.allocate(length)
    }

    /// The peripheral has powered up, or woken up.
    pub fn power_up_done(&mut self) {
        self.usbd.power_up_done();
        self.generation += 1;
        self.trace.note(None, || Record::Ready);
        self.note_levels();
    }

    /// What of VBUS, the regulator and the crystal can come next.
    pub fn supply_steps(&self) -> impl Iterator<Item = Step> + use<> {
        self.power.steps()
    }

    /// Whether something powers up: the controller, or what it lives on.
    pub(crate) fn is_rising(&self) -> bool {
        self.usbd.is_powering_up() || self.supply_steps().next().is_some()
    }

    /// It comes.
    pub fn supply_step(&mut self, step: Step) {
        self.power.step(step);
        self.feed();
        self.generation += 1;
        self.trace.note(None, || Record::Supply(step));
    }

    /// Looks at what an access has brought about: misuse of the chip, a transfer that was started or given up.
    #[inline]
    fn settle(&mut self, site: Site) {
        if self.usbd.has_misuse() {
            self.report_all(site);
        }
        if self.usbd.job().is_some_and(|job| job.id != self.captured && !self.left) {
            self.capture(site);
        }
        self.drop_orphan();
        self.note_levels();
    }

    /// The chip was misused.
    #[cold]
    fn report_all(&mut self, site: Site) {
        for misuse in self.usbd.take_misuse() {
            self.report(Some(misuse), site);
        }
        // A second START may have corrupted the first. A copy that was taken out is not reached.
        if let (Some(copy), Some(job)) = (&mut self.copy, self.usbd.job()) {
            copy.update(job);
        }
    }

    /// The engine takes the job that was started.
    fn capture(&mut self, site: Site) {
        let Some(job) = self.usbd.job() else {
            return;
        };
        self.captured = job.id;
        self.ownership.job_captured();
        let (copy, fault) = Copy::new(job, &self.memory);
        let (block, endpoint, range) = (job.block(), job.endpoint, copy.range());
        if let Some(replaced) = self.copy.replace(copy) {
            self.note_delivered(&replaced);
        }
        self.trace.note(None, || Record::Captured { block, endpoint, range: range.clone() });
        self.report(fault.map(|fault| check_reach(fault, range)), site);
    }

    /// The CPU has entered or left its handler, or fallen asleep or woken.
    pub(crate) fn note(&mut self, record: Record) {
        self.trace.note(None, || record);
    }

    #[inline]
    fn note_levels(&mut self) {
        if self.trace.keeps() {
            self.keep_levels();
        }
    }

    #[cold]
    fn keep_levels(&mut self) {
        let dma = self.usbd.job().is_some() || self.stm32f103().is_some_and(Stm32f103::is_busy);
        let stm32f103 = self.stm32f103_levels();
        let levels = Levels { events: self.usbd.events(), interrupt: self.interrupt(), dma, stm32f103 };
        self.trace.note_levels(|| levels);
    }

    /// A copy whose job the chip has given up is not done. The beats that it has done come before whatever the chip
    /// shows from now on.
    #[inline]
    fn drop_orphan(&mut self) {
        if self.copy.is_none() {
            return;
        }
        let current = self.usbd.job().map(|job| job.id);
        if let Some(copy) = self.copy.take_if(|copy| current != Some(copy.job().id)) {
            self.ownership.job_ended();
            self.note_delivered(&copy);
        }
    }

    /// A rule was broken, if there is misuse.
    #[inline]
    pub(crate) fn report(&mut self, misuse: Option<Misuse>, site: Site) {
        if let Some(misuse) = misuse.filter(|misuse| misuse.rule != Rule::Race || !self.ignores_races) {
            self.report_misuse(misuse, site);
        }
    }

    #[cold]
    fn report_misuse(&mut self, misuse: Misuse, site: Site) {
        let rule = misuse.rule;
        if self.monitor.report(misuse, site) {
            self.trace.note(None, || Record::Violation(rule));
        }
    }
}

/// Takes the memory at `range` away from the copy under way, if that uses it.
fn revoke(copy: &mut Option<Copy>, range: &Range<u32>) -> Option<Misuse> {
    let copy = copy.as_mut().filter(|copy| !copy.is_blind() && overlap(&copy.range(), range))?;
    copy.revoke();
    Some(ownership::check_acquired_in_flight(copy.range(), copy.site()))
}

/// All that the future depends on, but for what the driver and the host keep to themselves.
impl std::hash::Hash for Soc {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (
            &self.usbd,
            &self.power,
            &self.stm32f103,
            &self.memory,
            &self.ownership,
            &self.copy,
            (&self.posted, &self.late),
            self.monitor.violations().len(),
            self.plugged,
            self.delivered,
            self.out_of_reach,
        )
            .hash(state);
    }
}

/// EasyDMA reaches RAM only (nRF52840 PS, EasyDMA), and of that only what was lent.
fn check_reach(fault: Fault, range: Range<u32>) -> Misuse {
    let rule = match fault {
        Fault::Flash(_) | Fault::OutsideRam(_) => Rule::PointerOutsideRam,
        Fault::NotLent(_) | Fault::WrongDirection(_) => Rule::PointerNotLent,
        Fault::DeadFrame(_) => Rule::PointerToDeadFrame,
    };
    Misuse { range: Some(range), ..Misuse::new(rule, format!("PTR: {fault}")) }
}

#[cfg(test)]
pub(crate) mod tests;
