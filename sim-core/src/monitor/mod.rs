//! The bus monitor: a name for everything that can be done wrong.
//!
//! | what is judged | where |
//! |---|---|
//! | how the driver treats the chip | a chip's `rules` (for USBD: `device/usbd/rules`) |
//! | what the DMA may reach, who owns a buffer | [`ownership`] |
//! | whether an access happens after the one it must follow | [`clocks`] |
//! | whether CPU and DMA see the same memory, with a cache in between | `cache` |
//!
//! Whatever is found becomes a [`Violation`]: the rule, the addresses, both sites, and (from an explorer that can
//! replay) the string that brings it back. What happens then is the rule's [`Policy`].

use std::fmt;
use std::ops::Range;
use std::panic::Location;

use serde::Serialize;

pub(crate) mod cache;
mod cells;
pub mod clocks;
pub mod ownership;
mod policy;

pub use policy::{Policies, Policy};

/// Writes the rules and [`Rule::ALL`] from one list, so that neither can miss one.
macro_rules! rules {
    ($($(#[$doc:meta])* $Rule:ident,)*) => {
        /// A rule that a driver can break.
        ///
        /// See [`Monitor`] for an example.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[non_exhaustive]
        pub enum Rule { $( $(#[$doc])* $Rule, )* }

        impl Rule {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$Rule),*];
        }
    };
}

rules! {
    /// Two accesses to one buffer, by CPU and DMA, that nothing orders.
    Race,
    /// The CPU touched a buffer that is lent to the DMA.
    CpuAccessInFlight,
    /// A buffer was lent to the DMA that is lent already.
    ReleasedTwice,
    /// A buffer was taken back while the DMA still used it.
    AcquiredInFlight,
    /// A buffer was taken back that was not lent, or not as it was lent.
    AcquiredWithoutRelease,
    /// PTR is not in RAM.
    PointerOutsideRam,
    /// PTR is in RAM that was not lent to the DMA (or for the other direction).
    PointerNotLent,
    /// PTR is in RAM that no frame of the firmware has, or has any more.
    PointerToDeadFrame,
    /// MAXCNT is more than the endpoint's buffer holds, or than MAXCNT's field does.
    LengthOverBuffer,
    /// PTR or MAXCNT is not a multiple of 4, where that is asked for; CPAR or CMAR none of a channel's width.
    Unaligned,
    /// START while a transfer runs.
    StartWhileBusy,
    /// EP0STATUS or EP0RCVOUT while a transfer runs.
    TaskWhileBusy,
    /// STARTEPIN while the endpoint holds a packet that the host has not taken.
    StartWhileArmed,
    /// STARTEPOUT while the endpoint holds no packet.
    StartWithoutPacket,
    /// SIZE.EPOUT was written while the endpoint was armed already, or held a packet that nobody had seen.
    ArmedTwice,
    /// DTOGGLE forced the toggle of an endpoint that it had not selected first.
    ToggleNotSelected,
    /// ENABLE=1 without VBUS.
    EnableWithoutVbus,
    /// USBPULLUP=1 before the USB regulator has settled.
    PullUpBeforePowerReady,
    /// USBPULLUP=1 while the crystal oscillator does not run.
    PullUpWithoutClock,
    /// A register of the USB core was touched before READY.
    AccessBeforeReady,
    /// A register of the USB core was touched in low power.
    AccessInLowPower,
    /// A register of the USB core was touched while a transfer runs.
    AccessDuringTransfer,
    /// ENABLE=0 while a transfer runs.
    PowerDownDuringTransfer,
    /// LOWPOWER=1 while a transfer runs.
    LowPowerDuringTransfer,
    /// DPDMDRIVE before the core is awake again.
    DriveBeforeWakeUp,
    /// EPSTALL or DTOGGLE with endpoint 8, which they have no bit for.
    EndpointAliased,
    /// EP0STATUS on SET_ADDRESS.
    StatusOnSetAddress,
    /// ENABLE=0 after an odd number of bytes, where that matters.
    OddBytesAtPowerDown,
    /// What the workaround of an erratum does was not done, on silicon that has the erratum.
    WorkaroundMissing,
    /// CPAR, CMAR, CNDTR or the mode of a DMA channel was written while EN=1.
    WrittenWhileEnabled,
    /// A DMA channel was enabled while TEIF says that its transfer before has failed.
    TransferErrorIgnored,
    /// A DMA channel was enabled in a mode that there is not.
    ChannelMode,
    /// A DMA channel was enabled with CNDTR=0.
    EmptyTransfer,
    /// Two peripherals ask one DMA channel for items.
    ChannelShared,
    /// A DMA channel moves items of one peripheral when another asks for them.
    RequestOfAnother,
    /// A USART or its transmitter was switched off in the middle of a frame.
    DisabledWhileSending,
    /// The DMA reads memory whose newest bytes are in the CPU's data cache.
    CacheNotCleaned,
    /// The CPU's data cache has other bytes than the DMA has written, or writes them over those.
    CacheNotInvalidated,
    /// Other bytes are in the data cache's lines of a buffer that the DMA writes.
    CacheLineShared,
    /// The interrupt handler returns with its line asserted, for ever.
    InterruptStorm,
    /// A register was accessed in a way that it does not have: with another width, read where it can only be written,
    /// or written where it can only be read.
    AccessMode,
    /// No register has this offset.
    UnknownRegister,
    /// The register exists, but this simulator does not model it.
    NotModelled,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Rule {
    /// The rules that a driver of an STM32F103 only can break.
    pub const STM32F103: &[Self] = &[
        Self::WrittenWhileEnabled,
        Self::TransferErrorIgnored,
        Self::ChannelMode,
        Self::EmptyTransfer,
        Self::ChannelShared,
        Self::RequestOfAnother,
        Self::DisabledWhileSending,
    ];

    /// The rules that a driver can break only if it knows the chip's addresses
    /// ([`by_address`](crate::explore::by_address)).
    pub const BY_ADDRESS: &[Self] = &[Self::PointerToDeadFrame, Self::AccessMode];

    /// The rules that are broken behind a data cache only.
    pub const CACHE: &[Self] = &[Self::CacheNotCleaned, Self::CacheNotInvalidated, Self::CacheLineShared];
}

/// Something done wrong, as its finder sees it.
///
/// See [`Monitor`] for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Misuse {
    /// The rule that was broken.
    pub rule: Rule,
    /// What happened, and what to do instead.
    pub what: String,
    /// The addresses concerned.
    pub range: Option<Range<u32>>,
    /// The other access, where there is one.
    pub other: Option<Site>,
}

impl Misuse {
    /// `rule` was broken; `what` says how, and what to do instead.
    pub fn new(rule: Rule, what: String) -> Self {
        Self { rule, what, range: None, other: None }
    }
}

/// Who did an access, and where.
///
/// See [`Monitor`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// The driver, at a line of its source.
    Cpu(&'static Location<'static>),
    /// The host, by a token.
    Host {
        /// The endpoint's number.
        endpoint: u8,
    },
    /// A channel of an STM32's DMA controller, in the middle of a transfer.
    Channel {
        /// The controller's number, from 1.
        controller: usize,
        /// The channel's number, from 1.
        channel: usize,
        /// Which item of the transfer, counted from 0.
        item: u32,
    },
    /// The CPU's data cache, by itself.
    Cache {
        /// The line's address.
        line: u32,
    },
    /// The peer at the other end of a serial line, by a frame.
    Peer {
        /// The USART's number, from 1.
        usart: usize,
    },
    /// The engine, in the middle of a transfer.
    Dma {
        /// `EPIN` or `EPOUT`.
        block: &'static str,
        /// The endpoint's number.
        endpoint: usize,
        /// Which word of the transfer, counted from 0.
        beat: usize,
    },
}

impl Site {
    /// The engine, `beats` later. Others stay where they are.
    pub(crate) fn later(self, beats: usize) -> Self {
        match self {
            Self::Dma { block, endpoint, beat } => Self::Dma { block, endpoint, beat: beat + beats },
            other => other,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu(location) => write!(f, "CPU: {}:{}", location.file(), location.line()),
            Self::Host { endpoint } => write!(f, "host: a token to endpoint {endpoint}"),
            Self::Channel { controller, channel, item } => {
                write!(f, "DMA: DMA{controller} channel {channel} item {item}")
            }
            Self::Cache { line } => write!(f, "cache: the line at {line:#010x}"),
            Self::Peer { usart } => write!(f, "peer: a frame for USART{usart}"),
            Self::Dma { block, endpoint, beat } => write!(f, "DMA: {block}[{endpoint}] beat {beat}"),
        }
    }
}

/// A broken rule, with both sites.
///
/// See [`Monitor`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What was done wrong.
    pub misuse: Misuse,
    /// Who did it. For a [`Rule::Race`], the later of the two accesses.
    pub site: Site,
    /// What brings it back, from an explorer that can replay.
    pub replay: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.misuse.rule, self.misuse.what)?;
        if let Some(range) = &self.misuse.range {
            writeln!(f, "  addresses {:#010x} to {:#010x}", range.start, range.end.saturating_sub(1))?;
        }
        write!(f, "  by   {}", self.site)?;
        if let Some(other) = &self.misuse.other {
            write!(f, "\n  with {other}")?;
        }
        if let Some(replay) = &self.replay {
            write!(f, "\n  replay {replay}")?;
        }
        Ok(())
    }
}

/// Where violations go.
///
/// ```
/// # use std::panic::Location;
/// # use sim_core::monitor::{Misuse, Monitor, Policies, Policy, Rule, Site};
/// let mut monitor = Monitor::new(Policies::default().with(Rule::Unaligned, Policy::Collect));
/// let site = Site::Cpu(Location::caller());
/// monitor.report(Misuse::new(Rule::Unaligned, "PTR is 0x20000001".to_owned()), site);
/// assert!(monitor.stop().is_none());
/// monitor.report(Misuse::new(Rule::ArmedTwice, "a packet is lost".to_owned()), site);
/// assert_eq!(monitor.stop().unwrap().misuse.rule, Rule::ArmedTwice);
/// ```
#[derive(Debug, Default)]
pub struct Monitor {
    policies: Policies,
    violations: Vec<Violation>,
    /// Which of them has ended the run.
    ended: Option<usize>,
}

impl Monitor {
    /// A monitor without violations.
    pub fn new(policies: Policies) -> Self {
        Self { policies, violations: Vec::new(), ended: None }
    }

    /// A rule was broken: does what its policy says. Returns whether the violation was noted.
    pub fn report(&mut self, misuse: Misuse, site: Site) -> bool {
        let policy = self.policies.of(misuse.rule);
        if policy.ends_the_run() && self.ended.is_none() {
            self.ended = Some(self.violations.len());
        }
        if policy.notes() {
            self.violations.push(Violation { misuse, site, replay: None });
        }
        policy.notes()
    }

    /// What was noted so far, oldest first.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What was noted, oldest first.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// Whether a violation ends the run.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.ended.is_some_and(|ended| ended < self.violations.len())
    }

    /// The violation that ends the run, if one does: the first of those whose policy says so.
    pub fn stop(&self) -> Option<&Violation> {
        self.violations.get(self.ended?)
    }

    /// What to do about this rule.
    pub fn policy_of(&self, rule: Rule) -> Policy {
        self.policies.of(rule)
    }
}

#[cfg(test)]
pub(crate) mod tests;
