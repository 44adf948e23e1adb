//! Endpoint 0 beside others at chosen moments: what the next event is, and what it leaves behind.
//!
//! The firmware waits, by raw registers, until the host has done its part; then it asks. So each moment is the one that
//! is meant, on the quickest schedule.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Control, ControlError, ControlEvent, Engine, map};
use dma_api::usb::Setup;
use sim_core::device::usbd::{Answer, Packet, Token};
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use super::configured::{begin, end, prepare};

const READ: Setup = Setup::get_device_descriptor(8);
const OTHER_READ: Setup = Setup::get_device_descriptor(16);
const CONFIGURE: Setup = Setup::set_configuration(1);
const WRITE: Setup = Setup::from_bytes([0x40, 1, 0, 0, 0, 0, 8, 0]);

/// When endpoint 0 is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// A SETUP has come before the packet was started, and the host has taken it as the answer to that.
    Overtaken,
    /// A SETUP has come while a packet waits for the host.
    GivenUp,
    /// The bus was reset while a packet waits for the host.
    ResetBeforeSent,
    /// The bus was reset when a packet from the host waits to be read.
    ResetBeforeRead,
    /// A packet has come, by a permission for the transfer before, and with it a SETUP. Then a reset and another SETUP.
    PermissionIsUsed,
    /// A packet has come with a SETUP, as before; between the two transfers the host has taken one that was overtaken.
    PermissionIsKept,
    /// A SETUP has come when a packet from the host waits to be read.
    OvertakenRead,
    /// The host has taken the last packet, and has left the status stage out: another SETUP has come in its place.
    StatusIsLeftOut,
}

impl Moment {
    const ALL: [Self; 8] = [
        Self::Overtaken,
        Self::GivenUp,
        Self::ResetBeforeSent,
        Self::ResetBeforeRead,
        Self::PermissionIsUsed,
        Self::PermissionIsKept,
        Self::OvertakenRead,
        Self::StatusIsLeftOut,
    ];

    fn request(self) -> Setup {
        match self {
            Self::Overtaken | Self::GivenUp | Self::ResetBeforeSent | Self::StatusIsLeftOut => READ,
            _ => WRITE,
        }
    }
}

/// The firmware's side.
struct Device<'a, B: Board> {
    board: &'a B,
    engine: &'a mut Engine<B>,
    control: &'a mut Control,
}

impl<B: Board> Device<'_, B> {
    fn wait_for<const N: usize>(&self, events: [u16; N]) {
        for event in events {
            while self.board.read(event) == 0 {}
        }
    }

    fn next(&mut self) -> Option<ControlEvent> {
        self.control.next_event(self.engine)
    }

    /// The next event, when there is one.
    fn expect(&mut self, expected: ControlEvent) {
        let event = loop {
            if let Some(event) = self.next() {
                break event;
            }
        };
        assert_eq!(event, expected);
    }

    fn write(&mut self, byte: u8, last: bool) {
        self.control.write(self.engine, &[byte; 8], last).expect("nothing is on its way");
        assert_eq!(self.board.read(map::shorts()), 0, "it would trigger its task while another endpoint is fetched");
    }

    fn permit(&mut self) {
        self.control.permit(self.engine).expect("nothing is on its way");
    }

    /// Nothing of a transfer that was given up is left.
    fn expect_idle(&mut self) {
        assert_eq!(self.board.read(map::events_ep0datadone()), 0, "it would pass for another packet's");
        assert_eq!(self.control.read(self.engine, &mut [0; 64]), Err(ControlError::Empty));
        self.control.stall(self.engine).expect("nothing is on its way");
    }

    /// The SETUP that is there is refused, and not reported.
    fn expect_refusal(&mut self) {
        self.wait_for([map::events_ep0setup(), map::events_ep0datadone()]);
        assert_eq!(self.next(), None);
        assert_eq!(self.board.read(map::events_ep0setup()), 0);
    }

    fn answer(&mut self, setup: Setup) {
        self.expect(ControlEvent::Setup(setup));
        self.write(2, true);
        self.expect(ControlEvent::Sent);
    }

    fn take(&mut self, setup: Setup) {
        self.expect(ControlEvent::Setup(setup));
        self.permit();
        self.expect(ControlEvent::Received(8));
        let mut bytes = [0; 8];
        assert_eq!(self.control.read(self.engine, &mut bytes), Ok(8));
        assert_eq!(bytes, [2; 8]);
        self.control.accept(self.engine).expect("nothing is on its way");
    }

    fn run(&mut self, moment: Moment) {
        match moment {
            Moment::Overtaken => {
                self.wait_for([map::events_ep0setup()]);
                self.write(1, false);
                self.expect_refusal();
                self.answer(OTHER_READ);
            }
            Moment::GivenUp => {
                self.write(1, true);
                self.wait_for([map::events_ep0setup()]);
                assert_eq!(self.next(), Some(ControlEvent::Setup(OTHER_READ)));
                self.expect_idle();
                self.answer(OTHER_READ);
            }
            Moment::ResetBeforeSent => {
                self.write(1, true);
                self.wait_for([map::events_usbreset()]);
                assert_eq!(self.next(), Some(ControlEvent::Reset));
                self.expect_idle();
                self.answer(OTHER_READ);
            }
            Moment::ResetBeforeRead => {
                self.permit();
                self.wait_for([map::events_ep0datadone(), map::events_usbreset()]);
                assert_eq!(self.next(), Some(ControlEvent::Reset));
                self.expect_idle();
                self.answer(OTHER_READ);
            }
            Moment::PermissionIsUsed => {
                self.permit();
                self.expect_refusal();
                self.wait_for([map::events_usbreset(), map::events_ep0setup()]);
                assert_eq!(self.next(), Some(ControlEvent::Reset));
                self.answer(OTHER_READ);
            }
            Moment::PermissionIsKept => {
                self.permit();
                self.expect(ControlEvent::Setup(READ));
                self.wait_for([map::events_ep0setup()]);
                self.write(1, false);
                self.expect_refusal();
                self.expect_refusal();
                self.take(WRITE);
            }
            Moment::OvertakenRead => {
                self.permit();
                self.expect(ControlEvent::Received(8));
                self.wait_for([map::events_ep0setup()]);
                assert_eq!(self.control.read(self.engine, &mut [0; 8]), Err(ControlError::Overtaken));
                self.answer(OTHER_READ);
            }
            Moment::StatusIsLeftOut => {
                self.write(1, true);
                self.wait_for([map::events_ep0datadone(), map::events_ep0setup()]);
                assert_eq!(self.next(), Some(ControlEvent::Sent));
                // Not accepted yet.
                self.expect(ControlEvent::Setup(CONFIGURE));
                self.answer(OTHER_READ);
            }
        }
    }
}

/// Expects that the host's stage is refused.
async fn expect_stall(host: &mut Host) -> Result<(), HostError> {
    host.settle().await?;
    match host.token(Token::In).await? {
        Answer::Stall => Ok(()),
        other => Err(HostError::Unexpected(format!("a stale answer is not refused, but {other:?}"))),
    }
}

/// A control read that is not tried again.
async fn read(host: &mut Host, setup: Setup) -> Result<(), HostError> {
    let came = host.control_in(setup).await?;
    if came == [2; 8] { Ok(()) } else { Err(HostError::Unexpected(format!("{came:?}"))) }
}

async fn overtakes(host: &mut Host) -> Result<(), HostError> {
    host.setup(OTHER_READ).await?;
    // Not while the packet is being started: that window the driver cannot close.
    host.settle().await?;
    host.packet_in(true).await?;
    expect_stall(host).await
}

async fn run(moment: Moment, host: &mut Host) -> Result<(), HostError> {
    let write = Packet::new(&[1; 8]);
    match moment {
        Moment::Overtaken => {
            host.settle().await?;
            overtakes(host).await?;
            read(host, OTHER_READ).await
        }
        Moment::GivenUp => {
            host.settle().await?;
            host.setup(OTHER_READ).await?;
            expect_stall(host).await?;
            read(host, OTHER_READ).await
        }
        Moment::ResetBeforeSent => {
            host.settle().await?;
            host.reset().await?;
            host.settle().await?;
            read(host, OTHER_READ).await
        }
        Moment::ResetBeforeRead => {
            host.packet_out(true, write).await?;
            host.reset().await?;
            host.settle().await?;
            read(host, OTHER_READ).await
        }
        Moment::PermissionIsUsed => {
            host.settle().await?;
            host.setup(WRITE).await?;
            host.packet_out(true, write).await?;
            expect_stall(host).await?;
            host.reset().await?;
            read(host, OTHER_READ).await
        }
        Moment::PermissionIsKept => {
            host.settle().await?;
            host.setup(READ).await?;
            host.settle().await?;
            overtakes(host).await?;
            host.setup(WRITE).await?;
            host.packet_out(true, write).await?;
            expect_stall(host).await?;
            host.control_out(WRITE, &[2; 8]).await
        }
        Moment::OvertakenRead => {
            host.packet_out(true, write).await?;
            host.settle().await?;
            read(host, OTHER_READ).await
        }
        Moment::StatusIsLeftOut => {
            host.settle().await?;
            host.packet_in(true).await?;
            host.setup(CONFIGURE).await?;
            host.settle().await?;
            match host.token(Token::In).await? {
                Answer::Nak => read(host, OTHER_READ).await,
                other => Err(HostError::Unexpected(format!("nobody has accepted it, and the answer is {other:?}"))),
            }
        }
    }
}

impl Program for Moment {
    fn name(&self) -> String {
        format!("moment:{self:?}")
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, self.request());
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(board.clone(), self.request());
        Device { board: &board, engine: &mut engine, control: &mut endpoints.control }.run(*self);
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let moment = *self;
        Box::pin(async move { run(moment, &mut host).await })
    }
}

#[test]
fn endpoint_zero_gives_up_and_refuses_at_the_moment_that_asks_for_it() {
    for moment in Moment::ALL {
        let run = stepped::run(&moment, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{moment:?}: {}", run.verdict);
    }
}

/// Two control reads, each of which the host brings to its end.
struct TwoReads;

impl Program for TwoReads {
    fn name(&self) -> String {
        "two-reads".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, READ);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(board.clone(), READ);
        let mut device = Device { board: &board, engine: &mut engine, control: &mut endpoints.control };
        device.write(2, true);
        device.expect(ControlEvent::Sent);
        device.answer(OTHER_READ);
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            host.packet_out(true, Packet::EMPTY).await?;
            read(&mut host, OTHER_READ).await
        })
    }
}

#[test]
fn packet_that_was_taken_is_reported_before_the_setup_that_came_after_it() {
    let exploration = stepped::explore(&TwoReads, Limits::default());
    println!("{} states; {}", exploration.states, exploration.verdict);
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
}
