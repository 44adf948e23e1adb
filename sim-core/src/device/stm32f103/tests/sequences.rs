//! A sequence that breaks each rule, and its twin.

use dma_api::stm32f103::dma::map::ccr;

use super::*;
use crate::monitor::tests::Driver;

const SENDS: u32 = ccr::DIR.mask() | ccr::MINC.mask();

fn stop(chip: &mut Stm32f103, channel: u16) {
    write(chip, DMA1, ccr(channel), 0);
}

pub(crate) fn written_while_enabled(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    start(&mut chip, 3, 0, SENDS);
    if driver == Driver::Right {
        stop(&mut chip, 3);
    }
    write(&mut chip, DMA1, cmar(3), 0x2000_0100);
    rules(&mut chip)
}

pub(crate) fn transfer_error_ignored(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    switch_on(&mut chip, 0, cr3::DMAT.mask());
    start(&mut chip, 3, 0, SENDS);
    let item = chip.next(0).expect("TXE=1");
    chip.begin(0, item, 0);
    chip.end(0, true);
    if driver == Driver::Right {
        write(&mut chip, DMA1, map::ifcr(), 0xF << 12);
    }
    start(&mut chip, 3, 0, SENDS);
    rules(&mut chip)
}

pub(crate) fn channel_mode(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    let circular = if driver == Driver::Wrong { ccr::CIRC.mask() } else { 0 };
    start(&mut chip, 0, 0, ccr::MEM2MEM.mask() | circular);
    rules(&mut chip)
}

pub(crate) fn empty_transfer(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    write(&mut chip, DMA1, cndtr(0), u32::from(driver == Driver::Right));
    write(&mut chip, DMA1, ccr(0), ccr::EN.mask());
    rules(&mut chip)
}

pub(crate) fn channel_shared(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    chip.set_other_request(0, 3, driver == Driver::Wrong);
    switch_on(&mut chip, 0, cr3::DMAT.mask());
    start(&mut chip, 3, 0, SENDS);
    rules(&mut chip)
}

pub(crate) fn request_of_another(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    switch_on(&mut chip, 0, cr3::DMAT.mask());
    start(&mut chip, 3, if driver == Driver::Wrong { 1 } else { 0 }, SENDS);
    item(&mut chip, 0);
    rules(&mut chip)
}

pub(crate) fn disabled_while_sending(driver: Driver) -> Vec<Rule> {
    let mut chip = Stm32f103::default();
    switch_on(&mut chip, 0, 0);
    write(&mut chip, USART1, dr(), 0x41);
    if driver == Driver::Right {
        chip.transmitted(0);
    }
    write(&mut chip, USART1, cr1(), 0);
    rules(&mut chip)
}
