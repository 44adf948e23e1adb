//! The packets of a transaction, as they stand on a full-speed bus.
//!
//! ```text
//! SETUP, OUT    token, data, handshake         the handshake is the device's
//! IN            token, data, ACK               the ACK is the host's; or token, NAK or STALL
//! isochronous   token, data                    DATA0, and nobody answers; or token, from a device that has nothing
//! ```
//!
//! *Modelled*: PID, address, endpoint, bytes, CRC5, CRC16, in the order of the wire (USB 2.0 §8.3, §8.4); the time
//! that each takes at 12 Mbit/s with SYNC and EOP; the pause between two packets; the host's timeout where no answer
//! comes.
//!
//! *Not modelled*: stuffed bits (a packet may take a seventh longer). A token that is lost is on the wire all the same:
//! this is what the host's end of the cable sees.
//!
//! *Unspecified; we chose*: a pause of 2 bit times, the least that USB 2.0 §7.1.18.1 allows, and a timeout of 18, the
//! most that a host waits (§7.1.19.1).

use super::Record;
use crate::device::usbd::{Answer, Token};
use crate::host::Fault;

/// The isochronous endpoint.
const ISO: u8 = 8;

const PAUSE_BITS: u64 = 2;
const TIMEOUT_BITS: u64 = 18;
/// SYNC before a packet, EOP after it.
const FRAMING_BITS: u64 = 8 + 3;

/// Four bits that say what a packet is (USB 2.0 table 8-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pid {
    Out = 0b0001,
    In = 0b1001,
    Setup = 0b1101,
    Sof = 0b0101,
    Data0 = 0b0011,
    Data1 = 0b1011,
    Ack = 0b0010,
    Nak = 0b1010,
    Stall = 0b1110,
}

impl Pid {
    fn data(data1: bool) -> Self {
        if data1 { Self::Data1 } else { Self::Data0 }
    }

    /// On the wire the four bits are followed by their complement.
    fn byte(self) -> u8 {
        self as u8 | (!(self as u8) << 4)
    }
}

/// A packet, with its time.
///
/// See [`Packets`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WirePacket {
    /// From PID to CRC.
    pub bytes: Vec<u8>,
    /// When its SYNC begins, in nanoseconds since the transaction's first.
    pub start_ns: u64,
}

/// The packets of one transaction, and how long it takes before the next can begin.
///
/// ```
/// # use sim_core::trace::wire::Packets;
/// let frame = Packets::start_of_frame(1);
/// assert_eq!(frame.packets[0].bytes, [0xA5, 0x01, 0xE8], "PID, frame number, CRC5");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packets {
    /// In the order of the wire.
    pub packets: Vec<WirePacket>,
    /// Nanoseconds from the first SYNC to the end of the last pause.
    pub duration_ns: u64,
}

impl Packets {
    /// What host and device send in this transaction, where this happens to it.
    pub fn new(address: u8, endpoint: u8, token: &Token, answer: &Answer, fault: Option<Fault>) -> Self {
        let mut wire = Wire { corrupts: fault == Some(Fault::CorruptedPacket), ..Wire::default() };
        match token {
            Token::Setup(bytes) => {
                wire.token(Pid::Setup, address, endpoint);
                wire.data(false, bytes);
            }
            Token::In => wire.token(Pid::In, address, endpoint),
            Token::Out { data1, packet } => {
                wire.token(Pid::Out, address, endpoint);
                wire.data(*data1 != (fault == Some(Fault::WrongToggle)), packet.bytes());
            }
        }
        let is_lost = fault == Some(Fault::LostHandshake);
        match answer {
            Answer::Data { data1, packet } => {
                wire.data(*data1, packet.bytes());
                if Fault::is_acknowledged(fault, *answer) {
                    wire.handshake(Pid::Ack);
                }
            }
            Answer::Silence => wire.bits += TIMEOUT_BITS,
            _ if is_lost => wire.bits += TIMEOUT_BITS,
            Answer::Ack => wire.handshake(Pid::Ack),
            Answer::Nak => wire.handshake(Pid::Nak),
            Answer::Stall => wire.handshake(Pid::Stall),
        }
        Self { packets: wire.packets, duration_ns: nanoseconds(wire.bits) }
    }

    /// A packet to or from the isochronous endpoint.
    pub fn isochronous(address: u8, to_host: bool, bytes: Option<&[u8]>, fault: Option<Fault>) -> Self {
        let mut wire = Wire { corrupts: fault == Some(Fault::CorruptedPacket), ..Wire::default() };
        wire.token(if to_host { Pid::In } else { Pid::Out }, address, ISO);
        match bytes {
            Some(bytes) => wire.data(false, bytes),
            None => wire.bits += TIMEOUT_BITS,
        }
        Self { packets: wire.packets, duration_ns: nanoseconds(wire.bits) }
    }

    /// The packet that begins a frame.
    pub fn start_of_frame(frame: u16) -> Self {
        let [low, high] = (frame & 0x7FF).to_le_bytes();
        let mut wire = Wire::default();
        // The frame's number stands where a token has address and endpoint.
        wire.token(Pid::Sof, low & 0x7F, low >> 7 | high << 1);
        Self { packets: wire.packets, duration_ns: nanoseconds(wire.bits) }
    }

    /// The packets of a record, if it has any.
    pub fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Transaction { address, endpoint, token, answer, fault } => {
                Some(Self::new(*address, *endpoint, token, answer, *fault))
            }
            Record::Isochronous { address, to_host, bytes, fault } => {
                Some(Self::isochronous(*address, *to_host, bytes.as_deref(), *fault))
            }
            Record::StartOfFrame(frame) => Some(Self::start_of_frame(*frame)),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Wire {
    packets: Vec<WirePacket>,
    bits: u64,
    /// Data packets have a wrong CRC.
    corrupts: bool,
}

impl Wire {
    fn token(&mut self, pid: Pid, address: u8, endpoint: u8) {
        let [low, high] = token_field(address, endpoint).to_le_bytes();
        self.push(vec![pid.byte(), low, high]);
    }

    fn data(&mut self, data1: bool, bytes: &[u8]) {
        let crc = (crc16(bytes) ^ u16::from(self.corrupts)).to_le_bytes();
        self.push([&[Pid::data(data1).byte()], bytes, &crc].concat());
    }

    fn handshake(&mut self, pid: Pid) {
        self.push(vec![pid.byte()]);
    }

    fn push(&mut self, bytes: Vec<u8>) {
        let start_ns = nanoseconds(self.bits);
        self.bits += FRAMING_BITS + 8 * bytes.len() as u64 + PAUSE_BITS;
        self.packets.push(WirePacket { bytes, start_ns });
    }
}

fn nanoseconds(bits: u64) -> u64 {
    bits * 250 / 3
}

/// Address, endpoint and the CRC5 of the two.
fn token_field(address: u8, endpoint: u8) -> u16 {
    let field = u16::from(address & 0x7F) | u16::from(endpoint & 0xF) << 7;
    field | crc5(bits(&field.to_le_bytes()).take(11)) << 11
}

fn crc5(bits: impl Iterator<Item = bool>) -> u16 {
    crc(bits, 0b1_0100, 0x1F)
}

fn crc16(bytes: &[u8]) -> u16 {
    crc(bits(bytes), 0xA001, 0xFFFF)
}

/// A USB CRC (§8.3.5): all ones first, the complement last. `polynomial` is reversed, as the lowest bit is sent first.
///
/// Bit by bit, since what a token's CRC covers are 11 bits, where the CRC crates take bytes.
fn crc(bits: impl Iterator<Item = bool>, polynomial: u16, ones: u16) -> u16 {
    let remainder = bits.fold(ones, |remainder, bit| {
        let subtract = (remainder & 1 == 1) != bit;
        (remainder >> 1) ^ if subtract { polynomial } else { 0 }
    });
    remainder ^ ones
}

fn bits(bytes: &[u8]) -> impl Iterator<Item = bool> {
    bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::usbd::Packet;

    const GET_DESCRIPTOR: [u8; 8] = [0x80, 6, 0, 1, 0, 0, 0x40, 0];

    fn bytes(token: Token, answer: Answer) -> Vec<Vec<u8>> {
        Packets::new(0, 0, &token, &answer, None).packets.into_iter().map(|packet| packet.bytes).collect()
    }

    // The check values of CRC-5/USB and CRC-16/USB in the RevEng catalogue.
    #[test]
    fn crcs_of_the_check_string_are_the_catalogues() {
        assert_eq!(crc5(bits(b"123456789")), 0x19);
        assert_eq!(crc16(b"123456789"), 0xB4C8);
    }

    // The examples of "Cyclic Redundancy Checks in USB" (usb.org), which writes the CRC in the order of the wire.
    #[test]
    fn token_of_every_address_and_endpoint_has_its_crc() {
        for (address, endpoint, on_the_wire) in [(0x15, 0xE, 0b10111), (0x3A, 0xA, 0b11100), (0x70, 0x4, 0b01110_u8)] {
            let crc = u16::from(on_the_wire.reverse_bits() >> 3);
            let field = u16::from(address) | u16::from(endpoint) << 7;
            assert_eq!(token_field(address, endpoint), field | crc << 11, "address {address:#x}");
        }
    }

    // A frame of any capture of an enumeration.
    #[test]
    fn setup_is_the_three_packets_of_a_capture() {
        let setup = vec![0x2D, 0x00, 0x10];
        let data = vec![0xC3, 0x80, 0x06, 0x00, 0x01, 0x00, 0x00, 0x40, 0x00, 0xDD, 0x94];
        assert_eq!(bytes(Token::Setup(GET_DESCRIPTOR), Answer::Ack), [setup, data, vec![0xD2]]);
    }

    #[test]
    fn one_wrong_bit_changes_the_crc() {
        for bit in 0..64 {
            let mut wrong = GET_DESCRIPTOR;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(crc16(&wrong), 0x94DD, "bit {bit}");
        }
        for bit in 0..7 {
            assert_ne!(token_field(1 << bit, 0) >> 11, token_field(0, 0) >> 11, "bit {bit} of the address");
        }
    }

    // 1111 0111 0101 1110 in the order of the wire: "Cyclic Redundancy Checks in USB", usb.org.
    #[test]
    fn data_of_the_device_gets_the_hosts_ack() {
        let data = Answer::Data { data1: true, packet: Packet::new(&[0, 1, 2, 3]) };
        assert_eq!(bytes(Token::In, data), [vec![0x69, 0, 0x10], vec![0x4B, 0, 1, 2, 3, 0xEF, 0x7A], vec![0xD2]]);
        assert_eq!(bytes(Token::In, Answer::Nak), [vec![0x69, 0, 0x10], vec![0x5A]]);
    }

    #[test]
    fn start_of_frame_has_its_number_and_crc() {
        let bytes = |frame| Packets::start_of_frame(frame).packets[0].bytes.clone();
        assert_eq!(bytes(1), [0xA5, 0x01, 0xE8]);
        assert_eq!(bytes(0x7FF)[1..], [0xFF, token_field(0x7F, 0xF).to_le_bytes()[1]]);
        assert_eq!(bytes(0x800), bytes(0), "eleven bits");
    }

    #[test]
    fn isochronous_packet_has_no_handshake() {
        let packets = |to_host, bytes, fault| Packets::isochronous(5, to_host, bytes, fault).packets;
        let sent = packets(false, Some(&[1, 2, 3][..]), None);
        assert_eq!(sent.iter().map(|packet| packet.bytes[0]).collect::<Vec<_>>(), [0xE1, 0xC3]);
        assert_eq!(packets(true, None, None).len(), 1);
        let corrupted = packets(false, Some(&[1, 2, 3][..]), Some(Fault::CorruptedPacket));
        assert_ne!(corrupted[1].bytes, sent[1].bytes, "the CRC is wrong");
    }

    #[test]
    fn faults_are_seen_on_the_wire() {
        let data = Answer::Data { data1: true, packet: Packet::new(&[1, 2]) };
        let packets = |token, answer, fault| Packets::new(0, 0, &token, &answer, fault).packets;
        assert_eq!(packets(Token::In, data, None).len(), 3);
        let unacknowledged = packets(Token::In, data, Some(Fault::LostHandshake));
        assert_eq!(unacknowledged.len(), 2, "the host's ACK is lost");
        let out = Token::Out { data1: false, packet: Packet::new(&[1, 2]) };
        assert_eq!(packets(out, Answer::Ack, Some(Fault::LostHandshake)).len(), 2, "the device's ACK is lost");
        let corrupted = packets(out, Answer::Silence, Some(Fault::CorruptedPacket));
        assert_ne!(corrupted[1].bytes, packets(out, Answer::Ack, None)[1].bytes, "the CRC is wrong");
        assert_eq!(packets(out, Answer::Ack, Some(Fault::WrongToggle))[1].bytes[0], Pid::Data1.byte());
    }

    #[test]
    fn packet_without_bytes_has_its_crc() {
        let out = Token::Out { data1: true, packet: Packet::EMPTY };
        assert_eq!(bytes(out, Answer::Stall), [vec![0xE1, 0, 0x10], vec![0x4B, 0, 0], vec![0x1E]]);
    }

    #[test]
    fn silence_is_no_packet_and_takes_longer_than_a_handshake_begins() {
        let silence = Packets::new(5, 3, &Token::In, &Answer::Silence, None);
        assert_eq!(silence.packets.len(), 1);
        // 35 bits of a token, the pause, the timeout.
        assert_eq!(silence.duration_ns, (35 + 2 + 18) * 1000 / 12);
    }

    #[test]
    fn packets_follow_one_another_at_twelve_megabits() {
        let Packets { packets, duration_ns } = Packets::new(0, 0, &Token::Setup(GET_DESCRIPTOR), &Answer::Ack, None);
        let starts: Vec<u64> = packets.iter().map(|packet| packet.start_ns).collect();
        let (token, data, handshake) = (8 + 24 + 3 + 2, 8 + 88 + 3 + 2, 8 + 8 + 3 + 2);
        assert_eq!(starts, [0, token * 1000 / 12, (token + data) * 1000 / 12]);
        assert_eq!(duration_ns, (token + data + handshake) * 1000 / 12);
    }
}
