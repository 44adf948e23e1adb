//! END events and shortcuts that a bootloader has left do nothing, and a transfer leaves none.

use std::panic::Location;

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::{Packet, Token};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use super::configured::{begin, end};

/// The shortcuts that a bootloader has left: any of them would permit something that the driver has not.
const LEFT_SHORTS: u32 = map::shorts::EP0DATADONE_EP0STATUS.mask()
    | map::shorts::ENDEPOUT0_EP0STATUS.mask()
    | map::shorts::ENDEPOUT0_EP0RCVOUT.mask();

/// Where the bootloader has moved a packet, and the driver moves the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    In,
    Out,
    ControlIn,
    ControlOut,
}

impl Moved {
    const ALL: [Self; 4] = [Self::In, Self::Out, Self::ControlIn, Self::ControlOut];

    fn request(self) -> Setup {
        match self {
            Self::In | Self::Out => Setup::set_configuration(1),
            Self::ControlIn => Setup::get_device_descriptor(u16::MAX),
            Self::ControlOut => Setup::from_bytes([0x40, 1, 0, 0, 0, 0, 16, 0]),
        }
    }

    /// Registers: PTR, MAXCNT, START, END.
    fn registers(self) -> [u16; 4] {
        match self {
            Self::In => [map::epin_ptr(1), map::epin_maxcnt(1), map::tasks_startepin(1), map::events_endepin(1)],
            Self::Out => [map::epout_ptr(1), map::epout_maxcnt(1), map::tasks_startepout(1), map::events_endepout(1)],
            Self::ControlIn => [map::epin_ptr(0), map::epin_maxcnt(0), map::tasks_startepin(0), map::events_endepin(0)],
            Self::ControlOut => {
                [map::epout_ptr(0), map::epout_maxcnt(0), map::tasks_startepout(0), map::events_endepout(0)]
            }
        }
    }

    fn is_control(self) -> bool {
        matches!(self, Self::ControlIn | Self::ControlOut)
    }

    fn end(self) -> u16 {
        let [.., end] = self.registers();
        end
    }
}

/// A packet by a driver that finds the END event of a packet before.
struct AfterTheBootloader(Moved);

impl AfterTheBootloader {
    /// What the bootloader does: it moves 8 bytes, and clears no END.
    fn boot(&self, soc: &mut Soc) {
        let line = Location::caller();
        let (data1, packet) = (self.0 == Moved::ControlOut, Packet::new(&[9; 8]));
        soc.transaction(0, 0, Token::Setup(self.0.request().to_bytes()));
        soc.cpu_write(map::events_ep0setup(), 0, line);
        soc.cpu_write(map::epinen(), 0b11, line);
        soc.cpu_write(map::epouten(), 0b11, line);
        match self.0 {
            Moved::In | Moved::ControlIn => {}
            Moved::Out => {
                soc.cpu_write(map::size_epout(1), 0, line);
                soc.transaction(0, 1, Token::Out { data1, packet });
            }
            Moved::ControlOut => {
                soc.cpu_write(map::tasks_ep0rcvout(), 1, line);
                soc.transaction(0, 0, Token::Out { data1, packet });
            }
        }
        let address = soc.allocate(8);
        soc.release_fence();
        let [ptr, maxcnt, start, end] = self.0.registers();
        let latch = (map::dmalatch(), map::DMALATCH_RUNNING);
        for (register, value) in [(ptr, address.get()), (maxcnt, 8), latch, (start, 1)] {
            soc.cpu_write(register, value, line);
        }
        while soc.engine_is_busy() {
            soc.engine_step();
        }
        soc.cpu_write(map::dmalatch(), 0, line);
        if self.0 == Moved::ControlIn {
            soc.transaction(0, 0, Token::In);
        }
        soc.cpu_write(map::shorts(), LEFT_SHORTS, line);
        for event in [end].into_iter().chain(self.0.is_control().then_some(map::events_ep0datadone())) {
            assert_eq!(soc.cpu_read(event, line), 1, "the bootloader has left it");
        }
    }

    fn move_packet<B: Board>(&self, engine: &mut Engine<B>, endpoints: &mut Endpoints) {
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = endpoints;
        let mut bytes = [1; 8];
        match self.0 {
            Moved::In => {
                epin.open(engine);
                control.accept(engine).expect("nothing is on its way");
                epin.write(engine, &bytes).expect("it is idle");
                while !epin.is_sent(engine) {}
            }
            Moved::Out => {
                epout.open(engine);
                control.accept(engine).expect("nothing is on its way");
                while epout.received(engine).is_none() {}
                assert_eq!(epout.read(engine, &mut bytes), Ok(8));
                assert_eq!(bytes, [2; 8]);
            }
            Moved::ControlIn => {
                for last in [false, true] {
                    control.write(engine, &bytes, last).expect("the host has the packet before");
                    while control.next_event(engine) != Some(ControlEvent::Sent) {}
                }
            }
            Moved::ControlOut => {
                for number in [2, 3] {
                    control.permit(engine).expect("the packet before was read");
                    while control.next_event(engine) != Some(ControlEvent::Received(8)) {}
                    assert_eq!((control.read(engine, &mut bytes), bytes), (Ok(8), [number; 8]));
                }
                control.accept(engine).expect("nothing is on its way");
            }
        }
    }
}

impl Program for AfterTheBootloader {
    fn name(&self) -> String {
        format!("after-the-bootloader:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config { ram: 64, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
        soc.bus_reset();
        self.boot(soc);
        if self.0 != Moved::ControlIn {
            soc.bus_reset();
            soc.transaction(0, 0, Token::Setup(self.0.request().to_bytes()));
        }
        soc.cpu_write(map::events_usbreset(), 0, Location::caller());
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = match self.0 {
            // The bootloader has taken the SETUP, and the driver goes on where it was.
            Moved::ControlIn => Engine::new(Usbd::new(board.clone()), statics::packet_buffer()),
            _ => begin(board.clone(), self.0.request()),
        };
        self.move_packet(&mut engine, &mut endpoints);
        for left in [self.0.end(), map::dmalatch(), map::shorts(), map::events_ep0datadone()] {
            assert_eq!(board.read(left), 0, "{left:#x}: a packet that has ended leaves nothing behind");
        }
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let moved = self.0;
        Box::pin(async move {
            let came = match moved {
                Moved::In => {
                    host.packet_in(true).await?;
                    host.bulk_in(1, 8).await?
                }
                Moved::Out => {
                    host.packet_in(true).await?;
                    return host.bulk_out(1, &[2; 8]).await;
                }
                Moved::ControlIn => {
                    // The bootloader's was DATA1.
                    let packets = [host.packet_in(false).await?, host.packet_in(true).await?];
                    host.packet_out(true, Packet::EMPTY).await?;
                    if packets[0] != packets[1] {
                        return Err(HostError::Unexpected(format!("{packets:?}")));
                    }
                    packets[0].bytes().to_vec()
                }
                Moved::ControlOut => {
                    host.packet_out(true, Packet::new(&[2; 8])).await?;
                    host.packet_out(false, Packet::new(&[3; 8])).await?;
                    return host.packet_in(true).await.map(drop);
                }
            };
            if came == [1; 8] { Ok(()) } else { Err(HostError::Unexpected(format!("{came:?}"))) }
        })
    }
}

#[test]
fn end_events_that_a_bootloader_has_left_end_no_transfer_and_are_not_left_again() {
    for moved in Moved::ALL {
        let program = AfterTheBootloader(moved);
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}: {}", program.name(), exploration.verdict);
    }
}
