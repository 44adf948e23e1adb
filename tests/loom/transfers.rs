//! Transfers of both chips under loom, on every machine.
//!
//! A row is a program, a machine and what its two fences are. loom judges it, and the vector clocks on every schedule
//! do: both must say *race* where a fence is not honoured, and *sound* where both are. So each row that is sound has
//! twins that are not.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use dma_api::nrf52840::usbd::{Engine, Usbd, map as usb_map};
use dma_api::registers::Registers;
use dma_api::stm32f103::dma::{AtomicWaker, Dma1, map};
use dma_api::stm32f103::usart::{Parity, Receiver, Sender, Settings, Usart, Usart1};
use sim_core::check::programs::connect;
use sim_core::device::Chip;
use sim_core::explore::model::{self, Limits, Packets};
use sim_core::explore::scheduler::Seeded;
use sim_core::explore::{Block, Board, Kind, Program, Verdict, stepped};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::machine::{FencePlace, Fences, Machine, Moment, Strength};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use sim_core::statics;
use sim_core::trace::{Keep, Record};

/// What the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// USBD: `EpIn::send`, waited for.
    EpIn,
    /// USBD: dropped, which waits.
    EpInDropped,
    /// `Sender::write_all`, waited for.
    Sends,
    /// Twice.
    SendsTwice,
    /// `Receiver::read_exact`, waited for.
    Receives,
    /// Stopped at once: the DMA has moved all of it, or nothing.
    Stops,
    /// Dropped at once.
    Drops,
    /// Borrowed memory.
    Scopes,
    /// Both halves of a circular buffer.
    Circular,
    /// Both halves, and the first again, filled anew.
    CircularSends,
    /// Awaited, with a handler.
    Awaits,
}

impl What {
    const ALL: [Self; 11] = [
        Self::EpIn,
        Self::EpInDropped,
        Self::Sends,
        Self::SendsTwice,
        Self::Receives,
        Self::Stops,
        Self::Drops,
        Self::Scopes,
        Self::Circular,
        Self::CircularSends,
        Self::Awaits,
    ];

    fn is_usb(self) -> bool {
        matches!(self, Self::EpIn | Self::EpInDropped)
    }

    /// How many frames the peer sends.
    fn frames(self) -> u8 {
        match self {
            Self::Receives | Self::Scopes | Self::Awaits | Self::Stops | Self::Drops => 2,
            Self::Circular => 4,
            Self::EpIn | Self::EpInDropped | Self::Sends | Self::SendsTwice | Self::CircularSends => 0,
        }
    }
}

/// A row.
#[derive(Clone, Copy, Debug)]
struct Row {
    what: What,
    fences: Fences,
    fence_at: Option<(FencePlace, Strength)>,
}

type Sends<B> = Sender<Block<B, Usart1>, Usart1, Block<B, Dma1>>;
type Receives<B> = Receiver<Block<B, Usart1>, Usart1, Block<B, Dma1>>;

/// The memory of a transfer, for ever.
fn buffer<const N: usize>() -> &'static mut [u8; N] {
    Box::leak(Box::new([0; N]))
}

/// A waker that notes that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        // ORDERING: none needed: one thread has it.
        self.0.store(true, Ordering::Relaxed);
    }
}

fn block_on<B: Board, T>(board: &B, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        board.critical_section(|| {
            // ORDERING: none needed: one thread has it.
            if !woken.0.swap(false, Ordering::Relaxed) {
                board.wait_for_interrupt();
            }
        });
    }
}

impl Row {
    fn usb<B: Board>(self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        let epin = &mut endpoints.epin[0];
        epin.open(&mut engine);
        let transfer = epin.send(engine, buffer::<8>()).expect("it is not refused");
        if self.what == What::EpInDropped {
            return drop(transfer);
        }
        let (engine, _) = transfer.wait();
        while !epin.is_sent(&engine) {}
    }

    fn serial<B: Board>(self, board: &B, mut sender: Sends<B>, mut receiver: Receives<B>) {
        match self.what {
            What::Sends => drop(sender.write_all(buffer::<2>()).expect("it is not refused").wait()),
            What::SendsTwice => {
                let (buffer, channel) =
                    sender.write_all(buffer::<2>()).expect("it is not refused").wait().expect("it ends");
                buffer[0] = 1;
                sender = channel;
                drop(sender.write_all(buffer).expect("it is not refused").wait());
            }
            What::Receives => {
                let (buffer, _) =
                    receiver.read_exact(buffer::<2>()).expect("it is not refused").wait().expect("it ends");
                assert_eq!(buffer, &[1, 2]);
            }
            What::Stops => {
                let (buffer, _, moved) = receiver.read_exact(buffer::<2>()).expect("it is not refused").stop();
                assert_eq!(buffer[..moved], [1, 2][..moved]);
            }
            What::Drops => drop(receiver.read_exact(buffer::<2>()).expect("it is not refused")),
            What::Scopes => {
                let mut bytes = [0; 2];
                receiver.scope(&mut bytes, |_| ()).expect("it is not refused").1.expect("it ends");
                assert_eq!(bytes, [1, 2]);
            }
            What::Circular => {
                let mut circular = receiver.circular(buffer::<4>()).expect("it is not refused");
                let (mut into, mut came) = ([0; 2], Vec::new());
                while came.len() < 4 {
                    match circular.read(&mut into) {
                        Ok(Some(_)) => came.extend(into),
                        Ok(None) => {}
                        // Both halves came between two looks.
                        Err(_) => return drop(circular.stop()),
                    }
                }
                assert_eq!(came, [1, 2, 3, 4]);
                drop(circular.stop());
            }
            What::CircularSends => {
                let mut circular = sender.circular(buffer::<4>()).expect("it is not refused");
                // It comes too late if both halves went between two looks.
                while let Ok(None) = circular.write(&[1, 2]) {}
                drop(circular.stop());
            }
            What::Awaits => {
                let future = receiver.read_exact(buffer::<2>()).expect("it is not refused").into_future();
                let (buffer, _) = block_on(board, future).expect("it ends");
                assert_eq!(buffer, &[1, 2]);
            }
            What::EpIn | What::EpInDropped => unreachable!("that is the other chip"),
        }
    }

    fn expected(self) -> Kind {
        let Fences { machine, start, end } = self.fences;
        if machine.honours(start) && machine.honours(end) { Kind::Sound } else { Kind::Race }
    }
}

impl Program for Row {
    fn name(&self) -> String {
        let Self { what, fences: Fences { machine, start, end }, .. } = self;
        format!("transfer:{what:?}:{machine}:{start}:{end}")
    }

    fn config(&self) -> Config {
        let chip = if self.what.is_usb() { Chip::Nrf52840 } else { Chip::Stm32f103 };
        Config { chip, fences: self.fences, fence_at: self.fence_at, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        if self.what.is_usb() {
            connect(soc);
            soc.bus_reset();
            // It answers NAK until the firmware sends something.
            soc.cpu_write(usb_map::epinen(), 0b11, std::panic::Location::caller());
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        if self.what.is_usb() {
            return self.usb(board);
        }
        let mut channels = Dma1::split(board.block());
        let waker: &'static AtomicWaker = Box::leak(Box::new(AtomicWaker::new()));
        let mut handler = None;
        if self.what == What::Awaits {
            let (channel, interrupt) = channels.c5.with_interrupt(waker);
            (channels.c5, handler) = (channel, Some(interrupt));
        }
        let settings = Settings { brr: 0x271, parity: Parity::None };
        let (tx, rx) = Usart::new(board.block(), settings).split();
        let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
        match handler {
            None => self.serial(&board, sender, receiver),
            Some(handler) => {
                board.with_interrupt(move || handler.on_interrupt(), || self.serial(&board, sender, receiver));
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let what = self.what;
        Box::pin(async move {
            if what.is_usb() {
                host.bulk_in(1, 8).await?;
                return Ok(());
            }
            if what == What::CircularSends {
                // As many as come.
                for _ in 0..4 {
                    drop(host.serial(Port::Usart1).receive_frame().await);
                }
                return Ok(());
            }
            let sent = host.serial(Port::Usart1).send(&(1..=what.frames()).collect::<Vec<_>>()).await;
            // A channel that is stopped leaves frames that nobody takes.
            if matches!(what, What::Stops | What::Drops) { Ok(()) } else { sent }
        })
    }
}

impl Packets for Row {
    fn packets(&self) -> usize {
        match self.what {
            What::Circular | What::SendsTwice => 2,
            What::CircularSends => 3,
            _ => 1,
        }
    }

    fn endpoint(&self) -> u8 {
        1
    }
}

#[test]
fn loom_and_all_schedules_judge_every_transfer_as_its_fences_say() {
    for what in What::ALL {
        let mut executions = 0;
        for fences in Fences::all() {
            let row = Row { what, fences, fence_at: None };
            let model = model::check(&row, Limits::default());
            assert_eq!(model.kind(), row.expected(), "loom, {}: {model}", row.name());
            executions = executions.max(model.executions());
            let stepped = stepped::explore(&row, stepped::Limits::default()).verdict;
            assert_eq!(stepped.kind(), row.expected(), "schedules, {}: {stepped}", row.name());
        }
        println!("{what:?}: {executions} executions at most");
    }
}

/// The fences that a program passes, each where it stands, on a few schedules.
fn places_of(row: &Row) -> Vec<FencePlace> {
    let mut places = Vec::new();
    for seed in 0..20 {
        let run = stepped::run(row, &Rc::new(RefCell::new(Seeded::new(seed))), Some(Keep::Order));
        for entry in run.trace.entries() {
            let moments: &[Moment] = match entry.record {
                Record::Release { .. } => &[Moment::Release],
                Record::Acquire { .. } => &[Moment::Acquire],
                Record::Snapshot { .. } => &[Moment::Snapshot],
                Record::Fill { .. } => &[Moment::BeforeFill, Moment::AfterFill],
                _ => &[],
            };
            places.extend(moments.iter().filter_map(|&moment| Some(FencePlace { moment, line: entry.site? })));
        }
    }
    places.sort_by_key(ToString::to_string);
    places.dedup();
    places
}

/// One fence after the other is too weak, where it stands, and all others are right.
#[test]
fn each_fence_of_each_transfer_is_needed_where_it_stands() {
    for what in What::ALL {
        let row = Row { what, fences: Fences::right(Machine::CortexM7), fence_at: None };
        let places = places_of(&row);
        assert!(places.len() >= 2, "{what:?}: {places:?}");
        for place in places {
            let weaker = Row { fence_at: Some((place, Strength::Compiler)), ..row };
            let model = model::check(&weaker, Limits::default());
            assert_eq!(model.kind(), Kind::Race, "loom, {what:?}, {place}: {model}");
            let stepped = stepped::explore(&weaker, stepped::Limits::default()).verdict;
            assert_eq!(stepped.kind(), Kind::Race, "schedules, {what:?}, {place}: {stepped}");
        }
    }
}

/// A channel that is stopped without the read that drains it.
#[derive(Clone, Copy, Debug)]
struct StopsByHand {
    drains: bool,
}

impl Program for StopsByHand {
    fn name(&self) -> String {
        format!("stops-by-hand:{}", self.drains)
    }

    fn config(&self) -> Config {
        Config { chip: Chip::Stm32f103, fences: Fences::right(Machine::CortexM7), ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let (_, rx) = Usart::<_, Usart1>::new(board.block(), Settings { brr: 0x271, parity: Parity::None }).split();
        let bytes = buffer::<2>();
        let region = dma_api::address::Region {
            pointer: bytes.as_mut_ptr(),
            length: 2,
            direction: dma_api::address::Direction::DeviceToMemory,
        };
        // It is started, and forgotten: what follows is by hand.
        // SAFETY:
        // - The memory is leaked.
        let transfer = unsafe { rx.with_dma(channels.c5).read_exact_borrowed(bytes) }.expect("it is not refused");
        std::mem::forget(transfer);
        let dma = board.block::<Dma1>();
        // SAFETY:
        // - It starts no transfer: EN=0.
        unsafe { dma.write(map::ccr(4), 0) };
        if self.drains {
            dma.read(map::ccr(4));
        }
        // SAFETY: MUTANT
        // - It was released. If nobody has drained the channel, an item may be in flight: the board closes its window.
        unsafe { board.acquire(region) };
    }

    fn host(&self, _: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for StopsByHand {
    fn packets(&self) -> usize {
        1
    }
}

#[test]
fn stop_that_does_not_drain_is_a_race() {
    let verdict = model::check(&StopsByHand { drains: true }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    let verdict = model::check(&StopsByHand { drains: false }, Limits::default());
    assert!(
        matches!(verdict.kind(), Kind::Race | Kind::Violation(Rule::AcquiredInFlight)),
        "nobody has waited for the item: {verdict}"
    );
}

#[test]
fn verdicts_are_of_complete_executions() {
    for what in What::ALL {
        let row = Row { what, fences: Fences::right(Machine::CortexM7), fence_at: None };
        let Verdict::Sound { complete, .. } = model::check(&row, Limits::default()) else { panic!("{what:?}") };
        assert!(complete > 0, "{what:?}");
    }
}
