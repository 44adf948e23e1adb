//! The smallest change of fences that makes a program sound, found by trying.
//!
//! Each candidate strengthens one fence, or two, and is explored on every schedule; the first that is sound is it. One
//! fence comes before two, and a weaker fence before a stronger one. What a fence is worth changes the order of memory
//! accesses and nothing else, so candidates are tried for a race only: no fence mends another violation.

use std::fmt;

use crate::explore::{Kind, Program, Verdict, stepped};
use crate::machine::{Place, Strength};

/// A program whose fences can be exchanged.
///
/// See [`Counterexample`](super::Counterexample) for an example.
pub trait Repairable: Program + Sized {
    /// Where it has a fence, and how strong each is. In the order in which a reader looks for them.
    fn places(&self) -> Vec<(Place, Strength)>;

    /// The same program, but for the fence at `place`.
    fn with_fence(&self, place: Place, strength: Strength) -> Self;
}

/// One fence, strengthened.
///
/// See [`Counterexample`](super::Counterexample) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub place: Place,
    /// What it is. With [`Strength::None`] there is none.
    pub from: Strength,
    /// What it is to be.
    pub to: Strength,
}

/// One or two fences, strengthened.
///
/// See [`Counterexample`](super::Counterexample) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit(pub Vec<Change>);

/// What to do about a failure.
///
/// See [`Counterexample`](super::Counterexample) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Change fences: the smallest change that is sound.
    Edit {
        /// The change.
        edit: Edit,
        /// How many candidates were explored, this one included.
        tried: usize,
        /// How many schedules were explored with it.
        executions: u64,
    },
    /// No change of one or two fences is sound.
    NoEdit {
        /// How many candidates were explored.
        tried: usize,
        /// How many of them hit a limit, and may be sound.
        inconclusive: usize,
    },
    /// It is no matter of fences: what the rule that was broken says, or the program, or the host.
    Other(String),
}

impl Edit {
    /// The program with this change.
    pub fn apply<P: Repairable + Clone>(&self, program: &P) -> P {
        self.0.iter().fold(program.clone(), |program, change| program.with_fence(change.place, change.to))
    }

    /// How many fences change, and how strong they become: what is smaller is tried first.
    fn size(&self) -> (usize, usize) {
        let rank = |strength| match strength {
            Strength::None => 0,
            Strength::Compiler => 1,
            Strength::Full => 2,
        };
        (self.0.len(), self.0.iter().map(|change| rank(change.to)).sum())
    }

    /// What the fence at `place` is to be, if it is to change.
    pub fn at(&self, place: Place) -> Option<Strength> {
        self.0.iter().find(|change| change.place == place).map(|change| change.to)
    }
}

impl Fix {
    /// What to do about `failure`, which `program` ends with on some schedule.
    pub fn find<P: Repairable + Clone>(program: &P, failure: &Verdict, limits: stepped::Limits) -> Self {
        match failure {
            Verdict::Race(_) => {}
            Verdict::Violation(found) => return Self::Other(found.violation.misuse.what.clone()),
            other => return Self::Other(other.to_string()),
        }
        let (mut tried, mut inconclusive) = (0, 0);
        for edit in candidates(&program.places()) {
            let verdict = stepped::explore(&edit.apply(program), limits).verdict;
            tried += 1;
            match verdict.kind() {
                Kind::Sound => return Self::Edit { edit, tried, executions: verdict.executions() },
                Kind::Inconclusive => inconclusive += 1,
                _ => {}
            }
        }
        Self::NoEdit { tried, inconclusive }
    }

    /// The change of fences, if it is one.
    pub fn edit(&self) -> Option<&Edit> {
        if let Self::Edit { edit, .. } = self { Some(edit) } else { None }
    }
}

/// All changes of one or two fences, smallest first.
fn candidates(places: &[(Place, Strength)]) -> Vec<Edit> {
    let stronger = |&(place, from): &(Place, Strength)| {
        let all = Strength::ALL.into_iter().filter(move |&to| to > from);
        all.map(move |to| Change { place, from, to })
    };
    let changes: Vec<Change> = places.iter().flat_map(stronger).collect();
    let mut edits: Vec<Edit> = changes.iter().map(|&change| Edit(vec![change])).collect();
    for (index, &first) in changes.iter().enumerate() {
        let others = changes[index + 1..].iter().filter(|second| second.place != first.place);
        edits.extend(others.map(|&second| Edit(vec![first, second])));
    }
    edits.sort_by_key(Edit::size);
    edits
}

/// `fence (DMB)`: with the instruction that a reader looks for.
pub(crate) fn name_of(strength: Strength) -> String {
    if strength == Strength::Full { format!("{strength} (DMB)") } else { strength.to_string() }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, from, to } = self;
        match from {
            Strength::None => write!(f, "add a {} {place}", name_of(*to)),
            _ => write!(f, "strengthen the fence {place} from {} to {}", name_of(*from), name_of(*to)),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: Vec<String> = self.0.iter().map(Change::to_string).collect();
        f.write_str(&changes.join(", and "))
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit { edit, .. } => write!(f, "{edit}"),
            Self::NoEdit { tried: 0, .. } => {
                write!(f, "none by a stronger fence: all are as strong as can be, and one stands in the wrong place")
            }
            Self::NoEdit { tried, inconclusive } => {
                write!(f, "none of {tried} changes of one or two fences makes it sound")?;
                if *inconclusive > 0 {
                    write!(f, "; {inconclusive} of them hit a limit, and may")?;
                }
                Ok(())
            }
            Self::Other(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [(Place, Strength); 2] = [(Place::Start, Strength::None), (Place::End, Strength::None)];

    fn sentences(places: &[(Place, Strength)]) -> Vec<String> {
        candidates(places).iter().map(Edit::to_string).collect()
    }

    #[test]
    fn candidates_come_one_before_two_and_weaker_before_stronger() {
        let expected = [
            "add a compiler_fence before the start (`release`)",
            "add a compiler_fence after the end (`acquire`)",
            "add a fence (DMB) before the start (`release`)",
            "add a fence (DMB) after the end (`acquire`)",
        ];
        let all = sentences(&NONE);
        assert_eq!(all[..4], expected);
        assert_eq!(all.len(), 8, "four of one fence, four of two: {all:?}");
        assert_eq!(all[4], format!("{}, and {}", expected[0], expected[1]));
        assert_eq!(all[7], format!("{}, and {}", expected[2], expected[3]));
    }

    #[test]
    fn fence_that_is_there_is_strengthened_and_the_strongest_is_left() {
        let places = [(Place::Start, Strength::Compiler), (Place::End, Strength::Full)];
        let expected = "strengthen the fence before the start (`release`) from compiler_fence to fence (DMB)";
        assert_eq!(sentences(&places), [expected]);
        let all = NONE.map(|(place, _)| (place, Strength::Full));
        assert_eq!(sentences(&all), [""; 0]);
    }

    #[test]
    fn fix_that_there_is_not_says_so_and_whether_that_is_certain() {
        let text = |tried, inconclusive| Fix::NoEdit { tried, inconclusive }.to_string();
        assert!(text(0, 0).contains("in the wrong place"), "{}", text(0, 0));
        assert_eq!(text(8, 0), "none of 8 changes of one or two fences makes it sound");
        assert!(text(8, 2).ends_with("makes it sound; 2 of them hit a limit, and may"), "{}", text(8, 2));
    }
}
