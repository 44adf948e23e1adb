//! `--engine` and `--seed`: how a command that shows one run, runs it.

use std::cell::RefCell;
use std::rc::Rc;

use clap::{Args, ValueEnum};
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::{Program, Verdict, stepped, threads};
use sim_core::monitor::Violation;
use sim_core::trace::{Keep, Trace};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Driver, engine and host on threads of their own; each run is another.
    #[default]
    Threads,
    /// No threads; the same seed gives the same run.
    Stepped,
}

/// Who runs when.
#[derive(Clone, Debug, Default, Args)]
pub struct Schedule {
    /// Who runs when.
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,
    /// The schedule of `--engine stepped`. Without it, everybody runs before the CPU does.
    #[arg(long)]
    seed: Option<u64>,
}

impl Schedule {
    /// Runs `program` once.
    pub fn run(&self, program: &(impl Program + Sync)) -> (Verdict, Trace, Vec<Violation>) {
        if self.engine == Engine::Threads {
            let run = threads::run(program, Some(Keep::Time));
            return (run.verdict, run.trace, run.violations);
        }
        let keep = Some(Keep::Order);
        let run = match self.seed {
            Some(seed) => stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), keep),
            None => stepped::run(program, &Rc::new(RefCell::new(Immediate)), keep),
        };
        (run.verdict, run.trace, run.violations)
    }

    /// Whether there is such a schedule.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn check(&self) -> Result<(), String> {
        if self.seed.is_some() && self.engine == Engine::Threads {
            return Err("`--seed` needs `--engine stepped`: threads run as the system schedules them".to_owned());
        }
        Ok(())
    }
}
