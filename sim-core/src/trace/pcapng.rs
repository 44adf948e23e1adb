//! A trace as a capture of the bus, for Wireshark and tshark.
//!
//! One record a packet, PID to CRC, link type 294: LINKTYPE_USB_2_0_FULL_SPEED
//! (<https://www.tcpdump.org/linktypes.html>). Wireshark has known it since 4.0, puts transfers together and decodes
//! what they carry. Times are nanoseconds since the run began, on the 1st of January 1970; [`time`] says
//! what they mean.
//!
//! A bus reset is no packet: what follows it is at address 0 again.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError};

use super::wire::{Packets, WirePacket};
use super::{Trace, time};

/// if_tsresol: ten to the minus nine seconds.
const NANOSECONDS: u8 = 9;

/// Writes the packets of `trace`, and says how many there are.
///
/// ```
/// # use sim_core::check::programs::{Device, Try};
/// # use sim_core::explore::threads;
/// # use sim_core::trace::{Keep, pcapng};
/// let trace = threads::run(&Device::new(Try::ControlRead, 18), Some(Keep::Order)).trace;
/// let mut file = Vec::new();
/// let packets = pcapng::write(&trace, &mut file).unwrap();
/// assert!(packets > 10 && file.starts_with(b"\x0A\x0D\x0D\x0A"));
/// ```
///
/// # Errors
///
/// Those of `out`.
pub fn write(trace: &Trace, out: impl Write) -> io::Result<usize> {
    write_blocks(trace, out).map_err(|error| match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

fn write_blocks(trace: &Trace, out: impl Write) -> Result<usize, PcapError> {
    let application = concat!("dmacheck ", env!("CARGO_PKG_VERSION"));
    let section = SectionHeaderBlock {
        // The same file on every machine.
        endianness: Endianness::Little,
        options: vec![SectionHeaderOption::UserApplication(application.into())],
        ..SectionHeaderBlock::default()
    };
    let mut writer = PcapNgWriter::with_section_header(out, section)?;
    writer.write_pcapng_block(InterfaceDescriptionBlock {
        linktype: DataLink::USB_2_0_FULL_SPEED,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName("dmacheck".into()),
            InterfaceDescriptionOption::IfSpeed(12_000_000),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ],
    })?;
    let mut count = 0;
    for (entry, span) in trace.entries().iter().zip(time::spans(trace)) {
        for WirePacket { bytes, start_ns } in Packets::of(&entry.record).into_iter().flat_map(|wire| wire.packets) {
            writer.write_pcapng_block(EnhancedPacketBlock {
                interface_id: 0,
                timestamp: Duration::from_nanos(span.start.saturating_add(start_ns).min(span.end)),
                original_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                data: Cow::Owned(bytes),
                options: Vec::new(),
            })?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;
    use crate::device::usbd::{Answer, Packet, Token};
    use crate::trace::{Keep, Record};

    fn transaction(token: Token, answer: Answer) -> Record {
        Record::Transaction { address: 5, endpoint: 0, token, answer, fault: None }
    }

    fn trace() -> Trace {
        let mut trace = Trace::new(Keep::Order);
        trace.note(None, || Record::BusReset);
        trace.note(None, || transaction(Token::Setup([0; 8]), Answer::Ack));
        trace.note(None, || transaction(Token::In, Answer::Nak));
        trace.note(None, || transaction(Token::In, Answer::Data { data1: true, packet: Packet::EMPTY }));
        trace.note(None, || transaction(Token::In, Answer::Silence));
        trace
    }

    /// The times and PIDs of a capture, and its interface.
    fn read(file: &[u8]) -> (Vec<(u128, u8)>, InterfaceDescriptionBlock<'static>) {
        let mut reader = PcapNgReader::new(file).expect("it is a capture");
        let mut packets = Vec::new();
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.expect("it is whole") {
                packets.push((packet.timestamp.as_nanos(), packet.data[0]));
            }
        }
        (packets, reader.interfaces()[0].clone())
    }

    #[test]
    fn every_packet_of_every_transaction_is_there_in_order() {
        let mut file = Vec::new();
        assert_eq!(write(&trace(), &mut file).expect("a vector takes all"), 9);
        let (packets, interface) = read(&file);
        let pids: Vec<u8> = packets.iter().map(|(_, pid)| *pid).collect();
        assert_eq!(pids, [0x2D, 0xC3, 0xD2, 0x69, 0x5A, 0x69, 0x4B, 0xD2, 0x69]);
        assert_eq!(u32::from(interface.linktype), 294);
        assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(9)));
    }

    #[test]
    fn virtual_time_rises_from_packet_to_packet() {
        let mut file = Vec::new();
        write(&trace(), &mut file).expect("a vector takes all");
        let (packets, _) = read(&file);
        assert_eq!(packets[0].0, 2500, "after the reset");
        assert!(packets.is_sorted_by(|before, after| before.0 < after.0), "{packets:?}");
    }

    #[test]
    fn packets_that_came_faster_than_a_bus_are_cut_short() {
        let mut trace = Trace::new(Keep::Order);
        for time in [100, 150] {
            trace.note(None, || transaction(Token::In, Answer::Nak));
            trace.entries.last_mut().expect("it was noted").nanoseconds = Some(time);
        }
        let mut file = Vec::new();
        write(&trace, &mut file).expect("a vector takes all");
        let times: Vec<u128> = read(&file).0.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [100, 150, 150, 150 + 37 * 1000 / 12]);
    }

    #[test]
    fn out_that_takes_nothing_is_an_error() {
        let full: &mut [u8] = &mut [0; 100];
        let error = write(&trace(), full).expect_err("there is no room");
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }
}
