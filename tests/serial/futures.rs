//! Transfers as futures: woken at any point, cancelled after each poll.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use dma_api::stm32f103::dma::{AtomicWaker, Dma1};
use futures_executor::LocalPool;
use futures_util::task::LocalSpawnExt;
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

use crate::firmware::{Receives, Sends, assert_sound, config, counting, expect, explore, halves, zeros};

/// Who waits, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// An executor of our own, which sleeps until it is woken.
    BlockOn,
    /// An executor from crates.io, which runs both halves.
    LocalPool,
    /// Sleeps without a look at whether it was woken meanwhile. Twin.
    SleepsBlindly,
    /// Looks whether the transfer has ended, and registers the waker then. Twin.
    RegistersLate,
    /// Drops the future after so many polls.
    Drops(u8),
    /// Forgets it.
    Forgets(u8),
}

/// Sends two bytes, and receives two.
#[derive(Clone, Copy, Debug)]
struct Awaits(How);

/// A waker that notes that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        // ORDERING: none needed: one thread has it.
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls `future` to its end. In between it sleeps, unless it was woken.
fn block_on<B: Board, T>(board: &B, future: impl Future<Output = T>, blindly: bool) -> T {
    let mut future = pin!(future);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        if blindly {
            board.wait_for_interrupt();
            continue;
        }
        board.critical_section(|| {
            // ORDERING: none needed: one thread has it.
            if !woken.0.swap(false, Ordering::Relaxed) {
                board.wait_for_interrupt();
            }
        });
    }
}

/// Polls so many times, as if woken each time, and gives the future back.
fn poll_times<F: Future + Unpin>(mut future: F, times: u8) -> F {
    for _ in 0..times {
        let _ = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()));
    }
    future
}

impl Awaits {
    /// How many frames go each way. Two tasks have more schedules.
    fn frames(self) -> usize {
        if self.0 == How::LocalPool { 1 } else { 2 }
    }

    fn run<B: Board>(self, board: &B, sender: Sends<B>, receiver: Receives<B>) {
        let blindly = self.0 == How::SleepsBlindly;
        let input = receiver.read_exact(zeros(self.frames())).expect("it is not refused");
        match self.0 {
            How::Drops(polls) => drop(poll_times(input.into_future(), polls)),
            How::Forgets(polls) => std::mem::forget(poll_times(input.into_future(), polls)),
            How::LocalPool => {
                let output = sender.write_all(counting(1)).expect("it is not refused");
                self.pool(board, input.into_future(), output.into_future());
            }
            How::RegistersLate => {
                let looks_first = poll_fn(|context| {
                    if input.is_done() {
                        return Poll::Ready(());
                    }
                    // An interrupt may come before any line of code; here it does before a section, and after one.
                    board.critical_section(|| input.register(context.waker()));
                    Poll::Pending
                });
                block_on(board, looks_first, false);
                sender.write_all(counting(2)).expect("it is not refused").wait().expect("no access fails");
            }
            How::BlockOn | How::SleepsBlindly => {
                let (buffer, mut receiver) = block_on(board, input.into_future(), blindly).expect("nothing goes wrong");
                assert_eq!(buffer, [8, 9]);
                let output = sender.write_all(counting(2)).expect("it is not refused").into_future();
                let (_, mut sender) = block_on(board, output, blindly).expect("no access fails");
                sender.flush(&mut receiver);
            }
        }
    }

    /// Both at once, on an executor that sleeps when nothing is woken.
    fn pool<B: Board>(
        self,
        board: &B,
        input: impl Future<Output = Result<(&'static mut [u8], Receives<B>), impl std::fmt::Debug>> + 'static,
        output: impl Future<Output = Result<(&'static mut [u8], Sends<B>), impl std::fmt::Debug>> + 'static,
    ) {
        let mut pool = LocalPool::new();
        let done = Rc::new(Cell::new(0));
        let (first, second) = (done.clone(), done.clone());
        let spawner = pool.spawner();
        let spawned = spawner.spawn_local(async move {
            assert_eq!(input.await.expect("nothing goes wrong").0, [8]);
            first.set(first.get() + 1);
        });
        spawned.expect("the pool is there");
        let spawned = spawner.spawn_local(async move {
            output.await.expect("no access fails");
            second.set(second.get() + 1);
        });
        spawned.expect("the pool is there");
        loop {
            // What wakes a task between the last look and the sleep is seen: the handler is masked.
            board.critical_section(|| {
                pool.run_until_stalled();
                if done.get() < 2 {
                    board.wait_for_interrupt();
                }
            });
            if done.get() == 2 {
                return;
            }
        }
    }
}

impl Program for Awaits {
    fn name(&self) -> String {
        format!("awaits:{:?}", self.0)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let wakers: [&'static AtomicWaker; 2] = [(); 2].map(|()| &*Box::leak(Box::new(AtomicWaker::new())));
        let (transmit, first) = channels.c4.with_interrupt(wakers[0]);
        let (receive, second) = channels.c5.with_interrupt(wakers[1]);
        let (sender, receiver) = halves(&board, transmit, receive);
        let handler = move || {
            first.on_interrupt();
            second.on_interrupt();
        };
        board.with_interrupt(handler, || self.run(&board, sender, receiver));
    }

    fn host(&self, mut host: Host) -> Script {
        let (how, frames) = (self.0, self.frames());
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            let sent = peer.send(&[8, 9][..frames]).await;
            match how {
                How::Drops(_) | How::Forgets(_) => Ok(()),
                _ => {
                    sent?;
                    expect(&peer.receive(frames).await?, &[1, 2][..frames])
                }
            }
        })
    }
}

#[test]
fn transfer_is_awaited_on_every_schedule() {
    assert_sound(&Awaits(How::BlockOn));
    assert_sound(&Awaits(How::LocalPool));
}

#[test]
fn future_is_dropped_or_forgotten_after_each_poll() {
    for polls in 0..=3 {
        assert_sound(&Awaits(How::Drops(polls)));
        assert_sound(&Awaits(How::Forgets(polls)));
    }
}

#[test]
fn lost_wake_up_is_a_deadlock_that_is_found() {
    for how in [How::SleepsBlindly, How::RegistersLate] {
        let verdict = explore(&Awaits(how));
        assert_eq!(verdict.kind(), Kind::Deadlock, "{how:?}: {verdict}");
    }
}

#[test]
fn transfer_is_awaited_on_real_threads() {
    for how in [How::BlockOn, How::LocalPool] {
        let Verdict::Sound { .. } = threads::run(&Awaits(how), None).verdict else { panic!("{how:?}") };
    }
}

/// A future that has given its outcome is polled again.
#[derive(Debug)]
struct PolledAgain;

impl Program for PolledAgain {
    fn name(&self) -> String {
        "polled-again".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (sender, _) = crate::firmware::usart1(&board);
        let transfer = sender.write_all(counting(1)).expect("it is not refused");
        let future = RefCell::new(Box::pin(transfer.into_future()));
        let poll = || future.borrow_mut().as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        while !poll() {}
        assert!(!poll(), "it is pending for ever, and does not panic");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.serial(Port::Usart1).receive(1).await?, &[1]) })
    }
}

#[test]
fn future_that_has_ended_is_polled_without_a_panic() {
    assert_sound(&PolledAgain);
}
