//! Transfers by bare registers, in one system that nobody schedules: everybody takes the next step as soon as he can.

use std::panic::Location;

use dma_api::nrf52840::usbd::map as usbd;
use dma_api::registers::Peripheral;
use dma_api::stm32f103::dma::map as dma;
use dma_api::stm32f103::dma::map::ccr;
use dma_api::stm32f103::usart::Usart1;
use dma_api::stm32f103::usart::map as usart;
use dma_api::stm32f103::usart::map::{cr1, cr3};
use sim_core::by_hand::nrf52840::{FIRST, enabled, write};
use sim_core::by_hand::stm32f103::{BUFFER, SENDS, TX, memory};
use sim_core::device::Chip;
use sim_core::device::usbd::{Answer, Token};
use sim_core::soc::{Config, Soc};

use super::{RUN, growth_of};

/// The bytes of a transfer.
const BYTES: u32 = 8;

/// Does `count` transfers. Returns how many bytes more there are after the last than after the first [`RUN`]: what
/// grows once has grown by then.
fn growth(count: usize, soc: &mut Soc, mut transfer: impl FnMut(&mut Soc)) -> usize {
    (0..RUN).for_each(|_| transfer(soc));
    let growth = growth_of(|| (RUN..count).for_each(|_| transfer(soc)));
    assert_eq!(soc.monitor().violations(), [], "the hand makes no mistake");
    growth
}

/// IN endpoint 1, and the host takes each packet.
pub fn usbd(count: usize) -> usize {
    let mut soc = Soc::new(Config { ram: 128, options: sim_core::device::usbd::Options::ideal(), ..Config::default() });
    enabled(&mut soc);
    write(&mut soc, &[(usbd::epin_ptr(1), FIRST), (usbd::epin_maxcnt(1), BYTES)]);
    growth(count, &mut soc, |soc| {
        soc.release_fence();
        write(soc, &[(usbd::tasks_startepin(1), 1)]);
        while soc.engine_is_busy() {
            soc.engine_step();
        }
        assert_eq!(soc.cpu_read(usbd::events_endepin(1), Location::caller()), 1);
        soc.acquire_fence();
        assert!(matches!(soc.transaction(0, 1, Token::In), Answer::Data { .. }));
        write(soc, &[(usbd::events_endepin(1), 0), (usbd::epdatastatus(), usbd::epdatastatus::EPIN1.mask())]);
        write(soc, &[(usbd::events_started(), 0), (usbd::epstatus(), u32::MAX), (usbd::events_epdata(), 0)]);
    })
}

/// USART1's transmitter by channel 4 of DMA1, and the peer takes each frame.
pub fn dma1(count: usize) -> usize {
    let mut soc = Soc::new(Config { ram: 16, chip: Chip::Stm32f103, ..Config::default() });
    memory(&mut soc);
    let base = u32::try_from(Usart1::BASE).expect("32 bits");
    let controller = u32::try_from(dma::DMA1).expect("32 bits");
    let poke = |soc: &mut Soc, base: u32, offset: u16, value| {
        soc.cpu_poke(base + u32::from(offset), value, Location::caller());
    };
    poke(&mut soc, base, cr1(), cr1::UE.mask() | cr1::TE.mask());
    poke(&mut soc, base, cr3(), cr3::DMAT.mask());
    poke(&mut soc, controller, dma::cpar(TX), base + u32::from(usart::dr()));
    poke(&mut soc, controller, dma::cmar(TX), BUFFER);
    growth(count, &mut soc, |soc| {
        poke(soc, controller, dma::cndtr(TX), BYTES);
        soc.release_fence();
        poke(soc, controller, ccr(TX), SENDS | ccr::EN.mask());
        let mut taken = 0;
        while taken < BYTES {
            soc.dma_step(0);
            soc.wire_step(0);
            taken += u32::from(soc.serial_receive(0).is_some());
        }
        let flags = soc.cpu_peek(controller + u32::from(dma::isr()), Location::caller());
        assert_ne!(flags >> dma::flags_of(TX) & dma::TCIF, 0);
        soc.acquire_fence();
        poke(soc, controller, ccr(TX), 0);
        soc.cpu_peek(controller + u32::from(ccr(TX)), Location::caller());
        poke(soc, controller, dma::ifcr(), dma::GIF << dma::flags_of(TX));
    })
}
