//! What `dmacheck` checks: programs, and the matrix; what a failure looks like.

pub mod counterexample;
pub mod firmware;
pub mod interrupt;
pub mod loopback;
pub mod matrix;
pub mod needed;
pub mod paths;
pub mod programs;
pub mod quirks;
pub mod report;
pub mod upkeep;
