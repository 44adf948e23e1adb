//! Bytes there and back, through a serial port.

use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError};

use crate::devices::Device;
use crate::harness::passes;

/// The serial ports' endpoints: usbd-serial's, and embassy-usb's.
pub const OUT: u8 = 1;
pub const IN: u8 = 2;

/// The bytes of a packet.
const PACKET: usize = 64;

/// Bytes that differ from their neighbours.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + length + index / 256).to_le_bytes()[0]).collect()
}

/// So many bytes, in packets as the port has cut them.
pub async fn receive(host: &mut Host, length: usize) -> Result<Vec<u8>, HostError> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend(host.bulk_in(IN, length - bytes.len()).await?);
    }
    Ok(bytes)
}

/// Sends `length` bytes, and takes back each packet before it sends the next.
pub async fn echo(host: &mut Host, length: usize) -> Result<(), HostError> {
    let bytes = pattern(length);
    if bytes.is_empty() {
        host.bulk_out(OUT, &[]).await?;
    }
    for packet in bytes.chunks(PACKET) {
        host.bulk_out(OUT, packet).await?;
        assert_eq!(receive(host, packet.len()).await?, packet, "of {length} bytes");
    }
    Ok(())
}

/// What is sent to see one lost. With two none is: the second arming lets a third be written over the second.
pub const PACKETS: [&[u8]; 3] = [b"1st", b"2nd", b"3rd"];

/// All of [`PACKETS`] have come, once and in order. (Each was acknowledged, or the host would not be here.)
pub fn assert_received(bytes: &[u8]) {
    let is_lost = |packet: &&&[u8]| !bytes.windows(packet.len()).any(|part| part == **packet);
    let lost: Vec<_> = PACKETS.iter().filter(is_lost).map(|packet| packet.escape_ascii().to_string()).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    assert_eq!(bytes, PACKETS.concat(), "once and in order");
}

/// Packets that come as soon as they are taken, before any of them is asked for.
pub async fn three_packets_at_once(mut host: Host) -> Result<(), HostError> {
    host.enumerate(OperatingSystem::MacOs, 5).await?;
    host.settle().await?;
    for packet in PACKETS {
        host.bulk_out(OUT, packet).await?;
    }
    let (mut back, due) = (Vec::new(), PACKETS.concat().len());
    host.set_patience_ms(20);
    while back.len() < due {
        match host.bulk_in(IN, due - back.len()).await {
            Err(error) if error.is_timeout() => break,
            bytes => back.extend(bytes?),
        }
    }
    assert_received(&back);
    Ok(())
}

#[test]
fn bytes_come_back_whatever_their_number() {
    for device in Device::SERIAL {
        passes(device, |mut host| async move {
            host.enumerate(OperatingSystem::Linux, 5).await?;
            for length in [0, 1, 2, 31, 63, 64, 65, 127, 128, 129, 1000] {
                echo(&mut host, length).await?;
            }
            // What came before has left nothing behind.
            echo(&mut host, 3).await
        });
    }
}

#[test]
fn four_kilobytes_come_back() {
    for device in Device::SERIAL {
        passes(device, |mut host| async move {
            host.enumerate(OperatingSystem::MacOs, 5).await?;
            echo(&mut host, 4096).await
        });
    }
}
