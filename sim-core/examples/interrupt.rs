//! Check my handler: endpoint 0 is served in an interrupt handler, while the main program sleeps, on every schedule.
//!
//! `cargo run --example interrupt` is sound, and exits with 0: the handler may come before any register access of the
//! main program, and while it sleeps. With `-- --broken` the handler returns without having cleared its event, and is
//! called again for ever: it exits with 1, and shows the run.

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Event, map::inten};
use dma_api::usb::Setup;
use sim_core::check::firmware::{self, DESCRIPTOR};
use sim_core::explore::{Board, Kind, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::{soc::Config, trace::timeline};

fn firmware<B: Board>(board: B, clears: bool) {
    let ep0in = firmware::connect(board.clone());
    ep0in.usbd().listen(inten::USBRESET.mask() | inten::EP0SETUP.mask() | inten::EP0DATADONE.mask());
    let ep0in = Rc::new(RefCell::new(ep0in));
    let (shared, bus) = (ep0in.clone(), board.clone());
    let handler = move || {
        bus.checkpoint(&shared);
        if !clears {
            return;
        }
        let mut ep0in = shared.borrow_mut();
        while let Some(event) = ep0in.next_event() {
            if let Event::Setup(setup) = event {
                firmware::answer(&mut ep0in, setup);
            }
        }
    };
    board.with_interrupt(handler, || {
        while !board.host_is_done() {
            board.checkpoint(&ep0in);
            board.wait_for_interrupt();
        }
    });
    firmware::put_away(Rc::into_inner(ep0in).expect("the handler is gone").into_inner());
}

fn host(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        let got = host.control_in(Setup::get_device_descriptor(8)).await?;
        if got == DESCRIPTOR[..8] { Ok(()) } else { Err(HostError::Unexpected(format!("{got:02x?} came"))) }
    })
}

fn main() -> ExitCode {
    let clears = std::env::args().all(|argument| argument != "--broken");
    let firmware = |board| firmware(board, clears);
    let exploration = sim_core::explore(Config::default(), stepped::Limits::default(), firmware, host);
    match exploration.verdict.replay() {
        Some(string) => {
            let run = sim_core::replay(Config::default(), string, firmware, host).expect("it was printed just now");
            println!("{}", timeline::render(&run.trace));
        }
        None => println!("The host has its descriptor, whenever the handler comes: {} states.", exploration.states),
    }
    ExitCode::from(u8::from(exploration.verdict.kind() != Kind::Sound))
}
