//! Bulk and interrupt transfers: packets until the bytes are there, or a short one ends them.
//!
//! A transfer ends with the bytes that were asked for, or with a packet shorter than wMaxPacketSize, which may be
//! empty. A device that has a multiple of wMaxPacketSize to send, and less than was asked for, sends an empty packet
//! last; so does a host: [`bulk_out`](Host::bulk_out) of no bytes.

use super::descriptors::TransferType;
use super::{Host, HostError};
use crate::device::usbd::Packet;

impl Host {
    /// Takes up to `length` bytes from a bulk endpoint. With `length` 0: one packet, which must be empty.
    ///
    /// # Errors
    ///
    /// [`HostError::Endpoint`], [`HostError::Stalled`], [`HostError::NoAnswer`], [`HostError::Timeout`],
    /// [`HostError::Toggle`], [`HostError::Babble`], [`HostError::TooLong`].
    pub async fn bulk_in(&mut self, endpoint: u8, length: usize) -> Result<Vec<u8>, HostError> {
        self.receive(endpoint, length, TransferType::Bulk).await
    }

    /// Sends bytes to a bulk endpoint. No bytes are one empty packet.
    ///
    /// # Errors
    ///
    /// [`HostError::Endpoint`], [`HostError::Stalled`], [`HostError::NoAnswer`], [`HostError::Timeout`].
    pub async fn bulk_out(&mut self, endpoint: u8, bytes: &[u8]) -> Result<(), HostError> {
        self.send(endpoint, bytes, TransferType::Bulk).await
    }

    /// Takes up to `length` bytes from an interrupt endpoint, a packet an interval.
    ///
    /// The endpoint is polled in frames that are an interval apart. Of the polls that are answered with NAK the first
    /// is sent, and then the one that is answered otherwise.
    ///
    /// # Errors
    ///
    /// As [`bulk_in`](Self::bulk_in).
    pub async fn interrupt_in(&mut self, endpoint: u8, length: usize) -> Result<Vec<u8>, HostError> {
        self.receive(endpoint, length, TransferType::Interrupt).await
    }

    /// Sends bytes to an interrupt endpoint, a packet an interval.
    ///
    /// # Errors
    ///
    /// As [`bulk_out`](Self::bulk_out).
    pub async fn interrupt_out(&mut self, endpoint: u8, bytes: &[u8]) -> Result<(), HostError> {
        self.send(endpoint, bytes, TransferType::Interrupt).await
    }

    async fn receive(&mut self, endpoint: u8, asked: usize, transfer: TransferType) -> Result<Vec<u8>, HostError> {
        self.pipes.check(endpoint, true, transfer)?;
        let mut bytes = Vec::new();
        loop {
            let interval = self.wait_for_poll(endpoint, true, transfer).await?;
            let data1 = self.pipes.pipe(endpoint, true).data1;
            let packet = self.packet_from(endpoint, data1, interval).await?;
            let pipe = self.pipes.pipe(endpoint, true);
            pipe.data1 = !data1;
            pipe.next_poll = self.clock.frames() + pipe.interval;
            bytes.extend_from_slice(packet.bytes());
            if bytes.len() > asked {
                return Err(HostError::TooLong { endpoint, asked, got: bytes.len() });
            }
            if bytes.len() == asked || packet.bytes().len() < pipe.most {
                return Ok(bytes);
            }
        }
    }

    async fn send(&mut self, endpoint: u8, bytes: &[u8], transfer: TransferType) -> Result<(), HostError> {
        self.pipes.check(endpoint, false, transfer)?;
        let most = self.pipes.pipe(endpoint, false).most;
        let (packets, empty): (_, &[&[u8]]) = (bytes.chunks(most), if bytes.is_empty() { &[&[]] } else { &[] });
        for packet in packets.chain(empty.iter().copied()) {
            let interval = self.wait_for_poll(endpoint, false, transfer).await?;
            let data1 = self.pipes.pipe(endpoint, false).data1;
            self.packet_to(endpoint, data1, Packet::new(packet), interval).await?;
            let pipe = self.pipes.pipe(endpoint, false);
            pipe.data1 = !data1;
            pipe.next_poll = self.clock.frames() + pipe.interval;
        }
        Ok(())
    }

    /// Waits for the frame in which an interrupt endpoint is due. Returns its interval.
    async fn wait_for_poll(
        &mut self,
        endpoint: u8,
        to_host: bool,
        transfer: TransferType,
    ) -> Result<Option<u64>, HostError> {
        if transfer != TransferType::Interrupt {
            return Ok(None);
        }
        let pipe = *self.pipes.pipe(endpoint, to_host);
        self.until_frame(pipe.next_poll).await?;
        Ok(Some(pipe.interval))
    }
}
