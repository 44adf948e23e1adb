//! `--shard`, `--preemptions`, `--time`, `--executions`: a part of what a host can do to endpoint 0.

use std::time::Duration;

use clap::Args;
use sim_core::explore::scheduler::Shard;
use sim_core::explore::stepped::Limits;

/// How much of the schedules with a host is explored. What is left out is said.
#[derive(Clone, Debug, Args)]
pub struct Bounds {
    /// Explores one of several parts of the schedules with a host, as in 1/4. All parts together are the whole.
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// Leaves out schedules in which others go on more often than this where the CPU could.
    #[arg(long, value_name = "N")]
    preemptions: Option<u32>,
    /// Stops each exploration with a host after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().time.as_secs())]
    time: u64,
    /// Stops each exploration with a host after so many schedules.
    #[arg(long, value_name = "N", default_value_t = Limits::default().schedules)]
    executions: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        let Limits { shard, preemptions, time, schedules, .. } = Limits::default();
        Self { shard, preemptions, time: time.as_secs(), executions: schedules }
    }
}

impl Bounds {
    /// What they are to an explorer.
    pub fn limits(&self) -> Limits {
        let Self { shard, preemptions, time, executions } = *self;
        Limits { shard, preemptions, time: Duration::from_secs(time), schedules: executions, ..Limits::default() }
    }

    /// Whether somebody has asked for less than there is.
    pub fn are_asked_for(&self) -> bool {
        self.limits() != Limits::default()
    }
}
