//! The front door: check a driver of your own, with closures for firmware and host.
//!
//! | | runs the firmware | finds |
//! |---|---|---|
//! | [`explore`](fn@explore) | on every schedule, against a host | races, broken rules, deadlocks, panics; with a replay string |
//! | [`model`](fn@model) | with every ordering that its fences allow, under loom | races, once more, by other means |
//!
//! Both print how far they are, to a terminal, and at the end what was left unexplored, to standard error. A run that a
//! limit, a bound or a shard has cut short is [`Verdict::Inconclusive`]: it does not read as a proof.
//!
//! A closure takes a board of one type, so it runs under one explorer. A driver that is generic over [`Board`] runs
//! under all: call it from both closures, or write a [`Program`](super::Program). That has parameters in its name, too,
//! and a chip that has gone through something before ([`prepare`](super::Program::prepare)), which a model of USB
//! needs.
//!
//! [`Board`]: super::Board

use std::panic::Location;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::model::{self, Packets};
use super::progress::Progress;
use super::replay::{Recording, ReplayError};
use super::stepped::{self, Exploration};
use super::{ProgramOn, Verdict};
use crate::hash::hash;
use crate::host::{Host, Script};
use crate::soc::{Config, Soc};

/// Explores `firmware` against `host` on every schedule, within `limits`.
///
/// A driver by hand, on the registers of a peripheral:
///
/// ```
/// use dma_api::registers::Registers;
/// use dma_api::stm32f103::usart::{Usart1, map};
/// use sim_core::device::Chip;
/// use sim_core::explore::{Board, Kind, stepped::Limits};
/// use sim_core::host::serial::Port;
/// use sim_core::soc::Config;
///
/// let config = Config { chip: Chip::Stm32f103, ..Config::default() };
/// let exploration = sim_core::explore(
///     config,
///     Limits::default(),
///     |board| {
///         let usart = board.block::<Usart1>();
///         // SAFETY: no DMA is configured, so no write starts a transfer.
///         let write = |offset, value| unsafe { usart.write(offset, value) };
///         write(map::cr1(), map::cr1::UE.mask() | map::cr1::TE.mask());
///         for byte in *b"hi" {
///             while usart.read(map::sr()) & map::sr::TXE.mask() == 0 {}
///             write(map::dr(), byte.into());
///         }
///     },
///     |mut host| {
///         Box::pin(async move {
///             assert_eq!(host.serial(Port::Usart1).receive(2).await?, b"hi");
///             Ok(())
///         })
///     },
/// );
/// assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
/// ```
#[track_caller]
pub fn explore(
    config: Config,
    limits: stepped::Limits,
    firmware: impl Fn(stepped::Bus),
    host: impl Fn(Host) -> Script,
) -> Exploration {
    let program = Closures::new(config, firmware, host);
    let exploration = with_progress(|progress| stepped::explore_with(&program, limits, progress));
    eprintln!("{}: {exploration}", program.called);
    exploration
}

/// Runs `firmware` and `host` again, by a string that [`explore`](fn@explore) has printed, and keeps the trace. Called
/// with the same configuration. Only [`Policy::Panic`](crate::monitor::Policy::Panic) may be where `Stop` was: then the
/// driver panics where it breaks the rule, and `RUST_BACKTRACE=1` shows the way there.
///
/// See [`stepped::Run`] for an example.
///
/// # Errors
///
/// If the string is none, if it was printed for another configuration, or if these closures do not come by its choices.
pub fn replay(
    config: Config,
    text: &str,
    firmware: impl Fn(stepped::Bus),
    host: impl Fn(Host) -> Script,
) -> Result<stepped::Run, ReplayError> {
    let recording: Recording = text.parse()?;
    stepped::replay(&Closures::new(config, firmware, host), &recording)
}

/// Explores `firmware` under loom, within `limits`, with a device that does `packets` transfers and ends.
///
/// A driver of dma-api:
///
/// ```
/// use dma_api::stm32f103::dma::Dma1;
/// use dma_api::stm32f103::usart::{Parity, Settings, Usart, Usart1};
/// use sim_core::device::Chip;
/// use sim_core::explore::{Board, Kind, model::{Bus, Limits}};
/// use sim_core::machine::{Fences, Machine, Strength};
/// use sim_core::soc::Config;
/// use sim_core::statics;
///
/// fn firmware(board: Bus) {
///     let (tx, _) = Usart::<_, Usart1>::new(board.block(), Settings { brr: 0x271, parity: Parity::None }).split();
///     let sender = tx.with_dma(Dma1::split(board.block()).c4);
///     let (message, _) = sender.write_all(statics::bytes(2)).unwrap().wait().unwrap();
///     statics::give_back_bytes(message);
/// }
///
/// let right = Fences::right(Machine::CortexM7);
/// let weak = Fences { start: Strength::Compiler, ..right };
/// for (fences, expected) in [(right, Kind::Sound), (weak, Kind::Race)] {
///     let config = Config { chip: Chip::Stm32f103, fences, ..Config::default() };
///     let verdict = sim_core::model(config, Limits::default(), 1, firmware);
///     assert_eq!(verdict.kind(), expected, "{verdict}");
/// }
/// ```
#[track_caller]
pub fn model(
    config: Config,
    limits: model::Limits,
    packets: usize,
    firmware: impl Fn(model::Bus) + Send + Sync + 'static,
) -> Verdict {
    let program = Modelled { closures: Arc::new(Closures::new(config, firmware, no_script as Peer)), packets };
    let verdict = with_progress(|progress| model::check_with(&program, limits, progress));
    let unexplored = match &verdict {
        Verdict::Sound { .. } => "nothing",
        Verdict::Inconclusive { .. } => "what comes after the limit",
        Verdict::Vacuous { .. } => "there was nothing to explore",
        _ => "what comes after the failure",
    };
    eprintln!("{}: {verdict}\nunexplored: {unexplored}", program.closures.called);
    verdict
}

/// Firmware and host as closures.
struct Closures<F, H> {
    config: Config,
    firmware: F,
    host: H,
    /// Where the caller stands.
    called: &'static Location<'static>,
}

impl<F, H> Closures<F, H> {
    #[track_caller]
    fn new(config: Config, firmware: F, host: H) -> Self {
        Self { config, firmware, host, called: Location::caller() }
    }
}

impl<B, F: Fn(B), H: Fn(Host) -> Script> ProgramOn<B> for Closures<F, H> {
    /// Closures have no name, but their configuration is known again, however its runs end.
    fn name(&self) -> String {
        format!("closures:{:016x}", hash(Config { policies: self.config.policies.without_panic(), ..self.config }))
    }

    fn config(&self) -> Config {
        self.config
    }

    fn prepare(&self, _soc: &mut Soc) {}

    fn firmware(&self, board: B) {
        (self.firmware)(board);
    }

    fn host(&self, host: Host) -> Script {
        (self.host)(host)
    }
}

/// A host as a function.
type Peer = fn(Host) -> Script;

/// Closures under loom, where the host takes each packet, and has no script.
struct Modelled<F> {
    closures: Arc<Closures<F, Peer>>,
    packets: usize,
}

fn no_script(_host: Host) -> Script {
    Box::pin(async { Ok(()) })
}

impl<F> Clone for Modelled<F> {
    fn clone(&self) -> Self {
        Self { closures: self.closures.clone(), packets: self.packets }
    }
}

impl<F: Fn(model::Bus)> ProgramOn<model::Bus> for Modelled<F> {
    fn name(&self) -> String {
        self.closures.name()
    }

    fn config(&self) -> Config {
        self.closures.config
    }

    fn prepare(&self, _soc: &mut Soc) {}

    fn firmware(&self, board: model::Bus) {
        (self.closures.firmware)(board);
    }

    fn host(&self, host: Host) -> Script {
        (self.closures.host)(host)
    }
}

impl<F: Fn(model::Bus) + Send + Sync + 'static> Packets for Modelled<F> {
    fn packets(&self) -> usize {
        self.packets
    }
}

/// Explores, and shows how far it is: on a terminal only.
fn with_progress<T>(explore: impl FnOnce(&Progress) -> T) -> T {
    let style = ProgressStyle::with_template("{spinner} {pos} executions, {elapsed}").expect("the template is valid");
    let bar = ProgressBar::new_spinner().with_style(style);
    let shown = bar.clone();
    let result = explore(&Progress::new(move |executions| shown.set_position(executions)));
    bar.finish_and_clear();
    result
}

#[cfg(test)]
mod tests {
    use dma_api::registers::Registers;

    use super::*;
    use crate::explore::Kind;
    use crate::machine::{Fences, Machine};
    use crate::monitor::{Policy, Rule};

    fn looks_where_no_register_is(board: stepped::Bus) {
        assert_eq!(board.read(0xFF0), 0);
    }

    #[test]
    fn string_is_of_the_configuration_whether_a_violation_stops_or_panics() {
        let config = Config::default();
        let exploration = explore(config, stepped::Limits::default(), looks_where_no_register_is, no_script);
        let found = Kind::Violation(Rule::UnknownRegister);
        assert_eq!(exploration.verdict.kind(), found, "{exploration}");
        let text = exploration.verdict.replay().expect("it was found by choices");
        let again = |config| replay(config, text, looks_where_no_register_is, no_script);
        for policy in [Policy::Stop, Policy::Panic] {
            let run = again(Config { policies: policy.into(), ..config }).expect("the same configuration");
            assert_eq!(run.verdict.kind(), found, "{}", run.verdict);
        }
        let fences = Fences::right(Machine::CortexM7);
        for other in [Config { fences, ..config }, Config { policies: Policy::Silicon.into(), ..config }] {
            let error = again(other).expect_err("it is another");
            assert!(matches!(error, ReplayError::OtherProgram { .. }), "{error}");
        }
    }
}
