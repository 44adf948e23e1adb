//! Isochronous packets: one a frame, without handshake, without retry.

use super::descriptors::TransferType;
use super::{Host, HostError, Isochronous, Reply, Step, clock};

/// The isochronous endpoint.
const ENDPOINT: u8 = 8;

impl Host {
    /// Asks the isochronous endpoint for this frame's packet. `None`: none came, or one with a bad CRC.
    ///
    /// One token a frame: the second begins the next.
    ///
    /// # Errors
    ///
    /// [`HostError::Endpoint`], [`HostError::Suspended`], [`HostError::Abandoned`], [`HostError::Babble`].
    pub async fn isochronous_in(&mut self) -> Result<Option<Vec<u8>>, HostError> {
        let most = self.wait_for_turn(true, None).await?;
        let packet = self.exchange(None).await?;
        let got = packet.as_ref().map_or(0, |bytes| bytes.len());
        self.clock.spend(clock::isochronous(got));
        if got > most {
            return Err(HostError::Babble { endpoint: ENDPOINT, most, got });
        }
        Ok(packet.map(|bytes| bytes.into_vec()))
    }

    /// Sends this frame's packet to the isochronous endpoint. Whether it arrives, nobody says.
    ///
    /// # Errors
    ///
    /// [`HostError::Endpoint`], [`HostError::Suspended`], [`HostError::Abandoned`]; [`HostError::Length`] for more than
    /// wMaxPacketSize, 1023 where no configuration is known.
    pub async fn isochronous_out(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.wait_for_turn(false, Some(bytes.len())).await?;
        self.exchange(Some(bytes)).await?;
        self.clock.spend(clock::isochronous(bytes.len()));
        Ok(())
    }

    /// Waits for a frame in which the endpoint was not spoken to, and which has room. Returns wMaxPacketSize.
    async fn wait_for_turn(&mut self, to_host: bool, length: Option<usize>) -> Result<usize, HostError> {
        self.pipes.check(ENDPOINT, to_host, TransferType::Isochronous)?;
        self.may_send(ENDPOINT, if to_host { "IN" } else { "OUT" })?;
        let most = self.pipes.pipe(ENDPOINT, to_host).most;
        if let Some(length) = length.filter(|&length| length > most) {
            return Err(HostError::Length { declared: most, length });
        }
        let due = self.pipes.pipe(ENDPOINT, to_host).next_poll;
        self.until_frame(due).await?;
        if !self.clock.fits(clock::isochronous(length.unwrap_or(most))) {
            self.begin_frame().await?;
        }
        self.pipes.pipe(ENDPOINT, to_host).next_poll = self.clock.frames() + 1;
        Ok(most)
    }

    async fn exchange(&mut self, sends: Option<&[u8]>) -> Result<Option<Box<[u8]>>, HostError> {
        let (address, fault) = (self.address, self.fault.take());
        let step = Step::Isochronous(Isochronous { address, sends: sends.map(Into::into), fault });
        match self.carry(&step).await? {
            Reply::Packet(packet) => Ok(packet),
            other => Err(HostError::Unexpected(format!("the wire has {other:?} for an isochronous packet"))),
        }
    }
}
