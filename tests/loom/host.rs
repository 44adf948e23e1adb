//! The host of a model: it tries again what is answered with NAK, and gives up at a device that is not there.

use dma_api::nrf52840::usbd::{ControlEvent, Engine, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::{Packet, Token};
use sim_core::explore::model::host::{Act, Step};
use sim_core::explore::model::{self, Limits, Packets};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

const WRITE: Setup = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 2 };

/// A control write of two bytes.
#[derive(Clone, Debug)]
struct Writes {
    /// The firmware permits the data stage.
    permits: bool,
    /// To which endpoint the host sends the packet.
    endpoint: u8,
}

impl Program for Writes {
    fn name(&self) -> String {
        format!("writes:{}:{}", self.permits, self.endpoint)
    }

    fn config(&self) -> Config {
        Config { fences: Fences::right(Machine::CortexM7), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
        soc.bus_reset();
        soc.cpu_write(map::events_usbreset(), 0, std::panic::Location::caller());
        soc.transaction(0, 0, Token::Setup(WRITE.to_bytes()));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        let control = &mut endpoints.control;
        assert_eq!(control.next_event(&mut engine), Some(ControlEvent::Setup(WRITE)));
        // The host has sent its packet by now, in some executions, and was given NAK.
        if self.permits {
            control.permit(&mut engine).expect("it is idle");
        }
        while control.next_event(&mut engine) != Some(ControlEvent::Received(2)) {}
        let mut bytes = [0; 2];
        assert_eq!(control.read(&mut engine, &mut bytes), Ok(2));
        assert_eq!(bytes, [5, 6]);
    }

    fn host(&self, _: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for Writes {
    fn packets(&self) -> usize {
        1
    }

    fn steps(&self) -> Vec<Step> {
        vec![Step::host([Act::sends(self.endpoint, true, Packet::new(&[5, 6]))]), Step::transfer([])]
    }
}

#[test]
fn packet_that_is_answered_with_nak_is_sent_again() {
    let verdict = model::check(&Writes { permits: true, endpoint: 0 }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn packet_that_nobody_permits_is_a_deadlock() {
    let verdict = model::check(&Writes { permits: false, endpoint: 0 }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
}

#[test]
fn packet_to_an_endpoint_that_is_not_there_is_told() {
    let verdict = model::check(&Writes { permits: true, endpoint: 3 }, Limits::default());
    assert!(
        matches!(&verdict, Verdict::Assertion { message, .. } if message.contains("endpoint 3, and was given Silence")),
        "{verdict}"
    );
}
