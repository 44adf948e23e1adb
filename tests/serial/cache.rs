//! Serial transfers behind a data cache, where schedules are rare: one item, a lap too many, a loop over lines.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::address::BusAddress;
use dma_api::stm32f103::dma::map;
use sim_core::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SECOND, memory};
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::fate::Fate;
use sim_core::host::serial::Port;
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::{FencePlace, Fences, Machine, Moment};
use sim_core::memory::cache::{DataCache, LineSize, Operation, Upkeep};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, Record};

use crate::firmware::{config, usart1};

/// What the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Receives one byte.
    OneByte,
    /// Receives for ever, up to four bytes or an overrun.
    Circular,
    /// Sends two, while it receives for ever.
    SendsBesides,
    /// Maintains two lines that nobody uses, in a loop, and touches the buffer if the DMA has not ended by then.
    Loops,
}

#[derive(Clone, Debug)]
struct Behind {
    does: Does,
    frames: u8,
    config: Config,
}

/// Memory that begins with a line of any size.
#[repr(align(64))]
struct Lines<const N: usize>([u8; N]);

fn lines<const N: usize>() -> &'static mut [u8; N] {
    &mut Box::leak(Box::new(Lines([0; N]))).0
}

impl Behind {
    fn new(does: Does, frames: u8, cache: Option<(u32, Upkeep)>) -> Self {
        let line = |bytes| LineSize::new(bytes).expect("it is a power of two");
        let cache = cache.map(|(bytes, upkeep)| DataCache { line: line(bytes), upkeep });
        let ram = if does == Does::Loops { 16 } else { 0 };
        Self { does, frames, config: Config { fences: Fences::right(Machine::CortexM7), cache, ram, ..config() } }
    }

    #[track_caller]
    fn judge(&self) -> Kind {
        let exploration = stepped::explore(self, stepped::Limits::default());
        println!("{:?}: {exploration}", self.does);
        exploration.verdict.kind()
    }
}

/// Touches the buffer in flight, on schedules on which the DMA is late.
fn touches<B: Board>(board: &B) {
    let hand = Hand::new(board.clone());
    hand.configure(RX, BUFFER, 2);
    board.release_fence();
    hand.enable(RX, RECEIVES);
    (0..2).for_each(|line| board.maintain(BusAddress::new(SECOND + 4 * line), 4, Operation::Clean));
    if hand.read(map::isr()) >> map::flags_of(RX) & map::TCIF == 0 {
        hand.store(BUFFER, 1);
    }
    hand.wait(RX);
}

impl Program for Behind {
    fn name(&self) -> String {
        format!("behind:{:?}:{}", self.does, self.frames)
    }

    fn config(&self) -> Config {
        self.config
    }

    fn prepare(&self, soc: &mut Soc) {
        if self.does == Does::Loops {
            memory(soc);
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        if self.does == Does::Loops {
            return touches(&board);
        }
        let (sender, receiver) = usart1(&board);
        if self.does == Does::OneByte {
            let transfer = receiver.read_exact(lines::<1>()).expect("it is not refused");
            return assert_eq!(transfer.wait().expect("nothing goes wrong").0, &[1]);
        }
        let mut circular = receiver.circular(lines::<4>()).expect("it is not refused");
        if self.does == Does::SendsBesides {
            drop(sender.write_all(lines::<2>()).expect("it is not refused").wait());
            return drop(circular.stop());
        }
        let (mut into, mut came) = ([0; 2], Vec::new());
        while came.len() < 4 {
            match circular.read(&mut into) {
                Ok(Some(_)) => came.extend(into),
                Ok(None) => {}
                Err(_) => return drop(circular.stop()),
            }
        }
        drop(circular.stop());
    }

    fn host(&self, mut host: Host) -> Script {
        let (frames, takes) = (self.frames, self.does == Does::SendsBesides);
        Box::pin(async move {
            if takes {
                return host.serial(Port::Usart1).receive(2).await.map(drop);
            }
            for frame in 1..=frames {
                match host.serial(Port::Usart1).send_frame(frame.into()).await {
                    Ok(()) | Err(HostError::NoFrame { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }
}

#[test]
fn line_of_one_item_goes_back_between_the_item_and_the_end() {
    let one = |upkeep| Behind::new(Does::OneByte, 1, Some((32, upkeep))).judge();
    assert_eq!(one(Upkeep::ALL), Kind::Sound);
    let not_invalidated = Kind::Violation(Rule::CacheNotInvalidated);
    assert_eq!(one(Upkeep { invalidate_before: false, ..Upkeep::ALL }), not_invalidated);
    assert_eq!(one(Upkeep { invalidate_after: false, ..Upkeep::ALL }), not_invalidated);
}

#[test]
fn lap_that_overruns_a_copy_is_not_the_fault_of_the_cache() {
    for cache in [None, Some((2, Upkeep::ALL))] {
        assert_eq!(Behind::new(Does::Circular, 6, cache).judge(), Kind::Sound, "{cache:?}");
    }
    let stale = Behind::new(Does::Circular, 6, Some((2, Upkeep { invalidate_after: false, ..Upkeep::ALL })));
    assert_eq!(stale.judge(), Kind::Violation(Rule::CacheNotInvalidated));
}

#[test]
fn schedules_in_a_loop_over_lines_are_all_explored() {
    assert_eq!(Behind::new(Does::Loops, 2, None).judge(), Kind::Violation(Rule::CpuAccessInFlight));
}

#[test]
fn release_behind_its_start_is_a_race_whatever_else_is_busy() {
    let mut program = Behind::new(Does::SendsBesides, 0, None);
    assert_eq!(program.judge(), Kind::Sound);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), Some(Keep::Order));
    let mut releases = run.trace.entries().iter().filter(|entry| matches!(entry.record, Record::Release { .. }));
    let line = releases.next_back().and_then(|entry| entry.site).expect("it has lent two buffers");
    program.config.fence_at = Some((FencePlace { moment: Moment::Release, line }, Fate::OtherSide));
    assert_eq!(program.judge(), Kind::Race);
}
