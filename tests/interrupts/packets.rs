//! Packets that a handler ends, under loom and stepped.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use sim_core::check::interrupt;
use sim_core::check::programs::BackToBack;
use sim_core::explore::{Board, Kind, Program, model};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::explore;

/// As `BackToBack`: the main program starts a packet, the handler ends it.
#[derive(Clone)]
struct BackToBackByInterrupt(BackToBack);

impl Program for BackToBackByInterrupt {
    fn name(&self) -> String {
        format!("interrupt-{}", self.0.name())
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
        ep0in.usbd().listen(map::inten::EP0DATADONE.mask());
        let (ep0in, done) = (Rc::new(RefCell::new(ep0in)), Rc::new(Cell::new(true)));
        let (in_handler, ended) = (ep0in.clone(), done.clone());
        let handler = move || ended.set(in_handler.borrow_mut().end().is_ok());
        board.with_interrupt(handler, || {
            for packet in 0..self.0.packets {
                let bytes = [packet; map::PACKET_SIZE];
                board.critical_section(|| {
                    done.set(false);
                    ep0in.borrow_mut().start(&bytes[..usize::from(self.0.length)]).expect("the one before was ended");
                });
                while board.critical_section(|| {
                    let waits = !done.get();
                    if waits {
                        board.wait_for_interrupt();
                    }
                    waits
                }) {}
            }
        });
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}

impl model::Packets for BackToBackByInterrupt {
    fn packets(&self) -> usize {
        self.0.packets.into()
    }
}

#[test]
fn loom_and_stepped_agree_on_packets_that_a_handler_ends() {
    let weak = Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Full };
    let swapped = Fences { start: weak.end, end: weak.start, ..weak };
    let right = Fences::right(Machine::CortexM7);
    for (fences, expected) in [(right, Kind::Sound), (weak, Kind::Race), (swapped, Kind::Race)] {
        let program = BackToBackByInterrupt(BackToBack { packets: 2, length: 8, fences });
        let verdict = explore(&program);
        assert_eq!(verdict.kind(), expected, "{verdict}");
        let verdict = model::check(&program, model::Limits::default());
        assert_eq!(verdict.kind(), expected, "loom: {verdict}");
    }
}
