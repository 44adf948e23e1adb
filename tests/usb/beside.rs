//! A control read beside bulk packets: its status stage, and the engine that the packets use.
//!
//! EP0STATUS needs the engine idle. The host takes the last packet of the read whenever it likes, so also while a
//! packet of endpoint 1 is moved; what permits the status stage must wait for the END of that.

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, map};
use dma_api::usb::Setup;
use sim_core::device::usbd::Packet;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, HostError, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};
use tests::sabotage::{Mischief, Sabotaged};

use super::configured::{begin, end, prepare};

const READ: Setup = Setup::get_device_descriptor(8);
const CONFIGURE: Setup = Setup::set_configuration(1);
const ANSWER: [u8; 8] = [1; 8];
const TO_HOST: [u8; 4] = [2; 4];
const FROM_HOST: [u8; 4] = [3; 4];

/// How endpoint 1 moves its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// `write` and `read`: the engine is borrowed until END.
    Copy,
    /// `send` and `receive`: the transfer has the engine.
    Transfer,
}

/// When the host takes the answer of the control read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    BeforeThePackets,
    BetweenThem,
    AfterThem,
}

/// SHORTS cannot be cleared of EP0DATADONE_EP0STATUS: a shortcut permits the status stage, and then the driver again.
///
/// Of the two things that are wrong with that, this one is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// The first comes when the host takes the packet, which may be at any time.
    AtAnyTime,
    /// The second comes when the host may have gone on.
    Twice,
}

impl Mischief for Wrong {
    fn writes(&self, offset: u16, value: u32) -> Option<u32> {
        Some(if offset == map::shorts() { map::shorts::EP0DATADONE_EP0STATUS.mask() } else { value })
    }
}

/// The board as the driver sees it.
type Bus<B> = Sabotaged<B, Wrong>;

/// A device that is configured, answers a control read, sends a packet, and receives one.
struct Beside(By, Taken, Option<Wrong>);

impl By {
    /// Sends a packet.
    fn send<B: Board>(self, mut engine: Engine<Bus<B>>, endpoints: &mut Endpoints) -> Engine<Bus<B>> {
        let epin = &mut endpoints.epin[0];
        if self == Self::Copy {
            epin.write(&mut engine, &TO_HOST).expect("it is open and idle");
            return engine;
        }
        let transfer = epin.send(engine, Box::new(TO_HOST)).expect("it is open and idle");
        transfer.wait().0
    }

    /// Receives the packet that has come.
    fn receive<B: Board>(self, mut engine: Engine<Bus<B>>, endpoints: &mut Endpoints) -> Engine<Bus<B>> {
        let epout = &mut endpoints.epout[0];
        let mut bytes = [0; FROM_HOST.len()];
        if self == Self::Copy {
            assert_eq!((epout.read(&mut engine, &mut bytes), bytes), (Ok(FROM_HOST.len()), FROM_HOST));
            return engine;
        }
        let (engine, bytes) = epout.receive(engine, Box::new([0; FROM_HOST.len()])).expect("a packet has come").wait();
        assert_eq!(*bytes, FROM_HOST);
        engine
    }
}

impl Program for Beside {
    fn name(&self) -> String {
        format!("beside:{:?}:{:?}:{:?}", self.0, self.1, self.2)
    }

    fn config(&self) -> Config {
        let policies = match self.2 {
            None => Policies::default(),
            Some(Wrong::AtAnyTime) => Policies::default().with(Rule::StatusOnSetAddress, Policy::Silicon),
            Some(Wrong::Twice) => Policies::default().with(Rule::TaskWhileBusy, Policy::Silicon),
        };
        Config { policies, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, CONFIGURE);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(Sabotaged::new(board.clone(), self.2), CONFIGURE);
        endpoints.epin[0].open(&mut engine);
        endpoints.epout[0].open(&mut engine);
        endpoints.control.accept(&mut engine).expect("nothing is on its way");
        let mut has_received = false;
        while !board.host_is_done() {
            board.checkpoint(&(&engine, &endpoints, has_received));
            // The hardware answers SET_ADDRESS.
            if let Some(ControlEvent::Setup(READ)) = endpoints.control.next_event(&mut engine) {
                endpoints.control.write(&mut engine, &ANSWER, true).expect("nothing is on its way");
                engine = self.0.send(engine, &mut endpoints);
            }
            if !has_received && endpoints.epout[0].received(&engine).is_some() {
                engine = self.0.receive(engine, &mut endpoints);
                has_received = true;
            }
        }
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let taken = self.1;
        Box::pin(async move {
            // The status stage of SET_CONFIGURATION.
            host.packet_in(true).await?;
            host.setup(READ).await?;
            if taken == Taken::BeforeThePackets {
                take_answer(&mut host).await?;
            }
            host.bulk_out(1, &FROM_HOST).await?;
            if taken == Taken::BetweenThem {
                take_answer(&mut host).await?;
            }
            expect(&host.bulk_in(1, TO_HOST.len()).await?, &TO_HOST)?;
            if taken == Taken::AfterThem {
                take_answer(&mut host).await?;
            }
            // Its status stage nobody may permit: a permission that comes late is seen.
            host.set_address(1).await
        })
    }
}

/// Takes the answer of the control read, and ends it.
async fn take_answer(host: &mut Host) -> Result<(), HostError> {
    expect(host.packet_in(true).await?.bytes(), &ANSWER)?;
    host.packet_out(true, Packet::EMPTY).await
}

fn expect(got: &[u8], due: &[u8]) -> Result<(), HostError> {
    if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got:02x?} where {due:02x?} was due"))) }
}

fn verdict(by: By, taken: Taken, wrong: Option<Wrong>) -> Verdict {
    let program = Beside(by, taken, wrong);
    let exploration = stepped::explore(&program, Limits::default());
    println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
    exploration.verdict
}

#[test]
fn status_stage_of_a_control_read_is_permitted_while_no_packet_is_moved() {
    for by in [By::Copy, By::Transfer] {
        for taken in [Taken::BeforeThePackets, Taken::BetweenThem, Taken::AfterThem] {
            let verdict = verdict(by, taken, None);
            assert_eq!(verdict.kind(), Kind::Sound, "{by:?}, {taken:?}: {verdict}");
        }
    }
}

#[test]
fn status_stage_that_a_shortcut_permits_comes_while_a_packet_is_moved() {
    for by in [By::Copy, By::Transfer] {
        let verdict = verdict(by, Taken::BeforeThePackets, Some(Wrong::AtAnyTime));
        assert_eq!(verdict.kind(), Kind::Violation(Rule::TaskWhileBusy), "{by:?}: {verdict}");
        assert!(verdict.to_string().contains("TASKS_EP0STATUS"), "{by:?}: {verdict}");
    }
}

#[test]
fn status_stage_that_is_permitted_twice_may_be_the_next_transfers() {
    let verdict = verdict(By::Copy, Taken::AfterThem, Some(Wrong::Twice));
    assert_eq!(verdict.kind(), Kind::Violation(Rule::StatusOnSetAddress), "{verdict}");
}
