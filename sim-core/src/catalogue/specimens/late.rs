//! Stages five to eight, and the other ways: where the memory is, and how a transfer is given up.

use std::future::Future;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use dma_api::stm32f103::dma::map;

use super::super::Serial;
use super::super::buffers::{Array, Forever, Heap, LENGTH, Slice};
use super::super::steps::{self, finish, receive};
use super::Port;
use super::early::{Transfer, read_exact};
use crate::by_hand::stm32f103::{BUFFER, RECEIVES, RX, SENDS, TX};
use crate::explore::{Board, quietly};

/// A transfer that stops in its destructor: stage eight, and that of the blog.
struct Stops<'h, B> {
    port: Port<'h>,
    _buffer: B,
    /// Whether it waits for the item in flight.
    drains: bool,
}

impl<'h, B: Slice> Stops<'h, B> {
    fn new(port: Port<'h>, mut buffer: B, drains: bool) -> Self {
        port.start(buffer.address());
        Self { port, _buffer: buffer, drains }
    }
}

impl<B> Drop for Stops<'_, B> {
    fn drop(&mut self) {
        if self.drains {
            steps::stop(self.port.0, RX);
        } else {
            self.port.0.write(map::ccr(RX), 0);
            self.port.0.board.acquire_fence();
        }
    }
}

/// Stage five takes what is a slice, and an array is one: returning the transfer moves it.
pub fn s005_array_by_value_is_moved_in_flight(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    if is_broken {
        let transfer: Transfer<Array<'_, '_>> = read_exact(&mut port, heap.take());
        let _returned = transfer._buffer.moved();
    } else {
        let transfer: Transfer<Forever> = read_exact(&mut port, heap.take_for_ever());
        let _returned = Box::new(transfer);
    }
    finish(hand, RX);
}

/// Stage six.
fn read_exact_pinned<B>(port: &mut Port<'_>, mut buffer: Pin<B>) -> Transfer<Pin<B>>
where
    B: DerefMut,
    B::Target: Slice + Unpin,
{
    port.start(buffer.address());
    Transfer { _buffer: buffer }
}

/// A `Pin` promises nothing of memory that is gone when nobody has dropped it.
#[expect(clippy::forget_non_drop, reason = "that it has no destructor is what is wrong with it")]
pub fn s006_pinned_stack_array_is_forgotten(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    if is_broken {
        let mut array = heap.take();
        mem::forget(read_exact_pinned(&mut port, Pin::new(&mut array)));
    } else {
        mem::forget(read_exact_pinned(&mut port, Pin::new(&mut heap.take_for_ever())));
    }
    heap.call_another();
}

/// A smart pointer whose target is inside of it: `Deref` is a safe trait.
struct Inline<'a, 'h>(Array<'a, 'h>);

impl<'a, 'h> Deref for Inline<'a, 'h> {
    type Target = Array<'a, 'h>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Inline<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Stage seven: a pin of something that may be unpinned does not fix an address.
pub fn s007_pin_of_an_inline_array_is_moved(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    let transfer = read_exact_pinned(&mut port, Pin::new(Inline(heap.take())));
    if is_broken {
        let _returned = Pin::into_inner(transfer._buffer).0.moved();
        finish(hand, RX);
    } else {
        // It stays where it is until the end.
        finish(hand, RX);
        let _returned = Pin::into_inner(transfer._buffer).0.moved();
    }
}

/// A box is dropped with its transfer, and the channel runs on: stage eight has a destructor.
pub fn s007_transfer_of_a_box_is_dropped(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    if is_broken {
        drop(read_exact(&mut Port(hand), heap.take()));
    } else {
        drop(Stops::new(Port(hand), heap.take(), true));
    }
    heap.call_another();
}

/// Stage eight stops the channel, and does not wait for what is under way.
pub fn s008_destructor_does_not_drain(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    drop(Stops::new(Port(hand), heap.take(), !is_broken));
    heap.call_another();
}

/// A buffer that is another one each time it is asked.
struct Elsewhere<'a, 'h>(&'a Heap<'h>, Option<Array<'a, 'h>>);

impl Slice for Elsewhere<'_, '_> {
    fn address(&mut self) -> u32 {
        self.1.insert(self.0.take()).address()
    }
}

/// Stage eight asks for the address, and again for the length: the block of the first answer is free by then.
pub fn s008_buffer_is_asked_twice(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let mut buffer = Elsewhere(&heap, None);
    let address = buffer.address();
    hand.configure(RX, address, LENGTH);
    if is_broken {
        let _for_its_length = buffer.address();
    }
    hand.board.release_fence();
    hand.enable(RX, RECEIVES);
    heap.call_another();
    finish(hand, RX);
}

/// Stage eight waits for the end, and knows of no other than the good one.
pub fn s008_error_is_waited_through(hand: &Serial, is_broken: bool) {
    // Nothing is at 0x3000_0000.
    hand.configure(RX, 0x3000_0000, LENGTH);
    hand.enable(RX, RECEIVES);
    if is_broken {
        steps::wait_for_end_only(hand, RX);
    } else {
        finish(hand, RX);
    }
}

/// The blog's transfer stops when it is dropped: until it is forgotten.
pub fn s009_borrowing_transfer_with_destructor_is_forgotten(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let mut array = heap.take();
        let transfer = Stops::new(Port(hand), &mut array, true);
        if is_broken {
            mem::forget(transfer);
        } else {
            drop(transfer);
        }
    }
    heap.call_another();
}

/// A closure runs while the transfer does, and the end is waited for behind it: a panic goes past that.
pub fn s010_closure_panics_past_the_end(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let scope = || {
        let mut array = heap.take();
        let _guard = if is_broken {
            receive(hand, array.address(), LENGTH);
            None
        } else {
            Some(Stops::new(Port(hand), &mut array, true))
        };
        panic!("in the closure");
    };
    assert!(quietly(AssertUnwindSafe(scope)).is_err());
    heap.call_another();
}

/// A future that lends a buffer to the DMA for as long as it is polled.
struct Reads<'h, B>(Stops<'h, B>);

impl<B> Future for Reads<'_, B> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if steps::is_done(self.0.port.0, RX) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// A future is dropped before its end (`select`), and has no destructor that stops: it is as if it had none.
pub fn s011_future_is_dropped_after_a_poll(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let mut array = heap.take();
        let future = Reads(Stops::new(Port(hand), &mut array, true));
        if is_broken {
            let mut no_destructor = mem::ManuallyDrop::new(future);
            let _ = poll_once(pin!(&mut *no_destructor));
        } else {
            let _ = poll_once(pin!(future));
        }
    }
    heap.call_another();
}

/// A future with a destructor that stops is forgotten before its end: a borrow is no protection. The twin owns.
pub fn s011_future_is_forgotten_after_a_poll(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    if is_broken {
        let mut array = heap.take();
        let mut future = Box::pin(Reads(Stops::new(Port(hand), &mut array, true)));
        let _ = poll_once(future.as_mut());
        mem::forget(future);
    } else {
        let mut future = Box::pin(Reads(Stops::new(Port(hand), heap.take_for_ever(), true)));
        let _ = poll_once(future.as_mut());
        mem::forget(future);
    }
    heap.call_another();
}

/// An echo in the blog's post has the two channels swapped.
pub fn s009_channels_are_swapped(hand: &Serial, is_broken: bool) {
    let channel = if is_broken { RX } else { TX };
    hand.configure(channel, BUFFER, LENGTH);
    hand.board.release_fence();
    hand.enable(channel, SENDS);
    hand.wait(channel);
}
