//! Bytes that the DMA has written tell states apart, though no register shows them.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::{Engine, Share, Usbd, map};
use sim_core::explore::scheduler::Seeded;
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, Script};
use sim_core::soc::Config;
use sim_core::statics;

/// Which of the host's packets is another than the rest.
const ODD: usize = 2;

/// Firmware that takes an isochronous packet as it comes, early or late, and at the end looks at two things: which
/// packet it was, and whether a frame has begun while it waited. Neither alone is wrong.
struct Remembers;

#[repr(align(4))]
struct Packet([u8; 4]);

impl Program for Remembers {
    fn name(&self) -> String {
        "remembers".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut usbd = Usbd::new(board.clone());
        usbd.power_up();
        while !usbd.is_ready() {}
        usbd.connect();
        let (mut engine, mut endpoints) = Engine::new(usbd, statics::packet_buffer());
        while board.read(map::events_usbreset()) == 0 {}
        endpoints.isoout.open(&mut engine, Share::Whole).expect("the other direction is closed");
        let packet = Box::leak(Box::new(Packet([0; 4])));
        let region = Region { pointer: packet.0.as_mut_ptr(), length: 4, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - The write starts no transfer.
        let write = |offset, value| unsafe { board.write(offset, value) };
        write(map::events_usbreset(), 0);
        while board.read(map::events_sof()) == 0 {}
        // SAFETY:
        // - The memory is leaked, and left alone until `acquire`.
        let address = unsafe { board.release(region) };
        write(map::isoout_ptr(), address.get());
        write(map::isoout_maxcnt(), 4);
        write(map::dmalatch(), map::DMALATCH_RUNNING);
        // SAFETY:
        // - It is started into the region that was released above, and taken back after its END.
        unsafe { board.write(map::tasks_startisoout(), 1) };
        while board.read(map::events_endisoout()) == 0 {}
        // SAFETY:
        // - It was released above, and END was read.
        unsafe { board.acquire(region) };
        let is_odd = packet.0[0] == 1;
        while !map::eventcause::SUSPEND.is_set(board.read(map::eventcause())) {}
        let frame = board.read(map::framecntr());
        while !board.host_is_done() {}
        let last = board.read(map::framecntr());
        assert!(!is_odd || frame == last, "the odd packet, and frame {frame} before {last}");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.settle().await?;
            for number in 0..7 {
                host.isochronous_out(&[if number == ODD { 1 } else { 2 }; 4]).await?;
            }
            host.suspend().await?;
            host.resume().await?;
            for _ in 0..3 {
                host.isochronous_out(&[2; 4]).await?;
            }
            Ok(())
        })
    }
}

/// Two runs that differ in what is in the packet come to the same registers: one is not the other.
#[test]
fn firmware_that_has_another_packet_is_in_another_state() {
    let run = |seed| stepped::run(&Remembers, &Rc::new(RefCell::new(Seeded::new(seed))), None).verdict.kind();
    assert!((0..1000).any(|seed| run(seed) == Kind::Assertion), "some schedule has both");
    let exploration = stepped::explore(&Remembers, Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Assertion, "{}", exploration.verdict);
}
