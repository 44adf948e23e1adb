//! Virtual time: bit times, frames, and what a transaction costs.
//!
//! Full speed: 12 bits a microsecond, 12 000 a frame. A transaction costs its packets and the gaps between them, as
//! USB 2.0 tables 5-4 to 5-9 count them: 13 bytes besides the data where there is a handshake, 9 where there is none
//! (isochronous). So 19 bulk packets of 64 bytes go into a frame, 33 of 32, 51 of 16, 71 of 8.
//!
//! *Modelled*: a transaction is not begun that may not end in its frame; the host then begins the next with SOF.
//! *Not modelled*: bit stuffing; the time that the device's CPU and its DMA take, which is the explorer's to choose.
//! *Unspecified; we chose*: a NAK costs its time once, however long it is repeated, so a frame's number is the least
//! that it can be; frames in which the host has nothing to do begin without SOF, and are only counted.

use crate::device::usbd::{Answer, Token};

/// Bit times of a frame, which takes a millisecond.
const FRAME: u64 = 12_000;

/// Bytes of a token with its gap: SYNC, PID, address and CRC5, bus turn-around.
const TOKEN: u64 = 5;

/// Bytes around the data of a packet: SYNC, PID, CRC16.
const AROUND_DATA: u64 = 4;

/// Bytes of a handshake with its gaps: SYNC, PID, bus turn-around.
const HANDSHAKE: u64 = 4;

/// Bytes of SOF: SYNC, PID, frame number and CRC5.
const START_OF_FRAME: u64 = 4;

/// How long a host waits for an answer, in bytes: 18 bit times (USB 2.0 7.1.19.1), and some.
const NO_ANSWER: u64 = 3;

/// The time since the host was switched on.
///
/// ```
/// # use sim_core::host::clock::Clock;
/// let clock = Clock::default();
/// assert_eq!((clock.frame(), clock.bit_times()), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock {
    bits: u64,
}

impl Clock {
    /// The number of the frame, as SOF has it: 11 bits.
    pub fn frame(self) -> u16 {
        u16::try_from(self.frames() % 2048).expect("below 2048")
    }

    /// The time in bit times: 12 a microsecond.
    pub fn bit_times(self) -> u64 {
        self.bits
    }

    /// Frames begun since the host was switched on.
    pub(super) fn frames(self) -> u64 {
        self.bits / FRAME
    }

    /// Whether something that takes `bits` ends in this frame.
    pub(super) fn fits(self, bits: u64) -> bool {
        self.bits % FRAME + bits <= FRAME
    }

    pub(super) fn spend(&mut self, bits: u64) {
        self.bits += bits;
    }

    /// Goes on by whole milliseconds, to the beginning of a frame.
    pub(super) fn skip_ms(&mut self, milliseconds: u64) {
        self.bits = (self.frames() + milliseconds) * FRAME;
    }

    /// Goes to the beginning of the next frame and through its SOF.
    pub(super) fn begin_frame(&mut self) {
        self.skip_ms(1);
        self.bits += START_OF_FRAME * 8;
    }
}

/// The bit times that a transaction may take, before its answer is known. `most` is what the endpoint may send.
pub(super) fn longest(token: &Token, most: usize) -> u64 {
    (TOKEN + AROUND_DATA + data(token).unwrap_or(most as u64) + HANDSHAKE) * 8
}

/// The bit times that a transaction took. `answer` is what the host saw.
pub(super) fn cost(token: &Token, answer: &Answer) -> u64 {
    let sent = data(token).map_or(0, |bytes| AROUND_DATA + bytes);
    let answered = match answer {
        Answer::Silence => NO_ANSWER,
        Answer::Ack | Answer::Nak | Answer::Stall => HANDSHAKE,
        Answer::Data { packet, .. } => AROUND_DATA + u64::from(packet.length()) + HANDSHAKE,
    };
    (TOKEN + sent + answered) * 8
}

/// The bit times of an isochronous transaction.
pub(super) fn isochronous(length: usize) -> u64 {
    (TOKEN + AROUND_DATA + length as u64) * 8
}

/// How many bytes the host sends with a token.
fn data(token: &Token) -> Option<u64> {
    match token {
        Token::Setup(_) => Some(8),
        Token::In => None,
        Token::Out { packet, .. } => Some(packet.length().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::usbd::Packet;

    /// How many OUT packets of this length a frame takes after its SOF.
    fn packets_in_a_frame(length: usize) -> usize {
        let mut clock = Clock::default();
        clock.begin_frame();
        let token = Token::Out { data1: false, packet: Packet::new(&[0; 64][..length]) };
        let frame = clock.frame();
        let mut packets = 0;
        while clock.fits(longest(&token, 64)) {
            clock.spend(cost(&token, &Answer::Ack));
            packets += 1;
        }
        assert!(clock.frame() == frame || clock.bits % FRAME == 0, "a packet runs over the end of its frame");
        packets
    }

    #[test]
    fn frame_takes_as_many_bulk_packets_as_the_standard_says() {
        // USB 2.0 table 5-8, but for 8 bytes a packet: 71 without SOF.
        assert_eq!([64, 32, 16].map(packets_in_a_frame), [19, 33, 51]);
        assert_eq!(packets_in_a_frame(8), 71);
    }

    #[test]
    fn packet_from_the_device_costs_what_one_to_it_does() {
        let packet = Packet::new(&[1; 20]);
        let received = cost(&Token::In, &Answer::Data { data1: true, packet });
        assert_eq!(received, cost(&Token::Out { data1: true, packet }, &Answer::Ack));
        assert_eq!(received, (13 + 20) * 8);
        assert!(cost(&Token::In, &Answer::Nak) < received);
    }

    #[test]
    fn frame_number_has_eleven_bits() {
        let mut clock = Clock::default();
        clock.skip_ms(2047);
        assert_eq!(clock.frame(), 2047);
        clock.begin_frame();
        assert_eq!((clock.frame(), clock.frames()), (0, 2048));
    }
}
