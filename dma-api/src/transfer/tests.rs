//! `Transfer` with a channel that is no DMA: who has what, at every end.

use core::cell::Cell;
use core::pin::Pin;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll};
use std::boxed::Box;
use std::format;
use std::sync::Arc;

use super::*;
use crate::address::Direction;

/// What a channel was asked for, and what it answers.
#[derive(Debug, Default)]
struct Log {
    starts: Cell<u32>,
    stops: Cell<u32>,
    /// How often `end` is asked before the transfer has ended.
    left: Cell<u32>,
    refuses: bool,
    fails: bool,
    buffers_dropped: Cell<u32>,
    channels_dropped: Cell<u32>,
    /// The buffer was dropped before the channel had let go of it.
    too_early: Cell<bool>,
    runs: Cell<bool>,
    registered: Cell<u32>,
    /// The transfer was looked at more often than a waker was registered before.
    looked_unregistered: Cell<bool>,
    looked: Cell<u32>,
}

#[derive(Debug, PartialEq, Eq)]
struct Broken;

#[derive(Debug)]
struct Fake<'a>(&'a Log);

// SAFETY:
// - There is no DMA.
unsafe impl Channel for Fake<'_> {
    type Refusal = Broken;
    type Error = Broken;

    unsafe fn start(&mut self, _: Region) -> Result<(), Broken> {
        self.0.starts.set(self.0.starts.get() + 1);
        self.0.runs.set(!self.0.refuses);
        if self.0.refuses { Err(Broken) } else { Ok(()) }
    }

    fn is_done(&self) -> bool {
        self.0.left.get() == 0
    }

    unsafe fn end(&mut self, _: Region) -> Option<Result<(), Broken>> {
        self.0.looked.set(self.0.looked.get() + 1);
        self.0.looked_unregistered.set(self.0.looked.get() > self.0.registered.get());
        let Some(left) = self.0.left.get().checked_sub(1) else {
            self.0.runs.set(false);
            return Some(if self.0.fails { Err(Broken) } else { Ok(()) });
        };
        self.0.left.set(left);
        None
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        self.0.stops.set(self.0.stops.get() + 1);
        self.0.runs.set(false);
        region.length - self.0.left.get() as usize
    }

    fn register(&self, waker: &Waker) {
        self.0.registered.set(self.0.registered.get() + 1);
        waker.wake_by_ref();
    }
}

impl Drop for Fake<'_> {
    fn drop(&mut self) {
        self.0.channels_dropped.set(self.0.channels_dropped.get() + 1);
    }
}

#[derive(Debug)]
struct Buffer<'a>(&'a Log);

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        self.0.buffers_dropped.set(self.0.buffers_dropped.get() + 1);
        self.0.too_early.set(self.0.too_early.get() || self.0.runs.get());
    }
}

impl Log {
    fn region(&self) -> Region {
        Region { pointer: core::ptr::dangling_mut(), length: 8, direction: Direction::MemoryToDevice }
    }

    fn start(&self) -> Result<Transfer<Buffer<'_>, Fake<'_>>, Refused<Broken, Fake<'_>, Buffer<'_>>> {
        let region = self.region();
        // SAFETY:
        // - There is no DMA: nobody uses the region.
        let held = unsafe { Held::new(region, Buffer(self)) };
        // SAFETY:
        // - The channel is new.
        // - There is no DMA, as above.
        unsafe { Transfer::start(Fake(self), held) }
    }

    /// How often channel and buffer were dropped.
    fn dropped(&self) -> (u32, u32) {
        assert!(!self.too_early.get(), "the buffer was let go of in mid-flight");
        (self.channels_dropped.get(), self.buffers_dropped.get())
    }
}

#[test]
fn channel_and_buffer_come_back_at_the_end() {
    let log = Log { left: Cell::new(2), ..Log::default() };
    let transfer = log.start().expect("it is not refused");
    let transfer = transfer.poll().expect_err("it runs");
    assert!(!transfer.is_done());
    let parts = transfer.wait().expect("it does not fail");
    assert_eq!((log.starts.get(), log.stops.get(), log.dropped()), (1, 0, (0, 0)));
    drop(parts);
    assert_eq!(log.dropped(), (1, 1));
}

#[test]
fn channel_and_buffer_come_back_from_an_error_in_the_middle() {
    for left in [0, 3] {
        let log = Log { left: Cell::new(left), fails: true, ..Log::default() };
        let failed = log.start().expect("it is not refused").wait().expect_err("it fails");
        assert_eq!((&failed.kind, log.dropped()), (&Broken, (0, 0)));
        drop(failed);
        assert_eq!((log.dropped(), log.stops.get()), ((1, 1), 0));
    }
}

#[test]
fn channel_and_buffer_come_back_where_nothing_was_started() {
    let log = Log { refuses: true, ..Log::default() };
    let refused = log.start().expect_err("it is refused");
    assert_eq!((&refused.kind, log.dropped(), log.stops.get()), (&Broken, (0, 0), 0));
    drop(refused);
    assert_eq!(log.dropped(), (1, 1));
}

#[test]
fn transfer_that_is_stopped_says_how_far_it_came() {
    for left in 0..=8 {
        let log = Log { left: Cell::new(left), ..Log::default() };
        let (_buffer, _channel, moved) = log.start().expect("it is not refused").stop();
        assert_eq!((moved, log.stops.get(), log.dropped()), (8 - left as usize, 1, (0, 0)));
    }
}

#[test]
fn transfer_that_is_dropped_stops_before_its_buffer_goes() {
    let log = Log { left: Cell::new(5), ..Log::default() };
    drop(log.start());
    assert_eq!((log.stops.get(), log.dropped()), (1, (1, 1)));
}

#[test]
fn transfer_that_is_forgotten_keeps_its_buffer() {
    let log = Log { left: Cell::new(5), ..Log::default() };
    core::mem::forget(log.start());
    assert_eq!((log.stops.get(), log.dropped()), (0, (0, 0)));
}

#[test]
fn scope_waits_for_the_end_after_its_work() {
    let log = Log { left: Cell::new(3), ..Log::default() };
    let region = log.region();
    let mut channel = Fake(&log);
    // SAFETY:
    // - The channel is new.
    // - There is no DMA.
    let outcome = unsafe { scope(&mut channel, region, |running| (running.is_done(), running.moved())) };
    assert_eq!(outcome, Ok(((false, 0), Ok(()))));
    assert_eq!((log.runs.get(), log.stops.get(), log.dropped()), (false, 0, (0, 0)));
}

#[test]
fn scope_gives_the_outcome_of_both() {
    let refuses = Log { refuses: true, ..Log::default() };
    let fails = Log { fails: true, ..Log::default() };
    let in_scope = |log: &Log| {
        // SAFETY:
        // - The channel is new.
        // - There is no DMA.
        unsafe { scope(&mut Fake(log), log.region(), |running| running.moved()) }
    };
    assert_eq!(in_scope(&refuses), Err(Broken));
    assert_eq!(in_scope(&fails), Ok((8, Err(Broken))));
}

#[test]
fn scope_stops_the_transfer_if_its_work_panics() {
    let log = Log { left: Cell::new(3), ..Log::default() };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // SAFETY:
        // - The channel is new.
        // - There is no DMA.
        unsafe { scope(&mut Fake(&log), log.region(), |_| std::panic::resume_unwind(Box::new(()))) }
    }));
    assert!(panicked.is_err());
    assert_eq!((log.runs.get(), log.stops.get()), (false, 1));
}

#[test]
fn future_registers_before_it_looks_and_is_ready_once() {
    let log = Log { left: Cell::new(1), ..Log::default() };
    let mut future = log.start().expect("it is not refused").into_future();
    let context = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut future).poll(context).is_pending());
    assert_eq!((log.registered.get(), log.looked_unregistered.get()), (1, false));
    assert!(matches!(Pin::new(&mut future).poll(context), Poll::Ready(Ok(_))));
    assert!(Pin::new(&mut future).poll(context).is_pending(), "it does not panic");
    assert_eq!((log.registered.get(), log.looked_unregistered.get()), (2, false));
    assert!(future.into_inner().is_none());
}

#[test]
fn future_that_is_dropped_stops_before_its_buffer_goes() {
    let log = Log { left: Cell::new(5), ..Log::default() };
    let mut future = log.start().expect("it is not refused").into_future();
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(future);
    assert_eq!((log.stops.get(), log.dropped()), (1, (1, 1)));
}

#[test]
fn channel_without_an_interrupt_wakes_at_once() {
    struct Count(AtomicU32);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    struct Plain(bool);
    // SAFETY:
    // - There is no DMA.
    unsafe impl Channel for Plain {
        type Refusal = Broken;
        type Error = Broken;

        unsafe fn start(&mut self, _: Region) -> Result<(), Broken> {
            Ok(())
        }

        fn is_done(&self) -> bool {
            self.0
        }

        unsafe fn end(&mut self, _: Region) -> Option<Result<(), Broken>> {
            Some(Ok(()))
        }

        unsafe fn stop(&mut self, _: Region) -> usize {
            0
        }
    }
    let count = Arc::new(Count(AtomicU32::new(0)));
    let waker = Waker::from(count.clone());
    <&mut Plain as Channel>::register(&&mut Plain(false), &waker);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let region = Log::default().region();
    assert_eq!([Plain(false), Plain(true)].map(|channel| channel.moved(region)), [0, 8]);
}

#[test]
fn code_that_knows_no_chip_sees_whether_it_is_done() {
    let log = Log { left: Cell::new(1), ..Log::default() };
    let transfer = log.start().expect("it is not refused");
    assert!(!Transferring::is_done(&transfer));
    log.left.set(0);
    assert!(Transferring::is_done(&transfer));
    assert!(Transferring::wait(transfer).is_ok());
}

#[test]
fn transfer_shows_what_it_lends() {
    let log = Log::default();
    let transfer = log.start().expect("it is not refused");
    let expected = format!("Transfer {{ region: {:?}, .. }}", log.region());
    assert_eq!(format!("{transfer:?}"), expected);
    let mut future = transfer.into_future();
    assert_eq!(format!("{future:?}"), format!("TransferFuture(Some({expected}))"));
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(format!("{future:?}"), "TransferFuture(None)");
}

#[test]
fn buffer_that_is_held_shows_its_memory() {
    let held = Held::borrowed(b"abc");
    assert_eq!(format!("{held:?}"), format!("Held {{ region: {:?}, .. }}", held.region()));
}

#[test]
fn buffer_is_asked_for_its_pointer_where_it_is_held_and_once() {
    use embedded_dma::WriteBuffer;
    struct Counted(&'static mut [u16; 4], &'static AtomicU32);
    // SAFETY:
    // - It is a pointer to a `'static` array of integers, and nobody else has it.
    unsafe impl WriteBuffer for Counted {
        type Word = u16;
        unsafe fn write_buffer(&mut self) -> (*mut u16, usize) {
            self.1.fetch_add(1, Ordering::Relaxed);
            (self.0.as_mut_ptr(), 4)
        }
    }
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let words = Box::leak(Box::new([0u16; 4]));
    let pointer = words.as_mut_ptr();
    let held = Held::to_write(Counted(words, &ASKED)).shortened(6);
    let expected = Region { pointer: pointer.cast(), length: 6, direction: Direction::DeviceToMemory };
    assert_eq!((held.region(), ASKED.load(Ordering::Relaxed)), (expected, 1));
    assert_eq!(held.into_inner().0, &[0; 4]);
}

#[test]
fn buffer_to_be_read_is_asked_once_too() {
    use embedded_dma::ReadBuffer;
    struct Counted(&'static AtomicU32);
    // SAFETY:
    // - It is a pointer to a `static` array of integers, which nobody writes.
    unsafe impl ReadBuffer for Counted {
        type Word = u16;
        unsafe fn read_buffer(&self) -> (*const u16, usize) {
            static WORDS: [u16; 4] = [0; 4];
            let asked = self.0.fetch_add(1, Ordering::Relaxed) as usize;
            (WORDS.as_ptr().wrapping_add(asked), WORDS.len() - asked)
        }
    }
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let held = Held::to_read(Counted(&ASKED));
    assert_eq!((held.region().length, ASKED.load(Ordering::Relaxed)), (8, 1));
}

#[test]
#[should_panic(expected = "a region is shortened, not stretched")]
fn region_is_not_stretched() {
    let words: &'static [u16] = &[1, 2];
    Held::to_read(words).shortened(5);
}

/// A buffer that is one memory to read, and another to write.
struct Two {
    read: &'static [u8],
    write: &'static mut [u8],
}

// SAFETY:
// - Both are `'static`, and stay where they are.
unsafe impl embedded_dma::ReadBuffer for Two {
    type Word = u8;

    unsafe fn read_buffer(&self) -> (*const u8, usize) {
        (self.read.as_ptr(), self.read.len())
    }
}

// SAFETY:
// - As above.
unsafe impl embedded_dma::WriteBuffer for Two {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.write.as_mut_ptr(), self.write.len())
    }
}

#[test]
fn buffer_to_refill_is_read_where_it_is_written() {
    let bytes: &'static mut [u8] = std::vec![1, 2].leak();
    let start = bytes.as_ptr();
    let region = Held::to_refill(bytes).region();
    assert_eq!((region.pointer.cast_const(), region.length), (start, 2));
    assert_eq!(region.direction, Direction::MemoryToDevice);
}

/// A buffer that says something else whenever it is asked again: the memory is shorter then, and so are its words.
struct Fickle {
    words: &'static mut [u16; 4],
    asked: [&'static AtomicU32; 2],
}

// SAFETY:
// - It is a part of a `'static` array of integers, which nobody else has.
unsafe impl embedded_dma::ReadBuffer for Fickle {
    type Word = u16;

    unsafe fn read_buffer(&self) -> (*const u16, usize) {
        let asked = self.asked[0].fetch_add(1, Ordering::Relaxed) as usize;
        (self.words.as_ptr().wrapping_add(asked), 4 - asked)
    }
}

// SAFETY:
// - As above.
unsafe impl embedded_dma::WriteBuffer for Fickle {
    type Word = u16;

    unsafe fn write_buffer(&mut self) -> (*mut u16, usize) {
        let asked = self.asked[1].fetch_add(1, Ordering::Relaxed) as usize;
        (self.words.as_mut_ptr().wrapping_add(asked), 4 - asked)
    }
}

#[test]
fn buffer_to_refill_is_asked_once_each_way() {
    static ASKED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
    let [read, write] = &ASKED;
    let words = Box::leak(Box::new([0; 4]));
    let pointer = words.as_mut_ptr().cast();
    let Region { pointer: held, length, .. } = Held::to_refill(Fickle { words, asked: [read, write] }).region();
    assert_eq!((held, length), (pointer, 8));
    assert_eq!([read, write].map(|asked| asked.load(Ordering::Relaxed)), [1, 1]);
}

/// A buffer of more bytes than an address can count.
struct Endless;

// SAFETY: MUTANT
// - There is no such memory. Nobody reads it: it is held, and no transfer is started.
unsafe impl embedded_dma::ReadBuffer for Endless {
    type Word = u32;

    unsafe fn read_buffer(&self) -> (*const u32, usize) {
        (core::ptr::dangling(), usize::MAX / 4 + 2)
    }
}

// SAFETY: MUTANT
// - As above.
unsafe impl embedded_dma::WriteBuffer for Endless {
    type Word = u32;

    unsafe fn write_buffer(&mut self) -> (*mut u32, usize) {
        (core::ptr::dangling_mut(), usize::MAX / 4 + 2)
    }
}

#[test]
fn buffer_of_too_many_words_is_not_taken_for_a_short_one() {
    let lengths = [Held::to_read(Endless), Held::to_write(Endless), Held::to_refill(Endless)];
    assert_eq!(lengths.map(|held| held.region().length), [usize::MAX; 3]);
}

#[test]
#[should_panic(expected = "one memory to read and another to write")]
fn buffer_that_is_two_is_not_refilled() {
    let two = Two { read: b"ab", write: std::vec![0; 2].leak() };
    let _ = Held::to_refill(two);
}
