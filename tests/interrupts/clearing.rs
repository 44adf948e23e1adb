//! EPDATA and USBEVENT are raised by an edge: in which order event and causes are cleared. And SOF.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dma_api::nrf52840::usbd::{BusEvent, Engine, PacketBuffer, Usbd, map};
use sim_core::check::programs::begin_control_read;
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{clear, expect_sound, explore, message};

/// In which order a handler clears an event and the bits that raise it: EVENTS_EPDATA and those of EPDATASTATUS,
/// EVENTS_USBEVENT and those of EVENTCAUSE.
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
                assert!(engine.usbd().take_epdata(), "the line is a level");
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

/// Firmware that sleeps until the bus was suspended and resumed.
struct Resumed(Clear);

impl Program for Resumed {
    fn name(&self) -> String {
        format!("resumed:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        let line = std::panic::Location::caller();
        soc.cpu_write(map::eventcause(), map::eventcause::READY.mask(), line);
        soc.cpu_write(map::events_usbevent(), 0, line);
    }

    fn firmware<B: Board>(&self, board: B) {
        let usbd = Usbd::new(board.clone());
        usbd.listen(map::inten::USBEVENT.mask());
        let is_resumed = Rc::new(Cell::new(false));
        let (bus, in_handler, order) = (board.clone(), is_resumed.clone(), self.0);
        let handler = move || match order {
            Clear::EventFirst => {
                while let Some(event) = usbd.take_bus_event() {
                    in_handler.set(event == BusEvent::Resume);
                }
            }
            Clear::StatusFirst => {
                let causes = bus.read(map::eventcause());
                // SAFETY:
                // - The write starts nothing: it clears what was read.
                unsafe { bus.write(map::eventcause(), causes) };
                in_handler.set(map::eventcause::RESUME.is_set(causes));
                clear(&bus, map::events_usbevent());
            }
        };
        board.with_interrupt(handler, || {
            while !board.critical_section(|| {
                if !is_resumed.get() {
                    board.wait_for_interrupt();
                }
                is_resumed.get()
            }) {}
        });
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.suspend().await?;
            host.resume().await
        })
    }
}

#[test]
fn bus_event_that_is_cleared_before_its_causes_is_raised_again_by_the_next() {
    expect_sound(&Resumed(Clear::EventFirst));
}

#[test]
fn bus_event_that_is_cleared_after_its_causes_loses_the_next() {
    let verdict = explore(&Resumed(Clear::StatusFirst));
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    // The end of the host's script wakes it, and no handler runs.
    let expected = "the firmware goes through critical sections; the host is done";
    assert!(message(&verdict).starts_with(expected), "{verdict}");
}

/// Firmware that takes frames until the host is done.
struct LastFrame;

impl Program for LastFrame {
    fn name(&self) -> String {
        "last-frame".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut usbd = Usbd::new(board.clone());
        let mut last = None;
        loop {
            let host_is_done = board.host_is_done();
            match usbd.take_frame() {
                Some(frame) => last = Some(frame),
                None if host_is_done => break,
                None => {}
            }
        }
        assert_eq!(last, Some(2), "the last frame is lost");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(2).await })
    }
}

#[test]
fn frame_that_begins_while_the_one_before_is_taken_is_taken_next() {
    expect_sound(&LastFrame);
}
