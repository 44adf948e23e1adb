//! EasyDMA from START to END: what is captured, what a second START does.

use super::*;

fn asked() -> Rig {
    Rig::asked(Setup::get_device_descriptor(255))
}

fn asked_with(options: Options) -> Rig {
    let mut rig = Rig::with(options);
    rig.setup(Setup::get_device_descriptor(255));
    rig.events();
    rig
}

fn received_with(options: Options) -> Rig {
    let mut rig = Rig::with(options);
    rig.setup(control_write(64));
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(true, &bytes(8)), Answer::Ack);
    rig.events();
    rig
}

#[test]
fn start_captures_the_registers_and_says_so() {
    let mut rig = asked();
    rig.start_in(18);
    let job = rig.job().expect("it was started").clone();
    assert_eq!((job.endpoint, job.direction), (0, Direction::MemoryToDevice));
    assert_eq!((job.address, job.payload.length()), (BusAddress::new(ADDRESS), 18));
    assert_eq!(job.end(), "EVENTS_ENDEPIN[0]");
    assert_eq!(rig.read(map::epstatus()), map::epstatus::EPIN0.mask());
    assert_eq!(rig.events(), ["EVENTS_STARTED"]);
}

#[test]
fn start_of_an_out_transfer_captures_its_own_registers() {
    let mut rig = received_with(Options::ideal());
    rig.write(map::epin_ptr(0), 0xDEAD_BEEF);
    rig.write(map::epin_maxcnt(0), 1);
    rig.start_out(8);
    let job = rig.job().expect("it was started").clone();
    assert_eq!((job.endpoint, job.direction), (0, Direction::DeviceToMemory));
    assert_eq!((job.address, job.payload.bytes()), (BusAddress::new(ADDRESS), &bytes(8)[..]));
    assert_eq!(job.end(), "EVENTS_ENDEPOUT[0]");
    assert_eq!(rig.read(map::epstatus()), map::epstatus::EPOUT0.mask());
}

#[test]
fn registers_rewritten_after_the_start_are_for_the_next_transfer() {
    let mut rig = asked();
    rig.start_in(18);
    rig.write(map::epin_ptr(0), ADDRESS + 64);
    rig.write(map::epin_maxcnt(0), 3);
    let job = rig.job().expect("it was started").clone();
    assert_eq!((job.address, job.payload.length()), (BusAddress::new(ADDRESS), 18));
    rig.end_in(&bytes(18));
    assert_eq!(rig.read(map::epin_amount(0)), 18);
    assert_eq!(rig.host_in(), data(true, &bytes(18)));
    rig.task(map::tasks_startepin(0));
    let next = rig.job().expect("it was started").clone();
    assert_eq!((next.address, next.payload.length()), (BusAddress::new(ADDRESS + 64), 3));
    assert_ne!(next.id, job.id);
}

#[test]
fn registers_are_not_advanced_by_the_transfer() {
    let mut rig = asked();
    rig.arm(&bytes(18));
    assert_eq!(rig.read(map::epin_ptr(0)), ADDRESS);
    assert_eq!(rig.read(map::epin_maxcnt(0)), 18);
}

#[test]
fn amount_is_that_of_the_last_transfer_that_ended() {
    let mut rig = asked();
    rig.start_in(18);
    assert_eq!(rig.read(map::epin_amount(0)), 0);
    rig.end_in(&bytes(18));
    assert_eq!(rig.read(map::epin_amount(0)), 18);
    rig.host_in();
    rig.start_in(5);
    assert_eq!(rig.read(map::epin_amount(0)), 18);
    rig.end_in(&bytes(5));
    assert_eq!(rig.read(map::epin_amount(0)), 5);
    assert_eq!(rig.read(map::epout_amount(0)), 0);
}

#[test]
fn end_frees_the_buffer_and_does_not_say_that_the_host_has_the_packet() {
    let mut rig = asked();
    rig.start_in(18);
    rig.events();
    rig.end_in(&bytes(18));
    assert_eq!(rig.job(), None);
    assert_eq!(rig.events(), ["EVENTS_ENDEPIN[0]"]);
}

#[test]
fn capture_bits_stay_until_they_are_cleared() {
    let mut rig = asked();
    rig.arm(&bytes(18));
    rig.write(map::events_started(), 0);
    assert_eq!(rig.read(map::epstatus()), 1);
    rig.write(map::epstatus(), 1);
    assert_eq!(rig.read(map::epstatus()), 0);
}

#[test]
fn length_above_the_buffer_moves_sixty_four_bytes() {
    for length in 65..=127 {
        let mut rig = asked();
        rig.start_in(length);
        assert_eq!(rig.rules(), [Rule::LengthOverBuffer], "MAXCNT {length}");
        assert_eq!(rig.job().expect("it was started").payload.length(), 64);
        rig.end_in(&bytes(64));
        assert_eq!(rig.read(map::epin_amount(0)), 64);
        assert_eq!(rig.host_in(), data(true, &bytes(64)));
    }
    let mut rig = received_with(Options::ideal());
    rig.start_out(127);
    assert_eq!(rig.rules(), [Rule::LengthOverBuffer]);
    assert_eq!(rig.end_out().len(), 64);
}

#[test]
fn start_without_a_packet_moves_what_the_buffer_holds() {
    let mut rig = received_with(Options::ideal());
    rig.start_out(8);
    rig.end_out();
    rig.start_out(8);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
    assert_eq!(rig.end_out(), bytes(8));
}

#[test]
fn start_over_an_armed_packet_overwrites_it() {
    let mut rig = asked();
    rig.arm(&bytes(18));
    rig.start_in(3);
    assert_eq!(rig.rules(), [Rule::StartWhileArmed]);
    assert_eq!(rig.host_in(), Answer::Nak, "the endpoint's buffer is being written");
    rig.end_in(&[0xEE; 3]);
    assert_eq!(rig.host_in(), data(true, &[0xEE; 3]));
}

#[test]
fn end_of_an_unknown_transfer_changes_nothing() {
    let mut rig = asked();
    rig.start_in(18);
    let job = rig.job().expect("it was started").clone();
    let before = rig.state();
    rig.complete(job.id + 1, &job.payload);
    assert_eq!(rig.state(), before);
    rig.complete(job.id, &job.payload);
    let before = rig.state();
    rig.complete(job.id, &job.payload);
    assert_eq!(rig.state(), before);
}

#[test]
fn second_start_is_dropped() {
    let mut rig = asked_with(Options { second_start: SecondStart::Dropped, ..Options::ideal() });
    rig.start_in(8);
    rig.write(map::events_started(), 0);
    rig.write(map::epstatus(), u32::MAX);
    let first = rig.job().expect("it was started").clone();
    rig.start_in(3);
    assert_eq!(rig.rules(), [Rule::StartWhileBusy]);
    assert_eq!(rig.job(), Some(&first));
    assert_eq!((rig.events(), rig.read(map::epstatus())), (vec![], 0));
    rig.end_in(&bytes(8));
    assert_eq!(rig.read(map::epin_amount(0)), 8);
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn second_start_replaces_the_first() {
    let mut rig = asked_with(Options { second_start: SecondStart::Replaces, ..Options::ideal() });
    rig.start_in(8);
    rig.write(map::events_started(), 0);
    let first = rig.job().expect("it was started").clone();
    rig.start_in(3);
    assert_eq!(rig.rules(), [Rule::StartWhileBusy]);
    assert_eq!(rig.events(), ["EVENTS_STARTED"]);
    rig.complete(first.id, &first.payload);
    assert_eq!(rig.events(), Vec::<String>::new(), "the first never ends");
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.end_in(&[0xEE; 3]);
    assert_eq!(rig.host_in(), data(true, &[0xEE; 3]));
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn second_start_corrupts_the_first() {
    let mut rig = asked_with(Options { second_start: SecondStart::Corrupts, ..Options::ideal() });
    rig.start_in(8);
    rig.start_in(3);
    assert_eq!(rig.rules(), [Rule::StartWhileBusy]);
    rig.end_in(&bytes(8));
    assert_eq!(rig.job(), None, "the second never runs");
    let Answer::Data { packet, .. } = rig.host_in() else { panic!("the first was armed") };
    assert_eq!(packet.length(), 8);
    assert!(packet.bytes().iter().zip(bytes(8)).all(|(got, sent)| *got != sent));
    rig.arm(&bytes(8));
    assert_eq!(rig.host_in(), data(false, &bytes(8)), "the next is whole again");
}

#[test]
fn second_start_competes_across_directions() {
    let mut rig = received_with(Options::ideal());
    rig.start_out(8);
    rig.start_in(3);
    assert_eq!(rig.rules(), [Rule::StartWhileBusy]);
    assert_eq!(rig.end_out(), bytes(8));
    assert_eq!(rig.job(), None);
}

#[test]
fn packet_is_its_bytes_and_not_what_the_buffer_held_before() {
    assert_eq!(Packet::with_length([7; PACKET_SIZE], 3), Packet::new(&[7; 3]));
    let mut rig = received_with(Options::ideal());
    rig.start_out(8);
    rig.end_out();
    rig.setup(Setup::get_device_descriptor(3));
    rig.start_in(3);
    let job = rig.job().expect("it was started").clone();
    let mut payload = job.payload;
    payload.bytes_mut().fill(0xEE);
    rig.complete(job.id, &payload);
    assert_eq!(rig.host_in(), data(true, &[0xEE; 3]));
}
