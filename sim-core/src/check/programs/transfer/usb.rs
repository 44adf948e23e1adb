//! The paths of USBD.

use std::panic::Location;

use dma_api::nrf52840::usbd::{Control, ControlEvent, Endpoints, Engine, Share, Usbd, WithoutData, map};
use dma_api::usb::Setup;

use super::{Path, buffer};
use crate::check::programs::{begin_control_read, connect, expect};
use crate::device::usbd::{Packet, Token};
use crate::explore::Board;
use crate::explore::model::host::{Act, Step};
use crate::host::{Host, HostError};
use crate::soc::Soc;
use crate::statics;

/// What the host sends.
const SENT: [u8; 8] = [7; 8];

/// How the host asks for a packet on endpoint 0, and for nothing more.
const WRITE: Setup = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 8 };

impl Path {
    /// The control transfer that the host has begun before the firmware runs.
    fn pending(self) -> Option<Setup> {
        match self {
            Self::ControlOut => Some(WRITE),
            Self::EpOut | Self::EpOutDropped | Self::EpOutReads | Self::IsoIn | Self::IsoOut => {
                Some(Setup::set_configuration(1))
            }
            _ => None,
        }
    }

    pub(super) fn prepare(self, soc: &mut Soc) {
        let line = Location::caller();
        if self == Self::ControlIn {
            return begin_control_read(soc);
        }
        connect(soc);
        soc.bus_reset();
        let Some(setup) = self.pending() else {
            // It answers NAK until the firmware sends something.
            return soc.cpu_write(map::epinen(), 0b11, line);
        };
        soc.cpu_write(map::events_usbreset(), 0, line);
        soc.transaction(0, 0, Token::Setup(setup.to_bytes()));
        // Two isochronous buffers in each direction (erratum 166).
        soc.cpu_write(map::coreindex(), map::CORE_ISO, line);
        soc.cpu_write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED, line);
    }

    pub(super) fn firmware<B: Board>(self, board: &B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
        if let Some(setup) = self.pending() {
            let event = endpoints.control.next_event(&mut engine);
            assert_eq!(event, Some(ControlEvent::Setup(setup)));
        }
        let engine = match self {
            Self::EpIn | Self::EpInDropped | Self::EpInRefused | Self::EpInWrites => {
                self.send_packet(engine, &mut endpoints)
            }
            Self::EpOut | Self::EpOutDropped | Self::EpOutReads => self.receive_packet(engine, &mut endpoints),
            Self::ControlIn => answer(engine, &mut endpoints.control),
            Self::ControlOut => listen(engine, &mut endpoints.control),
            Self::IsoIn => send_frame(engine, &mut endpoints, board),
            Self::IsoOut => receive_frame(engine, &mut endpoints, board),
            _ => unreachable!("that is the other chip, or the other driver"),
        };
        if let Some(engine) = engine {
            let (_, buffer) = engine.into_parts(endpoints);
            statics::give_back(buffer);
        }
    }

    /// `None`: the engine was dropped.
    fn send_packet<B: Board>(self, mut engine: Engine<B>, endpoints: &mut Endpoints) -> Option<Engine<B>> {
        let epin = &mut endpoints.epin[0];
        epin.open(&mut engine);
        let mut memory = buffer::<8>();
        if self == Self::EpInRefused {
            let refused = epin.send(engine, memory).expect_err("it is out of reach");
            (engine, memory) = (refused.channel, refused.buffer);
        }
        if self == Self::EpInWrites {
            epin.write(&mut engine, memory).expect("it is not refused");
        } else {
            let transfer = epin.send(engine, memory).expect("it is not refused");
            if self == Self::EpInDropped {
                drop(transfer);
                return None;
            }
            (engine, _) = transfer.wait();
        }
        while !epin.is_sent(&engine) {}
        Some(engine)
    }

    /// `None`: the engine was dropped.
    fn receive_packet<B: Board>(self, mut engine: Engine<B>, endpoints: &mut Endpoints) -> Option<Engine<B>> {
        let epout = &mut endpoints.epout[0];
        epout.open(&mut engine);
        endpoints.control.accept(&mut engine).expect("nothing is on its way");
        while epout.received(&engine).is_none() {}
        let memory = buffer::<8>();
        if self == Self::EpOutReads {
            assert_eq!(epout.read(&mut engine, memory), Ok(SENT.len()));
            assert_eq!(memory, &SENT);
            return Some(engine);
        }
        let transfer = epout.receive(engine, memory).expect("a packet has come");
        if self == Self::EpOutDropped {
            drop(transfer);
            return None;
        }
        let (engine, memory) = transfer.wait();
        assert_eq!(memory, &SENT);
        Some(engine)
    }

    /// What the host does when endpoint 0 has what it waits for.
    pub(super) async fn host(self, host: &mut Host) -> Result<(), HostError> {
        if self.pending().is_some() && self != Self::ControlOut {
            // The status stage: the firmware is ready.
            host.packet_in(true).await?;
        }
        match self {
            Self::ControlIn => expect(host.packet_in(true).await?.bytes(), &SENT),
            Self::ControlOut => {
                host.packet_out(true, Packet::new(&SENT)).await?;
                host.packet_in(true).await.map(drop)
            }
            Self::EpOut | Self::EpOutDropped | Self::EpOutReads => host.bulk_out(1, &SENT).await,
            Self::IsoIn => {
                // It has sent by then: no frame begins in the middle.
                host.settle().await?;
                host.wait_frames(1).await?;
                expect(&host.isochronous_in().await?.unwrap_or_default(), &SENT)
            }
            Self::IsoOut => {
                host.isochronous_out(&SENT).await?;
                host.wait_frames(1).await
            }
            _ => host.bulk_in(1, SENT.len()).await.map(drop),
        }
    }

    /// The same for loom. The status stage of a control write is left out: nothing tells the driver of it.
    pub(super) fn steps(self) -> Vec<Step> {
        let packet = Packet::new(&SENT);
        let accepted = Act::takes(0);
        match self {
            Self::EpOut | Self::EpOutDropped | Self::EpOutReads => {
                vec![Step::host([accepted, Act::sends(1, false, packet)]), Step::transfer([])]
            }
            Self::ControlOut => vec![Step::host([Act::sends(0, true, packet)]), Step::transfer([])],
            Self::IsoIn => {
                vec![Step::host([accepted]), Step::transfer([]), Step::host([Act::StartOfFrame(1), Act::IsochronousIn])]
            }
            Self::IsoOut => {
                let frame = [accepted, Act::IsochronousOut(packet.bytes().to_vec()), Act::StartOfFrame(1)];
                vec![Step::host(frame), Step::transfer([])]
            }
            _ => vec![Step::transfer([Act::takes(u8::from(!matches!(self, Self::Ep0In | Self::ControlIn)))])],
        }
    }
}

/// The answer to a control read.
fn answer<B: Board>(mut engine: Engine<B>, control: &mut Control) -> Option<Engine<B>> {
    control.write(&mut engine, &SENT, true).expect("it is idle");
    while control.next_event(&mut engine) != Some(ControlEvent::Sent) {}
    Some(engine)
}

/// The data stage of a control write.
fn listen<B: Board>(mut engine: Engine<B>, control: &mut Control) -> Option<Engine<B>> {
    control.permit(&mut engine).expect("it is idle");
    while control.next_event(&mut engine) != Some(ControlEvent::Received(SENT.len())) {}
    let mut bytes = [0; SENT.len()];
    assert_eq!(control.read(&mut engine, &mut bytes), Ok(SENT.len()));
    assert_eq!(bytes, SENT);
    control.accept(&mut engine).expect("it was read");
    Some(engine)
}

fn send_frame<B: Board>(mut engine: Engine<B>, endpoints: &mut Endpoints, board: &B) -> Option<Engine<B>> {
    let opened = endpoints.isoin.open(&mut engine, Share::Whole, WithoutData::Silence);
    opened.expect("the other direction is closed");
    endpoints.control.accept(&mut engine).expect("nothing is on its way");
    let memory = buffer::<8>();
    memory.copy_from_slice(&SENT);
    let transfer = endpoints.isoin.send(engine, memory, SENT.len()).expect("it is open");
    let mut engine = transfer.wait().engine;
    while !board.host_is_done() {
        engine.usbd().take_frame();
    }
    Some(engine)
}

fn receive_frame<B: Board>(mut engine: Engine<B>, endpoints: &mut Endpoints, board: &B) -> Option<Engine<B>> {
    endpoints.isoout.open(&mut engine, Share::Whole).expect("the other direction is closed");
    endpoints.control.accept(&mut engine).expect("nothing is on its way");
    let mut memory = buffer::<8>();
    loop {
        let is_last = board.host_is_done();
        match endpoints.isoout.receive(engine, memory) {
            Ok(transfer) => {
                let ended = transfer.wait();
                assert_eq!((ended.length, ended.buffer), (Ok(SENT.len()), &mut SENT.clone()));
                return Some(ended.engine);
            }
            Err(refused) => {
                assert!(!is_last, "the packet has come, and was not given out: {}", refused.kind);
                (engine, memory) = (refused.channel, refused.buffer);
            }
        }
    }
}
