//! Isochronous packets from the host, by `read`.

use super::*;

/// An isochronous packet of this length came in the last frame. `poll` has not told of it yet.
fn arrived(chip: &Block, length: u32) -> Controller<&Block> {
    let bus = opened(chip, &[output(1), output(2), output(8)]);
    next_frame(chip, length);
    bus
}

#[test]
fn isochronous_packet_is_read_after_poll_has_told_of_it_and_once() {
    let chip = Block::usbd();
    let mut bus = arrived(&chip, 48);
    assert_eq!(read(&mut bus, 8), Err(UsbError::WouldBlock));
    assert_eq!(told(&mut bus), (1 << 8, 0));
    assert_eq!(read(&mut bus, 8), Ok(48));
    assert_eq!(chip.get(map::isoout_maxcnt()), 48);
    assert_eq!(read(&mut bus, 8), Err(UsbError::WouldBlock));
    assert_eq!(told(&mut bus), (0, 0));
}

#[test]
fn isochronous_packet_fits_a_buffer_of_its_length_and_waits_if_that_is_less() {
    let chip = Block::usbd();
    let mut bus = arrived(&chip, 48);
    assert_eq!(told(&mut bus), (1 << 8, 0));
    assert_eq!(bus.read(output(8), &mut [0; 47]), Err(UsbError::BufferOverflow));
    assert_eq!(bus.read(output(8), &mut [0; 48]), Ok(48));
}

#[test]
fn isochronous_packet_without_bytes_is_read_without_a_transfer() {
    let chip = Block::usbd();
    let mut bus = arrived(&chip, map::size_isoout::ZERO.mask());
    assert_eq!(told(&mut bus), (1 << 8, 0));
    chip.writes();
    assert_eq!(bus.read(output(8), &mut []), Ok(0));
    assert_eq!(chip.own_writes(), []);
}

#[test]
fn isochronous_read_leaves_packets_of_other_endpoints_as_they_are() {
    let chip = Block::usbd();
    let mut bus = arrived(&chip, 48);
    arrives(&chip, 1, 5);
    assert_eq!(told(&mut bus), (1 << 8 | 1 << 1, 0));
    arrives(&chip, 2, 6);
    assert_eq!(read(&mut bus, 8), Ok(48));
    assert_eq!(read(&mut bus, 2), Err(UsbError::WouldBlock), "nobody was told of it");
    assert_eq!(read(&mut bus, 1), Ok(5));
    assert_eq!(told(&mut bus), (1 << 2, 0));
}

#[test]
fn memory_for_an_isochronous_packet_shows_no_bytes() {
    assert_eq!(std::format!("{:?}", IsoBuffer::new()), "IsoBuffer");
}

#[test]
fn frames_interrupt_while_an_isochronous_endpoint_is_open_and_else_not() {
    for (endpoints, interrupts) in
        [(&[][..], false), (&[input(1)][..], false), (&[input(8)][..], true), (&[output(8)][..], true)]
    {
        let chip = Block::usbd();
        let mut bus = opened(&chip, endpoints);
        for _ in 0..2 {
            assert_eq!(map::inten::SOF.is_set(chip.get(map::inten())), interrupts, "{endpoints:?}");
            bus.poll();
        }
    }
}
