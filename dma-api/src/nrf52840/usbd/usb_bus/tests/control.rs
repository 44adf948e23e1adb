//! Endpoint 0: what is refused, and when.

use super::*;
use crate::usb::{GET_DESCRIPTOR, STANDARD_DEVICE_IN};

const QUESTION: Setup = Setup::get_device_descriptor(18);

/// A request that usb-device has read.
fn asked(chip: &Block, question: Setup) -> Controller<&Block> {
    let mut bus = opened(chip, &[input(1)]);
    asks(chip, question);
    assert!(matches!(bus.poll(), PollResult::Data { ep_setup: 1, .. }));
    let mut bytes = [0; 8];
    assert_eq!(bus.read(output(0), &mut bytes), Ok(8));
    assert_eq!(bytes[..2], [STANDARD_DEVICE_IN, GET_DESCRIPTOR]);
    chip.writes();
    bus
}

#[test]
fn request_is_refused_at_once_and_once() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, QUESTION);
    assert!(!bus.device.is_stalled(input(0)));
    bus.set_stalled(input(0), true);
    assert_eq!(chip.own_writes(), [(map::tasks_ep0stall(), 1), (map::intenclr(), map::inten::SOF.mask())]);
    assert!(bus.device.is_stalled(input(0)) && bus.device.is_stalled(output(0)));
    bus.set_stalled(output(0), true);
    bus.set_stalled(output(0), false);
    bus.poll();
    assert_eq!(writes_to(&chip, map::tasks_ep0stall()), []);
}

#[test]
fn request_that_is_not_answered_is_refused_by_poll() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, QUESTION);
    assert_eq!(told(&mut bus), (0, 0));
    assert_eq!(writes_to(&chip, map::tasks_ep0stall()), [1]);
}

#[test]
fn status_stage_is_permitted_when_the_host_leaves_a_packet_alone_for_five_frames() {
    // The frame's number goes from 2047 to 0.
    for written in [0, 100, 2045] {
        let chip = Block::usbd();
        chip.set(map::framecntr(), written);
        let mut bus = asked(&chip, QUESTION);
        assert_eq!(bus.write(input(0), &[18; 8]), Ok(8));
        for (age, permitted) in [(4, &[][..]), (5, &[1][..]), (6, &[][..])] {
            chip.set(map::framecntr(), (written + age) % 2048);
            bus.poll();
            assert_eq!(writes_to(&chip, map::tasks_ep0status()), permitted, "{age} frames after {written}");
        }
    }
}

#[test]
fn status_stage_is_permitted_once_though_a_slow_host_takes_the_packet_after_all() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, Setup::get_device_descriptor(u16::MAX));
    let mut permitted = Vec::new();
    for (packet, frame) in [(&[1; 64][..], 5), (&[2; 64], 10), (&[3; 8], 10)] {
        assert_eq!(bus.write(input(0), packet), Ok(packet.len()));
        chip.set(map::framecntr(), frame);
        assert_eq!(told(&mut bus), (0, 0));
        chip.set(map::events_ep0datadone(), 1);
        assert_eq!(told(&mut bus), (0, 1));
        permitted.push(writes_to(&chip, map::tasks_ep0status()).len());
    }
    assert_eq!(permitted, [1, 0, 0]);
    // The next transfer has its own.
    asks(&chip, QUESTION);
    assert!(matches!(bus.poll(), PollResult::Data { ep_setup: 1, .. }));
    assert_eq!(bus.read(output(0), &mut [0; 8]), Ok(8));
    assert_eq!(bus.write(input(0), &[18; 18]), Ok(18));
    chip.set(map::events_ep0datadone(), 1);
    assert_eq!(told(&mut bus), (0, 1));
    assert_eq!(writes_to(&chip, map::tasks_ep0status()), [1]);
}

#[test]
fn status_stage_is_permitted_when_the_host_has_the_last_packet_and_not_before() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, Setup::get_device_descriptor(u16::MAX));
    for (packet, permitted) in [(&[1; 64][..], &[][..]), (&[2; 8], &[1])] {
        assert_eq!(bus.write(input(0), packet), Ok(packet.len()));
        assert_eq!(told(&mut bus), (0, 0));
        assert_eq!(writes_to(&chip, map::tasks_ep0status()), [], "it is on its way");
        chip.set(map::events_ep0datadone(), 1);
        assert_eq!(told(&mut bus), (0, 1));
        assert_eq!(writes_to(&chip, map::tasks_ep0status()), permitted);
    }
}

#[test]
fn status_stage_of_a_request_is_permitted_unless_a_setup_has_ended_it() {
    for (is_over, permitted) in [(false, &[1][..]), (true, &[])] {
        let chip = Block::usbd();
        let mut bus = opened(&chip, &[input(1)]);
        asks(&chip, Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 0 });
        assert!(matches!(bus.poll(), PollResult::Data { ep_setup: 1, .. }));
        assert_eq!(bus.read(output(0), &mut [0; 8]), Ok(8));
        if is_over {
            asks(&chip, QUESTION);
        }
        assert_eq!(bus.write(input(0), &[]), Ok(0));
        assert_eq!(writes_to(&chip, map::tasks_ep0status()), permitted);
    }
}

#[test]
fn status_stage_of_a_request_that_was_given_another_answer_is_refused_and_not_permitted_later() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, QUESTION);
    asks(&chip, Setup::get_device_descriptor(8));
    assert_eq!(bus.write(input(0), &[18; 18]), Ok(18));
    chip.set(map::events_ep0datadone(), 1);
    assert_eq!(told(&mut bus), (0, 0));
    assert_eq!(writes_to(&chip, map::tasks_ep0stall()), [1]);
    chip.set(map::framecntr(), 5);
    assert_eq!(told(&mut bus), (0, 0));
    assert_eq!(writes_to(&chip, map::tasks_ep0status()), []);
}

#[test]
fn frames_interrupt_while_a_packet_of_endpoint_0_waits_for_the_host() {
    let chip = Block::usbd();
    let mut bus = asked(&chip, QUESTION);
    let interrupts = || map::inten::SOF.is_set(chip.get(map::inten()));
    assert!(interrupts(), "an answer is due");
    assert_eq!(bus.write(input(0), &[18; 18]), Ok(18));
    assert!(interrupts(), "the host may leave it alone");
    chip.set(map::events_ep0datadone(), 1);
    assert_eq!(told(&mut bus), (0, 1));
    assert!(!interrupts(), "the host has it");
}
