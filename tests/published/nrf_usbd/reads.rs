//! The shortest firmware that reads bulk packets: nrf-usbd and its trait, without usb-device, on every schedule.

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::device::usbd::Options;
use sim_core::explore::by_address::{self, Gaps};
use sim_core::explore::stepped::{self, Bus, Limits};
use sim_core::explore::{Board, Kind, ProgramOn, Verdict};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};
use sim_core::trace::timeline;
use usb_device::UsbDirection;
use usb_device::bus::{PollResult, UsbBus};
use usb_device::endpoint::{EndpointAddress, EndpointType};

use super::{Controller, by_hand};
use crate::echo::{PACKETS, assert_received};

/// Who reads.
#[derive(Clone, Copy, Debug)]
enum Driver {
    /// nrf-usbd 0.3.0.
    NrfUsbd,
    /// Its sequence by hand.
    ByHand { arms_once_more: bool },
}

/// The firmware reads what the host sends to endpoint 1.
struct Reads {
    driver: Driver,
    policies: Policies,
    /// What the firmware has read in this run.
    seen: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl Reads {
    fn new(driver: Driver) -> Self {
        Self { driver, policies: Policies::default(), seen: Rc::default() }
    }

    fn read(&self, board: &Bus) {
        let mut bus = nrf_usbd::Usbd::new(Controller);
        let control = Some(EndpointAddress::from_parts(0, UsbDirection::Out));
        bus.alloc_ep(UsbDirection::Out, control, EndpointType::Control, 64, 0).expect("endpoint 0");
        let bulk = bus.alloc_ep(UsbDirection::Out, None, EndpointType::Bulk, 64, 0).expect("endpoint 1");
        bus.enable();
        let mut buffer = [0; 64];
        while !board.host_is_done() {
            match bus.poll() {
                PollResult::Reset => bus.reset(),
                PollResult::Data { ep_out, .. } if ep_out & 1 << bulk.index() != 0 => {
                    let length = bus.read(bulk, &mut buffer).expect("poll has said so");
                    self.seen.borrow_mut().push(buffer[..length].to_vec());
                }
                _ => {}
            }
        }
    }
}

impl ProgramOn<Bus> for Reads {
    fn name(&self) -> String {
        format!("reads-bulk:{:?}", self.driver).replace(' ', "")
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), policies: self.policies, ..Config::default() }
    }

    fn prepare(&self, _soc: &mut Soc) {
        self.seen.borrow_mut().clear();
    }

    fn firmware(&self, board: Bus) {
        let gaps = Gaps::default();
        let read = || match self.driver {
            Driver::NrfUsbd => self.read(&board),
            Driver::ByHand { arms_once_more } => {
                by_hand::read(&board, arms_once_more, |packet| self.seen.borrow_mut().push(packet.to_vec()));
            }
        };
        by_address::run(&board, &gaps, read).expect("the chip's addresses are free");
        assert!(gaps.is_empty(), "{gaps}");
    }

    fn host(&self, mut host: Host) -> Script {
        let seen = self.seen.clone();
        Box::pin(async move {
            host.reset().await?;
            host.settle().await?;
            for packet in PACKETS {
                host.bulk_out(1, packet).await?;
            }
            host.settle().await?;
            assert_received(&seen.borrow().concat());
            assert_eq!(*seen.borrow(), PACKETS, "a packet is a packet");
            Ok(())
        })
    }
}

/// Expects that an exploration finds this, and that its string brings it back. Returns the timeline.
fn expect_found(program: &Reads, kind: Kind) -> String {
    let exploration = stepped::explore(program, Limits::default());
    assert_eq!(exploration.verdict.kind(), kind, "{exploration}");
    let recording = exploration.verdict.replay().expect("it can be replayed").parse().expect("it is a recording");
    let again = stepped::replay(program, &recording).expect("the same program");
    assert_eq!(again.verdict.kind(), kind, "{}", again.verdict);
    println!("{exploration}");
    anstream::adapter::strip_str(&timeline::render(&again.trace)).to_string()
}

fn expect_sound(program: &Reads) {
    let exploration = stepped::explore(program, Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
    println!("{exploration}");
}

#[test]
fn out_endpoint_is_armed_twice() {
    let timeline = expect_found(&Reads::new(Driver::NrfUsbd), Kind::Violation(Rule::ArmedTwice));
    let end = timeline.find("EVENTS_ENDEPOUT[1]").expect("the transfer ends");
    assert!(timeline[end..].contains("SIZE.EPOUT[1]"), "the END has armed the endpoint:\n{timeline}");
}

/// The same, as silicon does it: the host is told that its packet has come, and the firmware never sees it.
#[test]
fn packet_that_was_acknowledged_is_lost() {
    let program = Reads { policies: Policy::Silicon.into(), ..Reads::new(Driver::NrfUsbd) };
    let exploration = stepped::explore(&program, Limits::default());
    let Verdict::Assertion { message, .. } = &exploration.verdict else { panic!("{exploration}") };
    assert!(message.contains("acknowledged, and lost: [\"2nd\"]"), "{exploration}");
    expect_found(&program, Kind::Assertion);
}

/// Without the write after the END, which arms by itself, each packet comes, on every schedule.
#[test]
fn sequence_without_the_second_arming_is_sound() {
    expect_sound(&Reads::new(Driver::ByHand { arms_once_more: false }));
    let twice = Reads::new(Driver::ByHand { arms_once_more: true });
    expect_found(&twice, Kind::Violation(Rule::ArmedTwice));
    expect_found(&Reads { policies: Policy::Silicon.into(), ..twice }, Kind::Assertion);
}
