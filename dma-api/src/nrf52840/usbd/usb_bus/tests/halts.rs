//! Halts of data endpoints, and the packets that they hold.

use super::*;

#[test]
fn read_leaves_packets_of_other_endpoints_as_they_are() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[output(1), output(2), output(3)]);
    arrives(&chip, 1, 5);
    arrives(&chip, 2, 6);
    assert_eq!(told(&mut bus), (0b110, 0));
    arrives(&chip, 3, 7);
    assert_eq!(read(&mut bus, 1), Ok(5));
    assert_eq!(read(&mut bus, 3), Err(UsbError::WouldBlock), "nobody was told of it");
    assert_eq!(read(&mut bus, 2), Ok(6));
    assert_eq!(told(&mut bus), (0b1000, 0));
    assert_eq!(read(&mut bus, 3), Ok(7));
}

#[test]
fn packet_that_comes_after_a_read_is_read_after_poll_has_told_of_it() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[output(1)]);
    arrives(&chip, 1, 5);
    assert_eq!(told(&mut bus), (0b10, 0));
    assert_eq!(read(&mut bus, 1), Ok(5));
    arrives(&chip, 1, 6);
    assert_eq!(read(&mut bus, 1), Err(UsbError::WouldBlock));
    assert_eq!(told(&mut bus), (0b10, 0));
    assert_eq!(read(&mut bus, 1), Ok(6));
}

#[test]
fn halt_is_written_to_the_endpoint_and_can_be_asked_for() {
    let chip = Block::usbd();
    let all = [input(1), output(1), input(7)];
    let mut bus = opened(&chip, &all);
    for address in all {
        for halted in [true, false] {
            bus.set_stalled(address, halted);
            for other in all {
                let expected = halted && other == address;
                assert_eq!((is_halted(&chip, other), bus.device.is_stalled(other)), (expected, expected), "{other:?}");
            }
        }
    }
}

#[test]
fn packet_of_an_in_endpoint_is_complete_when_its_halt_ends() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(1), output(1), input(2)]);
    assert_eq!((bus.write(input(1), &[1]), bus.write(input(2), &[1])), (Ok(1), Ok(1)));
    bus.set_stalled(input(1), true);
    assert_eq!(told(&mut bus), (0, 0), "the halt has not ended");
    bus.set_stalled(input(1), false);
    assert!(map::inten::SOF.is_set(chip.get(map::inten())), "no event says so");
    assert_eq!(told(&mut bus), (0, 0b10));
    assert_eq!(told(&mut bus), (0, 0), "it was told once");
    assert_eq!(bus.write(input(1), &[1]), Ok(1));
}

#[test]
fn packet_of_an_in_endpoint_stays_on_its_way_when_another_halt_ends_or_none() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(1), output(1), input(2)]);
    assert_eq!(bus.write(input(1), &[1]), Ok(1));
    for (address, halts) in [(output(1), &[true, true, false][..]), (input(2), &[true, false]), (input(1), &[false])] {
        halts.iter().for_each(|halted| bus.set_stalled(address, *halted));
        assert_eq!(told(&mut bus), (0, 0), "{address:?}");
        assert_eq!(bus.write(input(1), &[1]), Err(UsbError::WouldBlock), "{address:?}");
    }
    is_taken(&chip, 1);
    assert_eq!(told(&mut bus), (0, 0b10));
}

#[test]
fn endpoint_without_a_packet_has_none_complete_when_its_halt_ends() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(1), output(1)]);
    for address in [input(1), output(1)] {
        for halted in [true, true, false] {
            bus.set_stalled(address, halted);
            assert_eq!(told(&mut bus), (0, 0), "{address:?}");
        }
    }
}

#[test]
fn packet_of_an_out_endpoint_is_gone_when_its_halt_ends() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[output(1), output(2), output(3)]);
    arrives(&chip, 1, 5);
    arrives(&chip, 2, 6);
    assert_eq!(told(&mut bus), (0b110, 0));
    bus.set_stalled(output(1), true);
    bus.set_stalled(output(1), false);
    arrives(&chip, 1, 7);
    arrives(&chip, 3, 8);
    for number in [1, 3] {
        assert_eq!(read(&mut bus, number), Err(UsbError::WouldBlock), "nobody was told of {number}'s");
    }
    assert_eq!(read(&mut bus, 2), Ok(6), "it was not halted");
    assert_eq!(told(&mut bus), (0b1010, 0));
    assert_eq!(read(&mut bus, 1), Ok(7));
}

#[test]
fn packet_of_an_out_endpoint_stays_when_its_halt_begins_or_another_ends_or_none() {
    for (address, halts) in
        [(output(1), &[true][..]), (output(1), &[true, true]), (output(1), &[false]), (input(1), &[true, false])]
    {
        let chip = Block::usbd();
        let mut bus = opened(&chip, &[output(1), input(1)]);
        arrives(&chip, 1, 5);
        assert_eq!(told(&mut bus), (0b10, 0));
        halts.iter().for_each(|halted| bus.set_stalled(address, *halted));
        assert_eq!(read(&mut bus, 1), Ok(5), "{address:?} {halts:?}");
    }
}
