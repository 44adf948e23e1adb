//! Check my driver: USART1 sends by DMA, with registers written by hand, under loom.
//!
//! `cargo run --example model` is sound, and exits with 0. With `-- --broken` there is no fence before the start: it
//! exits with 1, and prints which is missing. (loom has no replay string: `stepped` finds the same, and has one.)

use std::process::ExitCode;

use dma_api::address::{Direction, Region};
use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::{dma::Dma1, dma::map as dma, usart::Usart1, usart::map as usart};
use sim_core::device::Chip;
use sim_core::explore::{Board, Kind, model};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::{soc::Config, statics};

/// Sends three bytes. Channel 4 of DMA1 is USART1's; the arrays of its registers count from 0.
fn firmware(board: &impl Board) {
    let (channel, line) = (board.block::<Dma1>(), board.block::<Usart1>());
    let buffer = statics::bytes(3);
    let region = Region { pointer: buffer.as_mut_ptr(), length: 3, direction: Direction::MemoryToDevice };
    // SAFETY:
    // - The transfer that these writes start reads the buffer, which is lent below before they are made.
    let write = |to: &dyn Registers, offset, value| unsafe { to.write(offset, value) };
    // SAFETY:
    // - The buffer is `'static`, and left alone until `acquire`.
    let address = unsafe { board.release(region) };
    write(&line, usart::cr1(), usart::cr1::UE.mask() | usart::cr1::TE.mask());
    write(&line, usart::cr3(), usart::cr3::DMAT.mask());
    write(&channel, dma::cpar(3), u32::try_from(Usart1::BASE).expect("32 bits") + u32::from(usart::dr()));
    write(&channel, dma::cmar(3), address.get());
    write(&channel, dma::cndtr(3), 3);
    write(&channel, dma::ccr(3), dma::ccr::DIR.mask() | dma::ccr::MINC.mask() | dma::ccr::EN.mask());
    while channel.read(dma::isr()) & dma::TCIF << dma::flags_of(3) == 0 {}
    // SAFETY:
    // - The region was released, and TCIF was read: the DMA has ended.
    unsafe { board.acquire(region) };
    write(&channel, dma::ccr(3), 0);
    statics::give_back_bytes(buffer);
}

fn main() -> ExitCode {
    let is_broken = std::env::args().any(|argument| argument == "--broken");
    let right = Fences::right(Machine::CortexM4);
    let fences = if is_broken { Fences { start: Strength::None, ..right } } else { right };
    let config = Config { chip: Chip::Stm32f103, fences, ..Config::default() };
    let verdict = sim_core::model(config, model::Limits::default(), 1, |board| firmware(&board));
    ExitCode::from(u8::from(verdict.kind() != Kind::Sound))
}
