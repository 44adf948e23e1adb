//! The USB host's side of the system: transactions, frames, the cable.

use super::*;
use crate::device::usbd::{Answer, Token};
use crate::host::{Fault as WireFault, Isochronous, Transaction};

impl Soc {
    /// Whether a host sees a device: pulled up, and at the other end of a cable.
    pub fn is_connected(&self) -> bool {
        self.plugged && self.usbd.is_connected()
    }

    /// The host resets the bus. Nothing happens to a device that is not connected.
    pub fn bus_reset(&mut self) {
        self.trace.note(None, || Record::BusReset);
        if self.plugged {
            self.usbd.bus_reset();
        }
        self.generation += 1;
        self.drop_orphan();
        self.note_levels();
    }

    /// The host begins a frame.
    pub fn start_of_frame(&mut self, frame: u16) {
        self.trace.note(None, || Record::StartOfFrame(frame));
        if self.plugged {
            self.usbd.start_of_frame(frame);
        }
        self.generation += 1;
        self.note_levels();
    }

    /// The host lets the bus idle: after 3 ms the device sees a suspension.
    pub fn suspend(&mut self) {
        self.trace.note(None, || Record::Suspend);
        self.usbd.suspend();
        self.generation += 1;
        self.note_levels();
    }

    /// The host resumes the bus.
    pub fn resume(&mut self) {
        self.trace.note(None, || Record::Resume);
        if self.plugged {
            self.usbd.resume();
        }
        self.generation += 1;
        self.note_levels();
    }

    /// Whether the device asks for a resume, and a host sees it.
    pub fn is_driving_resume(&self) -> bool {
        self.plugged && self.usbd.is_driving_resume()
    }

    /// The cable is plugged in, or pulled, and VBUS with it. Unspecified; we chose: to a chip whose VBUS is always
    /// there ([`Supply::Always`](crate::device::usbd::Supply)), a pulled cable is an idle bus.
    pub fn plug(&mut self, plugged: bool) {
        self.plugged = plugged;
        self.trace.note(None, || Record::Cable { plugged });
        if self.power.is_modelled() {
            self.power.set_vbus(plugged);
            self.feed();
        } else if !plugged {
            self.usbd.suspend();
        }
        self.generation += 1;
        self.note_levels();
    }

    /// One transaction on the wire: token, answer, and the host's ACK if it was given data.
    pub fn transaction(&mut self, address: u8, endpoint: u8, token: Token) -> Answer {
        self.carry_out(&Transaction::new(address, endpoint, token), None)
    }

    /// What a transaction would be answered, without any effect.
    pub fn answer(&self, transaction: &Transaction) -> Answer {
        let Transaction { address, endpoint, token, .. } = transaction;
        if self.plugged { self.usbd.answer(*address, *endpoint, token) } else { Answer::Silence }
    }

    /// Whether a transaction would be answered with NAK: no packet is looked at.
    pub(crate) fn is_answered_nak(&self, transaction: &Transaction) -> bool {
        let Transaction { address, endpoint, token, .. } = transaction;
        self.plugged && self.usbd.answers_nak(*address, *endpoint, token)
    }

    /// One transaction on the wire, to which `fault` happens there. Returns what the host sees.
    pub(crate) fn carry_out(&mut self, transaction: &Transaction, fault: Option<WireFault>) -> Answer {
        let &Transaction { address, endpoint, ref token, .. } = transaction;
        let arriving = WireFault::arriving(fault, token).filter(|_| self.plugged);
        let answer = arriving.map_or(Answer::Silence, |token| self.usbd.token(address, endpoint, &token));
        self.trace.note(None, || Record::Transaction { address, endpoint, token: *token, answer, fault });
        if WireFault::is_acknowledged(fault, answer) {
            self.usbd.acknowledge(endpoint);
        }
        if !matches!(answer, Answer::Nak | Answer::Silence) {
            self.generation += 1;
        }
        self.settle(Site::Host { endpoint });
        WireFault::returning(fault, answer)
    }

    /// An IN token to the isochronous endpoint, and what the host gets.
    pub fn iso_in(&mut self, address: u8) -> Option<Box<[u8]>> {
        self.carry_out_isochronous(&Isochronous { address, sends: None, fault: None })
    }

    /// An OUT packet to the isochronous endpoint; `intact`: its CRC is right.
    pub fn iso_out(&mut self, address: u8, bytes: &[u8], intact: bool) {
        let fault = (!intact).then_some(WireFault::CorruptedPacket);
        self.carry_out_isochronous(&Isochronous { address, sends: Some(bytes.into()), fault });
    }

    /// One isochronous transaction, with what happens to it. Returns the packet that the host can make sense of.
    pub(crate) fn carry_out_isochronous(&mut self, transaction: &Isochronous) -> Option<Box<[u8]>> {
        let &Isochronous { address, ref sends, fault } = transaction;
        let arrives = self.plugged && fault != Some(WireFault::LostToken);
        let is_intact = fault != Some(WireFault::CorruptedPacket);
        let mut sent = None;
        match sends {
            _ if !arrives => {}
            Some(bytes) => self.usbd.iso_out(address, bytes, is_intact),
            None => sent = self.usbd.iso_in(address),
        }
        self.generation += 1;
        let (to_host, bytes) = (sends.is_none(), sends.as_deref().map(Into::into));
        self.trace.note(None, || Record::Isochronous { address, to_host, bytes: bytes.or(sent.clone()), fault });
        self.note_levels();
        sent.filter(|_| is_intact)
    }
}
