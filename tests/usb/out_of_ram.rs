//! Memory that EasyDMA does not reach is refused, and nothing is started.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::{Control, ControlError, Endpoints, Engine, EpIn, EpOut, ReceiveError, SendError};
use dma_api::registers::{Bus, Registers};
use dma_api::usb::Setup;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use super::configured::{begin, end, prepare};

const CONFIGURE: Setup = Setup::set_configuration(1);

/// In flash, the last byte before RAM, RAM with its last 8 bytes cut by one, past its end.
const OUTSIDE: [u32; 4] = [0x0001_0000, 0x1FFF_FFFF, 0x2003_FFF9, 0x2004_0000];

/// A fence that says of a region that it lies elsewhere. It is the board's in all else.
#[derive(Clone, Debug)]
struct Elsewhere<B> {
    board: B,
    address: Rc<Cell<Option<u32>>>,
}

// SAFETY:
// - `release`, `acquire`, `snapshot` and `fill` order what the board's do.
// - The address is the board's, or one that the engine does not reach: such a transfer is reported, and moves nothing.
unsafe impl<B: Board> DmaFence for Elsewhere<B> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.board.release(region) };
        self.address.get().map_or(address, BusAddress::new)
    }

    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released, and no transfer uses it: the caller's debt, passed on unchanged.
        unsafe { self.board.acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.board.snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.board.fill(region, from) }
    }
}

/// Firmware whose memory seems to lie outside of RAM, and then does not.
struct OutOfRam;

fn memory() -> &'static mut [u8; 8] {
    Box::leak(Box::new([1; 8]))
}

/// Asks the IN endpoint to send 8 bytes from there.
fn send<B: Registers + DmaFence>(mut engine: Engine<B>, epin: &mut EpIn, address: BusAddress) -> Engine<B> {
    assert_eq!(epin.write(&mut engine, &[1; 8]), Err(SendError::NotInRam { address }));
    let refused = epin.send(engine, memory()).expect_err("it is not in RAM");
    assert_eq!((refused.kind, refused.buffer), (SendError::NotInRam { address }, &mut [1; 8]));
    assert!(!epin.is_armed());
    refused.channel
}

/// Asks the OUT endpoint, in which a packet waits, to write 8 bytes there.
fn receive<B: Registers + DmaFence>(mut engine: Engine<B>, epout: &mut EpOut, address: BusAddress) -> Engine<B> {
    let expected = ReceiveError::NotInRam { address };
    assert_eq!(epout.read(&mut engine, &mut [0; 8]), Err(expected));
    let refused = epout.receive(engine, memory()).expect_err("it is not in RAM");
    assert_eq!((refused.kind, refused.buffer), (expected, &mut [1; 8]));
    assert_eq!(epout.received(&refused.channel), Some(8), "it still waits");
    refused.channel
}

/// Asks endpoint 0 to send 8 bytes from there.
fn answer<B: Registers + DmaFence>(engine: &mut Engine<B>, control: &mut Control, address: BusAddress) {
    assert_eq!(control.write(engine, &[1; 8], true), Err(ControlError::NotInRam { address }));
}

impl Program for OutOfRam {
    fn name(&self) -> String {
        "out-of-ram".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, CONFIGURE);
    }

    fn firmware<B: Board>(&self, board: B) {
        let address = Rc::new(Cell::new(None));
        let fence = Elsewhere { board: board.clone(), address: address.clone() };
        // SAFETY:
        // - The fence keeps its promise wherever the board's does.
        // - Its addresses are the board's, or not to be reached by the board's engine.
        let bus = unsafe { Bus::new(board.clone(), fence) };
        let (mut engine, mut endpoints) = begin(bus, CONFIGURE);
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = &mut endpoints;
        epin.open(&mut engine);
        epout.open(&mut engine);
        for outside in OUTSIDE {
            address.set(Some(outside));
            answer(&mut engine, control, BusAddress::new(outside));
        }
        control.accept(&mut engine).expect("nothing is on its way");
        while epout.received(&engine).is_none() {}
        for outside in OUTSIDE {
            address.set(Some(outside));
            engine = send(engine, epin, BusAddress::new(outside));
            engine = receive(engine, epout, BusAddress::new(outside));
        }
        address.set(None);
        let mut bytes = [0; 8];
        assert_eq!(epout.read(&mut engine, &mut bytes), Ok(8));
        epin.write(&mut engine, &bytes).expect("it is idle");
        while !epin.is_sent(&engine) {}
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            host.bulk_out(1, &[7; 8]).await?;
            let came = host.bulk_in(1, 8).await?;
            if came == [7; 8] { Ok(()) } else { Err(HostError::Unexpected(format!("{came:?}"))) }
        })
    }
}

#[test]
fn memory_outside_of_ram_comes_back_and_nothing_is_started() {
    let run = stepped::run(&OutOfRam, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
}
