//! The shapes, what the literature says of them, and what is found.
//!
//! Who says so stands in the docs of `sim_core::explore::model::litmus`, whose table is made of these rows.

use Found::{Never, Yes};
use Says::{Allowed, Forbidden};

/// What a memory model says of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Allowed,
    Forbidden,
}

/// Whether an outcome is found in any execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Yes,
    Never,
}

/// A shape with its fences.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, and its fences thread by thread.
    pub name: &'static str,
    /// What is written, see [`super::program`].
    pub program: &'static str,
    /// The outcome that no interleaving has.
    pub weak: &'static str,
    /// All outcomes that interleavings have: the digits of `weak`, with other values.
    pub others: &'static str,
    /// C++20 on the weak outcome, with relaxed atomics.
    pub cpp: Says,
    /// ARM on it, with normal memory, and a DMB for each fence.
    pub arm: Says,
    /// Whether it is found with loom's atomics and fences.
    pub atomics: Found,
}

impl Row {
    /// Its line in the docs. With registers the weak outcome is never found.
    pub fn line(&self) -> String {
        let says = |says| if says == Allowed { "allows" } else { "forbids" };
        let found = if self.atomics == Yes { "found" } else { "never" };
        let Self { name, program, weak, cpp, arm, .. } = self;
        format!("| {name} | `{program}` | `{weak}` | {} | {} | never | {found} |", says(*cpp), says(*arm))
    }
}

const fn row(
    [name, program, weak]: [&'static str; 3],
    others: &'static str,
    [cpp, arm]: [Says; 2],
    atomics: Found,
) -> Row {
    Row { name, program, weak, others, cpp, arm, atomics }
}

/// Message passing. In the last row the first thread's fence comes too late. loom's two fences order it all the same:
/// one of its holes.
pub const MP: &[Row] = &[
    row(["MP", "x=1; y=1 ‖ a=y; b=x", "a=1 b=0"], "00 01 11", [Allowed, Allowed], Yes),
    row(["MP+rel+po", "x=1; rel; y=1 ‖ a=y; b=x", "a=1 b=0"], "00 01 11", [Allowed, Allowed], Yes),
    row(["MP+po+acq", "x=1; y=1 ‖ a=y; acq; b=x", "a=1 b=0"], "00 01 11", [Allowed, Allowed], Yes),
    row(["MP+rel+acq", "x=1; rel; y=1 ‖ a=y; acq; b=x", "a=1 b=0"], "00 01 11", [Forbidden, Forbidden], Never),
    row(["MP+po-sc+sc", "x=1; y=1; sc ‖ a=y; sc; b=x", "a=1 b=0"], "00 01 11", [Allowed, Allowed], Never),
];

/// Store buffering.
pub const SB: &[Row] = &[
    row(["SB", "x=1; a=y ‖ y=1; b=x", "a=0 b=0"], "01 10 11", [Allowed, Allowed], Yes),
    row(["SB+sc+po", "x=1; sc; a=y ‖ y=1; b=x", "a=0 b=0"], "01 10 11", [Allowed, Allowed], Yes),
    row(["SB+acqrels", "x=1; acqrel; a=y ‖ y=1; acqrel; b=x", "a=0 b=0"], "01 10 11", [Allowed, Forbidden], Yes),
    row(["SB+scs", "x=1; sc; a=y ‖ y=1; sc; b=x", "a=0 b=0"], "01 10 11", [Forbidden, Forbidden], Never),
];

/// Load buffering. loom does not read what is written later: the first row is one of its holes.
pub const LB: &[Row] = &[
    row(["LB", "a=x; y=1 ‖ b=y; x=1", "a=1 b=1"], "00 01 10", [Allowed, Allowed], Never),
    row(["LB+acqrels", "a=x; acqrel; y=1 ‖ b=y; acqrel; x=1", "a=1 b=1"], "00 01 10", [Forbidden, Forbidden], Never),
];

/// Coherence: one location. It needs no fence, so there is none to leave out; the twin of CoRR is MP, whose locations
/// are two.
pub const COHERENCE: &[Row] = &[
    row(["CoRR", "x=1 ‖ a=x; b=x", "a=1 b=0"], "00 01 11", [Forbidden, Forbidden], Never),
    row(["CoWW", "x=1; x=2 ‖ a=x; b=x", "a=2 b=1"], "00 01 02 11 12 22", [Forbidden, Forbidden], Never),
    row(["CoWR", "x=1; a=x ‖ x=2", "a=2 x=1"], "11 12 22", [Forbidden, Forbidden], Never),
    row(["CoRW1", "a=x; x=1", "a=1"], "0", [Forbidden, Forbidden], Never),
    row(["CoRW2", "a=x; x=1 ‖ x=2", "a=2 x=2"], "01 02 21", [Forbidden, Forbidden], Never),
];

/// Two writers, in opposite orders.
pub const TWO_PLUS_TWO_W: &[Row] = &[
    row(["2+2W", "x=1; y=2 ‖ y=1; x=2", "x=1 y=1"], "12 21 22", [Allowed, Allowed], Yes),
    row(["2+2W+rels", "x=1; rel; y=2 ‖ y=1; rel; x=2", "x=1 y=1"], "12 21 22", [Allowed, Forbidden], Yes),
    row(["2+2W+scs", "x=1; sc; y=2 ‖ y=1; sc; x=2", "x=1 y=1"], "12 21 22", [Forbidden, Forbidden], Never),
];

/// A write that is overtaken by one that has read what came after it.
pub const S: &[Row] = &[
    row(["S", "x=2; y=1 ‖ a=y; x=1", "a=1 x=2"], "01 02 11", [Allowed, Allowed], Yes),
    row(["S+rel+po", "x=2; rel; y=1 ‖ a=y; x=1", "a=1 x=2"], "01 02 11", [Allowed, Allowed], Yes),
    row(["S+rel+acq", "x=2; rel; y=1 ‖ a=y; acq; x=1", "a=1 x=2"], "01 02 11", [Forbidden, Forbidden], Never),
];

/// Two writes of one location, and a read.
pub const R: &[Row] = &[
    row(["R", "x=1; y=1 ‖ y=2; a=x", "a=0 y=2"], "01 11 12", [Allowed, Allowed], Yes),
    row(["R+acqrels", "x=1; acqrel; y=1 ‖ y=2; acqrel; a=x", "a=0 y=2"], "01 11 12", [Allowed, Forbidden], Yes),
    row(["R+scs", "x=1; sc; y=1 ‖ y=2; sc; a=x", "a=0 y=2"], "01 11 12", [Forbidden, Forbidden], Never),
];

const WRC_OTHERS: &str = "000 001 010 011 100 101 111";

/// Write-to-read causality: the second thread passes on what it has read.
pub const WRC: &[Row] = &[
    row(["WRC", "x=1 ‖ a=x; y=1 ‖ b=y; c=x", "a=1 b=1 c=0"], WRC_OTHERS, [Allowed, Allowed], Yes),
    row(["WRC+rel+po", "x=1 ‖ a=x; rel; y=1 ‖ b=y; c=x", "a=1 b=1 c=0"], WRC_OTHERS, [Allowed, Allowed], Yes),
    row(
        ["WRC+rel+acq", "x=1 ‖ a=x; rel; y=1 ‖ b=y; acq; c=x", "a=1 b=1 c=0"],
        WRC_OTHERS,
        [Forbidden, Forbidden],
        Never,
    ),
];

/// All but 1010.
const IRIW_OTHERS: &str = "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111";

/// Independent reads of independent writes.
pub const IRIW: &[Row] = &[
    row(["IRIW", "x=1 ‖ y=1 ‖ a=x; b=y ‖ c=y; d=x", "a=1 b=0 c=1 d=0"], IRIW_OTHERS, [Allowed, Allowed], Yes),
    row(
        ["IRIW+acqs", "x=1 ‖ y=1 ‖ a=x; acq; b=y ‖ c=y; acq; d=x", "a=1 b=0 c=1 d=0"],
        IRIW_OTHERS,
        [Allowed, Forbidden],
        Yes,
    ),
    row(
        ["IRIW+scs", "x=1 ‖ y=1 ‖ a=x; sc; b=y ‖ c=y; sc; d=x", "a=1 b=0 c=1 d=0"],
        IRIW_OTHERS,
        [Forbidden, Forbidden],
        Never,
    ),
];

/// All of them.
pub const ALL: [&[Row]; 9] = [MP, SB, LB, COHERENCE, TWO_PLUS_TWO_W, S, R, WRC, IRIW];
