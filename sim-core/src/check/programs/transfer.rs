//! One program for each way in which dma-api starts or ends a DMA.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use dma_api::nrf52840::usbd::{Engine, Usbd, map};
use dma_api::stm32f103::dma::{AtomicWaker, Dma1};
use dma_api::stm32f103::usart::{Parity, Receiver, Sender, Settings, Usart, Usart1};
use serde::Serialize;

use super::{BackToBack, connect, name_of_fences};
use crate::device::Chip;
use crate::explore::model::Packets;
use crate::explore::{Block, Board, Program};
use crate::host::serial::Port;
use crate::host::{Host, Script};
use crate::machine::{FencePlace, Fences, Strength};
use crate::soc::{Config, Soc};
use crate::statics;

/// A way in which a DMA is started and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// USBD: `Ep0In::start` and `end`.
    Ep0In,
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
    /// Awaited, with a handler.
    Awaits,
    /// Both halves of a buffer that is received into for ever.
    Circular,
    /// Both halves of one that is sent for ever, and the first again, filled anew.
    CircularSends,
}

impl Path {
    /// All paths.
    pub const ALL: [Self; 12] = [
        Self::Ep0In,
        Self::EpIn,
        Self::EpInDropped,
        Self::Sends,
        Self::SendsTwice,
        Self::Receives,
        Self::Stops,
        Self::Drops,
        Self::Scopes,
        Self::Awaits,
        Self::Circular,
        Self::CircularSends,
    ];

    fn is_usb(self) -> bool {
        matches!(self, Self::Ep0In | Self::EpIn | Self::EpInDropped)
    }

    /// Whether the DMA writes memory.
    pub fn fills_memory(self) -> bool {
        self.frames() > 0
    }

    /// How many frames the peer sends.
    fn frames(self) -> u8 {
        match self {
            Self::Receives | Self::Scopes | Self::Awaits | Self::Stops | Self::Drops => 2,
            Self::Circular => 4,
            Self::Ep0In | Self::EpIn | Self::EpInDropped => 0,
            Self::Sends | Self::SendsTwice | Self::CircularSends => 0,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ep0In => "Ep0In: start, end",
            Self::EpIn => "EpIn::send, wait",
            Self::EpInDropped => "EpIn::send, drop",
            Self::Sends => "write_all, wait",
            Self::SendsTwice => "write_all twice",
            Self::Receives => "read_exact, wait",
            Self::Stops => "read_exact, stop",
            Self::Drops => "read_exact, drop",
            Self::Scopes => "Receiver::scope",
            Self::Awaits => "read_exact, await",
            Self::Circular => "Receiver::circular",
            Self::CircularSends => "Sender::circular",
        })
    }
}

/// A path on a machine, with fences.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The path.
    pub path: Path,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
    /// But for this one.
    pub fence_at: Option<(FencePlace, Strength)>,
}

impl Transfer {
    /// A path with the fences of dma-api.
    pub fn new(path: Path, fences: Fences) -> Self {
        Self { path, fences, fence_at: None }
    }

    /// A packet to endpoint 0.
    fn ep0in(&self) -> BackToBack {
        BackToBack { packets: 1, length: 8, fences: self.fences }
    }
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

impl Transfer {
    fn usb<B: Board>(self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        let epin = &mut endpoints.epin[0];
        epin.open(&mut engine);
        let transfer = epin.send(engine, buffer::<8>()).expect("it is not refused");
        if self.path == Path::EpInDropped {
            return drop(transfer);
        }
        let (engine, _) = transfer.wait();
        while !epin.is_sent(&engine) {}
    }

    fn serial<B: Board>(self, board: &B, mut sender: Sends<B>, mut receiver: Receives<B>) {
        match self.path {
            Path::Sends => drop(sender.write_all(buffer::<2>()).expect("it is not refused").wait()),
            Path::SendsTwice => {
                let (buffer, channel) =
                    sender.write_all(buffer::<2>()).expect("it is not refused").wait().expect("it ends");
                buffer[0] = 1;
                sender = channel;
                drop(sender.write_all(buffer).expect("it is not refused").wait());
            }
            Path::Receives => {
                let (buffer, _) =
                    receiver.read_exact(buffer::<2>()).expect("it is not refused").wait().expect("it ends");
                assert_eq!(buffer, &[1, 2]);
            }
            Path::Stops => {
                let (buffer, _, moved) = receiver.read_exact(buffer::<2>()).expect("it is not refused").stop();
                assert_eq!(buffer[..moved], [1, 2][..moved]);
            }
            Path::Drops => drop(receiver.read_exact(buffer::<2>()).expect("it is not refused")),
            Path::Scopes => {
                let mut bytes = [0; 2];
                receiver.scope(&mut bytes, |_| ()).expect("it is not refused").1.expect("it ends");
                assert_eq!(bytes, [1, 2]);
            }
            Path::Circular => {
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
            Path::CircularSends => {
                let mut circular = sender.circular(buffer::<4>()).expect("it is not refused");
                // It comes too late if both halves went between two looks.
                while let Ok(None) = circular.write(&[1, 2]) {}
                drop(circular.stop());
            }
            Path::Awaits => {
                let future = receiver.read_exact(buffer::<2>()).expect("it is not refused").into_future();
                let (buffer, _) = block_on(board, future).expect("it ends");
                assert_eq!(buffer, &[1, 2]);
            }
            Path::Ep0In | Path::EpIn | Path::EpInDropped => unreachable!("that is the other chip"),
        }
    }
}

impl Program for Transfer {
    fn name(&self) -> String {
        format!("transfer:{:?}:{}", self.path, name_of_fences(self.fences))
    }

    fn config(&self) -> Config {
        let chip = if self.path.is_usb() { Chip::Nrf52840 } else { Chip::Stm32f103 };
        Config { chip, fences: self.fences, fence_at: self.fence_at, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        match self.path {
            Path::Ep0In => self.ep0in().prepare(soc),
            Path::EpIn | Path::EpInDropped => {
                connect(soc);
                soc.bus_reset();
                // It answers NAK until the firmware sends something.
                soc.cpu_write(map::epinen(), 0b11, Location::caller());
            }
            _ => {}
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.path {
            Path::Ep0In => return self.ep0in().firmware(board),
            Path::EpIn | Path::EpInDropped => return self.usb(board),
            _ => {}
        }
        let mut channels = Dma1::split(board.block());
        let waker: &'static AtomicWaker = Box::leak(Box::new(AtomicWaker::new()));
        let mut handler = None;
        if self.path == Path::Awaits {
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
        if self.path == Path::Ep0In {
            return self.ep0in().host(host);
        }
        let path = self.path;
        Box::pin(async move {
            if path.is_usb() {
                host.bulk_in(1, 8).await?;
                return Ok(());
            }
            if path == Path::CircularSends {
                // As many as come.
                for _ in 0..4 {
                    drop(host.serial(Port::Usart1).receive_frame().await);
                }
                return Ok(());
            }
            let sent = host.serial(Port::Usart1).send(&(1..=path.frames()).collect::<Vec<_>>()).await;
            // A channel that is stopped leaves frames that nobody takes.
            if matches!(path, Path::Stops | Path::Drops) { Ok(()) } else { sent }
        })
    }
}

impl Packets for Transfer {
    fn packets(&self) -> usize {
        match self.path {
            Path::Circular | Path::SendsTwice => 2,
            Path::CircularSends => 3,
            _ => 1,
        }
    }

    fn endpoint(&self) -> u8 {
        u8::from(self.path != Path::Ep0In)
    }
}
