//! Endpoint 8: frames, lengths, what has no handshake.

use super::*;

/// `length` bytes, no two neighbours equal.
fn long(length: usize) -> Vec<u8> {
    (0..length).map(|n| n.to_le_bytes()[0]).collect()
}

fn streaming() -> Rig {
    let mut rig = Rig::connected();
    rig.write(map::epinen(), 0x101);
    rig.write(map::epouten(), 0x101);
    rig
}

fn start_in(rig: &mut Rig, length: usize) {
    rig.write(map::isoin_ptr(), ADDRESS);
    rig.write(map::isoin_maxcnt(), u32::try_from(length).expect("it fits"));
    rig.task(map::tasks_startisoin());
}

fn fill(rig: &mut Rig, bytes: &[u8]) {
    start_in(rig, bytes.len());
    rig.end_in(bytes);
}

fn fetch(rig: &mut Rig, length: usize) -> Vec<u8> {
    rig.write(map::isoout_ptr(), ADDRESS);
    rig.write(map::isoout_maxcnt(), u32::try_from(length).expect("it fits"));
    rig.task(map::tasks_startisoout());
    rig.end_out()
}

fn host_in(rig: &mut Rig) -> Option<Vec<u8>> {
    rig.iso_in(0).map(Vec::from)
}

#[test]
fn in_packet_of_one_frame_is_sent_in_the_next() {
    let mut rig = streaming();
    for frame in 0..3 {
        fill(&mut rig, &[frame; 100]);
        assert_eq!(host_in(&mut rig), None, "it is of this frame");
        rig.start_of_frame(frame.into());
        assert_eq!(host_in(&mut rig), Some(vec![frame; 100]));
        assert_eq!(host_in(&mut rig), None, "it is sent once");
    }
}

#[test]
fn in_transfer_is_told_by_its_own_events_and_bits() {
    let mut rig = streaming();
    start_in(&mut rig, 300);
    let job = rig.job().expect("it was started").clone();
    assert_eq!((job.endpoint, job.address, job.payload.length()), (ISO, BusAddress::new(ADDRESS), 300));
    assert_eq!((rig.events(), rig.read(map::epstatus())), (vec!["EVENTS_STARTED".to_owned()], 1 << 8));
    rig.end_in(&long(300));
    assert_eq!((rig.events(), rig.read(map::isoin_amount())), (vec!["EVENTS_ENDISOIN".to_owned()], 300));
    rig.start_of_frame(1);
    rig.events();
    assert_eq!(host_in(&mut rig), Some(long(300)));
    assert_eq!((rig.events(), rig.read(map::epdatastatus())), (vec![], 0), "nobody acknowledges it");
}

#[test]
fn packet_that_the_host_does_not_ask_for_is_gone_after_its_frame() {
    let mut rig = streaming();
    fill(&mut rig, &long(9));
    rig.start_of_frame(1);
    rig.start_of_frame(2);
    assert_eq!(host_in(&mut rig), None);
}

#[test]
fn transfer_that_a_frame_catches_fills_the_frame_in_which_it_ends() {
    let mut rig = streaming();
    start_in(&mut rig, 4);
    rig.start_of_frame(1);
    assert_eq!(host_in(&mut rig), None);
    rig.end_in(&long(4));
    rig.start_of_frame(2);
    assert_eq!(host_in(&mut rig), Some(long(4)));
}

#[test]
fn token_without_data_gets_nothing_or_a_packet_without_bytes() {
    let mut rig = streaming();
    assert_eq!(host_in(&mut rig), None);
    rig.write(map::isoinconfig(), 1);
    assert_eq!(host_in(&mut rig), Some(vec![]));
    fill(&mut rig, &long(9));
    rig.start_of_frame(1);
    assert_eq!(host_in(&mut rig), Some(long(9)));
}

#[test]
fn out_packet_of_one_frame_is_read_in_the_next() {
    let mut rig = streaming();
    assert_eq!(rig.read(map::size_isoout()), 0x1_0000, "its reset value");
    rig.iso_out(0, &long(700), true);
    rig.start_of_frame(1);
    assert_eq!(rig.read(map::size_isoout()), 700);
    rig.iso_out(0, &[0xEE; 20], true);
    assert_eq!(rig.read(map::size_isoout()), 700, "that is of the next frame");
    rig.events();
    assert_eq!(fetch(&mut rig, 700), long(700));
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_ENDISOOUT"]);
    assert_eq!((rig.read(map::isoout_amount()), rig.read(map::epstatus())), (700, 1 << 24));
    rig.start_of_frame(2);
    assert_eq!(rig.read(map::size_isoout()), 20);
    assert_eq!(fetch(&mut rig, 20), [0xEE; 20]);
}

#[test]
fn frame_without_a_packet_and_a_packet_without_bytes_are_two_things() {
    let mut rig = streaming();
    rig.start_of_frame(1);
    assert_eq!(rig.read(map::size_isoout()), 0);
    rig.iso_out(0, &[], true);
    rig.start_of_frame(2);
    assert_eq!(rig.read(map::size_isoout()), map::size_isoout::ZERO.mask());
    assert_eq!(fetch(&mut rig, 0), []);
}

#[test]
fn start_without_a_packet_is_reported_and_moves_stale_bytes() {
    let mut rig = streaming();
    rig.iso_out(0, &long(5), true);
    rig.start_of_frame(1);
    rig.start_of_frame(2);
    assert_eq!(fetch(&mut rig, 7), [0, 1, 2, 3, 4, 0, 0]);
    let [misuse] = &rig.take_misuse()[..] else { panic!("one rule was broken") };
    assert_eq!(misuse.rule, Rule::StartWithoutPacket);
    let expected = "TASKS_STARTISOOUT without a packet: wait for EVENTS_SOF, and for SIZE.ISOOUT not to be 0";
    assert_eq!(misuse.what, expected);
}

#[test]
fn start_over_a_packet_of_the_same_frame_is_reported_and_overwrites_it() {
    let mut rig = streaming();
    fill(&mut rig, &long(5));
    fill(&mut rig, &[0xEE; 2]);
    assert_eq!(rig.rules(), [Rule::StartWhileArmed]);
    rig.start_of_frame(1);
    assert_eq!(host_in(&mut rig), Some(vec![0xEE; 2]));
}

#[test]
fn corrupt_packet_is_told_and_can_be_moved() {
    let mut rig = streaming();
    rig.write(map::eventcause(), u32::MAX);
    rig.iso_out(0, &long(5), false);
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
    assert_eq!(rig.read(map::eventcause()), map::eventcause::ISOOUTCRC.mask());
    rig.start_of_frame(1);
    assert_eq!(fetch(&mut rig, 5), long(5));
}

#[test]
fn packet_may_be_as_long_as_the_buffer_and_no_longer() {
    for (split, capacity) in [(0, ISO_PACKET_SIZE), (0x80, 512)] {
        let mut rig = streaming();
        rig.write(map::isosplit(), split);
        fill(&mut rig, &long(capacity));
        rig.start_of_frame(1);
        assert_eq!(host_in(&mut rig), Some(long(capacity)));
        rig.iso_out(0, &long(capacity + 1), true);
        rig.start_of_frame(2);
        assert_eq!(rig.read(map::size_isoout()) as usize, capacity, "the rest is lost");
    }
    let mut rig = streaming();
    rig.write(map::isosplit(), 0x80);
    start_in(&mut rig, 513);
    assert_eq!(rig.rules(), [Rule::LengthOverBuffer]);
    assert_eq!(rig.job().expect("it was started").payload.length(), 512);
}

#[test]
fn endpoint_that_is_not_enabled_or_not_addressed_takes_no_part() {
    let mut rig = streaming();
    fill(&mut rig, &long(5));
    rig.start_of_frame(1);
    assert_eq!(rig.iso_in(5), None);
    rig.iso_out(5, &long(5), true);
    rig.write(map::epinen(), 1);
    rig.write(map::epouten(), 1);
    assert_eq!(rig.iso_in(0), None);
    rig.iso_out(0, &long(5), true);
    rig.start_of_frame(2);
    assert_eq!(rig.read(map::size_isoout()), 0);
}

#[test]
fn frames_of_a_chip_without_isochronous_endpoints_leave_its_size_alone() {
    let mut rig = Rig::configured();
    rig.start_of_frame(1);
    assert_eq!(rig.read(map::size_isoout()), 0x1_0000);
}

#[test]
fn isochronous_and_other_transfers_share_the_engine() {
    let mut rig = streaming();
    start_in(&mut rig, 9);
    rig.start_in(8);
    let [misuse] = &rig.take_misuse()[..] else { panic!("one rule was broken") };
    let expected = "TASKS_STARTEPIN[0] while the transfer of EPIN[8] runs: wait for EVENTS_ENDISOIN";
    assert_eq!((misuse.rule, &misuse.what[..]), (Rule::StartWhileBusy, expected));
}
