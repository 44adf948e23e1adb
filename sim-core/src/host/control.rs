//! Control transfers: SETUP, data stage, status stage.

use dma_api::usb::Setup;

use super::descriptors::Configuration;
use super::requests::{self, consequence};
use super::{Host, HostError};
use crate::device::usbd::{Answer, Packet, Token};

/// How often a packet may come again before the host stops asking for the next.
const REPEATS: u32 = 3;

impl Host {
    /// SETUP: begins a control transfer.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist).
    pub async fn setup(&mut self, setup: Setup) -> Result<(), HostError> {
        self.pipes.pipe(0, true).last = None;
        self.insist(Token::Setup(setup.to_bytes())).await.map(drop)
    }

    /// IN: takes one packet, which must carry this toggle. One that repeats the packet before is dropped.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist), and [`HostError::Toggle`], [`HostError::Babble`].
    pub async fn packet_in(&mut self, data1: bool) -> Result<Packet, HostError> {
        self.packet_from(0, data1, None).await
    }

    /// One packet of any endpoint. `interval`: as in `insist_at`.
    pub(super) async fn packet_from(
        &mut self,
        endpoint: u8,
        data1: bool,
        interval: Option<u64>,
    ) -> Result<Packet, HostError> {
        let mut repeats = 0;
        loop {
            let (got, packet) = match self.insist_at(endpoint, Token::In, interval).await? {
                Answer::Data { data1, packet } => (data1, packet),
                other => return Err(HostError::Unexpected(format!("IN was answered with {other:?}"))),
            };
            let pipe = self.pipes.pipe(endpoint, true);
            let bytes = packet.bytes().len();
            if bytes > pipe.most {
                return Err(HostError::Babble { endpoint, most: pipe.most, got: bytes });
            }
            if got == data1 {
                pipe.last = Some(packet);
                return Ok(packet);
            }
            // The device has not seen the ACK of this one, it seems.
            repeats += 1;
            if pipe.last != Some(packet) || repeats == REPEATS {
                return Err(HostError::Toggle { endpoint, expected: data1.into(), got: got.into() });
            }
        }
    }

    /// OUT: sends one packet.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist).
    pub async fn packet_out(&mut self, data1: bool, packet: Packet) -> Result<(), HostError> {
        self.packet_to(0, data1, packet, None).await
    }

    /// One packet to any endpoint. `interval`: as in `insist_at`.
    pub(super) async fn packet_to(
        &mut self,
        endpoint: u8,
        data1: bool,
        packet: Packet,
        interval: Option<u64>,
    ) -> Result<(), HostError> {
        match self.insist_at(endpoint, Token::Out { data1, packet }, interval).await? {
            Answer::Ack => Ok(()),
            other => Err(HostError::Unexpected(format!("OUT was answered with {other:?}"))),
        }
    }

    /// A control transfer with an IN data stage, whole. Returns what the device sent. Without a data stage (wLength 0)
    /// it is one like [`control_out`](Self::control_out).
    ///
    /// # Errors
    ///
    /// As [`packet_in`](Self::packet_in), and [`HostError::TooLong`].
    pub async fn control_in(&mut self, setup: Setup) -> Result<Vec<u8>, HostError> {
        let asked = usize::from(setup.length);
        if asked == 0 {
            return self.control_out(setup, &[]).await.map(|()| Vec::new());
        }
        self.setup(setup).await?;
        let most = self.pipes.pipe(0, true).most;
        let mut bytes = Vec::new();
        let mut data1 = true;
        while bytes.len() < asked {
            let packet = self.packet_in(data1).await?;
            bytes.extend_from_slice(packet.bytes());
            data1 = !data1;
            if packet.bytes().len() < most {
                break;
            }
        }
        if bytes.len() > asked {
            return Err(HostError::TooLong { endpoint: 0, asked, got: bytes.len() });
        }
        self.packet_out(true, Packet::EMPTY).await?;
        Ok(bytes)
    }

    /// A control transfer with an OUT data stage, or without a data stage, whole.
    ///
    /// # Errors
    ///
    /// As [`packet_in`](Self::packet_in); [`HostError::Length`] if `data` is not as long as wLength says;
    /// [`HostError::Unexpected`] if the status stage carries data.
    pub async fn control_out(&mut self, setup: Setup, data: &[u8]) -> Result<(), HostError> {
        let (declared, length) = (usize::from(setup.length), data.len());
        if declared != length {
            return Err(HostError::Length { declared, length });
        }
        self.setup(setup).await?;
        let most = self.pipes.pipe(0, false).most;
        let mut data1 = true;
        for chunk in data.chunks(most) {
            self.packet_out(data1, Packet::new(chunk)).await?;
            data1 = !data1;
        }
        let status = self.packet_in(true).await?;
        if !status.bytes().is_empty() {
            return Err(HostError::Unexpected(format!("{} bytes came in a status stage", status.bytes().len())));
        }
        self.pipes.granted(consequence(setup));
        Ok(())
    }

    /// SET_ADDRESS. The device answers at the new address from then on.
    ///
    /// # Errors
    ///
    /// As [`control_out`](Self::control_out).
    pub async fn set_address(&mut self, address: u8) -> Result<(), HostError> {
        self.control_out(Setup::set_address(address), &[]).await?;
        self.address = address;
        Ok(())
    }

    /// SET_CONFIGURATION. All endpoints start with DATA0.
    ///
    /// # Errors
    ///
    /// As [`control_out`](Self::control_out).
    pub async fn set_configuration(&mut self, value: u8) -> Result<(), HostError> {
        self.control_out(Setup::set_configuration(value), &[]).await
    }

    /// SET_INTERFACE. Its endpoints start with DATA0; all do, when the host knows no configuration.
    ///
    /// # Errors
    ///
    /// As [`control_out`](Self::control_out).
    pub async fn set_interface(&mut self, interface: u8, alternate: u8) -> Result<(), HostError> {
        self.control_out(requests::set_interface(interface, alternate), &[]).await
    }

    /// CLEAR_FEATURE(ENDPOINT_HALT), by the endpoint's address (bit 7 is IN). It starts with DATA0.
    ///
    /// # Errors
    ///
    /// As [`control_out`](Self::control_out).
    pub async fn clear_halt(&mut self, endpoint_address: u8) -> Result<(), HostError> {
        self.control_out(requests::clear_halt(endpoint_address), &[]).await
    }

    /// Takes the packet size of endpoint 0 to be this: bMaxPacketSize0, from 8 to 64. It is 64 after a reset.
    pub fn set_control_packet_size(&mut self, bytes: u8) {
        self.pipes.set_control_packet_size(bytes.clamp(8, 64).into());
    }

    /// Takes the endpoints to be as this configuration says, from SET_CONFIGURATION on. A transfer on an endpoint that
    /// is not in it is an error from then on.
    pub fn use_configuration(&mut self, configuration: Configuration) {
        self.pipes.use_configuration(configuration);
    }
}
