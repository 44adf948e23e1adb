//! Receiving for ever.

use dma_api::address::{Direction, Region};
use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::circular::{CircularError, CircularStartError};
use dma_api::stm32f103::dma::map::{self, HTIF, TCIF, ccr, flags_of};
use dma_api::stm32f103::dma::{Dma1, StartError, TransferError};
use dma_api::stm32f103::usart::map::{cr1, cr3, dr};
use dma_api::stm32f103::usart::{LineError, ReceiveStartError, Usart1};
use sim_core::device::stm32f103::BusError;
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::Site;
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, explore, usart1, zeros};

/// What has come, half by half.
#[derive(Debug, Default)]
struct Came {
    frames: Vec<u8>,
    /// How many frames had come before each overrun.
    lost_at: Vec<usize>,
}

impl Came {
    /// Halves are whole, nothing comes twice, and there is no gap but where one was told.
    fn assert_in_order(&self, half: usize) {
        let Self { frames, lost_at } = self;
        for half in frames.chunks(half) {
            assert!(half.is_sorted_by(|a, b| a + 1 == *b), "a half is torn: {half:?}, of {frames:?}");
        }
        assert!(frames.is_sorted_by(|a, b| a < b), "something came twice: {frames:?}");
        let mut due = 1;
        for (at, &frame) in frames.iter().enumerate() {
            assert!(
                frame == due || lost_at.contains(&at),
                "{due} is lost, and nobody said so: {frames:?}, {lost_at:?}"
            );
            due = frame + 1;
        }
    }
}

/// Receives so many frames into a buffer that is shorter.
#[derive(Clone, Copy, Debug)]
struct Receives {
    buffer: usize,
    frames: u8,
    fences: Fences,
    /// Forgets it at the end, so that the memory is never taken back.
    forgets: bool,
}

impl Receives {
    fn new(buffer: usize, frames: u8) -> Self {
        Self { buffer, frames, fences: Fences::right(Machine::CortexM4), forgets: false }
    }
}

impl Program for Receives {
    fn name(&self) -> String {
        let Self { buffer, frames, fences: Fences { machine, start, end }, forgets } = self;
        format!("circular:{buffer}:{frames}:{machine}:{start}:{end}:{forgets}")
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = usart1(&board);
        let mut circular = receiver.circular(zeros(self.buffer)).expect("it is not refused");
        let mut into = vec![0; circular.half()];
        let mut came = Came::default();
        loop {
            let is_last_look = board.host_is_done();
            match circular.read(&mut into) {
                Ok(Some(frames)) => came.frames.extend_from_slice(&into[..frames]),
                Ok(None) if is_last_look => break,
                Ok(None) => {}
                Err(CircularError::Overrun) => came.lost_at.push(came.frames.len()),
                Err(error) => panic!("{error}"),
            }
        }
        came.assert_in_order(into.len());
        if self.forgets {
            return std::mem::forget(circular);
        }
        let (buffer, receiver) = circular.stop();
        // Channel and buffer work again.
        drop(receiver.circular(buffer).map(drop));
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = self.frames;
        Box::pin(async move { host.serial(Port::Usart1).send(&(1..=frames).collect::<Vec<_>>()).await })
    }
}

#[test]
fn halves_are_whole_and_what_is_lost_is_told_on_every_schedule() {
    for (buffer, frames) in [(2, 4), (4, 7), (16, 17)] {
        assert_sound(&Receives::new(buffer, frames));
    }
}

#[test]
fn halves_are_whole_on_real_threads() {
    for _ in 0..10 {
        let run = threads::run(&Receives::new(16, 200), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    }
}

#[test]
fn snapshot_without_a_fence_that_the_machine_honours_is_a_race() {
    for machine in [Machine::CortexM7, Machine::MultiCore] {
        let fences = Fences::right(machine);
        let program = Receives { fences, forgets: true, ..Receives::new(4, 4) };
        assert_sound(&program);
        let fences = Fences { end: Strength::Compiler, ..fences };
        let Verdict::Race(found) = explore(&Receives { fences, ..program }) else {
            panic!("{machine} needs no fence");
        };
        assert!(matches!(found.violation.site, Site::Cpu(_)), "{}", found.violation);
        assert!(matches!(found.violation.misuse.other, Some(Site::Channel { .. })), "{}", found.violation);
    }
}

/// The same protocol by hand, with a look left out. Twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByHand {
    /// Both looks at ISR.
    Right,
    /// None after the copy.
    NoSecondLook,
    /// None at the other half's flag before the copy; it is cleared along.
    ClearsBoth,
}

impl Program for ByHand {
    fn name(&self) -> String {
        format!("circular-by-hand:{self:?}")
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        const RX: u16 = 4;
        let (dma, usart) = (board.block::<Dma1>(), board.block::<Usart1>());
        let base = u32::try_from(Usart1::BASE).expect("32 bits");
        let buffer = zeros(4);
        let region = Region { pointer: buffer.as_mut_ptr(), length: 4, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - The memory is leaked, and nobody but the DMA has it.
        let address = unsafe { board.release(region) };
        let write = |offset, value| {
            // SAFETY:
            // - The transfer is of the region: released above, for ever.
            unsafe { dma.write(offset, value) };
        };
        for (offset, value) in [(cr1(), cr1::UE.mask() | cr1::RE.mask() | cr1::TE.mask()), (cr3(), cr3::DMAR.mask())] {
            // SAFETY:
            // - It starts no transfer: the channel is not enabled.
            unsafe { usart.write(offset, value) };
        }
        write(map::cpar(RX), base + u32::from(dr()));
        write(map::cmar(RX), address.get());
        write(map::cndtr(RX), 4);
        write(ccr(RX), ccr::EN.mask() | ccr::CIRC.mask() | ccr::MINC.mask());
        let flags = || dma.read(map::isr()) >> flags_of(RX);
        let (mut came, mut half) = (Came::default(), 0);
        loop {
            let is_last_look = board.host_is_done();
            let [own, other] = [[HTIF, TCIF], [TCIF, HTIF]][half];
            let seen = flags();
            if seen & other != 0 && *self != Self::ClearsBoth {
                // It gives up: where it is, is `Circular`'s to find out.
                return;
            }
            if seen & own == 0 {
                if is_last_look {
                    break;
                }
                continue;
            }
            write(map::ifcr(), (if *self == Self::ClearsBoth { own | other } else { own }) << flags_of(RX));
            let part = Region { pointer: region.pointer.wrapping_add(2 * half), length: 2, ..region };
            let mut into = [0; 2];
            // SAFETY:
            // - It is a half of the region, which is the DMA's; `into` is this function's.
            unsafe { board.snapshot(part, into.as_mut_ptr()) };
            if *self == Self::Right && flags() & other != 0 {
                return;
            }
            came.frames.extend(into);
            half = 1 - half;
        }
        came.assert_in_order(2);
    }

    fn host(&self, host: Host) -> Script {
        Receives::new(4, 8).host(host)
    }
}

#[test]
fn look_that_is_left_out_is_a_torn_half() {
    assert_sound(&ByHand::Right);
    for twin in [ByHand::NoSecondLook, ByHand::ClearsBoth] {
        let verdict = explore(&twin);
        assert_eq!(verdict.kind(), Kind::Assertion, "{twin:?}: {verdict}");
    }
}

/// Copies three words while the DMA fills them, whatever it has filled.
#[derive(Clone, Copy, Debug)]
struct CopiesThreeWords;

impl Program for CopiesThreeWords {
    fn name(&self) -> String {
        "copies-three-words".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = usart1(&board);
        let buffer = zeros(12);
        let region = Region { pointer: buffer.as_mut_ptr(), length: 12, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - The memory is leaked: the borrow lasts for ever.
        let transfer = unsafe { receiver.read_exact_borrowed(buffer) }.expect("it is not refused");
        std::mem::forget(transfer);
        let mut into = [0; 12];
        // SAFETY:
        // - It is the DMA's, and was written before: zeros. `into` is this function's.
        unsafe { board.snapshot(region, into.as_mut_ptr()) };
        assert!(into[4] != 0 || into[8] == 0, "the second word is older than the third: {into:?}");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.serial(Port::Usart1).send(&[1; 12]).await })
    }
}

#[test]
fn copy_is_torn_between_any_two_words_on_some_schedule() {
    let verdict = explore(&CopiesThreeWords);
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
    assert!(verdict.to_string().contains("the second word is older than the third"), "{verdict}");
}

/// What goes wrong: before the start, on the bus, on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Start,
    Bus,
    Line,
    /// Dropped after so many halves.
    Dropped(u8),
    Forgotten,
}

impl Program for Wrong {
    fn name(&self) -> String {
        format!("circular-wrong:{self:?}")
    }

    fn config(&self) -> Config {
        let bus_error = (*self == Self::Bus).then_some(BusError { controller: 1, channel: 5, item: 3 });
        Config { bus_error, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, mut receiver) = usart1(&board);
        if *self == Self::Start {
            for (length, kind) in [
                (0, CircularStartError::Start(ReceiveStartError::Start(StartError::Empty))),
                (3, CircularStartError::Odd { words: 3 }),
                (65_536, CircularStartError::Start(ReceiveStartError::Start(StartError::TooLong { items: 65_536 }))),
            ] {
                let refused = receiver.circular(zeros(length)).expect_err("it cannot be");
                assert_eq!((refused.kind, refused.buffer.len()), (kind, length));
                receiver = refused.channel;
            }
        }
        let mut circular = receiver.circular(zeros(4)).expect("it can be");
        assert_eq!(circular.read(&mut [0]), Err(CircularError::TooSmall { needed: 2 }));
        let mut into = [0; 2];
        let mut said = Vec::new();
        let mut halves = 0;
        while !board.host_is_done() {
            if let Self::Dropped(after) = self
                && *after == halves
            {
                return drop(circular);
            }
            match circular.read(&mut into) {
                Ok(Some(_)) => halves += 1,
                Ok(None) => {}
                Err(error) => {
                    said.push(error);
                    if error != CircularError::Overrun {
                        break;
                    }
                }
            }
        }
        match self {
            Self::Start | Self::Dropped(_) => {}
            Self::Forgotten => std::mem::forget(circular),
            Self::Bus => {
                while !matches!(said.last(), Some(CircularError::Transfer(_))) {
                    if let Err(error) = circular.read(&mut into) {
                        said.push(error);
                    }
                }
                assert_eq!(said.last(), Some(&CircularError::Transfer(TransferError { moved: 3 })));
                drop(circular.stop());
            }
            Self::Line => {
                let is_due = |error: &CircularError| *error == CircularError::Line(LineError::Noise);
                assert!(said.iter().filter(|error| is_due(error)).count() <= 1, "{said:?}");
                let (_, receiver) = circular.stop();
                let told = said.iter().any(is_due) || said.contains(&CircularError::Overrun);
                // It is told now, if it was not told then.
                assert!(told || receiver.read_exact(zeros(1)).is_err(), "{said:?}");
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let is_line = *self == Self::Line;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            let error = is_line.then_some(FrameError::Noise);
            for frame in 1..=4 {
                match error.filter(|_| frame == 2) {
                    Some(error) => drop(peer.send_with(frame, error).await),
                    // Nobody may be there to take it.
                    None => drop(peer.send_frame(frame).await),
                }
            }
            Ok(())
        })
    }
}

#[test]
fn what_goes_wrong_in_a_circular_transfer_is_said() {
    for wrong in [Wrong::Start, Wrong::Bus, Wrong::Line, Wrong::Forgotten] {
        assert_sound(&wrong);
    }
    for halves in 0..=2 {
        assert_sound(&Wrong::Dropped(halves));
    }
}
