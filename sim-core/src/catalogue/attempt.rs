//! The two programs of a case, as the explorers run them.

use super::{Case, Firmware, Serial, cases};
use crate::by_hand::{nrf52840, stm32f103};
use crate::device::Chip;
use crate::explore::ProgramOn;
use crate::explore::model::{self, Packets};
use crate::explore::replay::{Recording, ReplayError};
use crate::explore::stepped::{self, Bus, Exploration, Limits};
use crate::host::{Host, Script};
use crate::monitor::{Policies, Policy, Rule};
use crate::soc::{Config, Soc};

/// A case's broken program, or its right one.
///
/// ```
/// # use sim_core::catalogue::cases;
/// let broken = cases().next().unwrap().attempt(true);
/// let verdict = broken.explore().verdict;
/// let recording = verdict.replay().unwrap().parse().unwrap();
/// assert_eq!(broken.replay(&recording).unwrap().verdict.kind(), verdict.kind());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub(super) case: Case,
    pub(super) is_broken: bool,
    /// The only rule that there is.
    pub(super) only: Option<Rule>,
}

impl Attempt {
    /// The program of this name: as a replay string carries it.
    pub fn by_name(name: &str) -> Option<Self> {
        let (name, which) = name.strip_prefix("catalogue:")?.split_once(':')?;
        let case = cases().find(|case| case.name == name)?;
        Some(case.attempt(which == BROKEN)).filter(|_| [BROKEN, RIGHT].contains(&which))
    }

    /// The same, where there is no other rule than this: what breaks one by the way, breaks it here as on silicon.
    #[must_use]
    pub fn under_no_other_rule(self, rule: Rule) -> Self {
        Self { only: Some(rule), ..self }
    }

    /// Explores it on every schedule.
    pub fn explore(&self) -> Exploration {
        stepped::explore(self, Limits::default())
    }

    /// Runs it by the choices of a replay string.
    ///
    /// # Errors
    ///
    /// As [`stepped::replay`].
    pub fn replay(&self, recording: &Recording) -> Result<stepped::Run, ReplayError> {
        stepped::replay(self, recording)
    }

    /// The chip that it runs on.
    pub fn chip(&self) -> Chip {
        self.case.chip()
    }
}

/// Which of the two programs, in its name.
const BROKEN: &str = "broken";
const RIGHT: &str = "right";

impl ProgramOn<Bus> for Attempt {
    fn name(&self) -> String {
        format!("catalogue:{}:{}", self.case.name, if self.is_broken { BROKEN } else { RIGHT })
    }

    fn config(&self) -> Config {
        let config = (self.case.config)(self.is_broken);
        let alone = |rule| Policies::all(Policy::Silicon).with(rule, Policy::Stop);
        Config { policies: self.only.map_or(config.policies, alone), ..config }
    }

    fn prepare(&self, soc: &mut Soc) {
        (self.case.prepare)(soc);
    }

    fn firmware(&self, board: Bus) {
        match self.case.firmware {
            Firmware::Serial(firmware) => firmware(&Serial::new(board), self.is_broken),
            Firmware::Usb(firmware) => firmware(&nrf52840::Hand(board), self.is_broken),
        }
    }

    fn host(&self, host: Host) -> Script {
        (self.case.host)(host)
    }
}

/// For loom: a case that asks it has firmware for it.
impl ProgramOn<model::Bus> for Attempt {
    fn name(&self) -> String {
        ProgramOn::<Bus>::name(self)
    }

    fn config(&self) -> Config {
        ProgramOn::<Bus>::config(self)
    }

    fn prepare(&self, soc: &mut Soc) {
        ProgramOn::<Bus>::prepare(self, soc);
    }

    fn firmware(&self, board: model::Bus) {
        if let Some(firmware) = self.case.under_loom {
            firmware(&stm32f103::Hand::new(board), self.is_broken);
        }
    }

    fn host(&self, host: Host) -> Script {
        ProgramOn::<Bus>::host(self, host)
    }
}

impl Packets for Attempt {
    fn packets(&self) -> usize {
        1
    }
}
