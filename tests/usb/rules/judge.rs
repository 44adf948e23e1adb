//! A mutant of a USBD driver, for the judge of all mutants.

use std::fmt::{self, Debug};

use sim_core::device::usbd::Options;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use tests::judge;
pub use tests::judge::OnSilicon;

use sim_core::by_hand::nrf52840::{Hand, configured};

/// A driver with one mistake, on a system that shows it.
pub trait Mutant: Debug {
    /// The chip. Without errata, unless the mistake is about one.
    fn options(&self) -> Options {
        Options::ideal()
    }

    /// Bytes of simulated RAM: those that [`memory`](sim_core::by_hand::nrf52840::memory) fills, unless `prepare` takes
    /// more.
    fn ram(&self) -> usize {
        128
    }

    /// What has happened before: a device is [`configured`], unless you say so.
    fn prepare(&self, soc: &mut Soc) {
        configured(soc);
    }

    /// The driver: with the mistake if it is `wrong`.
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool);

    /// What the host does.
    fn host(&self, host: Host) -> Script;

    /// What becomes of the mistake when no rule is in its way.
    fn on_silicon(&self) -> OnSilicon;
}

/// A mutant of a USBD driver, as any.
struct OfUsbd<'a, M>(&'a M);

impl<M: Debug> Debug for OfUsbd<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Mutant> judge::Mutant for OfUsbd<'_, M> {
    fn config(&self) -> Config {
        Config { options: self.0.options(), ram: self.0.ram(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B, wrong: bool) {
        self.0.firmware(&Hand(board), wrong);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        self.0.on_silicon()
    }
}

/// Asserts that `mutant` breaks `rule`, under each policy, and that its twin breaks none.
#[track_caller]
pub fn judge(rule: Rule, mutant: &impl Mutant) {
    judge::judge(rule, &OfUsbd(mutant));
}
