//! A mutant of a driver of DMA1 and USART1, for the judge of all mutants.

use std::fmt::{self, Debug};

use sim_core::device::Chip;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use tests::judge;
pub use tests::judge::OnSilicon;

use sim_core::by_hand::stm32f103::{Hand, memory};

/// A driver with one mistake, on an STM32F103 with 16 bytes of simulated RAM.
pub trait Mutant: Debug {
    /// What has happened before: the RAM is filled, unless you say so.
    fn prepare(&self, soc: &mut Soc) {
        memory(soc);
    }

    /// The driver: with the mistake if it is `wrong`.
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool);

    /// What the peer does.
    fn host(&self, host: Host) -> Script;

    /// What becomes of the mistake when no rule is in its way: nothing, unless you say so.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Such a mutant, as any.
struct OfUsart<'a, M>(&'a M);

impl<M: Debug> Debug for OfUsart<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Mutant> judge::Mutant for OfUsart<'_, M> {
    fn config(&self) -> Config {
        Config { chip: Chip::Stm32f103, ram: 16, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B, wrong: bool) {
        self.0.firmware(&Hand::new(board), wrong);
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
    judge::judge(rule, &OfUsart(mutant));
}
