//! A transfer that is moved while it runs, with each kind of buffer.
//!
//! A `Box` or a `&mut` that is moved says that nobody else uses its target: by value, no transfer could be returned.

use std::fmt::Debug;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use dma_api::transfer::Transfer;
use embedded_dma::{ReadBuffer, WriteBuffer};
use tests::chip::Chip;
use tests::chip::parts::{self, Receiver, Sender};

use crate::{counting, elsewhere, on_a_chip};

/// Starts, and returns the transfer: the first move.
fn receives<B: WriteBuffer<Word = u8> + Debug + 'static>(chip: &'static Chip, buffer: B) -> Transfer<B, Receiver> {
    parts::halves_of(chip).1.read_exact(buffer).expect("it is not refused")
}

/// Starts, and returns the transfer.
fn sends<B: ReadBuffer<Word = u8> + Debug + 'static>(chip: &'static Chip, buffer: B) -> Transfer<B, Sender> {
    parts::halves_of(chip).0.write_all(buffer).expect("it is not refused")
}

/// Fills `buffer`, moved at the start, when some of it is there, and at the end. Returns what `bytes` sees in it.
fn filled<B>(buffer: B, bytes: impl FnOnce(&B) -> Vec<u8>) -> Vec<u8>
where
    B: WriteBuffer<Word = u8> + Debug + 'static,
{
    on_a_chip(|chip| {
        let transfer = elsewhere(receives(chip, buffer));
        while transfer.moved() == 0 {}
        let transfer = *elsewhere(*transfer);
        let (buffer, _) = transfer.wait().expect("nothing fails here");
        bytes(&elsewhere(buffer))
    })
}

#[test]
fn received_into_a_boxed_slice() {
    assert_eq!(filled(vec![0; 8].into_boxed_slice(), |buffer| buffer.to_vec()), counting(8));
}

#[test]
fn received_into_a_boxed_array() {
    assert_eq!(filled(Box::new([0; 8]), |buffer| buffer.to_vec()), counting(8));
}

#[test]
fn received_into_a_vector() {
    assert_eq!(filled(vec![0; 8], Vec::clone), counting(8));
}

#[test]
fn received_into_a_slice_that_lives_for_ever() {
    assert_eq!(filled(vec![0; 8].leak(), |buffer| buffer.to_vec()), counting(8));
}

#[test]
fn received_into_an_array_by_reference() {
    let buffer: &'static mut [u8; 8] = Box::leak(Box::new([0; 8]));
    assert_eq!(filled(buffer, |buffer| buffer.to_vec()), counting(8));
}

/// What goes over the line of `buffer`, moved as in `filled`.
fn sent<B: ReadBuffer<Word = u8> + Debug + 'static>(buffer: B) -> Vec<u8> {
    on_a_chip(|chip| {
        let transfer = elsewhere(sends(chip, buffer));
        while transfer.moved() == 0 {}
        let (buffer, _) = elsewhere(*transfer).wait().expect("nothing fails here");
        drop(elsewhere(buffer));
        chip.sent()
    })
}

#[test]
fn sent_from_each_kind_of_buffer() {
    assert_eq!(sent(vec![1, 2, 3].into_boxed_slice()), counting(3));
    assert_eq!(sent(Box::new([1, 2, 3])), counting(3));
    assert_eq!(sent(vec![1, 2, 3]), counting(3));
    assert_eq!(sent(vec![1, 2, 3].leak()), counting(3));
    assert_eq!(sent(&[1, 2, 3]), counting(3));
    assert_eq!(sent(std::sync::Arc::new([1, 2, 3])), counting(3));
    assert_eq!(sent("abc".as_bytes()), b"abc");
}

#[test]
fn shared_buffer_is_read_by_both_while_it_is_sent() {
    let shared = std::sync::Arc::new([1, 2, 3]);
    let kept = shared.clone();
    let wire = on_a_chip(|chip| {
        let transfer = elsewhere(sends(chip, shared));
        let seen = kept.to_vec();
        assert!(transfer.wait().is_ok());
        (seen, chip.sent())
    });
    assert_eq!(wire, (counting(3), counting(3)));
}

#[test]
fn transfer_is_waited_for_by_another_thread() {
    let received = on_a_chip(|chip| {
        let transfer = receives(chip, vec![0; 8]);
        let waits = std::thread::spawn(move || transfer.wait().expect("nothing fails here").0);
        waits.join().expect("it does not panic")
    });
    assert_eq!(received, counting(8));
}

#[test]
fn future_is_moved_between_its_polls() {
    let received = on_a_chip(|chip| {
        chip.grant(0);
        let mut future = elsewhere(receives(chip, vec![0; 8].into_boxed_slice()).into_future());
        let context = &mut Context::from_waker(Waker::noop());
        for items in [3, 5] {
            assert!(Pin::new(&mut *future).poll(context).is_pending());
            chip.grant(items);
            while !chip.is_spent() {}
            future = elsewhere(*future);
        }
        match Pin::new(&mut *future).poll(context) {
            Poll::Ready(Ok((buffer, _))) => buffer.to_vec(),
            other => panic!("all was granted: {other:?}"),
        }
    });
    assert_eq!(received, counting(8));
}

#[test]
fn packets_of_an_endpoint_are_moved_in_flight() {
    let (packet, room) = on_a_chip(|chip| {
        let (engine, mut endpoints) = parts::engine_of(chip);
        let transfer = endpoints.epin[0].send(engine, vec![1, 2, 3]).expect("it is not refused");
        let (engine, packet) = elsewhere(transfer).wait();
        let transfer = endpoints.epout[0].receive(engine, Box::new([0; 8])).expect("it is not refused");
        let (_engine, room) = elsewhere(transfer).wait();
        (packet, room)
    });
    assert_eq!((packet, room.to_vec()), (counting(3), counting(8)));
}

#[test]
fn engine_is_moved_between_copies_by_way_of_its_buffer() {
    let copied = on_a_chip(|chip| {
        let (mut engine, mut endpoints) = parts::engine_of(chip);
        endpoints.epin[0].write(&mut engine, &[1, 2, 3]).expect("it is not refused");
        let mut engine = *elsewhere(engine);
        let mut bytes = [0; 8];
        endpoints.epout[0].read(&mut engine, &mut bytes).expect("it is not refused");
        let (_usbd, _buffer) = elsewhere(engine).into_parts(endpoints);
        (chip.sent(), bytes.to_vec())
    });
    assert_eq!(copied, (counting(3), counting(8)));
}

#[test]
fn endpoint_0_is_moved_while_it_sends() {
    use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer, Usbd};
    let sent = on_a_chip(|chip| {
        let buffer = Box::leak(Box::new(PacketBuffer::new()));
        let mut ep0in = Ep0In::new(Usbd::new(chip.part()), buffer);
        ep0in.start(&[1, 2, 3]).expect("it is not refused");
        let mut ep0in = elsewhere(ep0in);
        ep0in.abort();
        while ep0in.busy() {}
        let (_usbd, _buffer) = elsewhere(*ep0in).into_parts().expect("it is idle");
        chip.sent()
    });
    assert_eq!(sent, counting(3));
}
