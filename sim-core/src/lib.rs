//! wip
#![allow(missing_docs)]
pub mod check;
pub mod device;
pub mod engine;
pub mod explore;
pub mod host;
pub mod machine;
pub mod memory;
pub mod monitor;
pub mod soc;
pub mod statics;
pub mod trace;
