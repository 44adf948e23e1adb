//! A litmus test's program, as the literature writes it.
//!
//! `x=1; rel; y=1 ‖ a=y; acq; b=x`: two threads. A number is written, a letter takes what is read; `rel`, `acq`,
//! `acqrel` and `sc` are fences. An outcome is written `a=1 b=0`, or `a=0 y=2` where a location is looked at in the
//! end.

use std::str::FromStr;

/// What a program has locations for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    X,
    Y,
}

/// A fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    Release,
    Acquire,
    AcquireRelease,
    SequentiallyConsistent,
}

/// What a thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Write(Place, usize),
    Read(Place),
    Fence(Fence),
}

/// A program, and what is looked at.
#[derive(Clone, Debug)]
pub struct Program {
    /// What each thread does.
    pub threads: Vec<Vec<Step>>,
    /// The locations that are read when all threads have ended.
    pub finals: Vec<Place>,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "x" => Ok(Self::X),
            "y" => Ok(Self::Y),
            _ => Err(format!("`{text}` is no location")),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rel" => return Ok(Self::Fence(Fence::Release)),
            "acq" => return Ok(Self::Fence(Fence::Acquire)),
            "acqrel" => return Ok(Self::Fence(Fence::AcquireRelease)),
            "sc" => return Ok(Self::Fence(Fence::SequentiallyConsistent)),
            _ => {}
        }
        let (left, right) = text.split_once('=').ok_or_else(|| format!("`{text}` is no step"))?;
        match right.parse() {
            Ok(value) => Ok(Self::Write(left.parse()?, value)),
            Err(_) => Ok(Self::Read(right.parse()?)),
        }
    }
}

impl Program {
    /// The program `text`, and what the outcome `weak` names: every value that is read, in the order of the text, and
    /// then locations.
    pub fn parse(text: &str, weak: &str) -> Result<Self, String> {
        let steps = |thread: &str| thread.split(';').map(|step| step.trim().parse()).collect();
        let threads = text.split('‖').map(steps).collect::<Result<Vec<Vec<Step>>, String>>()?;
        let steps = text.split(['‖', ';']).filter_map(|step| step.trim().split_once('='));
        let reads: Vec<_> = steps.filter(|(_, right)| right.parse::<Place>().is_ok()).map(|(left, _)| left).collect();
        let names: Vec<_> = weak.split(' ').filter_map(|value| value.split_once('=')).map(|(name, _)| name).collect();
        let finals = names
            .strip_prefix(reads.as_slice())
            .ok_or_else(|| format!("`{weak}` does not begin with all of {reads:?}"))?;
        let finals = finals.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        Ok(Self { threads, finals })
    }

    /// How many of its fences release.
    pub fn releases(&self) -> usize {
        let releases = |step: &&Step| matches!(step, Step::Fence(fence) if *fence != Fence::Acquire);
        self.threads.iter().flatten().filter(releases).count()
    }
}
