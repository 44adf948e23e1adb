//! What a bootloader has left, its events and its permissions, ends no packet of `Ep0In`.

use std::panic::Location;

use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use sim_core::check::firmware;
use sim_core::check::programs::{begin_control_read, connect};
use sim_core::device::usbd::{Packet, Token};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::monitor::Policy;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

/// A packet that is given up, and another, from a driver that finds the events of somebody else's set: a bootloader
/// has sent a packet before.
struct AfterTheBootloader;

impl Program for AfterTheBootloader {
    fn name(&self) -> String {
        "after-the-bootloader".to_owned()
    }

    fn config(&self) -> Config {
        Config { ram: 64, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        let line = Location::caller();
        let address = soc.allocate(8);
        soc.release_fence();
        soc.cpu_write(map::epin_ptr(0), address.get(), line);
        soc.cpu_write(map::epin_maxcnt(0), 8, line);
        soc.cpu_write(map::dmalatch(), map::DMALATCH_RUNNING, line);
        soc.cpu_write(map::tasks_startepin(0), 1, line);
        while soc.engine_is_busy() {
            soc.engine_step();
        }
        soc.transaction(0, 0, Token::In);
        for event in [map::events_endepin(0), map::events_ep0datadone()] {
            assert_eq!(soc.cpu_read(event, line), 1, "the bootloader has left it");
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        let usbd = Usbd::new(board.clone());
        let mut ep0in = Ep0In::new(usbd, statics::packet_buffer());
        ep0in.start(&[1; 8]).expect("it is idle");
        assert_eq!(board.read(map::dmalatch()), map::DMALATCH_RUNNING, "erratum 199, until END was seen");
        ep0in.abort();
        while ep0in.start(&[2; 8]).is_err() {}
        while ep0in.end().is_err() {}
        for left in [map::events_endepin(0), map::events_ep0datadone(), map::shorts(), map::dmalatch()] {
            assert_eq!(board.read(left), 0, "{left:#x}: a packet that has ended leaves nothing behind");
        }
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            // A host that is fast enough takes the packet that was given up, too.
            let given_up = host.packet_in(false).await?.bytes() == [1; 8];
            if given_up { host.packet_in(true).await.map(drop) } else { Ok(()) }
        })
    }
}

#[test]
fn events_that_a_bootloader_has_left_end_no_transfer() {
    let verdict = stepped::explore(&AfterTheBootloader, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

/// A packet to the host where the host sends one, by a permission that a bootloader has left: EP0DATADONE is set, which
/// says nothing about the DMA.
struct DoneByAnother;

impl Program for DoneByAnother {
    fn name(&self) -> String {
        "done-by-another".to_owned()
    }

    fn config(&self) -> Config {
        // The shortcut permits a status stage in mid-transfer. What is looked at is whose the buffer is.
        Config { policies: Policy::Collect.into(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
        soc.bus_reset();
        soc.transaction(0, 0, Token::Setup([0x40, 1, 0, 0, 0, 0, 8, 0]));
        for (register, value) in [(map::events_usbreset(), 0), (map::events_ep0setup(), 0), (map::tasks_ep0rcvout(), 1)]
        {
            soc.cpu_write(register, value, Location::caller());
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        let usbd = Usbd::new(board.clone());
        let mut ep0in = Ep0In::new(usbd, statics::packet_buffer());
        ep0in.start(&[1; 8]).expect("it is idle");
        loop {
            let host_is_done = board.host_is_done();
            let has_ended = ep0in.end().is_ok();
            assert_eq!(ep0in.busy(), !has_ended, "the buffer is lent until END was seen");
            if has_ended || host_is_done {
                break;
            }
        }
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.token(Token::Out { data1: true, packet: Packet::new(&[2; 8]) }).await.map(drop) })
    }
}

#[test]
fn packet_is_not_ended_before_the_dma_has_read_it_whatever_else_is_done() {
    let verdict = stepped::explore(&DoneByAnother, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}
