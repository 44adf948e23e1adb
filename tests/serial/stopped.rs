//! Transfers that are stopped, dropped, forgotten: at every item.
//!
//! *At an item* is a look at how many were moved. On every schedule the DMA may have gone on since, and an item may be
//! in flight.

use sim_core::explore::{Board, Kind, Program, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, HostError, Script};
use sim_core::monitor::Rule;
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, counting, explore, usart1, zeros};

/// How many frames a transfer has.
const FRAMES: u8 = 3;

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Stop,
    Drop,
    Forget,
}

/// A transfer that is left after so many items.
#[derive(Clone, Copy, Debug)]
struct Left {
    sends: bool,
    after: usize,
    by: By,
}

impl Program for Left {
    fn name(&self) -> String {
        let Self { sends, after, by } = self;
        format!("left:{}:{after}:{by:?}", if *sends { "sending" } else { "receiving" })
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (sender, receiver) = usart1(&board);
        if self.sends {
            let transfer = sender.write_all(counting(FRAMES)).expect("it is not refused");
            while transfer.moved() < self.after {}
            match self.by {
                By::Stop => {
                    let (buffer, mut sender, moved) = transfer.stop();
                    assert!((self.after..=buffer.len()).contains(&moved), "{moved} frames");
                    // What is sent next follows what was sent, with nothing lost in between.
                    let mut receiver = receiver;
                    let rest: Box<[u8]> = buffer[moved..].iter().copied().chain([0xFF]).collect();
                    sender = sender.write_all(Box::leak(rest)).expect("it is not refused").wait().expect("it ends").1;
                    sender.flush(&mut receiver);
                }
                By::Drop => drop(transfer),
                By::Forget => std::mem::forget(transfer),
            }
            return;
        }
        let transfer = receiver.read_exact(zeros(FRAMES.into())).expect("it is not refused");
        while transfer.moved() < self.after {}
        match self.by {
            By::Stop => {
                let (buffer, receiver, moved) = transfer.stop();
                assert!((self.after..=buffer.len()).contains(&moved), "{moved} frames");
                let due: Vec<u8> = (1..=FRAMES).collect();
                assert_eq!(buffer[..moved], due[..moved]);
                assert!(buffer[moved..].iter().all(|byte| *byte == 0), "{buffer:?} after {moved}");
                // What comes next is the next frame.
                let (next, _) = receiver.read_exact(zeros(1)).expect("nothing was lost").wait().expect("it ends");
                assert_eq!(usize::from(next[0]), moved + 1);
            }
            By::Drop => drop(transfer),
            By::Forget => std::mem::forget(transfer),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { sends, by, .. } = *self;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            match (sends, by) {
                (true, By::Stop) => {
                    let mut due: Vec<u8> = (1..=FRAMES).collect();
                    due.push(0xFF);
                    assert_eq!(peer.receive(due.len()).await?, due);
                }
                (true, _) => {
                    let got = some(peer.receive(1).await)?;
                    assert!(got.is_none_or(|got| got == [1]));
                }
                (false, _) => {
                    for frame in 1..=u16::from(FRAMES) + 1 {
                        // Nobody may be there to take it.
                        some(peer.send_frame(frame).await)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// What has come; `None` if nothing has, for as long as the peer waits.
fn some<T>(got: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match got {
        Ok(got) => Ok(Some(got)),
        Err(HostError::NoFrame { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[test]
fn transfer_left_at_any_item_is_sound_on_every_schedule() {
    for sends in [true, false] {
        for after in 0..=FRAMES.into() {
            for by in [By::Stop, By::Drop, By::Forget] {
                assert_sound(&Left { sends, after, by });
            }
        }
    }
}

/// Memory that is freed when it is dropped.
struct Owned(Box<[u8]>);

// SAFETY:
// - The target of a box stays where it is until the box is dropped, and moving the box is no access while the value is
//   held in a `MaybeUninit`, as a transfer does.
unsafe impl embedded_dma::WriteBuffer for Owned {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.0.as_mut_ptr(), self.0.len())
    }
}

/// Drops a boxed buffer with a transfer, as long as it runs; the twin frees the memory first.
#[derive(Clone, Copy, Debug)]
struct Freed {
    early: bool,
}

impl Program for Freed {
    fn name(&self) -> String {
        format!("freed:{}", self.early)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = usart1(&board);
        if !self.early {
            return drop(receiver.read_exact(Owned(Box::new([0; 2]))));
        }
        let mut buffer = vec![0_u8; 2];
        // SAFETY: MUTANT
        // - It is forgotten while the borrow lasts, and the buffer then taken back by whoever calls `acquire`: the
        //   board reports it, and closes its window, so that nothing is written to what is freed.
        let transfer = unsafe { receiver.read_exact_borrowed(&mut buffer) }.expect("it is not refused");
        std::mem::forget(transfer);
        let region = dma_api::address::Region {
            pointer: buffer.as_mut_ptr(),
            length: buffer.len(),
            direction: dma_api::address::Direction::DeviceToMemory,
        };
        // SAFETY: MUTANT
        // - As above.
        unsafe { board.acquire(region) };
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { some(host.serial(Port::Usart1).send(&[1, 2]).await).map(drop) })
    }
}

#[test]
fn boxed_buffer_is_freed_after_the_channel_has_let_go_of_it() {
    assert_sound(&Freed { early: false });
    let verdict = explore(&Freed { early: true });
    assert_eq!(verdict.kind(), Kind::Violation(Rule::AcquiredInFlight), "{verdict}");
}

#[test]
fn transfer_left_at_any_item_is_sound_on_real_threads() {
    for sends in [true, false] {
        for after in 0..=FRAMES.into() {
            for by in [By::Stop, By::Drop, By::Forget] {
                let program = Left { sends, after, by };
                let run = threads::run(&program, None);
                assert_eq!(run.verdict.kind(), Kind::Sound, "{}: {}", program.name(), run.verdict);
            }
        }
    }
}
