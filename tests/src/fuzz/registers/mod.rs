//! Any register accesses, against each chip: a verdict, and no memory but what is lent.
//!
//! First the whole system is driven by hand ([`before`]): registers at any address, and steps of engine, host, supply
//! and peer in any order. Then firmware runs under [`stepped`] ([`nrf52840`], [`stm32f103`]): our drivers lend buffers,
//! and whatever is written to the registers besides is any value at any offset. Then the host goes on, and the DMA.
//!
//! What must hold, with every policy, with quirks, with a data cache and without:
//!
//! - nothing panics: not the chip, not the monitor, not an explorer, not what renders the trace;
//! - no byte of the red zones around the buffers changes, and none of a buffer that the CPU has;
//! - a violation, a race, a deadlock or a livelock has a verdict that says so; where it has a replay string, that
//!   brings the same verdict back. (Not behind a cache: there the addresses depend on where the host has its memory.)
//!
//! | byte | what |
//! |---|---|
//! | 0, bit 0 | the chip |
//! | 0, bits 1, 2 | the policy of all rules |
//! | 0, bits 3 to 5 | posted writes; when flags show |
//! | 0, bits 6, 7 | a data cache; the trace is kept, and rendered |
//! | 1 | the machine (value modulo 3), the start fence (value / 3 modulo 3); bits 6, 7: a cache line of 8 to 64 bytes |
//! | 2, 3 | a rule, and another policy for it |
//! | 4 | the switches of [`Options`](sim_core::device::usbd::Options), a bit each; of the STM32F103, the line's |
//! | 5 to 8 | the schedule's seed, little-endian |
//! | then | steps: whose (value modulo 4: 0 before, 1 and 2 the firmware's, 3 the host's), and what |
//!
//! Accesses are of 32 bits, as the board's are: it has no other. *Not tried here*: an interrupt handler, real threads,
//! loom.

use std::cell::{Cell, RefCell};
use std::panic;
use std::rc::Rc;
use std::sync::Once;

use dma_api::address::BusAddress;
use sim_core::device::Chip;
use sim_core::explore::replay::Recording;
use sim_core::explore::{Board, Program, Verdict, stepped};
use sim_core::host::{Host, Script};
use sim_core::monitor::Policy;
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, Trace, pcapng, timeline, vcd};

use super::script::script;
use super::{caught, ensure};
use crate::buffers::Buffers;
use crate::pace::Paced;

pub mod before;
mod case;
pub mod nrf52840;
pub mod stm32f103;
mod values;

pub use case::{Case, decode, seeds};

use values::Access;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// A byte beside a buffer that is lent changes.
    StraysByAByte,
    /// A byte of a buffer that the CPU has changes.
    WritesWhatIsNotLent,
    /// A read beyond the registers' table is not looked after.
    IndexesRegisters,
    /// What brings a failure back brings something else back.
    ReplaysAnother,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 4] =
        [Self::StraysByAByte, Self::WritesWhatIsNotLent, Self::IndexesRegisters, Self::ReplaysAnother];
}

/// How many bytes the buffers have.
pub const SLOTS: [usize; 6] = [4, 8, 33, 64, 3, 16];

/// Bytes of simulated RAM.
const RAM: usize = 64;

/// A case as a program.
struct Rogue {
    case: Case,
    config: Config,
    buffers: RefCell<Buffers>,
    twin: Option<Twin>,
}

impl Rogue {
    fn new(case: &Case, twin: Option<Twin>) -> Self {
        let config = Config { ram: RAM, ..case.config };
        Self { case: case.clone(), config, buffers: RefCell::new(Buffers::new(&SLOTS)), twin }
    }
}

impl Program for Rogue {
    fn name(&self) -> String {
        "registers".to_owned()
    }

    fn config(&self) -> Config {
        self.config
    }

    fn prepare(&self, soc: &mut Soc) {
        soc.allocate(RAM);
        self.case.before.iter().for_each(|step| before::take(soc, step));
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.config.chip {
            Chip::Nrf52840 => nrf52840::run(board, &self.case.cpu, &self.buffers, self.twin),
            Chip::Stm32f103 => stm32f103::run(board, &self.case.cpu, &self.buffers, self.twin),
        }
    }

    fn host(&self, host: Host) -> Script {
        script(host, self.case.host.clone())
    }
}

/// Runs the case that these bytes say.
///
/// # Errors
///
/// What is wrong.
pub fn run(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    let case = decode(bytes);
    caught(|| judge(&case, twin)).map_err(|wrong| format!("{case:?}: {wrong}"))
}

fn judge(case: &Case, twin: Option<Twin>) -> Result<(), String> {
    let scheduler = Rc::new(RefCell::new(Paced::new(case.schedule)));
    let (verdict, trace) = run_once(case, twin, |program| stepped::run(program, &scheduler, None))?;
    if case.config.keep == Keep::Order {
        render(case, &trace)?;
    }
    if let Verdict::Assertion { message, .. } = &verdict {
        return Err(format!("a panic: {message}"));
    }
    match verdict.replay() {
        Some(text) if case.config.cache.is_none() => run_again(case, twin, &verdict, text),
        _ => Ok(()),
    }
}

/// Runs it, and looks at the buffers.
fn run_once(
    case: &Case,
    twin: Option<Twin>,
    run: impl FnOnce(&Rogue) -> stepped::Run,
) -> Result<(Verdict, Trace), String> {
    let program = Rogue::new(case, twin);
    let stepped::Run { verdict, trace, .. } = expecting_panics(|| run(&program));
    caught(|| {
        program.buffers.into_inner().put_away();
        Ok(())
    })?;
    Ok((verdict, trace))
}

fn run_again(case: &Case, twin: Option<Twin>, verdict: &Verdict, text: &str) -> Result<(), String> {
    let mut recording: Recording = text.parse().map_err(|error| format!("{text}: {error}"))?;
    if twin == Some(Twin::ReplaysAnother) {
        recording.choices.pop();
    }
    let program = Rogue::new(case, twin);
    let again = expecting_panics(|| stepped::replay(&program, &recording));
    let again = again.map_err(|error| format!("{text}, of {verdict}: {error}"))?.verdict;
    ensure(again.kind() == verdict.kind(), || format!("{text} was printed for {verdict}, and brings back {again}"))
}

/// Shows what has happened in every form that there is.
fn render(case: &Case, trace: &Trace) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    ensure(!timeline::render(trace).is_empty(), || "the timeline is empty".to_owned())?;
    vcd::write(trace, std::io::sink()).map_err(said)?;
    if case.config.chip == Chip::Nrf52840 {
        pcapng::write(trace, std::io::sink()).map_err(said)?;
    }
    Ok(())
}

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic aloud: [`Policy::Panic`] calls the panic hook, which of libFuzzer is the end of the
/// process.
fn expecting_panics<T>(f: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                before(info);
            }
        }));
    });
    let outer = EXPECTED.replace(true);
    // What is caught in there is caught by the explorer, which catches all.
    let result = f();
    EXPECTED.set(outer);
    result
}

/// What both chips' firmware does to memory.
fn memory<B: Board>(board: &B, buffers: &RefCell<Buffers>, access: Access, twin: Option<Twin>) {
    match access {
        Access::Load(address) => drop(board.load(BusAddress::new(address))),
        Access::Store(address, value) => board.store(BusAddress::new(address), value),
        Access::Maintain(address, length, operation) => board.maintain(BusAddress::new(address), length, operation),
        Access::Fence(false) => board.release_fence(),
        Access::Fence(true) => board.acquire_fence(),
        Access::Look => drop(board.host_is_done()),
        Access::Touch(slot) if twin == Some(Twin::WritesWhatIsNotLent) => buffers.borrow_mut().write_unseen(slot),
        Access::Touch(slot) => {
            if buffers.borrow().has(slot) {
                buffers.borrow_mut().access(slot);
            }
        }
        _ => unreachable!("{access:?} is the chip's"),
    }
}

/// What a twin does when a register is read.
fn misdeed(twin: Option<Twin>, offset: u16) {
    const REGISTERS: [u32; 0x200] = [0; 0x200];
    if twin == Some(Twin::IndexesRegisters) {
        assert_eq!(REGISTERS[usize::from(offset / 4)], 0);
    }
}

/// The policies, in the order of their numbers.
const POLICIES: [Policy; 4] = [Policy::Stop, Policy::Panic, Policy::Collect, Policy::Silicon];
