//! The CPU's side: makes the calls of a case, with buffers of its own.
//!
//! After the operations of the case it serves the host until that is done, and answers each packet with one: so
//! whatever was not lost works once more.

use std::rc::Rc;

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, PacketBuffer, Usbd};
use dma_api::usb::Setup;
use sim_core::explore::Board;
use sim_core::statics;

use crate::buffers::{Buffer, Buffers};
use crate::sabotage::Sabotaged;
use crate::usbd::isochronous::Stream;
use crate::usbd::operations::{Fate, Noise, Operation, Pipe, SLOTS, Way};
use crate::usbd::record::Record;
use crate::usbd::twin::{Twin, Wrong};

/// The slot that a packet is received into in the end, and that of its answer.
const LAST: [u8; 2] = [4, 2];

/// CLEAR_FEATURE(ENDPOINT_HALT).
pub fn clear_halt(way: Way) -> Setup {
    Setup::from_bytes([0x02, 1, 0, 0, if way == Way::In { 0x81 } else { 0x01 }, 0, 0, 0])
}

/// The board as the driver sees it.
pub type Bus<B> = Sabotaged<B, Wrong>;

/// Engine and endpoints; endpoints 1 and 8, both ways, are used.
pub(super) struct Device<B: Board> {
    pub(super) engine: Engine<Bus<B>>,
    pub(super) endpoints: Endpoints,
}

impl<B: Board> Device<B> {
    fn new(board: &B, wrong: Option<Wrong>) -> Self {
        let buffer: &'static mut PacketBuffer = statics::packet_buffer();
        let (engine, endpoints) = Engine::new(Usbd::new(Sabotaged::new(board.clone(), wrong)), buffer);
        Self { engine, endpoints }
    }
}

/// The firmware, and what it is compared with.
pub struct Firmware<B: Board> {
    board: B,
    pub(super) twin: Option<Twin>,
    pub(super) noise: Noise,
    /// `None` once it is lost for good.
    pub(super) device: Option<Device<B>>,
    pub(super) buffers: Buffers,
    pub(super) stream: Stream,
    pub(super) record: Rc<Record>,
}

impl<B: Board> Firmware<B> {
    /// The firmware on `board`, or on a twin of it, for a case with this noise on the wire.
    pub fn new(board: B, twin: Option<Twin>, noise: Noise, record: Rc<Record>) -> Self {
        let wrong = twin.map(|twin| Wrong::new(twin, record.clone()));
        let device = Some(Device::new(&board, wrong));
        let (buffers, stream) = (Buffers::new(&SLOTS), Stream::default());
        Self { board, twin, noise, device, buffers, stream, record }
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
        let mut owed = [0; 2];
        while self.device.is_some() && !self.board.host_is_done() {
            self.perform(Operation::Serve);
            for (pipe, owed) in [Pipe::Bulk, Pipe::Isochronous].into_iter().zip(&mut owed) {
                self.answer(pipe, owed);
            }
        }
        for pipe in [Pipe::Bulk, Pipe::Isochronous] {
            if let Err(message) = self.record.packets(pipe, Way::Out).borrow().check(false) {
                panic!("{pipe:?}, from the host: {message}");
            }
        }
        if let Some(Device { engine, endpoints }) = self.device {
            statics::give_back(engine.into_parts(endpoints).1);
        }
        self.buffers.put_away();
    }

    /// Receives a packet, if one is here, and sends one for each that was received.
    fn answer(&mut self, pipe: Pipe, owed: &mut u32) {
        if pipe == Pipe::Isochronous && !self.record.host_streams.get() {
            return;
        }
        let [into, answer] = LAST;
        *owed += u32::from(self.perform(Operation::Transfer(pipe, Way::Out, into, Fate::Wait)) == "Ok");
        if *owed > 0 && self.perform(Operation::Transfer(pipe, Way::In, answer, Fate::Wait)) == "Ok" {
            *owed -= 1;
        }
    }

    fn perform(&mut self, operation: Operation) -> &'static str {
        let Some(Device { mut engine, mut endpoints }) = self.device.take() else {
            // Of what is allowed now, only this does anything.
            return self.pause(operation);
        };
        let said = match operation {
            Operation::Transfer(pipe, way, slot, fate) => {
                return match (pipe, way) {
                    (Pipe::Bulk, Way::In) => self.send(engine, endpoints, slot, fate),
                    (Pipe::Bulk, Way::Out) => self.receive(engine, endpoints, slot, fate),
                    (Pipe::Isochronous, Way::In) => self.stream_in(engine, endpoints, slot, fate),
                    (Pipe::Isochronous, Way::Out) => self.stream_out(engine, endpoints, slot, fate),
                };
            }
            Operation::Copy(Way::In, slot) => self.write(&mut engine, &mut endpoints, slot),
            Operation::Copy(Way::Out, slot) => self.read(&mut engine, &mut endpoints, slot),
            Operation::Ask(Pipe::Bulk, Way::In) if endpoints.epin[0].is_sent(&engine) => "true",
            Operation::Ask(Pipe::Bulk, Way::In) => "false",
            Operation::Ask(Pipe::Bulk, Way::Out) if endpoints.epout[0].received(&engine).is_some() => "Some",
            Operation::Ask(Pipe::Bulk, Way::Out) => "None",
            Operation::Ask(Pipe::Isochronous, way) => self.ask_stream(way, &engine, &mut endpoints),
            Operation::Halt(Way::In) => {
                endpoints.epin[0].halt(&mut engine, true);
                "()"
            }
            Operation::Halt(Way::Out) => {
                endpoints.epout[0].halt(&mut engine, true);
                "()"
            }
            Operation::Close(pipe, way) => {
                self.close(pipe, way, &mut engine, &mut endpoints);
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

    /// Engine and buffer of a transfer that was not started.
    pub(super) fn put_back(&mut self, engine: Engine<Bus<B>>, endpoints: Endpoints, slot: u8, buffer: Buffer) {
        self.buffers.put(slot.into(), buffer);
        self.device = Some(Device { engine, endpoints });
    }

    /// Another engine, in place of one that was lost with its transfer.
    pub(super) fn make_anew(&mut self) {
        let wrong = self.twin.map(|twin| Wrong::new(twin, self.record.clone()));
        let mut device = Device::new(&self.board, wrong);
        self.lose_stream(device.engine.usbd().frame());
        self.device = Some(device);
    }

    fn close(&mut self, pipe: Pipe, way: Way, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints) {
        match (pipe, way) {
            (Pipe::Bulk, Way::In) => endpoints.epin[0].close(engine),
            (Pipe::Bulk, Way::Out) => endpoints.epout[0].close(engine),
            (Pipe::Isochronous, way) => return self.close_stream(way, engine, endpoints),
        }
        self.record.begin_epoch();
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
    fn serve(&mut self, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints) -> &'static str {
        let mut said = "None";
        while let Some(event) = endpoints.control.next_event(engine) {
            match event {
                ControlEvent::Reset => {
                    for pipe in [Pipe::Bulk, Pipe::Isochronous] {
                        for way in [Way::In, Way::Out] {
                            self.close(pipe, way, engine, endpoints);
                        }
                    }
                    said = "Reset";
                }
                ControlEvent::Setup(setup) => {
                    said = "Setup";
                    self.record.begin_epoch();
                    if setup == Setup::set_configuration(1) {
                        endpoints.epin[0].open(engine);
                        endpoints.epout[0].open(engine);
                        self.open_stream(engine, endpoints);
                    } else if setup == clear_halt(Way::In) {
                        endpoints.epin[0].halt(engine, false);
                    } else {
                        assert_eq!(setup, clear_halt(Way::Out), "the host asks for nothing else");
                        endpoints.epout[0].halt(engine, false);
                    }
                    endpoints.control.accept(engine).expect("nothing is on its way");
                }
                event => panic!("no request has data: {event:?}"),
            }
        }
        said
    }
}

/// The operation without its numbers.
fn name(operation: Operation) -> String {
    match operation {
        Operation::Transfer(pipe, way, _, fate) => format!("{pipe:?} {way:?} {fate:?}"),
        Operation::Copy(way, _) => format!("Bulk {way:?} Copy"),
        Operation::Ask(pipe, way) => format!("{pipe:?} {way:?} Ask"),
        Operation::Halt(way) => format!("Bulk {way:?} Halt"),
        Operation::Close(pipe, way) => format!("{pipe:?} {way:?} Close"),
        Operation::Serve => "Serve".to_owned(),
        Operation::Access(_) => "Access".to_owned(),
        Operation::Pause(_) => "Pause".to_owned(),
    }
}
