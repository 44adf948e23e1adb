//! Borrowed memory: a transfer for as long as a closure runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dma_api::stm32f103::dma::{StartError, TransferError};
use dma_api::stm32f103::usart::{ReceiveError, ReceiveStartError};
use sim_core::device::stm32f103::BusError;
use sim_core::explore::{Board, Kind, Program, quietly, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, expect, explore, usart1};

/// What the closure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Waits until the transfer has moved something, and returns.
    Looks,
    /// Returns at once.
    Nothing,
    /// Panics, after so many items.
    Panics(usize),
    /// Likewise; and the guard is one that can be forgotten, and was. Twin.
    Forgets,
}

/// Sends, or receives, two bytes on the stack.
#[derive(Clone, Copy, Debug)]
struct OnTheStack {
    sends: bool,
    work: Work,
}

impl Program for OnTheStack {
    fn name(&self) -> String {
        format!("stack:{}:{:?}", self.sends, self.work)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        let mut bytes = [1, 2];
        match (self.sends, self.work) {
            (_, Work::Forgets) => {
                // SAFETY: MUTANT
                // - It is forgotten. The board closes the window when the memory is taken back below, so that nothing
                //   is written to a stack that is another's by then.
                let transfer = unsafe { receiver.read_exact_borrowed(&mut bytes) }.expect("it is not refused");
                std::mem::forget(transfer);
                let region = dma_api::address::Region {
                    pointer: bytes.as_mut_ptr(),
                    length: 2,
                    direction: dma_api::address::Direction::DeviceToMemory,
                };
                // SAFETY: MUTANT
                // - As above.
                unsafe { board.acquire(region) };
            }
            (true, Work::Panics(after)) => {
                let caught = quietly(|| {
                    catch_unwind(AssertUnwindSafe(|| {
                        sender.scope(&bytes, |running| {
                            while running.moved() < after {}
                            panic!("in the closure");
                        })
                    }))
                });
                assert!(caught.is_ok_and(|caught| caught.is_err()), "the closure panics");
                // The memory is the program's again.
                bytes = [3, 4];
                sender.scope(&bytes, |_| ()).expect("the channel is idle").1.expect("it ends");
                sender.flush(&mut receiver);
            }
            (false, Work::Panics(after)) => {
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    receiver.scope(&mut bytes, |running| {
                        while running.moved() < after {}
                        panic!("in the closure");
                    })
                }));
                assert!(caught.is_err(), "the closure panics");
                let before = bytes;
                while !board.host_is_done() {}
                assert_eq!(bytes, before, "nothing is written any more");
            }
            (true, work) => {
                let (seen, ended) = sender
                    .scope(&bytes, |running| {
                        while work == Work::Looks && running.moved() == 0 {}
                        running.is_done()
                    })
                    .expect("it is not refused");
                ended.expect("no access fails");
                assert!(work == Work::Looks || !seen || work == Work::Nothing);
                sender.flush(&mut receiver);
            }
            (false, work) => {
                let (_, ended) = receiver
                    .scope(&mut bytes, |running| while work == Work::Looks && running.moved() == 0 {})
                    .expect("it is not refused");
                ended.expect("nothing goes wrong");
                assert_eq!(bytes, [8, 9]);
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { sends, work } = *self;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            if !sends {
                // A transfer that was stopped leaves frames that nobody takes.
                let sent = peer.send(&[8, 9]).await;
                return if matches!(work, Work::Panics(_) | Work::Forgets) { Ok(()) } else { sent };
            }
            if let Work::Panics(after) = work {
                let mut got = peer.receive(after).await?;
                loop {
                    got.extend(peer.receive(1).await?);
                    if got.ends_with(&[3, 4]) {
                        break;
                    }
                }
                let before = &got[..got.len() - 2];
                return expect(before, &[1, 2][..before.len()]);
            }
            expect(&peer.receive(2).await?, &[1, 2])
        })
    }
}

#[test]
fn borrowed_memory_is_sound_on_every_schedule_also_if_the_closure_panics() {
    for sends in [true, false] {
        for work in [Work::Looks, Work::Nothing, Work::Panics(0), Work::Panics(1), Work::Panics(2)] {
            assert_sound(&OnTheStack { sends, work });
        }
    }
    for sends in [true, false] {
        for work in [Work::Looks, Work::Panics(1)] {
            let run = threads::run(&OnTheStack { sends, work }, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{sends}, {work:?}: {}", run.verdict);
        }
    }
    let verdict = explore(&OnTheStack { sends: false, work: Work::Forgets });
    assert_eq!(verdict.kind(), Kind::Violation(Rule::AcquiredInFlight), "{verdict}");
}

/// Scopes that are refused, and one in which an access fails.
#[derive(Debug)]
struct Fails;

impl Program for Fails {
    fn name(&self) -> String {
        "scope-fails".to_owned()
    }

    fn config(&self) -> Config {
        Config { bus_error: Some(BusError { controller: 1, channel: 5, item: 1 }), ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        let refused = sender.scope(&[], |_| unreachable!("nothing was started"));
        assert_eq!(refused.map(drop), Err(StartError::Empty));
        let refused = receiver.scope(&mut [], |_| unreachable!("nothing was started"));
        assert_eq!(refused.map(drop), Err(ReceiveStartError::Start(StartError::Empty)));
        let mut bytes = [0; 2];
        let outcome = receiver.scope(&mut bytes, |_| 7).expect("it is not refused");
        assert_eq!(outcome, (7, Err(ReceiveError::Transfer(TransferError { moved: 1 }))));
        assert_eq!(bytes, [8, 0]);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.serial(Port::Usart1).send(&[8, 9]).await })
    }
}

#[test]
fn scope_that_is_refused_or_fails_says_so() {
    assert_sound(&Fails);
}
