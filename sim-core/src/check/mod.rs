//! What `dmacheck` checks: its programs, and the matrix of machines and fences.

pub mod firmware;
pub mod interrupt;
pub mod loopback;
pub mod matrix;
pub mod programs;
