//! What endpoints 0 to 7 refuse, and what is as before then: the packet that waits, the engine, the buffer.

use dma_api::nrf52840::usbd::{Control, ControlError, ControlEvent, Endpoints, Engine, ReceiveError, SendError};
use dma_api::nrf52840::usbd::{EpIn, EpOut, map};
use dma_api::usb::Setup;
use sim_core::device::usbd::{Answer, Packet, Token};
use sim_core::explore::{Board, Program};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use super::configured::{begin, end, expect_sound_at_once, prepare};

/// A firmware that asks for what it does not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AsksFor {
    Sending,
    Receiving,
    ControlIn,
    ControlOut,
}

impl AsksFor {
    fn request(self) -> Setup {
        match self {
            Self::Sending | Self::Receiving => Setup::set_configuration(1),
            Self::ControlIn => Setup::get_device_descriptor(64),
            Self::ControlOut => Setup::from_bytes([0x40, 1, 0, 0, 0, 0, 8, 0]),
        }
    }
}

fn memory<const N: usize>() -> &'static mut [u8] {
    Box::leak(Box::new([7; N]))
}

/// Asks twice, with and without a copy, to send this many bytes.
fn not_sent<B: Board, const N: usize>(mut engine: Engine<B>, epin: &mut EpIn, expected: SendError) -> Engine<B> {
    let was_armed = epin.is_armed();
    assert_eq!(epin.write(&mut engine, &[7; N]), Err(expected));
    let refused = epin.send(engine, memory::<N>()).expect_err("it is refused");
    assert_eq!((refused.kind, &*refused.buffer, epin.is_armed()), (expected, &[7; N][..], was_armed));
    refused.channel
}

fn send<B: Board>(engine: Engine<B>, endpoints: &mut Endpoints, board: &B) -> Engine<B> {
    let Endpoints { control, epin: [epin, ..], .. } = endpoints;
    let mut engine = not_sent::<_, 8>(engine, epin, SendError::Closed);
    epin.halt(&mut engine, false);
    engine = not_sent::<_, 8>(engine, epin, SendError::Closed);
    epin.open(&mut engine);
    assert!(!epin.is_armed());
    engine = not_sent::<_, 65>(engine, epin, SendError::TooLong { length: 65 });
    epin.write(&mut engine, &[1; 64]).expect("64 bytes are a packet");
    assert!(epin.is_armed());
    engine = not_sent::<_, 8>(engine, epin, SendError::Busy);
    control.accept(&mut engine).expect("nothing is on its way");
    while !epin.is_sent(&engine) {}
    let sent = epin.send(engine, memory::<64>()).map_err(|refused| refused.kind);
    engine = sent.expect("64 bytes are a packet").wait().0;
    while !map::epdatastatus::EPIN1.is_set(board.read(map::epdatastatus())) {}
    epin.close(&mut engine);
    assert!(epin.is_sent(&engine));
    not_sent::<_, 8>(engine, epin, SendError::Closed)
}

/// Asks twice, with and without a copy, for a packet in this many bytes.
fn not_received<B: Board, const N: usize>(
    mut engine: Engine<B>,
    epout: &mut EpOut,
    expected: ReceiveError,
) -> Engine<B> {
    let mut bytes = [0; N];
    assert_eq!(epout.read(&mut engine, &mut bytes), Err(expected));
    let refused = epout.receive(engine, memory::<N>()).expect_err("it is refused");
    assert_eq!((refused.kind, &*refused.buffer, bytes), (expected, &[7; N][..], [0; N]));
    refused.channel
}

fn receive<B: Board>(engine: Engine<B>, endpoints: &mut Endpoints, board: &B) -> Engine<B> {
    let Endpoints { control, epout: [epout, ..], .. } = endpoints;
    let wait = || while !map::epdatastatus::EPOUT1.is_set(board.read(map::epdatastatus())) {};
    let mut engine = not_received::<_, 64>(engine, epout, ReceiveError::Closed);
    epout.halt(&mut engine, false);
    engine = not_received::<_, 64>(engine, epout, ReceiveError::Closed);
    epout.open(&mut engine);
    engine = not_received::<_, 64>(engine, epout, ReceiveError::Empty);
    control.accept(&mut engine).expect("nothing is on its way");
    wait();
    engine = not_received::<_, 7>(engine, epout, ReceiveError::TooShort { packet: 8, buffer: 7 });
    let received = epout.receive(engine, memory::<16>()).map_err(|refused| refused.kind);
    let (engine, bytes) = received.expect("16 bytes hold it").wait();
    assert_eq!(bytes, [1, 1, 1, 1, 1, 1, 1, 1, 7, 7, 7, 7, 7, 7, 7, 7], "what follows the packet is left alone");
    wait();
    assert_eq!(epout.received(&engine), Some(5));
    let mut engine = not_received::<_, 4>(engine, epout, ReceiveError::TooShort { packet: 5, buffer: 4 });
    let mut bytes = [0; 5];
    assert_eq!((epout.read(&mut engine, &mut bytes), bytes), (Ok(5), [2; 5]));
    assert_eq!(board.read(map::epout_maxcnt(1)), 5, "more would fetch what is left of a packet before");
    wait();
    epout.close(&mut engine);
    assert_eq!(epout.received(&engine), None);
    not_received::<_, 64>(engine, epout, ReceiveError::Closed)
}

/// Asks for each thing that needs endpoint 0 idle.
fn busy<B: Board>(engine: &mut Engine<B>, control: &mut Control) {
    assert_eq!(control.write(engine, &[9], true), Err(ControlError::Busy));
    for task in [Control::permit, Control::accept, Control::stall] {
        assert_eq!(task(control, engine), Err(ControlError::Busy));
    }
}

fn control_in<B: Board>(mut engine: Engine<B>, endpoints: &mut Endpoints) -> Engine<B> {
    let control = &mut endpoints.control;
    assert_eq!(control.write(&mut engine, &[9; 65], true), Err(ControlError::TooLong { length: 65 }));
    assert_eq!(control.read(&mut engine, &mut [0; 64]), Err(ControlError::Empty));
    control.write(&mut engine, &[1; 64], true).expect("64 bytes are a packet");
    busy(&mut engine, control);
    assert_eq!(control.read(&mut engine, &mut [0; 64]), Err(ControlError::Empty));
    while control.next_event(&mut engine) != Some(ControlEvent::Sent) {}
    engine
}

fn control_out<B: Board>(mut engine: Engine<B>, endpoints: &mut Endpoints) -> Engine<B> {
    let control = &mut endpoints.control;
    control.permit(&mut engine).expect("nothing is on its way");
    busy(&mut engine, control);
    assert_eq!(control.read(&mut engine, &mut [0; 64]), Err(ControlError::Empty));
    while control.next_event(&mut engine) != Some(ControlEvent::Received(8)) {}
    busy(&mut engine, control);
    let mut bytes = [0; 8];
    let too_short = ControlError::TooShort { packet: 8, buffer: 7 };
    assert_eq!(control.read(&mut engine, &mut bytes[..7]), Err(too_short));
    assert_eq!(control.read(&mut engine, &mut bytes), Ok(8));
    assert_eq!(bytes, [1; 8]);
    control.accept(&mut engine).expect("nothing is on its way");
    engine
}

impl Program for AsksFor {
    fn name(&self) -> String {
        format!("asks-for:{self:?}")
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, self.request());
    }

    fn firmware<B: Board>(&self, board: B) {
        let (engine, mut endpoints) = begin(board.clone(), self.request());
        let engine = match self {
            Self::Sending => send(engine, &mut endpoints, &board),
            Self::Receiving => receive(engine, &mut endpoints, &board),
            Self::ControlIn => control_in(engine, &mut endpoints),
            Self::ControlOut => control_out(engine, &mut endpoints),
        };
        while !board.host_is_done() {}
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let asks = *self;
        Box::pin(async move {
            match asks {
                Self::Sending => {
                    host.packet_in(true).await?;
                    expect(&host.bulk_in(1, 64).await?, &[1; 64])?;
                    expect(&host.bulk_in(1, 64).await?, &[7; 64])?;
                    expect_silence(&mut host, Token::In).await
                }
                Self::Receiving => {
                    host.packet_in(true).await?;
                    for packet in [&[1; 8][..], &[2; 5], &[3; 8]] {
                        host.bulk_out(1, packet).await?;
                    }
                    expect_silence(&mut host, Token::Out { data1: true, packet: Packet::EMPTY }).await
                }
                Self::ControlIn => {
                    expect(host.packet_in(true).await?.bytes(), &[1; 64])?;
                    host.packet_out(true, Packet::EMPTY).await
                }
                Self::ControlOut => {
                    host.packet_out(true, Packet::new(&[1; 8])).await?;
                    host.packet_in(true).await.map(drop)
                }
            }
        })
    }
}

fn expect(came: &[u8], due: &[u8]) -> Result<(), HostError> {
    if came == due { Ok(()) } else { Err(HostError::Unexpected(format!("{came:?}"))) }
}

/// Expects that endpoint 1 is closed.
async fn expect_silence(host: &mut Host, token: Token) -> Result<(), HostError> {
    host.settle().await?;
    match host.token_to(1, token).await? {
        Answer::Silence => Ok(()),
        other => Err(HostError::Unexpected(format!("a closed endpoint answers {other:?}"))),
    }
}

#[test]
fn in_packet_that_cannot_be_sent_comes_back() {
    expect_sound_at_once(&AsksFor::Sending);
}

#[test]
fn out_packet_that_cannot_be_received_waits() {
    expect_sound_at_once(&AsksFor::Receiving);
}

#[test]
fn endpoint_zero_that_sends_refuses_all_else_until_it_has_sent() {
    expect_sound_at_once(&AsksFor::ControlIn);
}

#[test]
fn endpoint_zero_that_receives_refuses_all_else_until_it_has_read() {
    expect_sound_at_once(&AsksFor::ControlOut);
}
