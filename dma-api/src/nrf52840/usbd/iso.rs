//! What the isochronous endpoints share: a buffer, frames, a transfer that may be late.
//!
//! Isochronous packets have no handshake: nobody says whether one has arrived, and nobody sends it again. Each
//! direction has two buffers, which change places at a start of frame (SOF): software has one, the wire the other. So
//! there is one packet a frame, and a transfer belongs to the frame in which it runs:
//!
//! | | in frame k | SOF | in frame k + 1 |
//! |---|---|---|---|
//! | IN | [`IsoIn::send`](super::IsoIn::send), until its END | | the host gets the packet, if it asks |
//! | OUT | the host sends a packet | [`IsoOut::received`](super::IsoOut::received) | `receive`, until its END |
//!
//! What a transfer does that a SOF catches is undefined. No register says in which order an END and a SOF came, so a
//! transfer whose END is seen in another frame than the one in which it was started counts as [`Late`]: call
//! [`IsoTransfer::end`] at its END, and not at the next SOF.
//!
//! # Alignment
//!
//! The nRF5340 PS (the same controller) wants an isochronous buffer to start at a multiple of 4, and an IN packet to
//! have a multiple of 4 bytes. No driver keeps it, and packets come through. Here the first is checked, since it costs
//! nothing (`Unaligned`; `#[repr(align(4))]` makes it so); the second is not: the length of a packet is what its stream
//! needs. Make it a multiple of 4 if you can.

use embedded_dma::{ReadBuffer, WriteBuffer};
use thiserror::Error;

use super::engine::{NotInRam, Port};
use super::{Engine, Refused, Transfer, Usbd, map};
use crate::fence::DmaFence;
use crate::registers::Registers;

/// The number of the isochronous endpoints: their bit in EPINEN and EPOUTEN.
pub(super) const NUMBER: u8 = 8;

/// How much of the controller's isochronous buffer a direction has (ISOSPLIT).
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Endpoints, Engine, OpenError, Share, WithoutData};
/// fn open(engine: &mut Engine<ChipBus<InOrder>>, endpoints: &mut Endpoints) -> Result<(), OpenError> {
///     endpoints.isoin.open(engine, Share::Half, WithoutData::ZeroLength)?;
///     endpoints.isoout.open(engine, Share::Half) // `Whole` would be `Shared`
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it. The other direction cannot be open then.
    Whole,
    /// Half of it. The other direction may have the other half.
    Half,
}

impl Share {
    /// The longest packet, in bytes: 1023, or 511 (nrfx 4.2.1 `NRFX_USBD_ISOSIZE`; half of the buffer would be 512).
    pub const fn packet_size(self) -> usize {
        match self {
            Self::Whole => map::ISO_PACKET_SIZE,
            Self::Half => map::ISO_PACKET_SIZE / 2,
        }
    }

    const fn isosplit(self) -> u32 {
        match self {
            Self::Whole => 0,
            Self::Half => map::ISOSPLIT_HALF_IN,
        }
    }
}

/// Why an isochronous endpoint was not opened. Nothing was touched.
///
/// See [`Share`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The other direction is open, and both would use the same bytes of the buffer.
    #[error("the other isochronous endpoint is open and has the buffer: open both with `Share::Half`")]
    Shared,
}

/// An isochronous transfer that was seen to end in another frame than the one in which it was started.
///
/// IN: the host may get the packet a frame later than it would have. OUT: what is in the buffer may be of another
/// packet, or of two; do not use it.
///
/// See [`IsoOut`](super::IsoOut) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a frame began before the transfer was seen to end: end it at its END, and start it right after SOF")]
pub struct Late;

/// An isochronous transfer that has ended, with what took part in it.
///
/// See [`IsoOut`](super::IsoOut) for an example.
#[derive(Debug)]
pub struct IsoEnded<E, T> {
    /// The engine, idle.
    pub engine: E,
    /// The buffer.
    pub buffer: T,
    /// How many bytes the packet has.
    pub length: Result<usize, Late>,
}

/// An isochronous transfer that runs: a [`Transfer`] that knows its frame.
///
/// Dropping it waits for its END; forgetting it loses engine and buffer, and breaks nothing.
///
/// See [`IsoOut`](super::IsoOut) for an example.
#[derive(Debug)]
pub struct IsoTransfer<B: Registers + DmaFence, T> {
    transfer: Transfer<B, T>,
    frame: u16,
    length: usize,
    to_host: bool,
}

impl<B: Registers + DmaFence, T> IsoTransfer<B, T> {
    /// Whether the transfer has ended, so that [`end`](Self::end) will succeed.
    pub fn is_done(&self) -> bool {
        self.transfer.is_done()
    }

    /// Ends the transfer, if the DMA has.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    pub fn end(self) -> Result<IsoEnded<Engine<B>, T>, Self> {
        let Self { transfer, frame, length, to_host } = self;
        match transfer.end() {
            Ok(parts) => Ok(Self::ended(parts, frame, length, to_host)),
            Err(transfer) => Err(Self { transfer, frame, length, to_host }),
        }
    }

    /// Waits for the end.
    pub fn wait(self) -> IsoEnded<Engine<B>, T> {
        let Self { transfer, frame, length, to_host } = self;
        Self::ended(transfer.wait(), frame, length, to_host)
    }

    fn ended(parts: (Engine<B>, T), started: u16, length: usize, to_host: bool) -> IsoEnded<Engine<B>, T> {
        let (mut engine, buffer) = parts;
        // After END was read: the transfer has ended in this frame, or before.
        let frame = engine.usbd.frame();
        if to_host {
            engine.filled = Some(frame);
        }
        IsoEnded { engine, buffer, length: if frame == started { Ok(length) } else { Err(Late) } }
    }
}

impl<B: Registers + DmaFence, T: ReadBuffer<Word = u8> + 'static> IsoTransfer<B, T> {
    /// Sends the first `length` bytes of `buffer`, unless `check` objects to its address and length. `frame` was read
    /// before.
    pub(super) fn send<K: From<NotInRam>>(
        engine: Engine<B>,
        buffer: T,
        frame: u16,
        length: usize,
        check: impl FnOnce(usize, usize) -> Result<(), K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        let check = |_: &Engine<B>, address, capacity| check(address, capacity).and(Ok(length));
        let transfer = Transfer::send(engine, Port::ISOIN, buffer, check)?;
        Ok(Self { transfer, frame, length, to_host: true })
    }
}

impl<B: Registers + DmaFence, T: WriteBuffer<Word = u8> + 'static> IsoTransfer<B, T> {
    /// Receives `length` bytes into `buffer`, unless `check` objects to its address and length. `frame` was read
    /// before.
    pub(super) fn receive<K: From<NotInRam>>(
        engine: Engine<B>,
        buffer: T,
        frame: u16,
        length: usize,
        check: impl FnOnce(usize, usize) -> Result<(), K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        let check = |_: &Engine<B>, address, capacity| check(address, capacity).and(Ok(length));
        let transfer = Transfer::receive(engine, Port::ISOOUT, buffer, check)?;
        Ok(Self { transfer, frame, length, to_host: false })
    }
}

/// Whether EasyDMA can be given a buffer that starts here: at a multiple of 4, if there is anything in it.
pub(super) const fn is_aligned(address: usize, length: usize) -> bool {
    length == 0 || address.is_multiple_of(4)
}

impl<B: Registers> Usbd<B> {
    /// Gives a direction its share of the buffer. `other` is the register that enables the other direction.
    pub(super) fn split(&mut self, share: Share, other: u16) -> Result<(), OpenError> {
        let is_other_open = self.bus.read(other) & 1 << NUMBER != 0;
        if is_other_open && (share == Share::Whole || self.bus.read(map::isosplit()) != share.isosplit()) {
            return Err(OpenError::Shared);
        }
        self.write(map::isosplit(), share.isosplit());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use super::super::WithoutData;
    use super::*;
    use crate::nrf52840::fake::Block;

    #[test]
    fn share_is_the_whole_buffer_or_half_of_it() {
        // nRF52840 PS, ISOSPLIT: 0 one direction, 0x80 half each. nrfx 4.2.1 `NRFX_USBD_ISOSIZE`.
        assert_eq!((Share::Whole.packet_size(), Share::Whole.isosplit()), (1023, 0));
        assert_eq!((Share::Half.packet_size(), Share::Half.isosplit()), (511, 0x80));
    }

    #[test]
    fn transfer_is_done_when_its_end_has_come_and_not_before() {
        let chip = Block::usbd();
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(&chip), Box::leak(Box::default()));
        let isoin = &mut endpoints.isoin;
        assert_eq!(isoin.open(&mut engine, Share::Whole, WithoutData::Silence), Ok(()));
        let transfer = isoin.send(engine, b"", 0).expect("it is open");
        chip.set(map::events_endisoin(), 0);
        let before = transfer.is_done();
        let transfer = transfer.end().expect_err("it runs");
        // Before anything can fail: a transfer that is dropped waits for it.
        chip.set(map::events_endisoin(), 1);
        assert_eq!([before, transfer.is_done()], [false, true]);
        assert_eq!(transfer.end().expect("it is done").length, Ok(0));
    }

    #[test]
    fn buffer_with_bytes_starts_at_a_multiple_of_four() {
        assert!([0x2000_0000, 0x2000_0004].into_iter().all(|address| is_aligned(address, 1)));
        assert!((0x2000_0001..0x2000_0004).all(|address| !is_aligned(address, 1) && is_aligned(address, 0)));
    }
}
