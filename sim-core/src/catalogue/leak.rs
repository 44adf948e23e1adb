//! C.1: a borrow that is leaked, and what is lent for shorter than the DMA uses it.
//!
//! In most of these reports an API is safe to call, and a guard's destructor is to wait for the DMA. Whoever does not
//! run it breaks the API, and nothing needs to be unsafe for that. The twins wait, or hand memory over for ever.

use std::cell::RefCell;
use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;

use super::buffers::{Heap, LENGTH};
use super::steps::{finish, receive, reuse, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, TX, gets};
use crate::explore::Board;
use crate::monitor::Rule;

/// Waits for the end of a transfer when it is dropped.
struct Waits<'h> {
    hand: &'h Serial,
    channel: u16,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        finish(self.hand, self.channel);
    }
}

fn c001_guard_of_a_borrowed_source_is_forgotten(hand: &Serial, is_broken: bool) {
    send(hand, BUFFER, LENGTH);
    let guard = Waits { hand, channel: TX };
    if is_broken {
        mem::forget(guard);
    } else {
        drop(guard);
    }
    reuse(hand, BUFFER + 1);
}

/// The payload is a local variable; the variant that blocks is what was recommended.
fn c002_local_payload_is_sent_and_goes(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let payload = heap.take();
        send(hand, payload.address(), LENGTH);
        if !is_broken {
            finish(hand, TX);
        }
    }
    heap.call_another();
}

/// A transfer's type had no `'static`: the endpoint's buffer is borrowed.
fn c005_borrowed_packet_buffer_is_forgotten(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_out(1, FIRST, 8);
    if !is_broken {
        hand.wait(map::events_endepout(1));
        hand.0.acquire_fence();
    }
    hand.store(FIRST, 0x55);
    assert_eq!(hand.load(FIRST), 0x55, "somebody has written another's memory");
}

/// Two buffers, one for each half of the UART: the one for receiving lived too short.
fn c006_half_of_a_split_port_outlives_its_buffer(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let received = heap.take();
    {
        receive(hand, received.address(), LENGTH);
        let sent = heap.take();
        send(hand, sent.address(), LENGTH);
        finish(hand, TX);
    }
    if !is_broken {
        finish(hand, RX);
    }
    drop(received);
    heap.call_another();
}

/// It returns with the DMA armed, and the packet is the caller's again.
fn c007_safe_start_returns_with_the_dma_armed(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    if !is_broken {
        finish(hand, RX);
    }
    // The next packet is prepared in the same memory.
    hand.store(BUFFER, 1);
}

/// Borrowed buffers were allowed again; a rule in the documentation says that nothing is to be forgotten.
fn c008_rule_never_to_forget_is_broken(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let array = heap.take();
        receive(hand, array.address(), LENGTH);
        let guard = ManuallyDrop::new(Waits { hand, channel: RX });
        if !is_broken {
            drop(ManuallyDrop::into_inner(guard));
        }
    }
    heap.call_another();
}

/// A buffer that is a `&mut` to another: the reborrow ends with a forgotten transfer, the owner uses it again.
fn c009_reborrow_ends_and_the_owner_writes(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let mut owner = heap.take();
    let reborrow = &mut owner;
    receive(hand, reborrow.address(), LENGTH);
    let transfer = Waits { hand, channel: RX };
    if is_broken {
        mem::forget(transfer);
    } else {
        drop(transfer);
    }
    reuse(hand, owner.address());
}

/// A guard that is counted, and may point to another.
struct Node<'h> {
    _guard: Waits<'h>,
    next: RefCell<Option<Rc<Self>>>,
}

/// A cycle of reference counts forgets, too, and nobody has written `forget`.
fn c010_guard_is_leaked_in_a_cycle(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let array = heap.take();
        receive(hand, array.address(), LENGTH);
        let guard = Rc::new(Node { _guard: Waits { hand, channel: RX }, next: RefCell::default() });
        if is_broken {
            *guard.next.borrow_mut() = Some(guard.clone());
        }
    }
    heap.call_another();
}

/// A completion that waits in its destructor is put where destructors do not run.
fn c011_completion_is_never_dropped(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    {
        let array = heap.take();
        send(hand, array.address(), LENGTH);
        let completion = Waits { hand, channel: TX };
        if is_broken {
            let _kept = MaybeUninit::new(completion);
        }
    }
    heap.call_another();
}

/// A queue takes a request, and returns before the device has it: the header in this frame is gone by then.
fn c012_enqueue_returns_before_the_device_is_done(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let enqueue = || {
        let header = heap.take();
        send(hand, header.address(), 1);
        if !is_broken {
            finish(hand, TX);
        }
    };
    enqueue();
    heap.call_another();
}

/// Any address may be mapped: the memory is somebody else's.
fn c013_memory_of_another_is_mapped(hand: &Serial, is_broken: bool) {
    let address = if is_broken { 0x2000_4000 } else { SECOND };
    send(hand, address, 1);
    finish(hand, TX);
}

/// A task starts a transfer and ends; the next task has the same stack. The twin's buffer is a singleton.
fn c014_task_ends_with_a_transfer_on_its_stack(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let task = || {
        if is_broken {
            let array = heap.take();
            receive(hand, array.address(), LENGTH);
        } else {
            let singleton = heap.take();
            receive(hand, singleton.address(), LENGTH);
            mem::forget(singleton);
        }
    };
    task();
    heap.call_another();
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);

pub(super) const CASES: &[Case] = &[
    serial!(c001_guard_of_a_borrowed_source_is_forgotten, H1, "imxrt-rs/imxrt-hal#137", IN_FLIGHT, peers::gets_two),
    serial!(c002_local_payload_is_sent_and_goes, H1, "stm32-rs/stm32f1xx-hal#277", IN_FLIGHT, |host| gets(
        host,
        &[0, 0]
    )),
    usb!(c005_borrowed_packet_buffer_is_forgotten, H1, "nrf-rs/nrf-hal#237", IN_FLIGHT, peers::sends_twos),
    serial!(c006_half_of_a_split_port_outlives_its_buffer, H1, "nrf-hal 2ab223a", IN_FLIGHT, peers::sends_two),
    serial!(c007_safe_start_returns_with_the_dma_armed, H1, "nrf-hal fa694bf", IN_FLIGHT, peers::offers_two),
    serial!(c008_rule_never_to_forget_is_broken, H1, "esp-rs/esp-hal#1245, #1837", IN_FLIGHT, peers::offers_two),
    serial!(c009_reborrow_ends_and_the_owner_writes, H1, "esp-rs/esp-hal#2216", IN_FLIGHT, peers::offers_two),
    serial!(c010_guard_is_leaked_in_a_cycle, H1, "embassy-rs/embassy#39", IN_FLIGHT, peers::offers_two),
    serial!(c011_completion_is_never_dropped, H1, "spacejam/rio#11, rustsec/advisory-db#293", IN_FLIGHT, peers::silent),
    serial!(c012_enqueue_returns_before_the_device_is_done, H1, "rcore-os/virtio-drivers#31", IN_FLIGHT, peers::silent),
    serial!(
        c013_memory_of_another_is_mapped,
        H3,
        "rust-vmm/vfio#103",
        Caught::Rule(Rule::PointerNotLent),
        peers::silent
    ),
    serial!(c014_task_ends_with_a_transfer_on_its_stack, H1, "rtic-rs/rtic#59", IN_FLIGHT, peers::offers_two),
];
