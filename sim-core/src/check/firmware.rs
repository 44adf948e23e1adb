//! A small device: enough for a host to read its descriptor through `Ep0In`.
//!
//! Answers GET_DESCRIPTOR, SET_ADDRESS and SET_CONFIGURATION.
//! Runs on every [`Board`], so on threads, stepped, and (with a loop that does not end) on the chip.

use dma_api::nrf52840::usbd::{Ep0In, Event, Usbd};
use dma_api::usb::{DEVICE_DESCRIPTOR, GET_DESCRIPTOR, SET_ADDRESS, SET_CONFIGURATION, Setup};

use crate::explore::Board;
use crate::statics;

/// The device descriptor, in flash: USB 2.0, 64-byte packets, vendor 0x1209 product 0x0001 (pid.codes, for tests).
pub static DESCRIPTOR: [u8; 18] = [18, 1, 0x00, 0x02, 0, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 0, 0, 0, 1];

/// Powers the controller up and connects it: an endpoint 0 that waits for the host.
///
/// See [`serve`], which calls it, for an example.
pub fn connect<B: Board>(board: B) -> Ep0In<B> {
    let mut usbd = Usbd::new(board);
    usbd.power_up();
    while !usbd.is_ready() {}
    usbd.connect();
    Ep0In::new(usbd, statics::packet_buffer())
}

/// Serves the host until it is done.
///
/// ```
/// # use sim_core::check::firmware::{self, DESCRIPTOR};
/// # use sim_core::explore::{Kind, stepped::Limits};
/// # use sim_core::soc::Config;
/// # use dma_api::usb::Setup;
/// let exploration = sim_core::explore(Config::default(), Limits::default(), firmware::serve, |mut host| {
///     Box::pin(async move {
///         host.reset().await?;
///         assert_eq!(host.control_in(Setup::get_device_descriptor(8)).await?, DESCRIPTOR[..8]);
///         Ok(())
///     })
/// });
/// assert_eq!(exploration.verdict.kind(), Kind::Sound);
/// ```
pub fn serve<B: Board>(board: B) {
    let mut ep0in = connect(board.clone());
    loop {
        board.checkpoint(&ep0in);
        if board.host_is_done() {
            break;
        }
        if let Some(Event::Setup(setup)) = ep0in.next_event() {
            answer(&mut ep0in, setup);
        }
    }
    put_away(ep0in);
}

/// Answers one request.
///
/// See [`serve`], which calls it, for an example.
///
/// # Panics
///
/// If the endpoint is busy: a SETUP has ended what went before.
pub fn answer<B: Board>(ep0in: &mut Ep0In<B>, setup: Setup) {
    let [kind, _] = setup.value.to_be_bytes();
    match setup.request {
        GET_DESCRIPTOR if setup.is_in() && kind == DEVICE_DESCRIPTOR && setup.length > 0 => {
            let length = DESCRIPTOR.len().min(setup.length.into());
            ep0in.start(&DESCRIPTOR[..length]).expect("the SETUP has ended the packet before");
        }
        // The hardware answers it, status stage included.
        SET_ADDRESS => {}
        SET_CONFIGURATION => ep0in.accept().expect("the SETUP has ended the packet before"),
        _ => ep0in.stall().expect("the SETUP has ended the packet before"),
    }
}

/// Gives up what is on its way, waits for the DMA, and keeps the buffer for the next run.
///
/// See [`serve`], which calls it, for an example.
pub fn put_away<B: Board>(mut ep0in: Ep0In<B>) {
    ep0in.abort();
    loop {
        match ep0in.into_parts() {
            Ok((_, buffer)) => return statics::give_back(buffer),
            Err(busy) => ep0in = busy,
        }
    }
}
