//! The CPU's side of endpoint 8: a packet a frame.
//!
//! Nobody says whether an isochronous packet has arrived, so any may be missing. What must hold all the same:
//!
//! - a packet that comes is whole, and later than the one before;
//! - a transfer during which no frame has begun is not late;
//! - a packet that was filled in as a whole in one frame is what the host gets in the next, if it asks, and if the wire
//!   is clean and the endpoint was neither closed nor opened since.
//!
//! Whether a frame has begun is seen by reading FRAMECNTR before and after: its number is the same only if none has, as
//! long as no call takes 2048 frames.

use dma_api::nrf52840::usbd::{
    Endpoints, Engine, IsoReceiveError, IsoSendError, Late, Received, Refused, Share, WithoutData,
};
use sim_core::explore::Board;

use crate::usbd::bulk::UNTOUCHED;
use crate::usbd::fate::Ended;
use crate::usbd::firmware::{Bus, Firmware};
use crate::usbd::operations::{Fate, Noise, Pipe, SLOTS, Way};

/// What the firmware knows of endpoint 8.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stream {
    /// Whether IN is open, and OUT.
    is_open: [bool; 2],
    /// The frame in which a packet to the host was filled in.
    filled: Filled,
    /// The frame in which a transfer to the host was dropped. The engine that is made anew does not know of its packet,
    /// and a second one in that frame would overwrite it.
    dropped: Option<u16>,
}

/// When the last packet to the host was filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Filled {
    #[default]
    Never,
    /// In this frame.
    In(u16),
    /// In one of several.
    Late,
}

impl<B: Board> Firmware<B> {
    /// Opens both directions.
    pub(super) fn open_stream(&mut self, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints) {
        let Endpoints { isoin, isoout, .. } = endpoints;
        isoin.open(engine, Share::Half, WithoutData::Silence).expect("each direction has its half");
        isoout.open(engine, Share::Half).expect("each direction has its half");
        self.stream.is_open = [true; 2];
        self.record.begin_stream();
    }

    /// Closes one direction.
    pub(super) fn close_stream(&mut self, way: Way, engine: &mut Engine<Bus<B>>, endpoints: &mut Endpoints) {
        let [is_in_open, is_out_open] = &mut self.stream.is_open;
        match way {
            Way::In => {
                endpoints.isoin.close(engine);
                *is_in_open = false;
                self.record.begin_stream();
            }
            Way::Out => {
                endpoints.isoout.close(engine);
                *is_out_open = false;
            }
        }
    }

    /// The engine was lost with a transfer, and is made anew: the endpoints are closed. What the former ones had seen
    /// of a packet that comes in this frame is not known any more.
    pub(super) fn lose_stream(&mut self, frame: u16) {
        self.record.packets(Pipe::Isochronous, Way::Out).borrow_mut().forget_corrupted();
        self.stream = Stream { dropped: Some(frame), ..Stream::default() };
        self.record.begin_stream();
    }

    /// `is_free` or `received`.
    pub(super) fn ask_stream(&self, way: Way, engine: &Engine<Bus<B>>, endpoints: &mut Endpoints) -> &'static str {
        let [is_in_open, is_out_open] = self.stream.is_open;
        match way {
            Way::In if endpoints.isoin.is_free(engine) => {
                assert!(is_in_open, "it is closed, and free");
                "true"
            }
            Way::In => "false",
            Way::Out => match endpoints.isoout.received(engine) {
                Received::Nothing => "Nothing",
                found => {
                    assert!(is_out_open, "it is closed, and has {found:?}");
                    self.name_of(found)
                }
            },
        }
    }

    fn name_of(&self, found: Received) -> &'static str {
        match found {
            Received::Nothing => "Nothing",
            Received::ZeroLength => "ZeroLength",
            Received::Packet(_) => "Packet",
            Received::Corrupted => {
                let can_be = self.noise == Noise::Corruption || self.record.has_corrupted();
                assert!(can_be, "nothing was corrupted");
                "Corrupted"
            }
        }
    }

    /// `send`, of all of the buffer.
    pub(super) fn stream_in(
        &mut self,
        mut engine: Engine<Bus<B>>,
        mut endpoints: Endpoints,
        slot: u8,
        fate: Fate,
    ) -> &'static str {
        let frame = engine.usbd().frame();
        let (record, mut bytes, mut number) = (self.record.clone(), Vec::new(), 0);
        let to_host = record.packets(Pipe::Isochronous, Way::In);
        let buffer = self.buffers.take(slot.into(), |memory| {
            number = to_host.borrow_mut().make(record.epoch.get(), memory);
            bytes = memory.to_vec();
        });
        if self.stream.dropped == Some(frame) {
            to_host.borrow_mut().take_back();
            self.put_back(engine, endpoints, slot, buffer);
            return "left out";
        }
        match endpoints.isoin.send(engine, buffer, bytes.len()) {
            Ok(transfer) => {
                to_host.borrow_mut().may_be_lost(number);
                self.go_on(transfer, endpoints, slot, fate, |this, ended, memory| {
                    assert_eq!(memory, bytes, "a buffer that is sent was written to");
                    let said = this.is_late(frame, ended);
                    let is_in_one = ended.engine.usbd().frame() == frame;
                    this.stream.filled = if is_in_one { Filled::In(frame) } else { Filled::Late };
                    if is_in_one {
                        record.fill_in(number, frame);
                    }
                    said
                })
            }
            Err(Refused { kind, mut channel, buffer }) => {
                to_host.borrow_mut().take_back();
                let is_same_frame = channel.usbd().frame() == frame;
                self.put_back(channel, endpoints, slot, buffer);
                match kind {
                    IsoSendError::Closed => {
                        assert!(!self.stream.is_open[0], "it is open, and said to be closed");
                        "Closed"
                    }
                    IsoSendError::Busy => {
                        let can_be = match self.stream.filled {
                            Filled::Never => false,
                            Filled::In(filled) => filled == frame || !is_same_frame,
                            Filled::Late => true,
                        };
                        assert!(can_be, "no packet was sent in frame {frame}: {:?}", self.stream);
                        "Busy"
                    }
                    error => panic!("it was refused: {error}"),
                }
            }
        }
    }

    /// `receive`.
    pub(super) fn stream_out(
        &mut self,
        mut engine: Engine<Bus<B>>,
        mut endpoints: Endpoints,
        slot: u8,
        fate: Fate,
    ) -> &'static str {
        let frame = engine.usbd().frame();
        let buffer = self.buffers.take(slot.into(), |memory| memory.fill(UNTOUCHED));
        match endpoints.isoout.receive(engine, buffer) {
            Ok(transfer) => self.go_on(transfer, endpoints, slot, fate, |this, ended, memory| {
                let said = this.is_late(frame, ended);
                if let Ok(length) = ended.length {
                    let (packet, rest) = memory.split_at(length);
                    assert!(rest.iter().all(|&byte| byte == UNTOUCHED), "more than the packet was written: {memory:?}");
                    let mut from_host = this.record.packets(Pipe::Isochronous, Way::Out).borrow_mut();
                    if let Err(message) = from_host.came_to_firmware(this.record.epoch.get(), packet) {
                        panic!("isochronous, from the host: {message}");
                    }
                }
                said
            }),
            Err(Refused { kind, channel, buffer }) => {
                self.put_back(channel, endpoints, slot, buffer);
                match kind {
                    IsoReceiveError::Closed => {
                        assert!(!self.stream.is_open[1], "it is open, and said to be closed");
                        "Closed"
                    }
                    IsoReceiveError::Empty => "Empty",
                    IsoReceiveError::Corrupted => self.name_of(Received::Corrupted),
                    IsoReceiveError::TooShort { packet, buffer } => {
                        assert!(packet > buffer && buffer == SLOTS[usize::from(slot)], "{packet} bytes fit {buffer}");
                        "TooShort"
                    }
                    error => panic!("it was refused: {error}"),
                }
            }
        }
    }

    /// Whether a transfer that was started in `frame`, or later, was late.
    fn is_late(&self, frame: u16, ended: &mut Ended<B>) -> &'static str {
        match ended.length {
            Ok(_) => "Ok",
            Err(Late) => {
                assert_ne!(ended.engine.usbd().frame(), frame, "it is late, and no frame has begun");
                "Late"
            }
        }
    }
}
