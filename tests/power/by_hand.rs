//! A controller taken up and down by hand, with one mistake: twins of `Power::advance`.

use dma_api::nrf52840::power::{Power, PowerClock, State, map as power_map};
use dma_api::nrf52840::usbd::Usbd;
use dma_api::registers::Registers;
use dma_api::table::Field;
use sim_core::explore::{Block, Board};

/// What the firmware does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing: it uses [`Power`].
    Nothing,
    /// It does not start HFXO.
    NoClock,
    /// It starts HFXO, and does not wait for it.
    ClockNotAwaited,
    /// It takes HFCLKSTAT.STATE, which is 1 with any oscillator, for the crystal's.
    AnyOscillator,
    /// It does not wait for the regulator.
    NoPowerReady,
    /// It waits for the regulator by EVENTS_USBPWRRDY, and takes one of before for the one to come.
    StaleEvent,
    /// It does not wait for VBUS.
    NoVbus,
    /// It waits for EVENTS_USBDETECTED, and does not ask USBREGSTATUS.
    EventOnly,
    /// It comes up once, and stays down when the cable was pulled.
    ComesUpOnce,
}

/// Who takes the controller up and down.
#[derive(Debug)]
pub enum Supplied<B> {
    /// The driver.
    Driver(Power<Block<B, PowerClock>>),
    /// A hand that makes a mistake.
    ByHand { registers: Block<B, PowerClock>, wrong: Wrong, state: State },
}

/// The driver for a firmware that gets this wrong.
pub fn supply<B: Board>(board: &B, wrong: Wrong) -> Supplied<B> {
    match wrong {
        Wrong::Nothing | Wrong::ComesUpOnce => Supplied::Driver(board.power()),
        _ => Supplied::ByHand { registers: board.block(), wrong, state: State::Unplugged },
    }
}

/// Writes a register of POWER and CLOCK.
pub fn write<B: Board>(registers: &Block<B, PowerClock>, offset: u16, value: u32) {
    // SAFETY:
    // - The write starts no transfer: no register of POWER and CLOCK does.
    unsafe { registers.write(offset, value) };
}

/// Clears an event; returns whether it was set.
fn take<B: Board>(registers: &Block<B, PowerClock>, event: u16) -> bool {
    let set = registers.read(event) != 0;
    if set {
        write(registers, event, 0);
    }
    set
}

/// What [`Power::advance`] does, with one thing wrong about it.
fn advance<B: Board>(registers: &Block<B, PowerClock>, wrong: Wrong, state: State, usbd: &mut Usbd<B>) -> State {
    let status = |field: Field| field.is_set(registers.read(power_map::usbregstatus()));
    let removed = take(registers, power_map::events_usbremoved());
    match state {
        State::Unplugged => {
            let present = match wrong {
                Wrong::NoVbus => true,
                Wrong::EventOnly => take(registers, power_map::events_usbdetected()),
                _ => status(power_map::usbregstatus::VBUSDETECT),
            };
            if !present {
                return state;
            }
            usbd.power_up();
            if wrong != Wrong::NoClock {
                write(registers, power_map::tasks_hfclkstart(), 1);
            }
            State::Starting
        }
        State::Starting | State::Attached if removed => {
            usbd.power_down();
            write(registers, power_map::tasks_hfclkstop(), 1);
            State::Unplugged
        }
        State::Starting => {
            let clock = registers.read(power_map::hfclkstat());
            let clock = match wrong {
                Wrong::NoClock | Wrong::ClockNotAwaited => true,
                Wrong::AnyOscillator => power_map::hfclkstat::STATE.is_set(clock),
                _ => power_map::hfclkstat::SRC.is_set(clock),
            };
            let output = match wrong {
                Wrong::NoPowerReady => true,
                Wrong::StaleEvent => registers.read(power_map::events_usbpwrrdy()) != 0,
                _ => status(power_map::usbregstatus::OUTPUTRDY),
            };
            if !(usbd.is_ready() && clock && output) {
                return state;
            }
            usbd.connect();
            State::Attached
        }
        State::Attached => state,
    }
}

impl<B: Board> Supplied<B> {
    /// As [`Power::advance`].
    pub fn advance(&mut self, usbd: &mut Usbd<B>) -> State {
        match self {
            Self::Driver(power) => power.advance(usbd),
            Self::ByHand { registers, wrong, state } => {
                *state = advance(registers, *wrong, *state, usbd);
                *state
            }
        }
    }

    /// As [`Power::is_removed`].
    pub fn is_removed(&self) -> bool {
        match self {
            Self::Driver(power) => power.is_removed(),
            Self::ByHand { registers, .. } => registers.read(power_map::events_usbremoved()) != 0,
        }
    }
}
