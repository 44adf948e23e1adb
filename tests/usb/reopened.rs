//! Endpoints that are opened anew at any moment of a packet: it counts, or it is lost, but not half.

use std::collections::BTreeSet;

use dma_api::nrf52840::usbd::{Endpoints, Engine};
use dma_api::usb::Setup;
use sim_core::device::usbd::{Answer, Packet, Token};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use super::configured::{begin, end, prepare};

const CONFIGURE: Setup = Setup::set_configuration(1);

/// An endpoint that is opened twice while the host uses it. (A host waits with that until the request that asks for it
/// is done. This one does not.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reopened {
    In,
    Out,
}

impl Reopened {
    fn serve<B: Board>(self, engine: &mut Engine<B>, endpoints: &mut Endpoints) {
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = endpoints;
        match self {
            Self::In => {
                epin.open(engine);
                epin.write(engine, &[1]).expect("it is idle");
                control.accept(engine).expect("nothing is on its way");
                epin.open(engine);
                for number in [2, 3] {
                    epin.write(engine, &[number]).expect("it is idle");
                    while !epin.is_sent(engine) {}
                }
            }
            Self::Out => {
                epout.open(engine);
                control.accept(engine).expect("nothing is on its way");
                let first = epout.received(engine);
                epout.open(engine);
                let mut bytes = [0; 8];
                while bytes != [2; 8] {
                    let Some(length) = epout.received(engine) else {
                        continue;
                    };
                    assert!(first.is_none() || length == 8, "the first packet was lost");
                    assert_eq!(epout.read(engine, &mut bytes), Ok(length));
                    let expected = if length == 1 { [1, 0, 0, 0, 0, 0, 0, 0] } else { [2; 8] };
                    assert_eq!(bytes, expected);
                }
            }
        }
    }
}

impl Program for Reopened {
    fn name(&self) -> String {
        format!("reopened:{self:?}")
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, CONFIGURE);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(board, CONFIGURE);
        self.serve(&mut engine, &mut endpoints);
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let reopened = *self;
        Box::pin(async move {
            host.packet_in(true).await?;
            match reopened {
                Reopened::In => take_all(&mut host).await,
                Reopened::Out => {
                    host.token_to(1, Token::Out { data1: false, packet: Packet::new(&[1]) }).await?;
                    host.settle().await?;
                    // Whatever the toggle is: one of them is taken for the packet before, sent again.
                    for data1 in [false, true] {
                        host.token_to(1, Token::Out { data1, packet: Packet::new(&[2; 8]) }).await?;
                    }
                    Ok(())
                }
            }
        })
    }
}

/// Takes packets until number 3 has come. The first may be lost, and none comes twice.
async fn take_all(host: &mut Host) -> Result<(), HostError> {
    let mut came = BTreeSet::new();
    let first = host.token_to(1, Token::In).await?;
    for answer in [first, insist(host).await?, insist(host).await?] {
        let Answer::Data { packet, .. } = answer else {
            continue;
        };
        let number = packet.bytes()[0];
        if came.last() >= Some(&number) {
            return Err(HostError::Unexpected(format!("{number} comes after {came:?}")));
        }
        came.insert(number);
    }
    if came.contains(&2) { Ok(()) } else { Err(HostError::Unexpected(format!("{came:?}"))) }
}

/// Asks once more, when the device has done all that it can.
async fn insist(host: &mut Host) -> Result<Answer, HostError> {
    host.settle().await?;
    host.token_to(1, Token::In).await
}

#[test]
fn endpoint_that_is_opened_anew_counts_a_packet_or_loses_it() {
    for reopened in [Reopened::In, Reopened::Out] {
        let exploration = stepped::explore(&reopened, Limits::default());
        println!("{}: {} states; {}", reopened.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{reopened:?}: {}", exploration.verdict);
    }
}
