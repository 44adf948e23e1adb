//! Endpoints 1 to 7, from host memory to the wire and back.

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
