//! The DMA touches what is lent to it, while it is lent, and nothing else.

use super::*;
use crate::device::usbd::SecondStart;

#[test]
fn out_transfer_fills_the_window_and_nothing_else() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.run_to_end();
    rig.acquire(BUFFER, Direction::DeviceToMemory);
    assert_eq!(rig.buffer(), [0x11; BUFFER]);
    assert_eq!(rig.rules(), []);
}

#[test]
fn out_transfer_of_some_bytes_leaves_the_rest_of_the_window_alone() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(BusAddress::new(address.get() + 3), 7);
    rig.run_to_end();
    let (written, rest) = rig.buffer()[3..].split_at(7);
    assert_eq!((written, &rig.buffer()[..3]), (&[0x11; 7][..], &[UNTOUCHED; 3][..]));
    assert!(rest.iter().all(|&byte| byte == UNTOUCHED));
    assert_eq!(rig.rules(), []);
}

#[test]
fn in_transfer_sends_the_windows_bytes() {
    let mut rig = Rig::asked(config());
    rig.memory[RED_ZONE..RED_ZONE + 5].copy_from_slice(b"bytes");
    let address = rig.release(5, Direction::MemoryToDevice);
    rig.start_in(address, 5);
    rig.run_to_end();
    assert_eq!(rig.host(Token::In), Answer::Data { data1: true, packet: Packet::new(b"bytes") });
    assert_eq!(rig.rules(), []);
}

#[test]
fn misuse_during_a_transfer_leaves_its_bytes_alone() {
    let mut rig = Rig::asked(config());
    rig.memory[RED_ZONE..RED_ZONE + 8].copy_from_slice(b"8 bytes!");
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 8);
    rig.soc.engine_step();
    rig.read(map::size_epout(0));
    rig.run_to_end();
    assert_eq!(rig.rules(), [Rule::AccessDuringTransfer]);
    assert_eq!(rig.host(Token::In), Answer::Data { data1: true, packet: Packet::new(b"8 bytes!") });
}

#[test]
fn out_transfer_longer_than_the_window_writes_nothing() {
    for window in [0, 1, 8, 63] {
        let mut rig = Rig::received(config());
        let address = rig.release(window, Direction::DeviceToMemory);
        rig.start_out(address, 64);
        rig.run_to_end();
        assert_eq!(rig.rules(), [Rule::PointerNotLent], "a window of {window} bytes");
        assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER]);
    }
}

#[test]
fn out_transfer_that_begins_outside_of_the_window_writes_nothing() {
    for offset in [-64, -1, 1, 64, 128] {
        let mut rig = Rig::received(config());
        let address = rig.release(BUFFER, Direction::DeviceToMemory);
        rig.start_out(BusAddress::new(address.get().wrapping_add_signed(offset)), 64);
        rig.run_to_end();
        assert_eq!(rig.rules(), [Rule::PointerNotLent], "{offset} bytes off");
        assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER]);
    }
}

#[test]
fn in_transfer_longer_than_the_window_sends_nothing_of_the_host() {
    let mut rig = Rig::asked(config());
    let address = rig.release(8, Direction::MemoryToDevice);
    rig.start_in(address, 64);
    rig.run_to_end();
    let Answer::Data { packet, .. } = rig.host(Token::In) else { panic!("the packet is armed") };
    assert!(packet.bytes().iter().all(|&byte| byte != UNTOUCHED));
    assert_eq!(packet.length(), 64);
}

#[test]
fn out_transfer_started_after_the_acquire_writes_nothing() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.acquire(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.run_to_end();
    assert_eq!(rig.rules(), [Rule::PointerNotLent]);
    assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER]);
}

#[test]
fn out_transfer_under_way_writes_nothing_after_the_acquire() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.soc.engine_step();
    rig.soc.engine_step();
    rig.acquire(BUFFER, Direction::DeviceToMemory);
    assert_eq!(rig.rules(), [Rule::AcquiredInFlight, Rule::Race]);
    rig.run_to_end();
    let (written, rest) = rig.buffer().split_at(8);
    assert_eq!(written, [0x11; 8]);
    assert!(rest.iter().all(|&byte| byte == UNTOUCHED));
    assert_eq!(rig.rules().len(), 2, "who writes nothing races with nobody");
}

#[test]
fn window_lent_twice_is_closed_by_one_acquire() {
    for (first, second) in [(64, 64), (64, 8), (8, 64), (16, 64)] {
        let mut rig = Rig::received(config());
        let address = rig.release(first, Direction::DeviceToMemory);
        let again = rig.release(second, Direction::DeviceToMemory);
        rig.acquire(second, Direction::DeviceToMemory);
        for address in [address, again] {
            rig.start_out(address, 8);
            while rig.soc.engine_is_busy() {
                rig.soc.engine_step();
            }
        }
        assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER], "{first} bytes, then {second}");
    }
}

#[test]
fn transfer_under_way_in_a_window_lent_twice_writes_nothing_after_the_acquire() {
    for (first, second) in [(64, 64), (64, 8), (32, 64)] {
        let mut rig = Rig::received(config());
        let address = rig.release(first, Direction::DeviceToMemory);
        rig.start_out(BusAddress::new(address.get() + 16), 16);
        rig.release(second, Direction::DeviceToMemory);
        rig.acquire(second, Direction::DeviceToMemory);
        rig.run_to_end();
        assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER], "{first} bytes, then {second}");
    }
}

#[test]
fn window_lent_again_has_the_direction_and_length_of_the_last_time() {
    let mut rig = Rig::received(config());
    let read = rig.release(BUFFER, Direction::MemoryToDevice);
    let written = rig.release(8, Direction::DeviceToMemory);
    rig.start_out(read, 64);
    rig.run_to_end();
    assert_eq!(rig.rules(), [Rule::ReleasedTwice, Rule::PointerNotLent]);
    rig.start_out(written, 8);
    rig.run_to_end();
    assert_eq!(rig.buffer()[..9], [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, UNTOUCHED]);
}

#[test]
fn transfer_given_up_by_the_chip_writes_nothing_more() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.soc.engine_step();
    rig.write(map::enable(), 0);
    assert!(!rig.soc.engine_is_busy());
    rig.soc.engine_step();
    assert_eq!(rig.buffer()[..5], [0x11, 0x11, 0x11, 0x11, UNTOUCHED]);
    assert_eq!(rig.rules(), [Rule::PowerDownDuringTransfer]);
}

#[test]
fn copy_taken_out_is_in_use_until_it_ends() {
    let mut rig = Rig::received(config());
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    let region = rig.region(BUFFER, Direction::DeviceToMemory);
    let mut copy = rig.soc.take_copy().expect("a transfer runs");
    assert!(rig.soc.is_in_use(region, Location::caller()));
    assert_eq!(rig.rules(), [Rule::AcquiredInFlight]);
    copy.finish();
    rig.soc.end_copy(&copy);
    assert!(!rig.soc.is_in_use(region, Location::caller()));
    assert_eq!(rig.buffer(), [0x11; BUFFER]);
    assert_eq!(rig.rules().len(), 1);
}

#[test]
fn second_start_corrupts_what_an_out_transfer_has_yet_to_write() {
    let options = Options { second_start: SecondStart::Corrupts, ..Options::ideal() };
    let mut rig = Rig::received(Config { options, ..config() });
    let address = rig.release(BUFFER, Direction::DeviceToMemory);
    rig.start_out(address, 64);
    rig.soc.engine_step();
    for _ in 0..2 {
        rig.write(map::tasks_startepout(0), 1);
    }
    rig.run_to_end();
    assert_eq!(rig.rules(), [Rule::StartWhileBusy; 2]);
    let (written, rest) = rig.buffer().split_at(4);
    assert_eq!(written, [0x11; 4]);
    assert!(rest.iter().all(|&byte| byte != 0x11 && byte != UNTOUCHED));
}
