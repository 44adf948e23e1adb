//! EPDATA is raised by an edge: in which order event and causes are cleared.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Engine, PacketBuffer, Usbd, map};
use sim_core::check::programs::begin_control_read;
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{expect_sound, explore, message};

/// In which order a handler clears EVENTS_EPDATA and the bits of EPDATASTATUS that raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    EventFirst,
    StatusFirst,
}

/// Firmware that takes what comes to endpoint 1, a packet an interrupt.
struct Receiver(Clear);

impl Program for Receiver {
    fn name(&self) -> String {
        format!("receiver:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let buffer: &'static mut PacketBuffer = statics::packet_buffer();
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), buffer);
        endpoints.epout[0].open(&mut engine);
        engine.usbd().listen(map::inten::EPDATA.mask());
        // The host waits for this: from here on the endpoint is open.
        endpoints.control.write(&mut engine, &[0], true).expect("it is the only packet");
        let shared = Rc::new(RefCell::new((engine, endpoints)));
        let (bus, in_handler, order) = (board.clone(), shared.clone(), self.0);
        let handler = move || {
            let (engine, endpoints) = &mut *in_handler.borrow_mut();
            bus.checkpoint(&(&*engine, &*endpoints));
            if order == Clear::EventFirst {
                engine.usbd().take_epdata();
            }
            let mut bytes = [0; map::PACKET_SIZE];
            // None, if the packet came after the last look and before the event was cleared.
            let _ = endpoints.epout[0].read(engine, &mut bytes);
            if order == Clear::StatusFirst {
                engine.usbd().take_epdata();
            }
        };
        board.with_interrupt(handler, || {
            while !board.host_is_done() {
                board.wait_for_interrupt();
                board.checkpoint(&shared);
            }
        });
        let (engine, endpoints) = Rc::into_inner(shared).expect("the handler is gone").into_inner();
        let (_, buffer) = engine.into_parts(endpoints);
        statics::give_back(buffer);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            for packet in 0..3 {
                host.bulk_out(1, &[packet]).await?;
            }
            Ok(())
        })
    }
}

#[test]
fn event_that_is_cleared_before_its_causes_is_raised_again_by_the_next() {
    expect_sound(&Receiver(Clear::EventFirst));
}

#[test]
fn event_that_is_cleared_after_its_causes_loses_the_next() {
    let verdict = explore(&Receiver(Clear::StatusFirst));
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_EPDATA"), "{verdict}");
}
