//! One program for each way in which dma-api starts or ends a DMA.

use super::{BackToBack, name_of_fences};
use crate::device::Chip;
use crate::explore::model::Packets;
use crate::explore::model::host::Step;
use crate::explore::{Board, Program};
use crate::fate::Fate;
use crate::host::{Host, Script};
use crate::machine::{FencePlace, Fences};
use crate::soc::{Config, Soc};

mod path;
mod serial;
mod usb;

pub use path::Path;

/// A path on a machine, with fences.
///
/// See [`FencePlace`](crate::machine::FencePlace) for an example.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The path.
    pub path: Path,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
    /// But for this one.
    pub fence_at: Option<(FencePlace, Fate)>,
}

impl Transfer {
    /// A path with the fences of dma-api.
    pub fn new(path: Path, fences: Fences) -> Self {
        Self { path, fences, fence_at: None }
    }

    /// A packet to endpoint 0.
    fn ep0in(&self) -> BackToBack {
        BackToBack { packets: 1, length: 8, fences: self.fences }
    }
}

/// Memory that isochronous endpoints take, and that has the lines of a data cache to itself.
#[repr(align(64))]
struct Lines<const N: usize>([u8; N]);

/// The memory of a transfer, for ever.
fn buffer<const N: usize>() -> &'static mut [u8; N] {
    &mut Box::leak(Box::new(Lines([0; N]))).0
}

impl Program for Transfer {
    fn name(&self) -> String {
        format!("transfer:{:?}:{}", self.path, name_of_fences(self.fences))
    }

    fn config(&self) -> Config {
        let &Self { path, fences, fence_at } = self;
        let out_of_reach = u8::from(matches!(path, Path::EpInRefused | Path::SendRefused));
        let (chip, bus_error) = (path.chip(), path.bus_error());
        Config { chip, fences, fence_at, bus_error, out_of_reach, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        match (self.path, self.path.chip()) {
            (Path::Ep0In, _) => self.ep0in().prepare(soc),
            (path, Chip::Nrf52840) => path.prepare(soc),
            (_, Chip::Stm32f103) => {}
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        match (self.path, self.path.chip()) {
            (Path::Ep0In, _) => self.ep0in().firmware(board),
            (path, Chip::Nrf52840) => path.firmware(&board),
            (path, Chip::Stm32f103) => path.serve(&board),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let path = self.path;
        match (path, path.chip()) {
            (Path::Ep0In, _) => self.ep0in().host(host),
            (_, Chip::Nrf52840) => Box::pin(async move { path.host(&mut host).await }),
            (_, Chip::Stm32f103) => Box::pin(async move { path.peer(&mut host).await }),
        }
    }
}

impl Packets for Transfer {
    fn packets(&self) -> usize {
        match self.path {
            Path::Circular | Path::SendsTwice => 2,
            Path::CircularSends => 3,
            _ => 1,
        }
    }

    fn steps(&self) -> Vec<Step> {
        match self.path.chip() {
            Chip::Nrf52840 => self.path.steps(),
            Chip::Stm32f103 => vec![Step::transfer([]); self.packets()],
        }
    }
}
