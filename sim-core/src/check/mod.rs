//! What `dmacheck` checks.

pub mod programs;
