//! What happens when a rule is broken: for each rule, one of four.

use std::fmt;

use super::Rule;

/// What to do about a violation.
///
/// | | what happens | in the verdict | in the list and the trace |
/// |---|---|---|---|
/// | `Stop` | the run ends | yes | yes |
/// | `Panic` | the driver panics, with the violation as the message | yes | yes |
/// | `Collect` | what silicon does | no | yes |
/// | `Silicon` | what silicon does | no | no |
///
/// Where the datasheet is silent about what silicon does, the chip's `Options` choose.
///
/// See [`Policies`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// End the run: the explorer reports the violation as its verdict. The driver is unwound, without a message.
    #[default]
    Stop,
    /// As `Stop`, by a panic that the panic hook sees: it prints the violation, the driver's line and, if
    /// `RUST_BACKTRACE` is set, the way there; a debugger can break on it. The explorer catches it, and its verdict is
    /// the violation, never an assertion.
    ///
    /// The line is the access that broke the rule. What the DMA or the host broke is found at the driver's next access
    /// or call of the board; if there is none, nothing panics, and the verdict is all. (Not under `explore::model` for
    /// [`Rule::Race`]: loom ends the execution where it finds one, as by `Stop`.)
    Panic,
    /// Note it, and do what silicon does.
    Collect,
    /// Do what silicon does, as if there were no rule.
    Silicon,
}

impl Policy {
    /// Whether a violation is the end of the run.
    pub const fn ends_the_run(self) -> bool {
        matches!(self, Self::Stop | Self::Panic)
    }

    /// Whether a violation is noted.
    pub const fn notes(self) -> bool {
        !matches!(self, Self::Silicon)
    }
}

/// A policy for each rule.
///
/// ```
/// use sim_core::monitor::{Policies, Policy, Rule};
/// use sim_core::soc::Config;
///
/// // One for all:
/// let config = Config { policies: Policy::Collect.into(), ..Config::default() };
/// // All but one:
/// let policies = Policies::all(Policy::Stop).with(Rule::ArmedTwice, Policy::Collect);
/// assert_eq!(policies.of(Rule::ArmedTwice), Policy::Collect);
/// assert_eq!(policies.of(Rule::StartWhileBusy), Policy::Stop);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policies([Policy; Rule::ALL.len()]);

impl Policies {
    /// The same for all rules.
    pub const fn all(policy: Policy) -> Self {
        Self([policy; Rule::ALL.len()])
    }

    /// These, but for one rule.
    #[must_use]
    pub const fn with(mut self, rule: Rule, policy: Policy) -> Self {
        self.0[rule as usize] = policy;
        self
    }

    /// What they make of a run, if how it ends is not looked at: `Panic` is `Stop`.
    pub(crate) fn without_panic(self) -> Self {
        Self(self.0.map(|policy| if policy == Policy::Panic { Policy::Stop } else { policy }))
    }

    /// What to do about this rule.
    pub const fn of(&self, rule: Rule) -> Policy {
        self.0[rule as usize]
    }
}

impl Default for Policies {
    /// The default policy for all rules.
    fn default() -> Self {
        Self::all(Policy::default())
    }
}

impl From<Policy> for Policies {
    fn from(policy: Policy) -> Self {
        Self::all(policy)
    }
}

/// The rules that have another policy than the default.
impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = Rule::ALL.iter().map(|&rule| (rule, self.of(rule)));
        f.debug_map().entries(all.filter(|(_, policy)| *policy != Policy::default())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_of_one_rule_leaves_the_others_alone() {
        for &changed in Rule::ALL {
            let policies = Policies::from(Policy::Collect).with(changed, Policy::Panic);
            for &rule in Rule::ALL {
                let expected = if rule == changed { Policy::Panic } else { Policy::Collect };
                assert_eq!(policies.of(rule), expected, "{rule}");
            }
        }
    }

    #[test]
    fn policies_print_what_differs_from_the_default() {
        assert_eq!(format!("{:?}", Policies::default()), "{}");
        let policies = Policies::default().with(Rule::ArmedTwice, Policy::Silicon);
        assert_eq!(format!("{policies:?}"), "{ArmedTwice: Silicon}");
    }
}
