//! The CPU's side: makes the calls of a case, with buffers of its own.
//!
//! After the operations of the case it serves the host until that is done, and answers each packet with one: so
//! whatever
//! was not lost works once more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dma_api::nrf52840::usbd::{
    ControlEvent, Endpoints, Engine, PacketBuffer, ReceiveError, Refused, SendError, Transfer, Usbd,
};
use dma_api::usb::Setup;
use sim_core::explore::Board;
use sim_core::statics;

use crate::buffers::{Buffer, Buffers};
use crate::sabotage::Sabotaged;
use crate::usbd::operations::{Fate, Operation, PACKET, SLOTS, Way};
use crate::usbd::packets::Packets;
use crate::usbd::twin::Twin;

/// The slot that a packet is received into in the end, and that of its answer.
const LAST: [u8; 2] = [4, 2];

/// CLEAR_FEATURE(ENDPOINT_HALT).
pub fn clear_halt(way: Way) -> Setup {
    Setup::from_bytes([0x02, 1, 0, 0, if way == Way::In { 0x81 } else { 0x01 }, 0, 0, 0])
}

/// What both sides of a run write down.
#[derive(Debug, Default)]
pub struct Record {
    /// Packets to the host.
    pub to_host: RefCell<Packets>,
    /// Packets from the host.
    pub from_host: RefCell<Packets>,
    /// See [`crate::usbd::packets`].
    pub epoch: Cell<u32>,
    /// The engine is lost for good.
    pub engine_is_gone: Cell<bool>,
    /// What came of the calls.
    pub cells: RefCell<Vec<String>>,
}

impl Record {
    /// Nothing is left of a run before.
    pub fn clear(&self) {
        self.to_host.take();
        self.from_host.take();
        self.epoch.set(0);
        self.engine_is_gone.set(false);
        self.cells.take();
    }

    fn begin_epoch(&self) {
        self.epoch.set(self.epoch.get() + 1);
    }
}

type Bus<B> = Sabotaged<B, Twin>;

/// Engine and endpoints; endpoint 1, both ways, is used.
struct Device<B: Board> {
    engine: Engine<Bus<B>>,
    endpoints: Endpoints,
}

impl<B: Board> Device<B> {
    fn new(board: &B, twin: Option<Twin>) -> Self {
        let buffer: &'static mut PacketBuffer = statics::packet_buffer();
        let (engine, endpoints) = Engine::new(Usbd::new(Sabotaged::new(board.clone(), twin)), buffer);
        Self { engine, endpoints }
    }
}

/// The firmware, and what it is compared with.
pub struct Firmware<B: Board> {
    board: B,
    twin: Option<Twin>,
    /// `None` once it is lost for good.
    device: Option<Device<B>>,
    buffers: Buffers,
    record: Rc<Record>,
}

impl<B: Board> Firmware<B> {
    /// The firmware on `board`, or on a twin of it.
    pub fn new(board: B, twin: Option<Twin>, record: Rc<Record>) -> Self {
        let device = Some(Device::new(&board, twin));
        Self { board, twin, device, buffers: Buffers::new(&SLOTS), record }
    }

    /// Does all of these, then serves the host until it is done.
    ///
    /// # Panics
    ///
    /// If something comes of it that cannot.
    pub fn run(mut self, operations: &[Operation]) {
        for &operation in operations {
            let said = self.perform(operation);
            self.record.cells.borrow_mut().push(format!("{} {said}", name(operation)));
        }
        let mut owed = 0;
        while self.device.is_some() && !self.board.host_is_done() {
            self.perform(Operation::Serve);
            let [into, answer] = LAST;
            owed += u32::from(self.perform(Operation::Transfer(Way::Out, into, Fate::Wait)) == "Ok");
            if owed > 0 && self.perform(Operation::Transfer(Way::In, answer, Fate::Wait)) == "Ok" {
                owed -= 1;
            }
        }
        if let Err(message) = self.record.from_host.borrow().check(false) {
            panic!("from the host: {message}");
        }
        if let Some(Device { engine, endpoints }) = self.device {
            statics::give_back(engine.into_parts(endpoints).1);
        }
        self.buffers.put_away();
    }

    fn perform(&mut self, operation: Operation) -> &'static str {
        let Some(Device { mut engine, mut endpoints }) = self.device.take() else {
            // Of what is allowed now, only this does anything.
            return self.pause(operation);
        };
        let Endpoints { epin: [epin, ..], epout: [epout, ..], .. } = &mut endpoints;
        let said = match operation {
            Operation::Transfer(Way::In, slot, fate) => return self.send(engine, endpoints, slot, fate),
            Operation::Transfer(Way::Out, slot, fate) => return self.receive(engine, endpoints, slot, fate),
            Operation::Ask(Way::In) => {
                if epin.is_sent(&engine) {
                    "true"
                } else {
                    "false"
                }
            }
            Operation::Ask(Way::Out) => {
                if epout.received(&engine).is_some() {
                    "Some"
                } else {
                    "None"
                }
            }
            Operation::Halt(way) => {
                match way {
                    Way::In => epin.halt(&mut engine, true),
                    Way::Out => epout.halt(&mut engine, true),
                }
                "()"
            }
            Operation::Close(way) => {
                self.record.begin_epoch();
                match way {
                    Way::In => epin.close(&mut engine),
                    Way::Out => epout.close(&mut engine),
                }
                "()"
            }
            Operation::Serve => self.serve(&mut engine, &mut endpoints),
            Operation::Access(slot) => {
                self.buffers.access(slot.into());
                "()"
            }
            Operation::Pause(_) => self.pause(operation),
        };
        self.device = Some(Device { engine, endpoints });
        said
    }

    fn pause(&self, operation: Operation) -> &'static str {
        if let Operation::Pause(polls) = operation {
            for _ in 0..polls {
                self.board.host_is_done();
            }
        }
        "()"
    }

    /// Takes all events of endpoint 0.
    fn serve(&self, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints) -> &'static str {
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = endpoints;
        let mut said = "None";
        while let Some(event) = control.next_event(engine) {
            match event {
                ControlEvent::Reset => {
                    self.record.begin_epoch();
                    epin.close(engine);
                    epout.close(engine);
                    said = "Reset";
                }
                ControlEvent::Setup(setup) => {
                    said = "Setup";
                    self.record.begin_epoch();
                    if setup == Setup::set_configuration(1) {
                        epin.open(engine);
                        epout.open(engine);
                    } else if setup == clear_halt(Way::In) {
                        epin.halt(engine, false);
                    } else {
                        assert_eq!(setup, clear_halt(Way::Out), "the host asks for nothing else");
                        epout.halt(engine, false);
                    }
                    control.accept(engine).expect("nothing is on its way");
                }
                event => panic!("no request has data: {event:?}"),
            }
        }
        said
    }

    fn send(&mut self, engine: Engine<Bus<B>>, mut endpoints: Endpoints, slot: u8, fate: Fate) -> &'static str {
        let (record, mut bytes) = (self.record.clone(), Vec::new());
        let buffer = self.buffers.take(slot.into(), |memory| {
            record.to_host.borrow_mut().make(record.epoch.get(), memory);
            bytes = memory.to_vec();
        });
        match endpoints.epin[0].send(engine, buffer) {
            Ok(transfer) => {
                let is_due = bytes.len() <= PACKET.into() || self.twin == Some(Twin::WrongReference);
                assert!(is_due, "{} bytes were sent as one packet", bytes.len());
                self.go_on(transfer, endpoints, slot, fate, |memory| {
                    assert_eq!(memory, bytes, "a buffer that is sent was written to");
                })
            }
            Err(Refused { kind, channel, buffer }) => {
                record.to_host.borrow_mut().take_back();
                let said = match kind {
                    SendError::Closed => "Closed",
                    SendError::Busy => "Busy",
                    SendError::TooLong { length } => {
                        let is_due = length > PACKET.into() && self.twin != Some(Twin::WrongReference);
                        assert!(is_due, "{length} bytes are refused");
                        "TooLong"
                    }
                    error => panic!("it was refused: {error}"),
                };
                self.refused(channel, endpoints, slot, buffer);
                said
            }
        }
    }

    fn receive(&mut self, engine: Engine<Bus<B>>, mut endpoints: Endpoints, slot: u8, fate: Fate) -> &'static str {
        let length = endpoints.epout[0].received(&engine);
        let buffer = self.buffers.take(slot.into(), |memory| memory.fill(0xEE));
        match endpoints.epout[0].receive(engine, buffer) {
            Ok(transfer) => {
                let record = self.record.clone();
                self.go_on(transfer, endpoints, slot, fate, |memory| {
                    // It may have come just now.
                    let length = length
                        .unwrap_or_else(|| memory.iter().rposition(|&byte| byte != 0xEE).map_or(0, |last| last + 1));
                    let (packet, rest) = memory.split_at(length);
                    assert!(rest.iter().all(|&byte| byte == 0xEE), "more than the packet was written: {memory:?}");
                    let came = record.from_host.borrow_mut().came_to_firmware(record.epoch.get(), packet);
                    if let Err(message) = came {
                        panic!("from the host: {message}");
                    }
                })
            }
            Err(Refused { kind, channel, buffer }) => {
                let said = match kind {
                    ReceiveError::Closed => "Closed",
                    ReceiveError::Empty => "Empty",
                    ReceiveError::TooShort { packet, buffer: length } => {
                        assert!(packet > length && length == SLOTS[usize::from(slot)], "{packet} bytes fit {length}");
                        "TooShort"
                    }
                    error => panic!("it was refused: {error}"),
                };
                self.refused(channel, endpoints, slot, buffer);
                said
            }
        }
    }

    fn refused(&mut self, engine: Engine<Bus<B>>, endpoints: Endpoints, slot: u8, buffer: Buffer) {
        self.buffers.put(slot.into(), buffer);
        self.device = Some(Device { engine, endpoints });
    }

    /// What becomes of a transfer; `look` looks at its buffer when it is back.
    fn go_on(
        &mut self,
        mut transfer: Transfer<Bus<B>, Buffer>,
        endpoints: Endpoints,
        slot: u8,
        fate: Fate,
        look: impl FnOnce(&[u8]),
    ) -> &'static str {
        let (engine, buffer) = match fate {
            Fate::Wait => transfer.wait(),
            Fate::End => loop {
                let is_done = transfer.is_done();
                match transfer.end() {
                    Ok(parts) => break parts,
                    Err(running) => {
                        assert!(!is_done, "it is done, and does not end");
                        transfer = running;
                    }
                }
            },
            Fate::Drop => {
                // It waits for the END. Engine and buffer go with it, and the endpoints are opened by the host again.
                drop(transfer);
                self.record.begin_epoch();
                self.buffers.renew();
                self.device = Some(Device::new(&self.board, self.twin));
                return "Ok";
            }
            Fate::Forget => {
                std::mem::forget(transfer);
                self.record.engine_is_gone.set(true);
                return "Ok";
            }
        };
        look(buffer);
        self.buffers.put(slot.into(), buffer);
        self.device = Some(Device { engine, endpoints });
        "Ok"
    }
}

/// The operation without its numbers.
fn name(operation: Operation) -> String {
    match operation {
        Operation::Transfer(way, _, fate) => format!("{way:?} {fate:?}"),
        Operation::Ask(way) => format!("{way:?} Ask"),
        Operation::Halt(way) => format!("{way:?} Halt"),
        Operation::Close(way) => format!("{way:?} Close"),
        Operation::Serve => "Serve".to_owned(),
        Operation::Access(_) => "Access".to_owned(),
        Operation::Pause(_) => "Pause".to_owned(),
    }
}
