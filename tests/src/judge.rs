//! What is asserted of every mutant: a driver with one mistake.
//!
//! It breaks the rule on some schedule, first of all and if there is no other; its replay string brings that back, as a
//! panic too. Collected, it is noted, and what happens is what silicon does; left to silicon, the same happens and
//! nothing is noted. The twin without the mistake is sound.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

use sim_core::explore::scheduler::Seeded;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};

/// A driver with one mistake, on a system that shows it.
pub trait Mutant: Debug {
    /// The system. Its policies are the judge's.
    fn config(&self) -> Config;

    /// What has happened before.
    fn prepare(&self, soc: &mut Soc);

    /// The driver: with the mistake if it is `wrong`.
    fn firmware<B: Board>(&self, board: B, wrong: bool);

    /// What the host does.
    fn host(&self, host: Host) -> Script;

    /// What becomes of the mistake when no rule is in its way.
    fn on_silicon(&self) -> OnSilicon;
}

/// What silicon makes of a mistake, on some schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSilicon {
    /// Nothing that anybody sees, here.
    Works,
    /// The host or the firmware gets something else than it was due: an assertion that says this.
    Fails(&'static str),
    /// Somebody waits for ever: a deadlock that says this.
    Hangs(&'static str),
}

/// A mutant, or its twin, with policies.
struct Case<'a, M> {
    mutant: &'a M,
    wrong: bool,
    policies: Policies,
}

impl<M: Mutant> Program for Case<'_, M> {
    fn name(&self) -> String {
        let name = format!("{:?}:{}", self.mutant, if self.wrong { "wrong" } else { "right" });
        name.replace(|character: char| character == '.' || character.is_whitespace(), "")
    }

    fn config(&self) -> Config {
        Config { policies: self.policies, ..self.mutant.config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.mutant.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.mutant.firmware(board, self.wrong);
    }

    fn host(&self, host: Host) -> Script {
        self.mutant.host(host)
    }
}

impl<M: Mutant> Case<'_, M> {
    fn explore(&self) -> Verdict {
        stepped::explore(self, Limits::default()).verdict
    }

    /// The rules that are noted on some random schedules.
    fn noted(&self) -> Vec<Rule> {
        let run = |seed| stepped::run(self, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        (0..50).flat_map(|seed| run(seed).violations).map(|violation| violation.misuse.rule).collect()
    }
}

/// Asserts that `mutant` breaks `rule`, under each policy, and that its twin breaks none.
#[track_caller]
pub fn judge(rule: Rule, mutant: &impl Mutant) {
    let under = |policies| Case { mutant, wrong: true, policies };
    let wrong = |policy: Policy| under(policy.into());
    let right = |policy: Policy| Case { mutant, wrong: false, policies: policy.into() };

    let verdict = wrong(Policy::Stop).explore();
    println!("{mutant:?}: {verdict}");
    let expected = if rule == Rule::Race { Kind::Race } else { Kind::Violation(rule) };
    assert_eq!(verdict.kind(), expected, "{mutant:?}: {verdict}");
    let alone = under(Policies::all(Policy::Silicon).with(rule, Policy::Stop)).explore();
    assert_eq!(alone.kind(), expected, "{mutant:?}, and no other rule: {alone}");
    assert_panics_by_replay(&wrong(Policy::Panic), &verdict);
    let twin = right(Policy::Stop).explore();
    assert_eq!(twin.kind(), Kind::Sound, "the twin of {mutant:?}: {twin}");

    for policy in [Policy::Collect, Policy::Silicon] {
        assert_on_silicon(mutant, &wrong(policy).explore());
        let expected = policy == Policy::Collect;
        assert_eq!(wrong(policy).noted().contains(&rule), expected, "{mutant:?}, {policy:?}");
    }
    assert_eq!(right(Policy::Collect).noted(), [], "the twin of {mutant:?}");
}

/// The replay string of the verdict brings it back where the policy is to panic.
#[track_caller]
fn assert_panics_by_replay(program: &impl Program, verdict: &Verdict) {
    let recording = verdict.replay().expect("the stepped explorer can replay");
    let again = stepped::replay(program, &recording.parse().expect("it was printed just now"));
    let again = again.expect("policies choose nothing before they apply").verdict;
    assert_eq!(again, verdict.clone().after(1), "{}", program.name());
}

#[track_caller]
fn assert_on_silicon(mutant: &impl Mutant, verdict: &Verdict) {
    println!("  on silicon: {verdict}");
    let expected = match (mutant.on_silicon(), verdict) {
        (OnSilicon::Works, Verdict::Sound { .. }) => "",
        (OnSilicon::Fails(message), Verdict::Assertion { .. })
        | (OnSilicon::Hangs(message), Verdict::Deadlock { .. }) => message,
        (expected, _) => panic!("{mutant:?}: {expected:?} is due, and this happens: {verdict}"),
    };
    assert!(verdict.to_string().contains(expected), "{mutant:?}: {expected:?} is due: {verdict}");
}
