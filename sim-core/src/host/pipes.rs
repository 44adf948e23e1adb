//! What the host keeps for each endpoint: toggle, packet size, interval.

use std::collections::BTreeMap;

use dma_api::nrf52840::usbd::map::PACKET_SIZE;

use super::HostError;
use super::descriptors::{Configuration, TransferType};
use super::requests::Consequence;
use crate::device::usbd::{ISO, ISO_PACKET_SIZE, Packet, Token};

/// The highest endpoint of the device: 1 to 7 for bulk and interrupt, 8 isochronous (nRF52840 PS, USBD).
const HIGHEST: u8 = 8;

/// The host's end of an endpoint, in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pipe {
    /// The toggle that is due.
    pub data1: bool,
    /// wMaxPacketSize, in bytes.
    pub most: usize,
    /// Frames from one poll of an interrupt endpoint to the next.
    pub interval: u64,
    /// The first frame in which an interrupt endpoint may be polled again.
    pub next_poll: u64,
    /// What it is for, where a configuration says so.
    pub transfer: Option<TransferType>,
    /// The packet that came last.
    pub last: Option<Packet>,
}

impl Default for Pipe {
    fn default() -> Self {
        Self { data1: false, most: PACKET_SIZE, interval: 1, next_poll: 0, transfer: None, last: None }
    }
}

impl Pipe {
    /// As after SET_CONFIGURATION: DATA0 is due.
    fn restart(&mut self) {
        self.data1 = false;
        self.last = None;
    }
}

/// All pipes, and what the device has said about its endpoints.
#[derive(Debug)]
pub(super) struct Pipes {
    input: [Pipe; HIGHEST as usize + 1],
    output: [Pipe; HIGHEST as usize + 1],
    configuration: Option<Configuration>,
    alternates: BTreeMap<u8, u8>,
}

/// Whether the device can have this endpoint at all.
pub(super) fn check_number(endpoint: u8, purpose: &'static str) -> Result<(), HostError> {
    let reason = match endpoint {
        0..=HIGHEST => return Ok(()),
        9..=15 => "the device has endpoints 0 to 8",
        _ => "endpoints are numbered from 0 to 15, and the direction is no part of the number",
    };
    Err(HostError::Endpoint { endpoint, purpose, reason })
}

impl Default for Pipes {
    fn default() -> Self {
        let mut pipes = [Pipe::default(); HIGHEST as usize + 1];
        pipes[ISO].most = ISO_PACKET_SIZE;
        Self { input: pipes, output: pipes, configuration: None, alternates: BTreeMap::new() }
    }
}

impl Pipes {
    /// As after a bus reset: nothing is known.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// One pipe. Its number was checked.
    pub fn pipe(&mut self, endpoint: u8, to_host: bool) -> &mut Pipe {
        let pipes = if to_host { &mut self.input } else { &mut self.output };
        &mut pipes[usize::from(endpoint)]
    }

    /// How many bytes a packet has at most that follows `token`.
    pub fn most(&self, endpoint: u8, token: &Token) -> usize {
        let pipes = if matches!(token, Token::In) { &self.input } else { &self.output };
        pipes[usize::from(endpoint)].most
    }

    /// bMaxPacketSize0 is this.
    pub fn set_control_packet_size(&mut self, bytes: usize) {
        self.input[0].most = bytes;
        self.output[0].most = bytes;
    }

    /// The pipe that a transfer of this type needs.
    pub fn check(&mut self, endpoint: u8, to_host: bool, transfer: TransferType) -> Result<(), HostError> {
        let purpose = match transfer {
            TransferType::Bulk => "for a bulk transfer",
            TransferType::Interrupt => "for an interrupt transfer",
            TransferType::Isochronous => "for an isochronous transfer",
            TransferType::Control => "for a control transfer",
        };
        check_number(endpoint, purpose)?;
        let is_configured = self.configuration.is_some();
        let reason = match self.pipe(endpoint, to_host).transfer {
            _ if endpoint == 0 => "endpoint 0 has control transfers only",
            _ if (usize::from(endpoint) == ISO) != (transfer == TransferType::Isochronous) => {
                "endpoint 8 of the device is isochronous, and no other is"
            }
            None if is_configured => "the configuration has none in this direction",
            Some(other) if other != transfer => "the configuration says that it is for transfers of another type",
            _ => return Ok(()),
        };
        Err(HostError::Endpoint { endpoint, purpose, reason })
    }

    /// The device has this configuration, which SET_CONFIGURATION is to choose.
    pub fn use_configuration(&mut self, configuration: Configuration) {
        self.configuration = Some(configuration);
    }

    /// A request was granted.
    pub fn granted(&mut self, consequence: Consequence) {
        match consequence {
            Consequence::None => {}
            Consequence::Configured(_) => {
                self.alternates.clear();
                self.restart_all();
                self.describe();
            }
            Consequence::Alternate { interface, alternate } => {
                self.alternates.insert(interface, alternate);
                match self.endpoints_of(interface) {
                    Some(addresses) => addresses.into_iter().for_each(|address| self.restart(address)),
                    None => self.restart_all(),
                }
                self.describe();
            }
            Consequence::Unhalted(address) => self.restart(address),
        }
    }

    fn restart_all(&mut self) {
        self.input[1..].iter_mut().chain(&mut self.output[1..]).for_each(Pipe::restart);
    }

    fn restart(&mut self, address: u8) {
        let number = address & 0x0F;
        if (1..=HIGHEST).contains(&number) {
            self.pipe(number, address & 0x80 != 0).restart();
        }
    }

    /// The addresses of an interface's endpoints, in all its settings. `None`: no configuration is known.
    fn endpoints_of(&self, interface: u8) -> Option<Vec<u8>> {
        let interfaces = self.configuration.as_ref()?.interfaces.iter().filter(|other| other.number == interface);
        Some(interfaces.flat_map(|interface| &interface.endpoints).map(|endpoint| endpoint.address).collect())
    }

    /// Takes packet sizes, intervals and types from the configuration, as its alternate settings are.
    fn describe(&mut self) {
        let Some(configuration) = self.configuration.clone() else {
            return;
        };
        for pipe in self.input[1..].iter_mut().chain(&mut self.output[1..]) {
            pipe.transfer = None;
        }
        let alternates = self.alternates.clone();
        let alternate = |interface| alternates.get(&interface).copied().unwrap_or_default();
        for endpoint in configuration.endpoints(alternate).filter(|endpoint| endpoint.number() <= HIGHEST) {
            let pipe = self.pipe(endpoint.number(), endpoint.is_in());
            pipe.most = endpoint.max_packet_size.into();
            pipe.interval = endpoint.interval.max(1).into();
            pipe.transfer = Some(endpoint.transfer);
        }
    }
}
