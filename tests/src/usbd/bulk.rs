//! The CPU's side of endpoint 1: what it sends, what it receives, and why not.

use dma_api::nrf52840::usbd::{Endpoints, Engine, ReceiveError, Refused, SendError};
use sim_core::explore::Board;

use crate::usbd::firmware::{Bus, Firmware};
use crate::usbd::operations::{Fate, PACKET, Pipe, SLOTS, Way};
use crate::usbd::twin::Twin;

/// What a buffer holds before something is received into it.
pub const UNTOUCHED: u8 = 0xEE;

impl<B: Board> Firmware<B> {
    /// `send`.
    pub(super) fn send(
        &mut self,
        engine: Engine<Bus<B>>,
        mut endpoints: Endpoints,
        slot: u8,
        fate: Fate,
    ) -> &'static str {
        let (record, mut bytes) = (self.record.clone(), Vec::new());
        let to_host = record.packets(Pipe::Bulk, Way::In);
        let buffer = self.buffers.take(slot.into(), |memory| {
            to_host.borrow_mut().make(record.epoch.get(), memory);
            bytes = memory.to_vec();
        });
        match endpoints.epin[0].send(engine, buffer) {
            Ok(transfer) => {
                self.assert_is_packet(bytes.len());
                self.go_on(transfer, endpoints, slot, fate, |_, _, memory| {
                    assert_eq!(memory, bytes, "a buffer that is sent was written to");
                    "Ok"
                })
            }
            Err(Refused { kind, channel, buffer }) => {
                to_host.borrow_mut().take_back();
                self.put_back(channel, endpoints, slot, buffer);
                self.why_not_sent(kind)
            }
        }
    }

    /// `receive`.
    pub(super) fn receive(
        &mut self,
        engine: Engine<Bus<B>>,
        mut endpoints: Endpoints,
        slot: u8,
        fate: Fate,
    ) -> &'static str {
        let length = endpoints.epout[0].received(&engine);
        let buffer = self.buffers.take(slot.into(), |memory| memory.fill(UNTOUCHED));
        match endpoints.epout[0].receive(engine, buffer) {
            Ok(transfer) => self.go_on(transfer, endpoints, slot, fate, |this, _, memory| {
                this.look_at_received(length, memory);
                "Ok"
            }),
            Err(Refused { kind, channel, buffer }) => {
                self.put_back(channel, endpoints, slot, buffer);
                why_not_received(kind, slot)
            }
        }
    }

    /// `write`, of bytes on the stack that are something else right afterwards.
    pub(super) fn write(&self, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints, slot: u8) -> &'static str {
        let mut bytes = vec![0; SLOTS[usize::from(slot)]];
        let to_host = self.record.packets(Pipe::Bulk, Way::In);
        to_host.borrow_mut().make(self.record.epoch.get(), &mut bytes);
        self.record.is_copying.set(true);
        let outcome = endpoints.epin[0].write(engine, &bytes);
        self.record.is_copying.set(false);
        bytes.fill(UNTOUCHED);
        match outcome {
            Ok(()) => {
                self.assert_is_packet(bytes.len());
                "Ok"
            }
            Err(kind) => {
                to_host.borrow_mut().take_back();
                self.why_not_sent(kind)
            }
        }
    }

    /// `read`.
    pub(super) fn read(&self, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints, slot: u8) -> &'static str {
        let mut bytes = vec![UNTOUCHED; SLOTS[usize::from(slot)]];
        self.record.is_copying.set(true);
        let outcome = endpoints.epout[0].read(engine, &mut bytes);
        self.record.is_copying.set(false);
        match outcome {
            Ok(length) => {
                self.look_at_received(Some(length), &bytes);
                "Ok"
            }
            Err(kind) => {
                assert!(bytes.iter().all(|&byte| byte == UNTOUCHED), "nothing was read, and something written");
                why_not_received(kind, slot)
            }
        }
    }

    /// A packet, and nothing behind it. Its length is not known if it has come after the firmware has asked.
    fn look_at_received(&self, length: Option<usize>, memory: &[u8]) {
        let mut from_host = self.record.packets(Pipe::Bulk, Way::Out).borrow_mut();
        let length = length.or_else(|| from_host.length(*memory.first()?)).unwrap_or_default();
        let (packet, rest) = memory.split_at(length);
        assert!(rest.iter().all(|&byte| byte == UNTOUCHED), "more than the packet was written: {memory:?}");
        if let Err(message) = from_host.came_to_firmware(self.record.epoch.get(), packet) {
            panic!("from the host: {message}");
        }
    }

    fn assert_is_packet(&self, length: usize) {
        let is_due = length <= PACKET.into() || self.twin == Some(Twin::WrongReference);
        assert!(is_due, "{length} bytes were sent as one packet");
    }

    fn why_not_sent(&self, error: SendError) -> &'static str {
        match error {
            SendError::Closed => "Closed",
            SendError::Busy => "Busy",
            SendError::TooLong { length } => {
                let is_due = length > PACKET.into() && self.twin != Some(Twin::WrongReference);
                assert!(is_due, "{length} bytes are refused");
                "TooLong"
            }
            error => panic!("it was refused: {error}"),
        }
    }
}

fn why_not_received(error: ReceiveError, slot: u8) -> &'static str {
    match error {
        ReceiveError::Closed => "Closed",
        ReceiveError::Empty => "Empty",
        ReceiveError::TooShort { packet, buffer } => {
            assert!(packet > buffer && buffer == SLOTS[usize::from(slot)], "{packet} bytes fit {buffer}");
            "TooShort"
        }
        error => panic!("it was refused: {error}"),
    }
}
