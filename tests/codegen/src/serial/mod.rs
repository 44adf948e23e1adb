//! The subject: USARTs by DMA on the real chip's bus, behind plain names.
//!
//! A transfer goes from hand to hand by value, in the driver as in its twin by hand: `start` takes the half and the
//! buffer, `wait` gives them back. `send` and `receive` are both in one function, where nothing has to be handed over;
//! by USART2, so that the compiler does not call there what it has compiled for USART1.

use dma_api::fence::InOrder;
use dma_api::registers::{Bus, Volatile};
use dma_api::stm32f103::dma::{self, TransferError};
use dma_api::stm32f103::usart::{self, ReceiveError, Usart1, Usart2};
use dma_api::transfer::{Failed, Started, Transfer};

pub mod bare;
pub mod handwritten;
mod registers;

type Dma = Bus<Volatile<{ dma::map::DMA1 }, 0x400>, InOrder>;
/// USART1's transmitting half, with channel 4.
pub type Sender = usart::Sender<Volatile<{ usart::map::USART1 }, 0x400>, Usart1, Dma>;
/// USART1's receiving half, with channel 5.
pub type Receiver = usart::Receiver<Volatile<{ usart::map::USART1 }, 0x400>, Usart1, Dma>;
/// USART2's transmitting half, with channel 7.
pub type Sender2 = usart::Sender<Volatile<{ usart::map::USART2 }, 0x400>, Usart2, Dma>;
/// USART2's receiving half, with channel 6.
pub type Receiver2 = usart::Receiver<Volatile<{ usart::map::USART2 }, 0x400>, Usart2, Dma>;

/// What is sent.
pub type Bytes = &'static [u8];
/// What is filled.
pub type Room = &'static mut [u8];

/// What `wait` comes to: buffer and half, or what went wrong.
pub type Ended<E, C, B> = Result<(B, C), Failed<E, C, B>>;

/// `Sender::write_all`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn sender_start(sender: Sender, bytes: Bytes) -> Started<Bytes, Sender> {
    sender.write_all(bytes)
}

/// `Transfer::is_done`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn sender_is_done(transfer: &Transfer<Bytes, Sender>) -> bool {
    transfer.is_done()
}

/// `Transfer::wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn sender_wait(transfer: Transfer<Bytes, Sender>) -> Ended<TransferError, Sender, Bytes> {
    transfer.wait()
}

/// `Sender::write_all` and `Transfer::wait`. The sender comes back; `Ok` if all was sent.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn sender_send(sender: Sender2, bytes: Bytes) -> Result<Sender2, Sender2> {
    let transfer = sender.write_all(bytes).map_err(|refused| refused.channel)?;
    transfer.wait().map(|(_, sender)| sender).map_err(|failed| failed.channel)
}

/// `Receiver::read_exact`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn receiver_start(receiver: Receiver, room: Room) -> Started<Room, Receiver> {
    receiver.read_exact(room)
}

/// `Transfer::wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn receiver_wait(transfer: Transfer<Room, Receiver>) -> Ended<ReceiveError, Receiver, Room> {
    transfer.wait()
}

/// `Receiver::read_exact` and `Transfer::wait`. The receiver comes back; `Ok` if the buffer was filled.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn receiver_receive(receiver: Receiver2, room: Room) -> Result<Receiver2, Receiver2> {
    let transfer = receiver.read_exact(room).map_err(|refused| refused.channel)?;
    transfer.wait().map(|(_, receiver)| receiver).map_err(|failed| failed.channel)
}
