//! Sending for ever.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use dma_api::address::{Direction, Region};
use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::circular::{CircularSendError, CircularStartError};
use dma_api::stm32f103::dma::map::{self, HTIF, TCIF, ccr, flags_of};
use dma_api::stm32f103::dma::{Dma1, StartError, TransferError};
use dma_api::stm32f103::usart::Usart1;
use dma_api::stm32f103::usart::map::{cr1, cr3, dr};
use sim_core::device::stm32f103::BusError;
use sim_core::explore::scheduler::Replay;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::fate::Fate;
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::machine::{FencePlace, Fences, Machine, Moment, Strength};
use sim_core::monitor::Site;
use sim_core::soc::Config;
use sim_core::trace::{Keep, Record};

use crate::firmware::{assert_sound, config, counting, explore, usart1};

/// What the peer has got in this run.
type Got = Arc<Mutex<Vec<u8>>>;

fn got(got: &Got) -> Vec<u8> {
    got.lock().expect("nobody panics while it is locked").clone()
}

/// The peer takes so many frames, or as many as come.
fn takes(mut host: Host, frames: usize, into: &Got) -> Script {
    let into = into.clone();
    into.lock().expect("nobody panics while it is locked").clear();
    Box::pin(async move {
        for _ in 0..frames {
            let frame = match host.serial(Port::Usart1).receive_frame().await {
                Err(error) if error.is_timeout() => return Ok(()),
                frame => frame?,
            };
            into.lock().expect("nobody panics while it is locked").push(frame.to_le_bytes()[0]);
        }
        Ok(())
    })
}

/// All that the firmware knows, so that an explorer knows it again: `local`, and which half is next.
fn know<B: Board>(board: &B, circular: &impl Debug, local: &dyn Debug) {
    let circular = format!("{circular:?}");
    let next = circular.rsplit("next").next().expect("there is a last part");
    board.checkpoint(&(next, local));
}

/// Sends 1, 2, 3, ... from a buffer that is shorter, until the peer has so many.
#[derive(Clone, Debug)]
struct Sends {
    buffer: u8,
    frames: u8,
    fences: Fences,
    fence_at: Option<(FencePlace, Fate)>,
    /// Stops at the first underrun. If not, it goes on.
    gives_up: bool,
    got: Got,
}

impl Sends {
    fn new(buffer: u8, frames: u8) -> Self {
        let fences = Fences::right(Machine::CortexM4);
        Self { buffer, frames, fences, fence_at: None, gives_up: true, got: Got::default() }
    }
}

impl Program for Sends {
    fn name(&self) -> String {
        let Self { buffer, frames, fences: Fences { machine, start, end }, .. } = self;
        format!("circular-send:{buffer}:{frames}:{machine}:{start}:{end}")
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, fence_at: self.fence_at, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (sender, mut receiver) = usart1(&board);
        let mut circular = sender.circular(counting(self.buffer)).expect("it is not refused");
        let half = self.buffer / 2;
        let mut next = self.buffer + 1;
        let mut is_told = false;
        loop {
            know(&board, &circular, &(next, is_told));
            let is_last_look = board.host_is_done();
            match circular.write(&(next..next + half).collect::<Vec<_>>()) {
                Ok(Some(count)) => {
                    assert_eq!(count, circular.half());
                    next += half;
                }
                Ok(None) => {}
                Err(CircularSendError::Underrun) => is_told = true,
                Err(error) => panic!("{error}"),
            }
            if is_last_look || is_told && self.gives_up {
                break;
            }
        }
        let (_, mut sender) = circular.stop();
        let got = got(&self.got);
        assert!(is_told || got.iter().copied().eq(1..=self.frames), "old frames came again, untold: {got:?}");
        sender.flush(&mut receiver);
    }

    fn host(&self, host: Host) -> Script {
        takes(host, self.frames.into(), &self.got)
    }
}

#[test]
fn frames_come_in_order_or_it_is_told_on_every_schedule() {
    for (buffer, frames) in [(2, 4), (4, 6), (12, 13)] {
        assert_sound(&Sends::new(buffer, frames));
    }
    assert_sound(&Sends { gives_up: false, ..Sends::new(2, 3) });
}

#[test]
fn frames_come_in_order_or_it_is_told_on_real_threads() {
    for _ in 0..10 {
        let run = threads::run(&Sends::new(16, 200), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    }
}

/// Where the driver fills, in a run in which it does.
fn fill_of(program: &Sends) -> &'static std::panic::Location<'static> {
    let script = (0..200).map(|_| 0).collect();
    let run = stepped::run(program, &Rc::new(RefCell::new(Replay::new(script))), Some(Keep::Order));
    let fills = run.trace.entries().iter().filter(|entry| matches!(entry.record, Record::Fill { .. }));
    fills.filter_map(|entry| entry.site).next().expect("it fills a half in this run")
}

#[test]
fn fill_without_one_of_its_fences_is_a_race() {
    for machine in [Machine::CortexM7, Machine::MultiCore, Machine::CortexM4] {
        let program = Sends { fences: Fences::right(machine), ..Sends::new(2, 3) };
        assert_sound(&program);
        let line = fill_of(&program);
        for (moment, is_dmas) in [(Moment::BeforeFill, false), (Moment::AfterFill, true)] {
            let weaker = if machine == Machine::CortexM4 { Strength::None } else { Strength::Compiler };
            let fence_at = Some((FencePlace { moment, line }, Fate::Strength(weaker)));
            let Verdict::Race(found) = explore(&Sends { fence_at, ..program.clone() }) else {
                panic!("{machine} needs no fence: {moment}");
            };
            let (site, other) = (found.violation.site, found.violation.misuse.other);
            let (dma, cpu) = if is_dmas { (Some(site), other) } else { (other, Some(site)) };
            assert!(matches!(dma, Some(Site::Channel { channel: 4, .. })), "{}", found.violation);
            assert!(matches!(cpu, Some(Site::Cpu(_))), "{}", found.violation);
        }
    }
}

/// The same protocol by hand, with a look left out. Twin.
#[derive(Clone, Debug)]
struct ByHand {
    /// The look at ISR after the fill.
    looks_again: bool,
    /// The look at the other half's flag before it.
    looks_at_the_other: bool,
    got: Got,
}

impl Program for ByHand {
    fn name(&self) -> String {
        format!("circular-send-by-hand:{}:{}", self.looks_again, self.looks_at_the_other)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        const TX: u16 = 3;
        let (dma, usart) = (board.block::<Dma1>(), board.block::<Usart1>());
        let base = u32::try_from(Usart1::BASE).expect("32 bits");
        let buffer = counting(4);
        let region = Region { pointer: buffer.as_mut_ptr(), length: 4, direction: Direction::MemoryToDevice };
        // SAFETY:
        // - The memory is leaked, and nobody but the DMA has it.
        let address = unsafe { board.release(region) };
        let write = |offset, value| {
            // SAFETY:
            // - The transfer is of the region: released above, for ever.
            unsafe { dma.write(offset, value) };
        };
        for (offset, value) in [(cr1(), cr1::UE.mask() | cr1::RE.mask() | cr1::TE.mask()), (cr3(), cr3::DMAT.mask())] {
            // SAFETY:
            // - It starts no transfer: the channel is not enabled.
            unsafe { usart.write(offset, value) };
        }
        write(map::cpar(TX), base + u32::from(dr()));
        write(map::cmar(TX), address.get());
        write(map::cndtr(TX), 4);
        write(ccr(TX), ccr::EN.mask() | ccr::CIRC.mask() | ccr::MINC.mask() | ccr::DIR.mask());
        let flags = || dma.read(map::isr()) >> flags_of(TX);
        let (mut next, mut half) = (5, 0);
        loop {
            board.checkpoint(&(next, half));
            let is_last_look = board.host_is_done();
            let [own, other] = [[HTIF, TCIF], [TCIF, HTIF]][half];
            let seen = flags();
            if seen & other != 0 && self.looks_at_the_other {
                // It gives up: where it is, is `Circular`'s to find out.
                return;
            }
            if seen & own != 0 {
                let part = Region { pointer: region.pointer.wrapping_add(2 * half), length: 2, ..region };
                // SAFETY:
                // - It is a half of the region, which is the DMA's, and of leaked memory that nobody else has; what it
                //   is filled from is this function's.
                unsafe { board.fill(part, [next, next + 1].as_ptr()) };
                write(map::ifcr(), (if self.looks_at_the_other { own } else { own | other }) << flags_of(TX));
                if self.looks_again && flags() & other != 0 {
                    return;
                }
                (next, half) = (next + 2, 1 - half);
            }
            if is_last_look {
                break;
            }
        }
        let got = got(&self.got);
        assert!(got.iter().copied().eq(1..=8), "old frames came again, untold: {got:?}");
    }

    fn host(&self, host: Host) -> Script {
        takes(host, 8, &self.got)
    }
}

#[test]
fn look_that_is_left_out_is_an_underrun_that_nobody_tells() {
    for (looks_again, looks_at_the_other) in [(true, true), (false, true), (true, false)] {
        let verdict = explore(&ByHand { looks_again, looks_at_the_other, got: Got::default() });
        let expected = if looks_again && looks_at_the_other { Kind::Sound } else { Kind::Assertion };
        assert_eq!(verdict.kind(), expected, "{looks_again}, {looks_at_the_other}: {verdict}");
    }
}

/// A fill of what is not lent for that.
#[derive(Clone, Copy, Debug)]
struct FillsWhatIsNotLent(Option<Direction>);

impl Program for FillsWhatIsNotLent {
    fn name(&self) -> String {
        format!("fills-what-is-not-lent:{:?}", self.0)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let buffer = counting(4);
        let region = Region { pointer: buffer.as_mut_ptr(), length: 4, direction: Direction::MemoryToDevice };
        if let Some(direction) = self.0 {
            // SAFETY:
            // - The memory is leaked, and no transfer is started.
            unsafe { board.release(Region { direction, ..region }) };
        }
        // SAFETY: MUTANT
        // - It may not be lent, or for the other direction: the board does not touch it then.
        unsafe { board.fill(Region { length: 2, ..region }, [7, 8].as_ptr()) };
        assert_eq!(self.0, Some(Direction::MemoryToDevice), "the rest does not come");
        // SAFETY:
        // - It was released; there is no DMA.
        unsafe { board.acquire(region) };
        assert_eq!(buffer, [7, 8, 3, 4]);
    }

    fn host(&self, _: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn fill_of_memory_that_is_not_lent_for_it_is_a_violation() {
    use sim_core::monitor::Rule;
    assert_sound(&FillsWhatIsNotLent(Some(Direction::MemoryToDevice)));
    for direction in [None, Some(Direction::DeviceToMemory)] {
        let verdict = explore(&FillsWhatIsNotLent(direction));
        assert_eq!(verdict.kind(), Kind::Violation(Rule::AcquiredWithoutRelease), "{verdict}");
        assert!(verdict.to_string().contains("the CPU fills 2 bytes that are not lent"), "{verdict}");
    }
}

/// What goes wrong: before the start, on the bus; how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    Start,
    Bus,
    /// Dropped after so many halves.
    Dropped(u8),
    Forgotten,
    /// The firmware panics after so many halves.
    Panics(u8),
}

impl Program for Wrong {
    fn name(&self) -> String {
        format!("circular-send-wrong:{self:?}")
    }

    fn config(&self) -> Config {
        let bus_error = (*self == Self::Bus).then_some(BusError { controller: 1, channel: 4, item: 3 });
        Config { bus_error, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, _rx) = usart1(&board);
        if *self == Self::Start {
            for (length, kind) in [
                (0, CircularStartError::Start(StartError::Empty)),
                (3, CircularStartError::Odd { words: 3 }),
                (65_536, CircularStartError::Start(StartError::TooLong { items: 65_536 })),
            ] {
                let refused = sender.circular(crate::firmware::zeros(length)).expect_err("it cannot be");
                assert_eq!((refused.kind, refused.buffer.len()), (kind, length));
                sender = refused.channel;
            }
        }
        let mut circular = sender.circular(counting(4)).expect("it can be");
        assert_eq!(circular.write(&[0]), Err(CircularSendError::TooShort { needed: 2 }));
        let (mut halves, mut lost) = (0, false);
        let mut failed = None;
        while !board.host_is_done() || (*self == Self::Bus && failed.is_none()) {
            know(&board, &circular, &(halves, lost, &failed));
            match self {
                Self::Dropped(after) if *after == halves => return drop(circular),
                Self::Panics(after) if *after == halves => {
                    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        let _circular = circular;
                        std::panic::resume_unwind(Box::new("of its own"));
                    }));
                    return assert!(panicked.is_err());
                }
                _ => {}
            }
            match circular.write(&[halves, halves]) {
                Ok(Some(_)) => halves += 1,
                Ok(None) => {}
                Err(CircularSendError::Underrun) => lost = true,
                Err(error) => failed = Some(error),
            }
        }
        match self {
            Self::Start | Self::Dropped(_) | Self::Panics(_) => {}
            Self::Forgotten => std::mem::forget(circular),
            Self::Bus => {
                assert_eq!(failed, Some(CircularSendError::Transfer(TransferError { moved: 3 })));
                drop(circular.stop());
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = if *self == Self::Bus { 3 } else { 4 };
        let gives_up = matches!(self, Self::Dropped(_) | Self::Panics(_));
        Box::pin(async move {
            for _ in 0..frames {
                match host.serial(Port::Usart1).receive_frame().await {
                    Err(error) if gives_up && error.is_timeout() => return Ok(()),
                    frame => drop(frame?),
                }
            }
            Ok(())
        })
    }
}

#[test]
fn what_goes_wrong_in_a_circular_sender_is_said() {
    for wrong in [Wrong::Start, Wrong::Bus, Wrong::Forgotten] {
        assert_sound(&wrong);
    }
    for halves in 0..=2 {
        assert_sound(&Wrong::Dropped(halves));
        assert_sound(&Wrong::Panics(halves));
    }
}
