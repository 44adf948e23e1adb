//! Transfers by our drivers, one after the other, and a host that goes along.

use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};

use dma_api::nrf52840::usbd::{Endpoints, Engine, Usbd, map};
use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Parity, Settings, Usart, Usart1};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::Chip;
use sim_core::device::usbd::Token;
use sim_core::explore::{Board, Program};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use super::{HEAP, RUN};

/// The bytes of a transfer.
const BYTES: usize = 4;

/// Any baud rate: lines have none here.
const SETTINGS: Settings = Settings { brr: 0x271, parity: Parity::None };

/// So many transfers.
#[derive(Debug)]
pub struct Transfers {
    chip: Chip,
    count: usize,
    /// 16 bytes are leaked with each: a twin.
    leaks: bool,
    /// The heap after the first [`RUN`] of them, and after the last.
    heap: [AtomicUsize; 2],
}

impl Transfers {
    /// So many transfers, on this chip.
    pub fn new(chip: Chip, count: usize) -> Self {
        Self { chip, count, leaks: false, heap: [const { AtomicUsize::new(0) }; 2] }
    }

    /// The same, with 16 bytes leaked each time.
    pub fn leaking(self) -> Self {
        Self { leaks: true, ..self }
    }

    /// How many bytes more there were after the last than after the first [`RUN`].
    pub fn growth(&self) -> usize {
        // ORDERING: none needed: the thread that has written them is joined.
        let [first, last] = [&self.heap[0], &self.heap[1]].map(|heap| heap.load(Ordering::Relaxed));
        last.saturating_sub(first)
    }

    /// The transfer with this number has ended.
    fn note(&self, number: usize) {
        if self.leaks {
            // What nobody looks at is not allocated.
            std::mem::forget(std::hint::black_box(Box::new([0_u8; 16])));
        }
        let heap = if number + 1 == RUN { &self.heap[0] } else { &self.heap[1] };
        // ORDERING: none needed: it is read when this thread has ended.
        heap.store(HEAP.current_usage(), Ordering::Relaxed);
    }

    /// By `EpOut::read`, from the endpoint's own buffer.
    fn receive_packets<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        endpoints.control.next_event(&mut engine);
        let Endpoints { control, epout: [epout, ..], .. } = &mut endpoints;
        epout.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        let mut bytes = [0; BYTES];
        for number in 0..self.count {
            while epout.received(&engine).is_none() {}
            epout.read(&mut engine, &mut bytes).expect("a packet waits, and it fits");
            self.note(number);
        }
        statics::give_back(engine.into_parts(endpoints).1);
    }

    /// By `Receiver::read_exact`.
    fn receive_frames<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let (_, rx) = Usart::<_, Usart1>::new(board.block(), SETTINGS).split();
        let mut receiver = rx.with_dma(channels.c5);
        let mut room = statics::bytes(BYTES);
        for number in 0..self.count {
            let transfer = receiver.read_exact(room).expect("the line is quiet, and the buffer in RAM");
            (room, receiver) = transfer.wait().expect("nothing goes wrong on the line");
            self.note(number);
        }
        statics::give_back_bytes(room);
    }
}

impl Program for Transfers {
    fn name(&self) -> String {
        format!("transfers:{:?}:{}", self.chip, self.count)
    }

    fn config(&self) -> Config {
        Config { chip: self.chip, ..Config::default() }
    }

    /// Of USBD: the host has asked for a configuration.
    fn prepare(&self, soc: &mut Soc) {
        if self.chip == Chip::Nrf52840 {
            connect(soc);
            soc.bus_reset();
            soc.cpu_write(map::events_usbreset(), 0, Location::caller());
            soc.transaction(0, 0, Token::Setup(Setup::set_configuration(1).to_bytes()));
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        match self.chip {
            Chip::Nrf52840 => self.receive_packets(board),
            Chip::Stm32f103 => self.receive_frames(board),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let (chip, count) = (self.chip, self.count);
        Box::pin(async move {
            if chip == Chip::Nrf52840 {
                host.packet_in(true).await?;
            }
            for _ in 0..count {
                match chip {
                    Chip::Nrf52840 => host.bulk_out(1, &[7; BYTES]).await?,
                    Chip::Stm32f103 => host.serial(Port::Usart1).send(&[7; BYTES]).await?,
                }
            }
            Ok(())
        })
    }
}
