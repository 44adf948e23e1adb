//! Which endpoints there are, and which of them are open after a bus reset.

use super::*;

#[test]
fn control_endpoint_without_a_number_is_unsupported() {
    let chip = Block::usbd();
    let mut bus = bus(&chip, false);
    let outcome = bus.device.allocate(UsbDirection::Out, None, EndpointType::Control, 64);
    assert_eq!(outcome, Err(UsbError::Unsupported));
    assert_eq!(allocate(&mut bus, output(0), EndpointType::Control, 64), Ok(output(0)), "it was not taken");
}

#[test]
fn endpoint_that_is_taken_or_of_another_kind_is_invalid() {
    let chip = Block::usbd();
    let mut bus = bus(&chip, true);
    let (bulk, control) = (EndpointType::Bulk, EndpointType::Control);
    for (address, kind) in [(input(2), bulk), (output(8), ISOCHRONOUS), (input(0), control)] {
        assert_eq!(allocate(&mut bus, address, kind, 8), Ok(address));
        assert_eq!(allocate(&mut bus, address, kind, 8), Err(UsbError::InvalidEndpoint), "{address:?} is taken");
    }
    let others = [(input(0), bulk), (input(8), bulk), (input(9), bulk), (input(1), ISOCHRONOUS), (input(1), control)];
    for (address, kind) in others {
        assert_eq!(allocate(&mut bus, address, kind, 8), Err(UsbError::InvalidEndpoint), "{address:?} as {kind:?}");
    }
    assert_eq!(allocate(&mut bus, output(2), bulk, 8), Ok(output(2)), "the other direction is another endpoint");
}

#[test]
fn endpoint_without_a_number_is_the_first_that_is_free_until_there_is_none() {
    let chip = Block::usbd();
    let mut bus = bus(&chip, false);
    let mut next = |kind| bus.device.allocate(UsbDirection::In, None, kind, 8);
    for number in 1..8 {
        assert_eq!(next(EndpointType::Interrupt), Ok(input(number)));
    }
    assert_eq!(next(EndpointType::Bulk), Err(UsbError::EndpointOverflow));
    assert_eq!(next(ISOCHRONOUS), Ok(input(8)));
    assert_eq!(next(ISOCHRONOUS), Err(UsbError::EndpointOverflow));
}

#[test]
fn endpoint_that_was_not_allocated_is_neither_read_nor_written_nor_halted() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(1), output(2)]);
    for address in [input(2), output(1), input(8), output(8), input(9), output(15)] {
        bus.set_stalled(address, true);
        bus.set_stalled(address, false);
        assert!(!bus.device.is_stalled(address));
        assert_eq!(bus.write(address, &[1]), Err(UsbError::InvalidEndpoint), "{address:?}");
        assert_eq!(bus.read(address, &mut [0; 64]), Err(UsbError::InvalidEndpoint), "{address:?}");
    }
    assert_eq!(chip.own_writes(), []);
}

#[test]
fn bus_reset_opens_the_endpoints_that_were_allocated_and_no_others() {
    for (endpoints, epinen, epouten) in [
        (&[][..], 0b1, 0b1),
        (&[input(3)][..], 0b1001, 0b1),
        (&[output(7)][..], 0b1, 0b1000_0001),
        (&[input(1), input(3), output(2), output(3), output(5)][..], 0b1011, 0b10_1101),
    ] {
        let chip = Block::usbd();
        opened(&chip, endpoints);
        assert_eq!((chip.get(map::epinen()), chip.get(map::epouten())), (epinen, epouten), "{endpoints:?}");
    }
}

#[test]
fn isochronous_endpoint_is_open_if_it_was_allocated_and_there_is_memory() {
    // The share of a direction that is alone is the whole.
    const OPEN: u32 = 1 << 8;
    for (has_memory, endpoints, epinen, epouten, isosplit) in [
        (true, &[][..], 0, 0, 0),
        (true, &[input(1), output(1)][..], 0, 0, 0),
        (true, &[input(8)][..], OPEN, 0, 0),
        (true, &[output(8), input(1)][..], 0, OPEN, 0),
        (true, &[input(8), output(8)][..], OPEN, OPEN, map::ISOSPLIT_HALF_IN),
        (false, &[input(8), output(8)][..], 0, 0, 0),
    ] {
        let chip = Block::usbd();
        let mut bus = bus(&chip, has_memory);
        for address in endpoints {
            let kind = if address.index() == 8 { ISOCHRONOUS } else { EndpointType::Bulk };
            assert_eq!(allocate(&mut bus, *address, kind, 64), Ok(*address));
        }
        bus.reset();
        let open = (chip.get(map::epinen()) & OPEN, chip.get(map::epouten()) & OPEN);
        assert_eq!((open, chip.get(map::isosplit())), ((epinen, epouten), isosplit), "{has_memory} {endpoints:?}");
    }
}
