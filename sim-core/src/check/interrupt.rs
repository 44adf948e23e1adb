//! The device of [`firmware`], asleep but for its interrupt handler.
//!
//! The example of how main program and handler share a driver: an `Rc<RefCell<..>>` where firmware has a static,
//! borrowed in critical sections, and by the handler. All that happens on endpoint 0 is answered by the handler; the
//! main program sleeps.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Ep0In, Event, StartError, map};
use dma_api::usb::Setup;

use super::firmware;
use super::programs::{Device, Try};
use crate::explore::{Board, Program};
use crate::host::{Host, Script};
use crate::soc::Config;

/// The events that the handler serves. ENDEPIN\[0\] is not among them: a packet that was sent is ended when the host
/// has it.
pub const EVENTS: u32 = map::inten::USBRESET.mask() | map::inten::EP0DATADONE.mask() | map::inten::EP0SETUP.mask();

/// A driver that main program and handler share.
///
/// See [`serve`], which uses it, for an example.
pub type Shared<B> = Rc<RefCell<Ep0In<B>>>;

/// Powers the controller up and connects it: an endpoint 0 that asserts the interrupt line for `events`.
///
/// See [`serve`], which uses it, for an example.
pub fn connect<B: Board>(board: &B, events: u32) -> Shared<B> {
    let ep0in = firmware::connect(board.clone());
    ep0in.usbd().listen(events);
    Rc::new(RefCell::new(ep0in))
}

/// Serves the host until it is done.
///
/// See [`firmware::serve`], for which it can stand, for an example.
pub fn serve<B: Board>(board: B) {
    serve_with(board, firmware::answer);
}

/// Has `answer` answer requests in the handler, and sleeps until the host is done.
fn serve_with<B: Board>(board: B, answer: fn(&mut Ep0In<B>, Setup)) {
    let ep0in = connect(&board, EVENTS);
    let handler = {
        let (board, ep0in) = (board.clone(), ep0in.clone());
        move || take_all(&board, &mut ep0in.borrow_mut(), answer)
    };
    board.with_interrupt(handler, || sleep(&board, &ep0in));
    put_away(ep0in);
}

/// Takes all events that there are. A SETUP that was read together with a reset is one that no interrupt tells of.
fn take_all<B: Board>(board: &B, ep0in: &mut Ep0In<B>, answer: fn(&mut Ep0In<B>, Setup)) {
    loop {
        board.checkpoint(ep0in);
        match ep0in.next_event() {
            Some(Event::Setup(setup)) => answer(ep0in, setup),
            Some(_) => {}
            None => return,
        }
    }
}

/// Sleeps until the host is done.
///
/// See [`serve`], which uses it, for an example.
pub fn sleep<B: Board>(board: &B, ep0in: &Shared<B>) {
    loop {
        board.checkpoint(ep0in);
        if board.host_is_done() {
            return;
        }
        board.wait_for_interrupt();
    }
}

/// As [`firmware::put_away`], when the handler is gone.
///
/// See [`serve`], which uses it, for an example.
///
/// # Panics
///
/// If somebody else has the driver still.
pub fn put_away<B: Board>(shared: Shared<B>) {
    let ep0in = Rc::into_inner(shared).expect("the handler, which had it too, is gone");
    firmware::put_away(ep0in.into_inner());
}

/// As [`firmware::answer`], but starts each packet twice: the second must be refused, and change nothing.
fn answer_twice<B: Board>(ep0in: &mut Ep0In<B>, setup: Setup) {
    firmware::answer(ep0in, setup);
    assert_eq!(ep0in.start(&[0xFF; 64]), Err(StartError::Busy));
}

/// As [`Device`], by interrupts.
///
/// See [`Faults`](crate::host::Faults), of a `Device`, for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterruptDevice(pub Device);

impl Program for InterruptDevice {
    fn name(&self) -> String {
        format!("interrupt-{}", self.0.name())
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn firmware<B: Board>(&self, board: B) {
        if self.0.host == Try::DoubleStart { serve_with(board, answer_twice) } else { serve(board) }
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}
