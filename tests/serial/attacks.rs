//! Safe programs that try to get at memory which the DMA has, on every schedule.
//!
//! None of them does anything `unsafe`, but for the buffers, which keep what their traits ask for. Each tries to have
//! memory freed, lent again or used while a channel may still access it, and each must be sound. What it looks like if
//! one succeeds is to be seen in the twins of `stopped` and `scopes`, which need a broken promise for it.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Usart1, Usart2};
use sim_core::explore::{Board, Kind, Program, quietly};
use sim_core::host::serial::Port;
use sim_core::host::{Host, HostError, Script};
use sim_core::monitor::Rule;
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, counting, expect, explore, halves, usart1, zeros};

/// Memory that is freed when it is dropped; and then it panics.
#[derive(Debug)]
struct Panics(Box<[u8]>);

// SAFETY:
// - The target of a box stays where it is until the box is dropped, and moving the box is no access while the value is
//   held in a `MaybeUninit`, as a transfer does.
unsafe impl embedded_dma::WriteBuffer for Panics {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.0.as_mut_ptr(), self.0.len())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in the destructor of a buffer");
        }
    }
}

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    /// A transfer is dropped, and the buffer's destructor panics.
    DestructorPanics,
    /// A future is polled, and its waker panics.
    WakerPanics,
    /// A scope within a scope, of which this one panics: 0 is the outer, after the inner has ended.
    ScopePanics(u8),
    /// A future is polled, taken apart, and its transfer stopped.
    TakenApart,
    /// The controller is split a second time, while a channel runs whose transfer nobody has any more.
    SplitAgain {
        /// It goes round its buffer.
        endless: bool,
    },
    /// A board can be cloned: one channel has two owners, with a transfer each, and they end in this order.
    TwoOwners {
        /// The second before the first.
        second_first: bool,
    },
}

/// Receives two frames, or some of them, or none. Sends two, perhaps.
#[derive(Clone, Copy, Debug)]
struct Tries(Attack);

impl Program for Tries {
    fn name(&self) -> String {
        let name: String = format!("{:?}", self.0).split_whitespace().collect();
        format!("attack:{name}")
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        match self.0 {
            Attack::DestructorPanics => {
                let transfer = receiver.read_exact(Panics(Box::new([0; 2]))).expect("it is not refused");
                assert!(quietly(AssertUnwindSafe(|| drop(transfer))).is_err());
            }
            Attack::WakerPanics => {
                let boxed = Panics(Box::new([0; 2]));
                let mut future = Box::pin(receiver.read_exact(boxed).expect("it is not refused").into_future());
                let waker = Waker::from(Arc::new(Panics(Box::new([]))));
                let poll = AssertUnwindSafe(|| pin!(&mut future).poll(&mut Context::from_waker(&waker)).is_ready());
                assert!(quietly(poll).is_err());
                // The transfer was in the middle of it, and is stopped: nothing comes of the future any more.
                assert!(pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
                std::mem::forget(waker);
            }
            Attack::ScopePanics(scope) => {
                let (mut into, out) = ([0; 2], [1, 2]);
                let nested = AssertUnwindSafe(|| {
                    receiver.scope(&mut into, |_| {
                        let inner = sender.scope(&out, |running| {
                            while running.moved() == 0 {}
                            assert!(scope != 1, "in the inner scope");
                        });
                        assert!(inner.is_ok() && scope != 0, "in the outer scope");
                    })
                });
                assert!(quietly(nested).is_err());
                let before = into;
                while !board.host_is_done() {}
                assert_eq!(into, before, "nothing is written any more");
            }
            Attack::TakenApart => {
                let mut future = receiver.read_exact(zeros(2)).expect("it is not refused").into_future();
                let polled = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()));
                let Poll::Pending = polled else { return };
                let transfer = future.into_inner().expect("it was pending");
                let (buffer, again, moved) = transfer.stop();
                assert_eq!(buffer[..moved], [7, 8][..moved]);
                drop(again.read_exact(buffer));
            }
            Attack::SplitAgain { endless } => {
                if endless {
                    std::mem::forget(receiver.circular(zeros(2)).expect("it is not refused"));
                } else {
                    std::mem::forget(receiver.read_exact(zeros(2)).expect("it is not refused"));
                }
                // The channel is stopped before it is anybody's again, or it would take frames for the old memory.
                (sender, receiver) = usart1(&board);
                let (buffer, receiver, moved) = receiver.read_exact(zeros(2)).expect("nothing was lost").stop();
                assert!(buffer[..moved].is_sorted_by(|a, b| a < b), "{buffer:?}");
                drop((receiver, sender));
            }
            Attack::TwoOwners { second_first } => {
                let first = receiver.read_exact(zeros(2)).expect("it is not refused");
                let (_, receiver) = usart1(&board);
                let second = receiver.read_exact(zeros(2)).expect("nothing was lost");
                let second = (!second_first).then_some(second);
                // What it takes for its own end may be the other's.
                let buffer = match first.poll() {
                    Ok(ended) => ended.map_or_else(|failed| failed.buffer, |(buffer, _)| buffer),
                    Err(first) => first.stop().0,
                };
                let before = buffer.to_vec();
                drop(second);
                while !board.host_is_done() {}
                assert_eq!(*buffer, before, "nothing is written any more");
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            for frame in [7, 8] {
                match host.serial(Port::Usart1).send_frame(frame).await {
                    // Nobody may be there to take it.
                    Ok(()) | Err(HostError::NoFrame { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }
}

const ATTACKS: [Attack; 9] = [
    Attack::DestructorPanics,
    Attack::WakerPanics,
    Attack::ScopePanics(0),
    Attack::ScopePanics(1),
    Attack::TakenApart,
    Attack::SplitAgain { endless: false },
    Attack::SplitAgain { endless: true },
    Attack::TwoOwners { second_first: false },
    Attack::TwoOwners { second_first: true },
];

#[test]
fn memory_stays_the_dmas_until_the_channel_has_let_go_of_it() {
    for attack in ATTACKS {
        assert_sound(&Tries(attack));
    }
}

/// One message, to two lines at once; or a copy to each.
#[derive(Clone, Copy, Debug)]
struct ToTwoLines {
    copies: bool,
}

impl Program for ToTwoLines {
    fn name(&self) -> String {
        format!("two-lines:{}", self.copies)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let (first, _first) = halves::<B, Usart1>(&board, channels.c4, channels.c5);
        let (second, _second) = halves::<B, Usart2>(&board, channels.c7, channels.c6);
        let message: &'static [u8] = counting(2);
        let again: &'static [u8] = if self.copies { counting(2) } else { message };
        let first = first.write_all(message).expect("it is not refused");
        let second = second.write_all(again).expect("it is not refused");
        first.wait().expect("no access fails");
        second.wait().expect("no access fails");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            for port in [Port::Usart1, Port::Usart2] {
                expect(&host.serial(port).receive(2).await?, &[1, 2])?;
            }
            Ok(())
        })
    }
}

/// A limit of the monitor, which is stricter than need be: its docs have it.
#[test]
fn message_goes_to_two_lines_at_once_by_copies() {
    assert_sound(&ToTwoLines { copies: true });
    let verdict = explore(&ToTwoLines { copies: false });
    assert_eq!(verdict.kind(), Kind::Violation(Rule::ReleasedTwice), "{verdict}");
}
