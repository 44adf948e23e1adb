//! What the bytes say.

use std::rc::Rc;

use sim_core::device::Chip;
use sim_core::device::stm32f103::{BusError, Line};
use sim_core::device::usbd::{
    Alignment, AmountOfOut, EndOnReset, Errata, OddBytes, Options, OutOfReach, PermissionOfOut, Revision, SecondStart,
    Supply,
};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::memory::cache::{DataCache, LineSize, Upkeep};
use sim_core::monitor::{Policies, Rule};
use sim_core::quirks::{Completion, Quirks, Writes};
use sim_core::soc::Config;
use sim_core::trace::Keep;

use super::POLICIES;
use super::before::{self, Step};
use super::values::{self, Access};
use crate::fuzz::input::Input;
use crate::fuzz::script::{Operation, operation, peer_operation};

/// The most steps of each side.
const MOST_STEPS: usize = 60;

const COMPLETIONS: [Completion; 4] =
    [Completion::AfterData, Completion::BeforeData, Completion::BeforeDataUntilRead, Completion::AfterData];

/// Everything that decides a run.
#[derive(Clone, Debug)]
pub struct Case {
    /// The system.
    pub config: Config,
    /// What it goes through before.
    pub before: Vec<Step>,
    /// What the firmware does.
    pub cpu: Vec<Access>,
    /// What the host does, or the peer.
    pub host: Rc<[Operation]>,
    /// The schedule's seed.
    pub schedule: u32,
}

/// The case that these bytes say.
pub fn decode(bytes: &[u8]) -> Case {
    let mut input = Input::new(bytes);
    let config = config(&mut input);
    let schedule = input.word();
    let (mut before, mut cpu, mut host) = (Vec::new(), Vec::new(), Vec::new());
    while !input.is_empty() && before.len().max(cpu.len()).max(host.len()) < MOST_STEPS {
        match input.byte() % 4 {
            0 => before.push(before::step(&mut input, config.chip)),
            3 if config.chip == Chip::Stm32f103 => host.push(peer_operation(&mut input)),
            3 => host.push(operation(&mut input)),
            _ => cpu.push(values::access(&mut input, config.chip)),
        }
    }
    Case { config, before, cpu, host: host.into(), schedule }
}

fn config(input: &mut Input<'_>) -> Config {
    let (head, core, rule, policy, switches) = (input.byte(), input.byte(), input.byte(), input.byte(), input.byte());
    let chip = if head & 1 == 0 { Chip::Nrf52840 } else { Chip::Stm32f103 };
    let rule = Rule::ALL[usize::from(rule) % Rule::ALL.len()];
    let policies = Policies::all(POLICIES[usize::from(head >> 1 & 3)]).with(rule, POLICIES[usize::from(policy & 3)]);
    let writes = if head & 8 == 0 { Writes::AtOnce } else { Writes::Posted };
    let quirks = Quirks { writes, completion: COMPLETIONS[usize::from(head >> 4 & 3)] };
    let line = LineSize::new(8 << (core >> 6)).unwrap_or(LineSize::CORTEX_M7);
    let upkeep = if policy & 4 == 0 { Upkeep::ALL } else { Upkeep::NONE };
    let cache = (head & 0x40 != 0).then_some(DataCache { line, upkeep });
    let machine = Machine::ALL[usize::from(core & 0x3F) % 3];
    let start = Strength::ALL[usize::from((core & 0x3F) / 3) % 3];
    let fences = Fences { start, ..Fences::right(machine) };
    let keep = if head & 0x80 == 0 { Keep::Nothing } else { Keep::Order };
    let config =
        Config { options: options(switches), fences, quirks, cache, policies, keep, chip, ..Config::default() };
    if chip == Chip::Nrf52840 {
        return config;
    }
    let line = if switches & 1 == 0 { Line::Slow } else { Line::Any };
    let bus_error = (switches & 2 != 0).then_some(BusError {
        controller: 1 + usize::from(switches >> 2 & 1),
        channel: 1 + usize::from(switches >> 3 & 7),
        item: u32::from(switches >> 6),
    });
    Config { line, bus_error, ..config }
}

/// A bit for each switch.
fn options(switches: u8) -> Options {
    let is_on = |bit: u8| switches & bit != 0;
    Options {
        second_start: if is_on(1) { SecondStart::Corrupts } else { SecondStart::default() },
        end_on_reset: if is_on(2) { EndOnReset::Never } else { EndOnReset::Fires },
        out_of_reach: if is_on(4) { OutOfReach::Sizes } else { OutOfReach::default() },
        permission_of_out: if is_on(8) { PermissionOfOut::EndsWithSetup } else { PermissionOfOut::default() },
        errata: if is_on(16) { Errata::of(Revision::NEWEST) } else { Errata::none() },
        alignment: if is_on(32) { Alignment::Words } else { Alignment::Any },
        amount_of_out: if is_on(64) { AmountOfOut::Zero } else { AmountOfOut::Counted },
        odd_bytes: if is_on(64) { OddBytes::BreakNextTransfer } else { OddBytes::Harmless },
        supply: if is_on(128) { Supply::Modelled } else { Supply::Always },
        ..Options::ideal()
    }
}

/// What a fuzzer begins with: a device that is connected, and lends; a USART that sends and receives; each with each
/// policy, with quirks, behind a cache.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let case = |head: u8, body: &[u8]| [&[head, 0, head, head >> 2, head, 1, 0, 0, 0], body].concat();
    vec![
        ("usbd", case(0, USBD)),
        ("usbd_panic", case(2, USBD)),
        ("usbd_collect", case(4 | 0x80, USBD)),
        ("usbd_silicon_posted", case(6 | 8, USBD)),
        ("usbd_early_flag", case(4 | 0x10, USBD)),
        ("usbd_cached", case(4 | 0x40, USBD)),
        ("usbd_by_hand", case(4 | 0x80, USBD_BY_HAND)),
        ("serial", case(1, SERIAL)),
        ("serial_panic", case(3, SERIAL)),
        ("serial_collect", case(5 | 0x80, SERIAL)),
        ("serial_silicon_posted", case(7 | 8, SERIAL)),
        ("serial_early_flag", case(5 | 0x20, SERIAL)),
        ("serial_cached", case(5 | 0x40, SERIAL)),
        ("serial_by_hand", case(5 | 0x80, SERIAL_BY_HAND)),
    ]
}

/// Connected and reset, then: a buffer to IN endpoint 1, a poll, the end; a packet for OUT endpoint 2, which is taken;
/// the host asks for the first, sends the second, resets the bus.
#[rustfmt::skip]
const USBD: &[u8] = &[
    0, 19, 0, 16,
    1, 13, 3, 0, 8, 1, 12, 1, 15, 0,
    1, 13, 2, 1, 9, 1, 12, 1, 12, 1, 13, 2, 1, 1, 1, 12, 1, 15, 0,
    3, 2, 1, 3, 3, 2, 0, 8, 3, 2, 1, 3, 0,
];

/// Registers: SIZE, EVENTS, a START of nothing that is lent, ENABLE=0; memory.
#[rustfmt::skip]
const USBD_BY_HAND: &[u8] = &[
    0, 19, 0, 13, 0, 0, 0x80, 6, 0, 1, 0, 0, 18, 0,
    1, 3, 0, 40, 1, 3, 4, 1, 3, 0, 41, 1, 0, 8, 1, 3, 0, 0, 1, 0, 1, 1, 0, 0, 5, 0,
    1, 8, 2, 4, 1, 9, 2, 4, 7, 1, 10, 2, 4, 8, 1, 11, 0, 2, 3, 0xFF, 0, 5, 0, 0,
    3, 2, 0, 3, 1, 0, 0x80, 6, 0, 1, 0, 0, 18, 0,
];

/// A buffer is sent and one received, with a look in between; then both for ever; the peer sends and takes frames.
#[rustfmt::skip]
const SERIAL: &[u8] = &[
    1, 13, 0, 0, 0, 1, 13, 4, 1, 0, 1, 12, 1, 12, 1, 15, 0, 1, 15, 1, 1, 15, 1,
    1, 13, 1, 0, 1, 1, 13, 5, 1, 1, 1, 12, 1, 15, 0, 1, 15, 2,
    3, 0, 0, 0x41, 0, 0, 1, 3, 0, 0, 0x42, 0, 1, 1, 3, 2, 0, 3, 1, 0, 3, 0, 0, 0x43, 0, 0, 0, 3, 2, 0,
];

/// Registers: a channel that copies memory, requests of another peripheral, a channel of DMA2.
#[rustfmt::skip]
const SERIAL_BY_HAND: &[u8] = &[
    0, 9, 2, 0, 7, 0, 18, 0, 0, 0, 0, 15, 0, 0x55, 0, 0,
    1, 3, 0, 3, 0, 0, 4, 1, 3, 0, 4, 0, 2, 0, 1, 3, 0, 5, 0, 2, 8, 1, 3, 0, 2, 0, 5, 0xC1, 0x40,
    0, 11, 0, 1, 12, 1, 3, 5, 2, 1, 0, 1, 1, 0, 3, 0, 0, 1, 8, 2, 8,
    3, 2, 0, 3, 1, 1,
];
