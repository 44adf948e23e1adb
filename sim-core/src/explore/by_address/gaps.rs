//! What a driver has asked of the chip that is not there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::peripherals;
use crate::monitor::{Misuse, Rule};

/// Why an access is not answered.
///
/// See [`Gaps`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// This simulator has no register at the address.
    Register,
    /// The access has so many bytes; the register has 4, at a multiple of 4.
    Width(usize),
    /// The register can only be read.
    Writing,
    /// The register can only be written.
    Reading,
}

/// An access that is not answered.
///
/// See [`Gaps`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// The address.
    pub address: u32,
    /// Whether it was written, and not read.
    pub write: bool,
    /// Why.
    pub missing: Missing,
}

/// What was asked of the chip that is not there, and how often. A clone is the same list.
///
/// ```
/// # use sim_core::explore::by_address::Gaps;
/// let gaps = Gaps::default(); // given to `run`, and asked afterwards
/// assert!(gaps.is_empty() && gaps.list().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gaps(Rc<RefCell<BTreeMap<Gap, u64>>>);

impl Gaps {
    /// Each, and how often; by address.
    pub fn list(&self) -> Vec<(Gap, u64)> {
        self.0.borrow().iter().map(|(gap, times)| (*gap, *times)).collect()
    }

    /// Whether everything was there.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Counts one. Returns whether it is the first of its kind.
    pub(super) fn count(&self, gap: Gap) -> bool {
        let mut gaps = self.0.borrow_mut();
        let times = gaps.entry(gap).or_default();
        *times += 1;
        *times == 1
    }
}

impl Gap {
    /// The peripheral's name, in an nRF52840.
    pub fn peripheral(&self) -> Option<&'static str> {
        peripherals::at(self.address)
    }

    /// The violation that the first of its kind is.
    pub(super) fn check(self) -> Misuse {
        let rule = match self.missing {
            Missing::Register => Rule::NotModelled,
            Missing::Width(_) | Missing::Writing | Missing::Reading => Rule::AccessMode,
        };
        let end = self.address.saturating_add(1);
        Misuse { range: Some(self.address..end), ..Misuse::new(rule, self.to_string()) }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.write { "written" } else { "read" };
        let peripheral = self.peripheral().unwrap_or("no peripheral that is known");
        write!(f, "{:#010x} ({peripheral}) is {how}", self.address)?;
        match self.missing {
            Missing::Register => f.write_str(", and this simulator has no register there"),
            Missing::Width(bytes) => write!(f, " in {bytes} bytes: its register has 4, at a multiple of 4"),
            Missing::Writing => f.write_str(": it can only be read"),
            Missing::Reading => f.write_str(": it can only be written"),
        }
    }
}

/// A line for each.
impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (gap, times) in self.list() {
            writeln!(f, "{times:>8} times: {gap}")?;
        }
        Ok(())
    }
}
