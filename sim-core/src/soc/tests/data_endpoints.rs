//! Endpoints 1 to 8, from host memory to the wire and back.

use super::*;

fn configured() -> Rig {
    let mut rig = Rig::connected(config());
    rig.write(map::epinen(), 0b11);
    rig.write(map::epouten(), 0b11);
    rig.write(map::size_epout(1), 0);
    rig
}

fn run(rig: &mut Rig) {
    while rig.soc.engine_is_busy() {
        rig.soc.engine_step();
    }
}

#[test]
fn in_transfer_brings_memory_to_the_host() {
    let mut rig = configured();
    rig.memory[RED_ZONE..RED_ZONE + 8].copy_from_slice(b"dmacheck");
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.write(map::epin_ptr(1), address.get());
    rig.write(map::epin_maxcnt(1), 8);
    rig.write(map::tasks_startepin(1), 1);
    assert_eq!(rig.soc.transaction(0, 1, Token::In), Answer::Nak);
    run(&mut rig);
    assert_eq!(rig.read(map::events_endepin(1)), 1);
    rig.acquire(8, Direction::MemoryToDevice);
    let answer = rig.soc.transaction(0, 1, Token::In);
    assert_eq!(answer, Answer::Data { data1: false, packet: Packet::new(b"dmacheck") });
    assert_eq!(rig.read(map::epdatastatus()), map::epdatastatus::EPIN1.mask(), "the host's ACK is its own endpoint's");
    assert_eq!(rig.rules(), []);
}

#[test]
fn out_transfer_brings_the_hosts_packet_to_memory() {
    let mut rig = configured();
    let packet = Packet::new(b"dmacheck");
    assert_eq!(rig.soc.transaction(0, 1, Token::Out { data1: false, packet }), Answer::Ack);
    let address = rig.release(8, Direction::DeviceToMemory);
    rig.write(map::epout_ptr(1), address.get());
    rig.write(map::epout_maxcnt(1), 8);
    rig.write(map::tasks_startepout(1), 1);
    run(&mut rig);
    assert_eq!(rig.read(map::events_endepout(1)), 1);
    rig.acquire(8, Direction::DeviceToMemory);
    assert_eq!(&rig.buffer()[..8], b"dmacheck");
    assert_eq!(rig.rules(), []);
}

#[test]
fn isochronous_packet_of_1023_bytes_goes_from_memory_to_the_host_and_back() {
    let mut rig = Rig::connected(Config { ram: 2048, ..config() });
    let bytes: Vec<u8> = (0..1023_u16).map(|n| n.to_le_bytes()[0]).collect();
    let (source, target) = (rig.soc.allocate(1023), rig.soc.allocate(1023));
    let line = Location::caller();
    for (address, &byte) in (source.get()..).zip(&bytes) {
        rig.soc.store(BusAddress::new(address), byte, line);
    }
    rig.soc.release_fence();
    rig.write(map::epinen(), 0x101);
    rig.write(map::epouten(), 0x101);
    rig.write(map::isoin_ptr(), source.get());
    rig.write(map::isoin_maxcnt(), 1023);
    rig.write(map::tasks_startisoin(), 1);
    run(&mut rig);
    assert_eq!(rig.read(map::events_endisoin()), 1);
    rig.soc.start_of_frame(1);
    let sent = rig.soc.iso_in(0).expect("it is this frame's packet");
    assert_eq!(&sent[..], &bytes[..]);
    rig.soc.iso_out(0, &sent, true);
    rig.soc.start_of_frame(2);
    rig.write(map::isoout_ptr(), target.get());
    rig.write(map::isoout_maxcnt(), rig.soc.usbd().clone().read(map::size_isoout()));
    rig.write(map::tasks_startisoout(), 1);
    run(&mut rig);
    assert_eq!(rig.read(map::events_endisoout()), 1);
    rig.soc.acquire_fence();
    let received: Vec<u8> =
        (target.get()..).take(1023).map(|address| rig.soc.load(BusAddress::new(address), line)).collect();
    assert_eq!(received, bytes);
    assert_eq!(rig.rules(), []);
}
