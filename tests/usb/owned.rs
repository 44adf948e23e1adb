//! Transfers of buffers that the program owns: ended, dropped, forgotten.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Endpoints, Engine, EpIn, ReceiveError, Transfer, Usbd, map};
use dma_api::transfer::Transferring;
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::Fences;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use super::bulk::Bulk;

/// What becomes of a transfer into, or out of, a buffer of the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is asked until it has ended, then used again for the way back.
    Ended,
    /// It is dropped in mid-flight; what was lent is dropped after it.
    Dropped,
    /// It is forgotten in mid-flight.
    Forgotten,
}

/// A packet to endpoint 1 by `receive`, and back by `send`.
struct Owned {
    fate: Fate,
    fences: Fences,
}

/// Memory that counts how often it is let go of, and looks whether the packet is in it then.
struct Watched {
    bytes: &'static mut [u8; 64],
    drops: Rc<Cell<u32>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(self.bytes[..8] == [7; 8] || std::thread::panicking(), "let go of in mid-flight");
    }
}

// SAFETY:
// - The pointer is that of a `&'static mut` that nobody else has, the same each time, and valid for as long as this
//   value is neither used nor dropped.
unsafe impl embedded_dma::WriteBuffer for Watched {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.bytes.as_mut_ptr(), self.bytes.len())
    }
}

// SAFETY:
// - As above. It is 8 bytes long: what is sent.
unsafe impl embedded_dma::ReadBuffer for Watched {
    type Word = u8;

    unsafe fn read_buffer(&self) -> (*const u8, usize) {
        (self.bytes.as_ptr(), 8)
    }
}

impl Program for Owned {
    fn name(&self) -> String {
        format!("owned:{:?}", self.fate)
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        Bulk::OUT.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let drops = Rc::new(Cell::new(0));
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
        endpoints.control.next_event(&mut engine);
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = &mut endpoints;
        epin.open(&mut engine);
        epout.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        let mut buffer = Watched { bytes: Box::leak(Box::new([0; 64])), drops: drops.clone() };
        let transfer = loop {
            match epout.receive(engine, buffer) {
                Ok(transfer) => break transfer,
                Err(refused) => {
                    assert_eq!(refused.kind, ReceiveError::Empty);
                    assert_eq!(drops.get(), 0, "it comes back");
                    (engine, buffer) = (refused.channel, refused.buffer);
                }
            }
        };
        self.end(transfer, epin, &board);
        assert_eq!(drops.get(), u32::from(self.fate != Fate::Forgotten));
    }

    fn host(&self, mut host: Host) -> Script {
        let comes_back = self.fate == Fate::Ended;
        Box::pin(async move {
            host.packet_in(true).await?;
            host.bulk_out(1, &[7; 8]).await?;
            if comes_back && host.bulk_in(1, 64).await? != [7; 8] {
                return Err(HostError::Unexpected("another packet came back".to_owned()));
            }
            Ok(())
        })
    }
}

impl Owned {
    fn end<B: Board>(&self, mut transfer: Transfer<B, Watched>, epin: &mut EpIn, board: &B) {
        let (engine, buffer) = match self.fate {
            Fate::Ended => loop {
                let is_done = Transferring::is_done(&transfer);
                match transfer.end() {
                    Ok(parts) => break parts,
                    Err(running) => {
                        assert!(!is_done, "it is done, and does not end");
                        transfer = running;
                    }
                }
            },
            Fate::Dropped => return drop(transfer),
            Fate::Forgotten => return std::mem::forget(transfer),
        };
        assert_eq!(buffer.bytes[..9], [7, 7, 7, 7, 7, 7, 7, 7, 0], "eight bytes were written, and no more");
        let transfer = epin.send(engine, buffer).map_err(|refused| refused.kind).expect("it is idle");
        while !Transferring::is_done(&transfer) {
            let latch = board.read(map::dmalatch());
            assert_eq!(latch, map::DMALATCH_RUNNING, "erratum 199, until END was seen");
        }
        let (engine, _) = transfer.end().expect("it is done");
        while !epin.is_sent(&engine) {}
    }
}

#[test]
fn owned_buffers_are_sound_when_ended_dropped_and_forgotten() {
    for fate in [Fate::Ended, Fate::Dropped, Fate::Forgotten] {
        let program = Owned { fate, fences: Fences::default() };
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
        for _ in 0..20 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
        }
    }
}

#[test]
fn owned_buffers_need_both_fences() {
    for fate in [Fate::Ended, Fate::Dropped] {
        for fences in Fences::all() {
            let verdict = stepped::explore(&Owned { fate, fences }, Limits::default()).verdict;
            let expected = if fences.suffice() { Kind::Sound } else { Kind::Race };
            assert_eq!(verdict.kind(), expected, "{fate:?} {fences:?}: {verdict}");
        }
    }
}
