//! Endpoint 8: isochronous, IN and OUT, without handshakes.
//!
//! Each direction has two buffers, which change places at a start of frame: software has one, the wire the other.
//!
//! | | in frame k | SOF | in frame k + 1 |
//! |---|---|---|---|
//! | IN | END of STARTISOIN fills a buffer | | an IN token gets it, once; after this frame it is gone |
//! | OUT | a packet from the host fills a buffer | SIZE.ISOOUT | STARTISOOUT moves it to RAM |
//!
//! On silicon with erratum 166, and without its workaround, there is one buffer in each direction: what fills it is
//! what is sent or moved, in the same frame, until something else fills it.
//!
//! A packet has up to 1023 bytes, too many for a [`Packet`]: tokens to endpoint 8 have methods of their own.

use dma_api::nrf52840::usbd::map::size_isoout::{SIZE, ZERO};

use super::*;

/// The number of the isochronous endpoints.
pub const ISO: usize = 8;

/// The longest packet, in bytes, while one direction has the whole buffer.
pub const ISO_PACKET_SIZE: usize = 1023;

/// The longest packet while each direction has half of the buffer.
const HALF: usize = 512;

/// ISOSPLIT: half the buffer for each direction.
const HALF_IN: u32 = 0x80;

/// The state of both isochronous endpoints.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Iso {
    /// What is to be sent in the next frame.
    filled: Option<Box<[u8]>>,
    /// What is to be sent in this frame.
    sending: Option<Box<[u8]>>,
    /// What the host has sent in this frame.
    received: Option<Box<[u8]>>,
    /// What software can move: the packet of the last frame, and behind it what longer ones have left.
    buffer: Vec<u8>,
    /// Bytes of it, if there is one.
    size: Option<usize>,
    /// SIZE.ISOOUT has changed from what it is out of reset.
    counted: bool,
}

impl Iso {
    fn swap_in(&mut self) {
        self.sending = self.filled.take();
    }

    fn swap_out(&mut self) {
        let received = self.received.take();
        self.counted = true;
        self.size = None;
        if let Some(bytes) = received {
            self.hold(&bytes);
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.size = Some(bytes.len());
        if self.buffer.len() < bytes.len() {
            self.buffer.resize(bytes.len(), 0);
        }
        self.buffer[..bytes.len()].copy_from_slice(bytes);
    }

    /// SIZE.ISOOUT: 0 if there is no packet, ZERO if it has no bytes.
    fn size_isoout(&self) -> u32 {
        match self.size {
            None if !self.counted => ZERO.mask(),
            None => 0,
            Some(0) => ZERO.mask(),
            Some(size) => SIZE.put(u32::try_from(size).unwrap_or(u32::MAX)),
        }
    }
}

impl Usbd {
    fn iso_mut(&mut self) -> &mut Iso {
        self.iso.get_or_insert_default()
    }

    /// What the host gets for an IN token to endpoint 8: a packet, or nothing. There is no handshake.
    pub fn iso_in(&mut self, address: u8) -> Option<Box<[u8]>> {
        if !self.is_active() || address != self.usbaddr || !map::epinen::ISOIN.is_set(self.epinen) {
            return None;
        }
        let packet = self.iso.as_mut().and_then(|iso| iso.sending.take());
        packet.or_else(|| map::isoinconfig::RESPONSE.is_set(self.isoinconfig).then(Box::default))
    }

    /// An OUT packet to endpoint 8; `intact`: its CRC is right. There is no handshake.
    ///
    /// A corrupt packet raises ISOOUTCRC and can be moved as any other. What the buffer cannot hold is lost.
    pub fn iso_out(&mut self, address: u8, bytes: &[u8], intact: bool) {
        if !self.is_active() || address != self.usbaddr || !map::epouten::ISOOUT.is_set(self.epouten) {
            return;
        }
        let kept = &bytes[..bytes.len().min(self.iso_capacity())];
        if self.suffers_from(Erratum::E166) {
            self.iso_mut().hold(kept);
        } else {
            self.iso_mut().received = Some(kept.into());
        }
        if !intact {
            self.signal_cause(map::eventcause::ISOOUTCRC);
        }
    }

    /// A start of frame: the buffers change places.
    pub(super) fn swap_iso(&mut self) {
        // A chip that does not stream has nothing to change places.
        let used = map::epouten::ISOOUT.is_set(self.epouten) || map::epinen::ISOIN.is_set(self.epinen);
        if (used || self.iso.is_some()) && !self.suffers_from(Erratum::E166) {
            let iso = self.iso_mut();
            iso.swap_in();
            iso.swap_out();
        }
    }

    /// The bytes that one direction of the local buffer holds.
    pub(super) fn iso_capacity(&self) -> usize {
        if self.isosplit == HALF_IN { HALF } else { ISO_PACKET_SIZE }
    }

    pub(super) fn iso_is_armed(&self) -> bool {
        let single = self.suffers_from(Erratum::E166);
        self.iso.as_ref().is_some_and(|iso| if single { iso.sending.is_some() } else { iso.filled.is_some() })
    }

    pub(super) fn iso_is_full(&self) -> bool {
        self.iso.as_ref().is_some_and(|iso| iso.size.is_some())
    }

    /// SIZE.ISOOUT.
    pub(super) fn size_isoout(&self) -> u32 {
        self.iso.as_ref().map_or(ZERO.mask(), |iso| iso.size_isoout())
    }

    /// The first `length` bytes that STARTISOOUT moves.
    pub(super) fn iso_out_bytes(&self, length: usize) -> Box<[u8]> {
        let held = self.iso.as_ref().map_or(&[][..], |iso| &iso.buffer);
        let mut bytes = vec![0; length];
        let known = held.len().min(length);
        bytes[..known].copy_from_slice(&held[..known]);
        bytes.into()
    }

    pub(super) fn arm_iso(&mut self, bytes: Option<Box<[u8]>>) {
        if bytes.is_none() && self.iso.is_none() {
            return;
        }
        let single = self.suffers_from(Erratum::E166);
        let iso = self.iso_mut();
        let buffer = if single { &mut iso.sending } else { &mut iso.filled };
        *buffer = bytes;
    }
}
