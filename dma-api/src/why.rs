//! Why it looks like this: each requirement, and what breaks without it.
//!
//! A DMA transfer is a thread that runs a `memcpy`: the fork is the register write that starts it, the join is the read
//! that sees its end. The embedonomicon's chapter and the post *Memory safe DMA transfers* before it come to a safe API
//! step by step, and each step is here: what goes wrong without it, and the same program against this crate, where the
//! compiler refuses it. The texts leave something at the end; that is here, too.
//!
//! The programs share this much, of an STM32F103:
//!
//! ```
//! use dma_api::fence::InOrder;
//! use dma_api::stm32f103::{dma::ChipDma1, usart};
//!
//! type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! ```
//!
//! # The buffer lives for ever, or until the end is seen
//!
//! `fn read_exact(&mut self, buffer: &mut [u8]) -> Transfer` borrows the buffer for as long as there is a transfer. But
//! `mem::forget` is safe: it ends the transfer for the compiler, and not for the DMA, which goes on to write what is by
//! then another function's frame. So what a safe function takes is `'static`:
//!
//! ```compile_fail,E0597
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn start(receiver: Receiver) {
//!     let mut buffer = [0; 16];
//!     core::mem::forget(receiver.read_exact(&mut buffer)); // does not live long enough
//! }
//! ```
//!
//! Forgetting a transfer of a `'static` buffer loses buffer and channel, and breaks nothing.
//!
//! # Nobody uses the peripheral meanwhile
//!
//! A [`Transfer`] owns what it uses. The bytes that a `write` puts in between would come in the middle of the buffer's:
//!
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn between(sender: Sender, bytes: &'static [u8]) {
//!     let transfer = sender.write_all(bytes);
//!     let (mut tx, channel) = sender.into_parts(); // it is in the transfer
//! }
//! ```
//!
//! Nor the channel: a second transfer on it would write CMAR while it is enabled, and the first one's end would pass
//! for its own.
//!
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn twice(sender: Sender, bytes: &'static [u8], more: &'static [u8]) {
//!     let first = sender.write_all(bytes);
//!     let second = sender.write_all(more); // the channel is in the first
//! }
//! ```
//!
//! # Nobody uses the buffer meanwhile
//!
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn too_early(receiver: Receiver, buffer: &'static mut [u8]) -> u8 {
//!     let transfer = receiver.read_exact(buffer);
//!     buffer[0] // the buffer is in the transfer
//! }
//! ```
//!
//! What has arrived can be copied out before the end ([`Transfer::received`]): the part that stands still, between two
//! fences, without a reference to the part that does not.
//!
//! # Nothing is moved across start and end
//!
//! To the compiler the register write that starts a transfer has nothing to do with the buffer. It may fill the buffer
//! afterwards, or read it before the end was seen; rustc 1.95 deletes the filling. No type prevents that: a fence on
//! each side does ([`fence`](crate::fence), which also says when a compiler's fence is enough, and what the language
//! promises). A fence is a promise, so that a type that makes it says `unsafe`:
//!
//! ```compile_fail,E0200
//! # use dma_api::{address::{BusAddress, Region}, fence::DmaFence};
//! struct NoFence;
//! impl DmaFence for NoFence {
//!     unsafe fn release(&self, region: Region) -> BusAddress { BusAddress::of_pointer(region.pointer) }
//!     unsafe fn acquire(&self, _: Region) {}
//!     unsafe fn snapshot(&self, _: Region, _: *mut u8) {}
//!     unsafe fn fill(&self, _: Region, _: *const u8) {}
//! }
//! ```
//!
//! # Any buffer that stays where it is
//!
//! A `&'static mut [u8]` only would be too strict: an array, a slice of flash, a pool's box, a string's bytes are as
//! good. The buffer is generic, by the traits of `embedded-dma`. (A `Box` and a `Vec` have them in a program that
//! depends on `stable_deref_trait` with its feature `alloc`.)
//!
//! ```
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn reuse(sender: Sender, message: &'static mut [u8; 16]) -> (Sender, &'static mut [u8; 16]) {
//!     let (_, sender) = sender.write_all("Hello".as_bytes()).unwrap().wait().unwrap();
//!     let (message, sender) = sender.write_all(message).unwrap().wait().unwrap();
//!     (sender, message)
//! }
//! ```
//!
//! But not an array by value: its address changes with every move, and the DMA's copy of it does not.
//!
//! ```compile_fail,E0277
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn moves(receiver: Receiver) {
//!     let transfer = receiver.read_exact([0u8; 16]);
//! }
//! ```
//!
//! **`Pin` does not help.** The chapter's last version takes `Pin<B>` where the target is `Unpin`, and for those a
//! `Pin` promises nothing: a type of one's own that holds the array inline passes, and moves (embedonomicon#64). What
//! is needed is the promise that the *target* stays when the value moves: `StableDeref`, which takes `unsafe` to make.
//!
//! ```compile_fail,E0277
//! # use core::{ops::{Deref, DerefMut}, pin::Pin};
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! struct Inline([u8; 16]);
//! impl Deref for Inline {
//!     type Target = [u8];
//!     fn deref(&self) -> &[u8] { &self.0 }
//! }
//! impl DerefMut for Inline {
//!     fn deref_mut(&mut self) -> &mut [u8] { &mut self.0 }
//! }
//! fn pinned(receiver: Receiver) {
//!     let transfer = receiver.read_exact(Pin::new(Inline([0; 16]))); // `Inline` is not `StableDeref`
//! }
//! ```
//!
//! And pinned to the stack is still on the stack:
//!
//! ```compile_fail,E0716
//! # use core::pin::pin;
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn on_the_stack(receiver: Receiver) {
//!     core::mem::forget(receiver.read_exact(pin!([0u8; 16]).get_mut()));
//! }
//! ```
//!
//! **A safe trait does not help either.** `AsMut` or `DerefMut` of somebody's type may answer something else each time,
//! or memory that is not its own. The buffer traits are `unsafe` to implement, and even so pointer and length are asked
//! for once, where the buffer is put away ([`Held`](crate::transfer::Held)):
//!
//! ```compile_fail,E0200
//! struct Elsewhere;
//! impl embedded_dma::WriteBuffer for Elsewhere {
//!     type Word = u8;
//!     unsafe fn write_buffer(&mut self) -> (*mut u8, usize) { (0x2000_0000 as *mut u8, 16) }
//! }
//! ```
//!
//! # A destructor, on which nothing depends
//!
//! A transfer that is dropped early would drop a buffer that the DMA is still writing. So [`Transfer`] stops the
//! channel first. Writing EN=0 is not enough: an item may be in flight. CCR is read back, then comes the fence, then
//! the buffer goes; the same for errors in the middle, for `stop`, and for a future that is dropped ([`dma`]).
//!
//! `mem::forget` does without all that, and is sound, because the buffer is `'static`.
//!
//! # Borrowed memory, within a closure
//!
//! What cannot be `'static` is lent for the time of a call: the guard stands in the frame of
//! [`scope`](usart::Sender::scope), which nobody can leave without it, by return or by panic.
//!
//! ```
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn from_the_stack(sender: &mut Sender) -> u32 {
//!     let bytes = [1, 2, 3];
//!     let (rounds, outcome) = sender.scope(&bytes, |running| {
//!         let mut rounds = 0;
//!         while !running.is_done() {
//!             rounds += 1;
//!         }
//!         rounds
//!     }).unwrap();
//!     outcome.unwrap();
//!     rounds
//! }
//! ```
//!
//! The closure does not get the transfer. With two of them by `&mut`, it could swap them, and each `scope` would wait
//! for the other's end. It gets a shared reference to something that can only be asked, and that stays inside:
//!
//! ```compile_fail,E0521
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn keeps(sender: &mut Sender) {
//!     let mut kept = None;
//!     sender.scope(&[1, 2, 3], |running| kept = Some(running)); // escapes the closure
//! }
//! ```
//! ```compile_fail,E0502
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn looks(receiver: &mut Receiver) {
//!     let mut bytes = [0; 3];
//!     receiver.scope(&mut bytes, |_| bytes[0]); // lent
//! }
//! ```
//!
//! The third way is a promise: [`write_all_borrowed`](usart::Sender::write_all_borrowed) is `unsafe`.
//!
//! # The channel that is wired to it
//!
//! A request of USART1's transmitter goes to channel 4 of DMA1, and to no other. On any other channel the transfer
//! waits for ever, or moves bytes at another peripheral's request. So a channel's number is part of its type, and a
//! half takes one type ([`usart::Instance`] is the map). (The post has 4 and 5 the wrong way round: there, nobody
//! checks.)
//!
//! ```compile_fail,E0308
//! # use dma_api::{fence::InOrder, stm32f103::dma::{ChipDma1, Dma1Channels}};
//! # use dma_api::stm32f103::usart::{ChipUsart3, Tx, Usart3};
//! fn of_another(tx: Tx<ChipUsart3, Usart3>, channels: Dma1Channels<ChipDma1<InOrder>>) {
//!     let sender = tx.with_dma(channels.c4); // USART3's is 2
//! }
//! ```
//!
//! A sender sends. What the DMA writes must be memory that may be written, in words that it has, whose every pattern of
//! bits is a value:
//!
//! ```compile_fail,E0599
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn wrong_way(sender: Sender, buffer: &'static mut [u8]) {
//!     sender.read_exact(buffer);
//! }
//! ```
//! ```compile_fail,E0277
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! fn no_bytes(receiver: Receiver, buffer: &'static mut [bool]) {
//!     receiver.read_exact(buffer);
//! }
//! ```
//!
//! # Nobody else has the registers
//!
//! A write can start a transfer to anywhere, so it is `unsafe`, and a driver's constructor takes registers that are its
//! peripheral's ([`RegistersOf`](crate::registers::RegistersOf)), by value. A controller is split once:
//!
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, stm32f103::dma::{ChipDma1, Dma1}};
//! fn twice(dma1: ChipDma1<InOrder>) {
//!     let channels = Dma1::split(dma1);
//!     let again = Dma1::split(dma1);
//! }
//! ```
//!
//! # What no type can say
//!
//! Lengths, addresses and alignments are errors with names ([`dma::StartError`]), which give buffer and channel back.
//! What goes wrong in the middle ends the transfer ([`usart::ReceiveError`]): waiting for TCIF alone would never end
//! after a TEIF. What the hardware says too late, or twice, is in the docs of the module that meets it.
//!
//! # Futures
//!
//! A transfer can be awaited ([`TransferFuture`](crate::transfer::TransferFuture)), in place of a trait whose `poll`
//! panics after the end: this one stays pending. Dropping it cancels.
//!
//! [`Transfer`]: crate::transfer::Transfer
//! [`Transfer::received`]: crate::transfer::Transfer::received
//! [`dma`]: crate::stm32f103::dma
//! [`dma::StartError`]: crate::stm32f103::dma::StartError
//! [`usart::Instance`]: crate::stm32f103::usart::Instance
//! [`usart::ReceiveError`]: crate::stm32f103::usart::ReceiveError

#[cfg(doc)]
use crate::stm32f103::usart;
