//! What the isochronous endpoints refuse, and what comes back then.

use dma_api::nrf52840::usbd::{
    Endpoints, Engine, IsoIn, IsoOut, IsoReceiveError, IsoSendError, OpenError, Received, Share, WithoutData,
};
use sim_core::device::usbd::Options;
use sim_core::explore::{Board, Program};
use sim_core::host::{Host, Script};
use sim_core::machine::Fences;
use sim_core::soc::{Config, Soc};

use super::stream::{accept, begin, config, configure, memory};
use crate::configured::{end, expect_sound_at_once};

/// A firmware that asks for what it does not get.
#[derive(Clone, Copy, Debug)]
enum AsksFor {
    Opening,
    Sending,
    SendingAllThatFits,
    Receiving,
}

impl Program for AsksFor {
    fn name(&self) -> String {
        format!("asks:{self:?}")
    }

    fn config(&self) -> Config {
        match self {
            // 511 bytes: the only length that is the most is no multiple of 4.
            Self::SendingAllThatFits => Config { options: Options::default(), ..config(Fences::default()) },
            _ => config(Fences::default()),
        }
    }

    fn prepare(&self, soc: &mut Soc) {
        configure(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (engine, mut endpoints) = begin(&board);
        let engine = match self {
            Self::Opening => open(engine, &mut endpoints),
            Self::Sending => send(engine, &mut endpoints.isoin),
            Self::SendingAllThatFits => send_all_that_fits(engine, &mut endpoints.isoin),
            Self::Receiving => receive(engine, &mut endpoints),
        };
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let sends = matches!(self, Self::Receiving);
        Box::pin(async move {
            if sends {
                host.packet_in(true).await?;
                host.isochronous_out(&[1; 12]).await?;
                host.wait_frames(1).await?;
            }
            Ok(())
        })
    }
}

fn open<B: Board>(mut engine: Engine<B>, endpoints: &mut Endpoints) -> Engine<B> {
    let Endpoints { isoin, isoout, .. } = endpoints;
    let silence = WithoutData::Silence;
    for share in [Share::Whole, Share::Half] {
        assert_eq!(isoin.open(&mut engine, Share::Whole, silence), Ok(()));
        assert_eq!(isoout.open(&mut engine, share), Err(OpenError::Shared), "IN has all of it");
        isoin.close(&mut engine);
        assert_eq!(isoout.open(&mut engine, Share::Whole), Ok(()));
        assert_eq!(isoin.open(&mut engine, share, silence), Err(OpenError::Shared), "OUT has all of it");
        isoout.close(&mut engine);
    }
    assert_eq!(isoin.open(&mut engine, Share::Half, silence), Ok(()));
    assert_eq!(isoout.open(&mut engine, Share::Whole), Err(OpenError::Shared));
    assert_eq!(isoout.open(&mut engine, Share::Half), Ok(()));
    engine
}

fn send<B: Board>(engine: Engine<B>, isoin: &mut IsoIn) -> Engine<B> {
    assert!(!isoin.is_free(&engine));
    let (mut engine, buffer) = not_sent(engine, isoin, memory::<1024>(), 8, IsoSendError::Closed);
    isoin.open(&mut engine, Share::Half, WithoutData::Silence).expect("the other direction is closed");
    assert!(isoin.is_free(&engine));
    let too_long = IsoSendError::TooLong { length: 512, most: 511 };
    let (engine, buffer) = not_sent(engine, isoin, buffer, 512, too_long);
    let (short, rest) = buffer.split_at_mut(6);
    let (engine, _) = not_sent(engine, isoin, short, 8, IsoSendError::TooShort { length: 8, buffer: 6 });
    let (engine, rest) = not_sent(engine, isoin, rest, 8, IsoSendError::Unaligned);
    let ended = isoin.send(engine, rest, 0).expect("there is nothing to be aligned").wait();
    assert_eq!(ended.length, Ok(0));
    assert!(!isoin.is_free(&ended.engine));
    not_sent(ended.engine, isoin, memory::<8>(), 8, IsoSendError::Busy).0
}

fn send_all_that_fits<B: Board>(mut engine: Engine<B>, isoin: &mut IsoIn) -> Engine<B> {
    isoin.open(&mut engine, Share::Half, WithoutData::Silence).expect("the other direction is closed");
    let ended = isoin.send(engine, memory::<511>(), 511).expect("neither is too short").wait();
    assert_eq!(ended.length, Ok(511));
    ended.engine
}

fn not_sent<B: Board>(
    engine: Engine<B>,
    isoin: &mut IsoIn,
    buffer: &'static mut [u8],
    length: usize,
    expected: IsoSendError,
) -> (Engine<B>, &'static mut [u8]) {
    let refused = isoin.send(engine, buffer, length).expect_err("it is refused");
    assert_eq!(refused.kind, expected);
    (refused.channel, refused.buffer)
}

fn receive<B: Board>(engine: Engine<B>, endpoints: &mut Endpoints) -> Engine<B> {
    let (mut engine, buffer) = not_received(engine, &mut endpoints.isoout, memory::<14>(), IsoReceiveError::Closed);
    endpoints.isoout.open(&mut engine, Share::Half).expect("the other direction is closed");
    let (mut engine, buffer) = not_received(engine, &mut endpoints.isoout, buffer, IsoReceiveError::Empty);
    accept(&mut engine, endpoints);
    let isoout = &mut endpoints.isoout;
    while isoout.received(&engine) == Received::Nothing {}
    let too_short = IsoReceiveError::TooShort { packet: 12, buffer: 8 };
    let (engine, _) = not_received(engine, isoout, memory::<8>(), too_short);
    let (engine, buffer) = {
        let (_, unaligned) = buffer.split_at_mut(2);
        not_received(engine, isoout, unaligned, IsoReceiveError::Unaligned)
    };
    assert_eq!(*buffer, [0xFF; 12], "nothing was touched");
    let transfer = isoout.receive(engine, memory::<12>()).expect("it still waits");
    while !transfer.is_done() {}
    let ended = transfer.end().expect("it is done");
    assert_eq!((ended.length, &*ended.buffer), (Ok(12), &[1; 12][..]));
    not_received(ended.engine, isoout, ended.buffer, IsoReceiveError::Empty).0
}

fn not_received<B: Board>(
    engine: Engine<B>,
    isoout: &mut IsoOut,
    buffer: &'static mut [u8],
    expected: IsoReceiveError,
) -> (Engine<B>, &'static mut [u8]) {
    let refused = isoout.receive(engine, buffer).expect_err("it is refused");
    assert_eq!(refused.kind, expected);
    (refused.channel, refused.buffer)
}

#[test]
fn buffer_of_both_directions_is_shared_in_halves_or_not_at_all() {
    expect_sound_at_once(&AsksFor::Opening);
}

#[test]
fn in_packet_that_cannot_be_sent_comes_back() {
    expect_sound_at_once(&AsksFor::Sending);
}

#[test]
fn in_packet_as_long_as_its_buffer_and_its_share_is_sent() {
    expect_sound_at_once(&AsksFor::SendingAllThatFits);
}

#[test]
fn out_packet_that_cannot_be_received_waits() {
    expect_sound_at_once(&AsksFor::Receiving);
}
