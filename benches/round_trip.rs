//! One packet through `Ep0In`, from `start` to `end`, and on to the host.

use std::hint::black_box;

use dma_api::nrf52840::usbd::{Ep0In, Usbd};
use sim_core::check::firmware;
use sim_core::check::programs::begin_control_read;
use sim_core::explore::{Board, Program};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{Stopwatch, Timed};

/// Packets sent back to back.
#[derive(Debug)]
pub struct RoundTrips {
    count: u64,
    length: usize,
    stopwatch: Stopwatch,
}

impl RoundTrips {
    /// So many packets of this length.
    pub fn new(count: u64, length: usize) -> Self {
        Self { count, length, stopwatch: Stopwatch::default() }
    }
}

impl Timed for RoundTrips {
    fn stopwatch(&self) -> &Stopwatch {
        &self.stopwatch
    }
}

impl Program for RoundTrips {
    fn name(&self) -> String {
        format!("round-trips:{}x{}", self.count, self.length)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board), statics::packet_buffer());
        let bytes = [7; 64];
        self.stopwatch.measure(|| {
            for _ in 0..self.count {
                ep0in.start(black_box(&bytes[..self.length])).expect("the packet before was ended");
                while ep0in.end().is_err() {}
            }
        });
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        let count = self.count;
        Box::pin(async move {
            let mut data1 = true;
            for _ in 0..count {
                host.packet_in(data1).await?;
                data1 = !data1;
            }
            Ok(())
        })
    }
}
