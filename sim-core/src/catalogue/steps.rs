//! What the firmware of many cases does: a transfer from start to end, and what comes after.

use dma_api::stm32f103::dma::map;

use crate::by_hand::stm32f103::{Hand, RECEIVES, RX, SENDS, TX};
use crate::explore::Board;

/// Starts to receive `items` bytes.
#[track_caller]
pub fn receive<B: Board>(hand: &Hand<B>, memory: u32, items: u32) {
    hand.configure(RX, memory, items);
    hand.board.release_fence();
    hand.enable(RX, RECEIVES);
}

/// Starts to send `items` bytes.
#[track_caller]
pub fn send<B: Board>(hand: &Hand<B>, memory: u32, items: u32) {
    hand.configure(TX, memory, items);
    hand.board.release_fence();
    hand.enable(TX, SENDS);
}

/// Waits for the end, and takes the memory back.
#[track_caller]
pub fn finish<B: Board>(hand: &Hand<B>, channel: u16) {
    hand.wait(channel);
    stop(hand, channel);
}

/// Stops the channel, waits until it has let go of the memory, and takes that back.
#[track_caller]
pub fn stop<B: Board>(hand: &Hand<B>, channel: u16) {
    hand.disable(channel);
    hand.clear(channel);
    hand.board.acquire_fence();
}

/// The memory is somebody else's now, who keeps something in it.
#[track_caller]
pub fn reuse<B: Board>(hand: &Hand<B>, memory: u32) {
    hand.store(memory, 0x55);
    assert_eq!(hand.load(memory), 0x55, "somebody has written another's memory");
}

/// Waits for TCIF, whatever else there is.
#[track_caller]
pub fn wait_for_end_only<B: Board>(hand: &Hand<B>, channel: u16) {
    while !is_done(hand, channel) {}
}

/// Whether TCIF is set.
#[track_caller]
pub fn is_done<B: Board>(hand: &Hand<B>, channel: u16) -> bool {
    hand.read(map::isr()) >> map::flags_of(channel) & map::TCIF != 0
}
