//! Endpoint 0 on the wire: tokens in, handshakes out.
//!
//! | stage | the host sends | the chip answers |
//! |---|---|---|
//! | SETUP | SETUP + 8 bytes | ACK, always; discards what went before; EP0SETUP |
//! | data, to the host | IN | DATA if a packet is armed, else NAK; after the host's ACK: EP0DATADONE |
//! | data, to the device | OUT + bytes | ACK if EP0RCVOUT was triggered, else NAK; EP0DATADONE |
//! | status of a read | OUT + 0 bytes | ACK if EP0STATUS was triggered, else NAK; no event |
//! | status of a write or of no data | IN | DATA1 of 0 bytes if EP0STATUS was triggered, else NAK; no event |
//! | data or status after EP0STALL | any | STALL, until the next SETUP |

use super::*;

/// The state of endpoint 0 in the USB core.
#[derive(Clone, Debug, Hash)]
pub(super) struct Ep0 {
    pub setup: [u8; 8],
    /// A control transfer was begun since power-up.
    pub begun: bool,
    /// The packet that the next IN token gets.
    pub armed: Option<Packet>,
    /// Bytes in the last OUT packet: SIZE.EPOUT[0].
    pub size: u8,
    pub out_buffer: [u8; PACKET_SIZE],
    /// An OUT packet waits for STARTEPOUT.
    pub received: bool,
    /// A packet that waited was dropped: by the SETUP that has come last, or by one before it since EP0SETUP was set.
    /// No START has asked for it since.
    pub discarded: bool,
    pub out_permitted: bool,
    pub status_permitted: bool,
    pub stalled: bool,
    pub data1: bool,
}

impl Default for Ep0 {
    fn default() -> Self {
        Self {
            setup: [0; 8],
            begun: false,
            armed: None,
            size: 0,
            out_buffer: [0; PACKET_SIZE],
            received: false,
            discarded: false,
            out_permitted: false,
            status_permitted: false,
            stalled: false,
            data1: true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Data,
    Status,
}

impl Ep0 {
    pub fn is_set_address(&self) -> bool {
        self.begun && rules::is_set_address(&self.setup)
    }

    /// Which stage an IN (`to_host`) or OUT token belongs to.
    fn stage(&self, to_host: bool) -> Stage {
        let length = u16::from_le_bytes([self.setup[6], self.setup[7]]);
        let data_to_host = self.setup[0] & 0x80 != 0;
        if length > 0 && data_to_host == to_host { Stage::Data } else { Stage::Status }
    }
}

impl Usbd {
    /// What endpoint 0 answers. It is enabled, and addressed.
    #[inline(always)]
    pub(super) fn answer_of_ep0(&self, token: &Token) -> Answer {
        let ep0 = &self.ep0;
        let permitted = |permitted, answer| if permitted { answer } else { Answer::Nak };
        // Erratum 154: the status stage needs no permission, and is not stalled.
        let unasked = self.has(Erratum::E154) && ep0.stage(matches!(token, Token::In)) == Stage::Status;
        let status_permitted = ep0.status_permitted || unasked;
        match token {
            Token::Setup(_) => Answer::Ack,
            _ if ep0.stalled && !unasked => Answer::Stall,
            _ if !ep0.begun => Answer::Nak,
            Token::In if ep0.stage(true) == Stage::Data => {
                ep0.armed.map_or(Answer::Nak, |packet| Answer::Data { data1: ep0.data1, packet })
            }
            Token::In => permitted(status_permitted, Answer::Data { data1: true, packet: Packet::EMPTY }),
            // A toggle that does not advance repeats a packet whose ACK was lost: acknowledged, not stored again.
            Token::Out { data1, .. } if ep0.stage(false) == Stage::Data && *data1 != ep0.data1 => Answer::Ack,
            Token::Out { .. } if ep0.stage(false) == Stage::Data => {
                permitted(ep0.out_permitted && !ep0.received, Answer::Ack)
            }
            Token::Out { .. } => permitted(status_permitted, Answer::Ack),
        }
    }

    /// The host's ACK for the packet that endpoint 0 has sent.
    pub(super) fn on_ack_of_ep0(&mut self) {
        match self.ep0.stage(true) {
            Stage::Data => {
                self.ep0.armed = None;
                self.ep0.data1 = !self.ep0.data1;
                self.signal(map::events_ep0datadone());
            }
            Stage::Status if self.ep0.is_set_address() => self.usbaddr = self.ep0.setup[2] & 0x7F,
            // The permission stays: a host that has lost the handshake tries again.
            Stage::Status => {}
        }
    }

    /// A SETUP, which was acknowledged.
    pub(super) fn on_setup(&mut self, setup: [u8; 8]) {
        self.make_job_stale();
        let setup_is_unseen = self.events & map::event_bit(map::events_ep0setup()) != 0;
        let Ep0 { received, discarded, out_permitted, size, out_buffer, .. } = self.ep0;
        let discarded = received || discarded && setup_is_unseen;
        let out_permitted = out_permitted && self.options.permission_of_out == PermissionOfOut::Outlives;
        let status_permitted = rules::is_set_address(&setup);
        let kept = Ep0 { discarded, out_permitted, size, out_buffer, status_permitted, ..Ep0::default() };
        self.ep0 = Ep0 { setup, begun: true, ..kept };
        self.signal(map::events_ep0setup());
    }

    /// An OUT packet that was acknowledged.
    pub(super) fn on_out_of_ep0(&mut self, data1: bool, packet: &Packet) {
        match self.ep0.stage(false) {
            Stage::Data if data1 == self.ep0.data1 => {
                self.ep0.out_buffer[..packet.bytes().len()].copy_from_slice(packet.bytes());
                self.ep0.size = packet.length();
                self.ep0.received = true;
                self.ep0.out_permitted = false;
                self.ep0.data1 = !self.ep0.data1;
                self.signal(map::events_ep0datadone());
            }
            Stage::Data | Stage::Status => {}
        }
    }

    pub(super) fn on_tasks_ep0rcvout(&mut self) {
        if !self.report(rules::check_task_while_busy(self, "TASKS_EP0RCVOUT")) {
            self.ep0.out_permitted = true;
        }
    }

    /// SIZE.EPOUT\[0\]: a write of any value drops the packet that waits, if there is one, and permits the next.
    pub(super) fn on_size_of_ep0(&mut self) {
        self.ep0.received = false;
        self.ep0.discarded = false;
        self.ep0.out_permitted = true;
    }

    pub(super) fn on_tasks_ep0status(&mut self) {
        let busy = self.report(rules::check_task_while_busy(self, "TASKS_EP0STATUS"));
        if !busy && !self.report(rules::check_status_on_set_address(self)) {
            self.ep0.status_permitted = true;
        }
    }

    pub(super) fn on_tasks_ep0stall(&mut self) {
        self.ep0.stalled = true;
    }
}
