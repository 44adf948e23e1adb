//! Try my device: a USB host that asks short, asks long, sets an address, and loses a handshake, on every schedule.
//!
//! `cargo run --example host` is sound, and exits with 0: it prints what the host has learned. With `-- --broken` the
//! device sends as many bytes as the host asks for, and has fewer: it exits with 1, and shows the run.

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use dma_api::nrf52840::usbd::Event;
use dma_api::usb::{GET_DESCRIPTOR, SET_ADDRESS, Setup};
use sim_core::check::firmware::{self, DESCRIPTOR};
use sim_core::explore::{Board, Kind, stepped};
use sim_core::host::descriptors::DeviceDescriptor;
use sim_core::host::{Host, HostError, Script, fault::Fault};
use sim_core::{soc::Config, trace::timeline};

/// A device with endpoint 0. It `trusts` the host to ask for no more than there is.
fn firmware<B: Board>(board: B, trusts: bool) {
    let mut ep0in = firmware::connect(board.clone());
    while !board.host_is_done() {
        board.checkpoint(&ep0in);
        match ep0in.next_event() {
            Some(Event::Setup(setup)) if setup.request == GET_DESCRIPTOR => {
                let asked = usize::from(setup.length);
                let length = if trusts { asked } else { asked.min(DESCRIPTOR.len()) };
                ep0in.start(&DESCRIPTOR[..length]).expect("the SETUP has ended what went before");
            }
            // The hardware answers it.
            Some(Event::Setup(setup)) if setup.request == SET_ADDRESS => {}
            Some(Event::Setup(_)) => ep0in.stall().expect("the SETUP has ended what went before"),
            _ => {}
        }
    }
    firmware::put_away(ep0in);
}

/// Asks up to three times: a device that has lost its place refuses once, and a host asks again.
async fn ask(host: &mut Host, setup: Setup) -> Result<Vec<u8>, HostError> {
    for _ in 0..2 {
        match host.control_in(setup).await {
            Err(HostError::Stalled { .. }) => {}
            other => return other,
        }
    }
    host.control_in(setup).await
}

/// What the host has learned is put into `learned`.
fn host(mut host: Host, learned: Rc<RefCell<Option<DeviceDescriptor>>>) -> Script {
    Box::pin(async move {
        host.reset().await?;
        let first = ask(&mut host, Setup::get_device_descriptor(8)).await?;
        host.set_address(5).await?;
        // The device's next handshake does not arrive: the host tries again.
        host.with_fault(Fault::LostHandshake);
        let whole = ask(&mut host, Setup::get_device_descriptor(64)).await?;
        if !whole.starts_with(&first) {
            return Err(HostError::Unexpected(format!("{first:02x?}, and then {whole:02x?}")));
        }
        *learned.borrow_mut() = Some(DeviceDescriptor::parse(&whole)?);
        Ok(())
    })
}

fn main() -> ExitCode {
    let trusts = std::env::args().any(|argument| argument == "--broken");
    let learned = Rc::default();
    let (firmware, host) = (|board| firmware(board, trusts), |bus| host(bus, Rc::clone(&learned)));
    let exploration = sim_core::explore(Config::default(), stepped::Limits::default(), firmware, host);
    if let Some(string) = exploration.verdict.replay() {
        let run = sim_core::replay(Config::default(), string, firmware, host).expect("it was printed just now");
        println!("{}", timeline::render(&run.trace));
    }
    if let Some(DeviceDescriptor { vendor, product, .. }) = &*learned.borrow() {
        println!("Device {vendor:04x}:{product:04x}, on each of {} states.", exploration.states);
    }
    ExitCode::from(u8::from(exploration.verdict.kind() != Kind::Sound))
}
