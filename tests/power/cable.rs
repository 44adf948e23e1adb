//! A device that lives on its cable, and a host that pulls and plugs it.

use dma_api::nrf52840::power::State;
use dma_api::nrf52840::usbd::{Ep0In, Event, PacketBuffer, Usbd};
use dma_api::usb::Setup;
use sim_core::check::firmware;
use sim_core::device::usbd::{Options, Supply};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Program, Verdict};
use sim_core::host::{Faults, Host, HostError, Script};
use sim_core::monitor::Policy;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::by_hand::{Supplied, Wrong, supply};

/// What the host does with the cable, besides reading the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It resets the bus, and does not even read.
    Resets,
    /// Nothing.
    Reads,
    /// It plugs it in, first.
    PlugsIn,
    /// It pulls it and plugs it in again, at any time of the power-up.
    Wiggles,
    /// It pulls it at any one moment of a control read, and plugs it in again.
    PullsInMidTransfer,
    /// It reads and sets the address, before and after that.
    EnumeratesTwice,
}

/// A device with the descriptors of [`firmware`], powered by the cable, and a host.
pub struct Cable {
    /// What its firmware does wrong.
    pub wrong: Wrong,
    /// What happens then.
    pub policy: Policy,
    /// What its host does.
    pub does: Does,
}

impl Cable {
    /// The program, and its verdict is the first rule that is broken.
    pub fn new(wrong: Wrong, does: Does) -> Self {
        Self { wrong, policy: Policy::Stop, does }
    }

    /// Its verdict over every schedule.
    pub fn explore(&self) -> Verdict {
        let exploration = stepped::explore(self, Limits::default());
        println!("{}: {} states; {}", self.name(), exploration.states, exploration.verdict);
        exploration.verdict
    }
}

impl Program for Cable {
    fn name(&self) -> String {
        format!("cable:{:?}:{:?}", self.wrong, self.does)
    }

    fn config(&self) -> Config {
        let options = Options { supply: Supply::Modelled, ..Options::default() };
        let faults = Faults { abandoned: u8::from(self.does == Does::PullsInMidTransfer), ..Faults::default() };
        Config { options, policies: self.policy.into(), faults, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        if self.does == Does::PlugsIn {
            soc.plug(false);
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut device = Device { supply: supply(&board, self.wrong), usbd: Usbd::new(board.clone()), board };
        let mut buffer = statics::packet_buffer();
        while device.attach() {
            (device, buffer) = device.serve(buffer);
            if self.wrong == Wrong::ComesUpOnce {
                device.supply.advance(&mut device.usbd);
                while !device.board.host_is_done() {}
            }
        }
        statics::give_back(buffer);
    }

    fn host(&self, host: Host) -> Script {
        match self.does {
            Does::Resets => resets(host),
            Does::Reads => reads(host),
            Does::PlugsIn => plugs_in(host),
            Does::Wiggles => wiggles(host),
            Does::PullsInMidTransfer => pulls_in_mid_transfer(host),
            Does::EnumeratesTwice => enumerates_twice(host),
        }
    }
}

/// A device between two plugs.
struct Device<B> {
    board: B,
    supply: Supplied<B>,
    usbd: Usbd<B>,
}

impl<B: Board> Device<B> {
    /// Waits for the cable, and comes up. `false` when the host is done first.
    fn attach(&mut self) -> bool {
        loop {
            self.board.checkpoint(&(&self.supply, &self.usbd));
            if self.board.host_is_done() {
                return false;
            }
            if self.supply.advance(&mut self.usbd) == State::Attached {
                return true;
            }
        }
    }

    /// Serves the host until it is done, or the cable is pulled.
    fn serve(self, buffer: &'static mut PacketBuffer) -> (Self, &'static mut PacketBuffer) {
        let Self { board, supply, usbd } = self;
        let mut ep0in = Ep0In::new(usbd, buffer);
        loop {
            board.checkpoint(&(&supply, &ep0in));
            if board.host_is_done() || supply.is_removed() {
                break;
            }
            if let Some(Event::Setup(setup)) = ep0in.next_event() {
                firmware::answer(&mut ep0in, setup);
            }
        }
        // EasyDMA goes on without VBUS: wait for it.
        ep0in.abort();
        loop {
            match ep0in.into_parts() {
                Ok((usbd, buffer)) => return (Self { board, supply, usbd }, buffer),
                Err(busy) => ep0in = busy,
            }
        }
    }
}

const READ: Setup = Setup::get_device_descriptor(8);

async fn read(host: &mut Host) -> Result<(), HostError> {
    let bytes = host.control_in(READ).await?;
    if bytes == firmware::DESCRIPTOR[..8] { Ok(()) } else { Err(HostError::Unexpected(format!("{bytes:02x?}"))) }
}

/// Waits for the device.
fn resets(mut host: Host) -> Script {
    Box::pin(async move { host.reset().await })
}

/// Waits for the device, and reads its descriptor.
fn reads(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        read(&mut host).await
    })
}

/// Pulls the cable and plugs it in again, at any time of the power-up; then reads.
fn wiggles(mut host: Host) -> Script {
    Box::pin(async move {
        host.disconnect().await?;
        host.connect().await?;
        // A device that was attached may see that its cable was pulled now.
        host.settle().await?;
        host.reset().await?;
        read(&mut host).await
    })
}

/// Plugs the cable in, and reads.
fn plugs_in(mut host: Host) -> Script {
    Box::pin(async move {
        host.connect().await?;
        host.reset().await?;
        read(&mut host).await
    })
}

/// Reads. Where it is abandoned, the cable is pulled and plugged in again, and it reads once more.
fn pulls_in_mid_transfer(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        loop {
            match read(&mut host).await {
                Err(HostError::Abandoned { .. }) => {
                    host.disconnect().await?;
                    host.connect().await?;
                    host.settle().await?;
                    host.reset().await?;
                }
                outcome => return outcome,
            }
        }
    })
}

/// Enumerates, pulls the cable in the middle of a control read, plugs it in again and enumerates once more.
fn enumerates_twice(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        read(&mut host).await?;
        host.set_address(5).await?;
        host.setup(READ).await?;
        host.disconnect().await?;
        match host.packet_in(true).await {
            Err(HostError::NoAnswer { tries: 3, .. }) => {}
            other => return Err(HostError::Unexpected(format!("the cable is pulled, and IN gives {other:?}"))),
        }
        host.settle().await?;
        host.connect().await?;
        host.reset().await?;
        read(&mut host).await?;
        host.set_address(6).await?;
        read(&mut host).await
    })
}
