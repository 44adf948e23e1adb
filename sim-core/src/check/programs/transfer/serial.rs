//! The paths of an STM32F103's DMA and USARTs.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use dma_api::stm32f103::dma::{AtomicWaker, Dma1};
use dma_api::stm32f103::usart::{Parity, Receiver, Sender, Settings, Usart, Usart1};

use super::{Lines, Path, buffer};
use crate::device::stm32f103::BusError;
use crate::explore::{Block, Board};
use crate::host::serial::Port;
use crate::host::{Host, HostError};

type Sends<B> = Sender<Block<B, Usart1>, Usart1, Block<B, Dma1>>;
type Receives<B> = Receiver<Block<B, Usart1>, Usart1, Block<B, Dma1>>;

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

impl Path {
    /// The item of this path, if any, that the bus has an error for.
    pub(super) fn bus_error(self) -> Option<BusError> {
        let of = |channel| Some(BusError { controller: 1, channel, item: 1 });
        match self {
            Self::SendFails => of(4),
            Self::ReceiveFails => of(5),
            _ => None,
        }
    }

    pub(super) fn serve<B: Board>(self, board: &B) {
        let mut channels = Dma1::split(board.block());
        let waker: &'static AtomicWaker = Box::leak(Box::new(AtomicWaker::new()));
        let mut handler = None;
        if self == Self::Awaits {
            let (channel, interrupt) = channels.c5.with_interrupt(waker);
            (channels.c5, handler) = (channel, Some(interrupt));
        }
        let settings = Settings { brr: 0x271, parity: Parity::None };
        let (tx, rx) = Usart::new(board.block(), settings).split();
        let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
        match handler {
            None if self.is_sent() => self.send_frames(sender),
            None => self.receive_frames(receiver),
            Some(handler) => board.with_interrupt(
                move || handler.on_interrupt(),
                || {
                    let future = receiver.read_exact(buffer::<2>()).expect("it is not refused").into_future();
                    let (buffer, _) = block_on(board, future).expect("it ends");
                    assert_eq!(buffer, &[1, 2]);
                },
            ),
        }
    }

    fn is_sent(self) -> bool {
        matches!(
            self,
            Self::Sends
                | Self::SendsTwice
                | Self::SendStops
                | Self::SendDrops
                | Self::SendScopes
                | Self::SendRefused
                | Self::SendFails
                | Self::CircularSends
        )
    }

    fn send_frames<B: Board>(self, mut sender: Sends<B>) {
        if self == Self::SendScopes {
            return sender.scope(&[1, 2], |_| ()).expect("it is not refused").1.expect("it ends");
        }
        if self == Self::CircularSends {
            let mut circular = sender.circular(buffer::<4>()).expect("it is not refused");
            // It comes too late if both halves went between two looks.
            while let Ok(None) = circular.write(&[1, 2]) {}
            return drop(circular.stop());
        }
        let mut memory = buffer::<2>();
        if self == Self::SendRefused {
            let refused = sender.write_all(memory).expect_err("it is out of reach");
            (sender, memory) = (refused.channel, refused.buffer);
        }
        let transfer = sender.write_all(memory).expect("it is not refused");
        match self {
            Self::SendStops => drop(transfer.stop()),
            Self::SendDrops => drop(transfer),
            Self::SendFails => drop(transfer.wait().expect_err("the bus has an error for its second item")),
            Self::SendsTwice => {
                let (memory, sender) = transfer.wait().expect("it ends");
                memory[0] = 1;
                drop(sender.write_all(memory).expect("it is not refused").wait());
            }
            _ => drop(transfer.wait().expect("it ends")),
        }
    }

    fn receive_frames<B: Board>(self, mut receiver: Receives<B>) {
        if self == Self::Scopes {
            let mut bytes = Lines([0; 2]);
            receiver.scope(&mut bytes.0, |_| ()).expect("it is not refused").1.expect("it ends");
            return assert_eq!(bytes.0, [1, 2]);
        }
        if self == Self::Circular {
            return go_round(receiver);
        }
        let transfer = receiver.read_exact(buffer::<2>()).expect("it is not refused");
        match self {
            Self::Drops => drop(transfer),
            Self::Stops => {
                let (buffer, _, moved) = transfer.stop();
                assert_eq!(buffer[..moved], [1, 2][..moved]);
            }
            Self::ReceiveFails => {
                let failed = transfer.wait().expect_err("the bus has an error for its second item");
                assert_eq!(failed.buffer[0], 1);
            }
            _ => assert_eq!(transfer.wait().expect("it ends").0, &[1, 2]),
        }
    }

    /// What the peer does.
    pub(super) async fn peer(self, host: &mut Host) -> Result<(), HostError> {
        if self == Self::CircularSends {
            // As many as come.
            for _ in 0..4 {
                drop(host.serial(Port::Usart1).receive_frame().await);
            }
            return Ok(());
        }
        let sent = host.serial(Port::Usart1).send(&(1..=self.frames()).collect::<Vec<_>>()).await;
        // A channel that is stopped leaves frames that nobody takes.
        if matches!(self, Self::Stops | Self::Drops | Self::ReceiveFails) { Ok(()) } else { sent }
    }
}

fn go_round<B: Board>(receiver: Receives<B>) {
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
