//! Check my driver: USART1 sends by DMA, with registers written by hand, on every schedule.
//!
//! `cargo run --example explore` is sound, and exits with 0. With `-- --broken` the driver takes its buffer back
//! without having waited for the DMA: it exits with 1, and prints where, and a string. With that string it shows the
//! run.

use std::process::ExitCode;

use dma_api::address::{Direction, Region};
use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::{dma::Dma1, dma::map as dma, usart::Usart1, usart::map as usart};
use sim_core::device::Chip;
use sim_core::explore::{Board, Kind, stepped};
use sim_core::host::{Host, HostError, Script, serial::Port};
use sim_core::{soc::Config, statics, trace::timeline};

/// Sends three bytes. Channel 4 of DMA1 is USART1's; the arrays of its registers count from 0.
fn firmware(board: &impl Board, drains: bool) {
    let (channel, line) = (board.block::<Dma1>(), board.block::<Usart1>());
    let buffer = statics::bytes(3);
    buffer.copy_from_slice(b"hey");
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
    while drains && channel.read(dma::isr()) & dma::TCIF << dma::flags_of(3) == 0 {}
    // SAFETY:
    // - The region was released, and TCIF was read: the DMA has ended. MUTANT: with `--broken` it may not have.
    unsafe { board.acquire(region) };
    write(&channel, dma::ccr(3), 0);
    statics::give_back_bytes(buffer);
}

/// The peer of the line gets what was sent.
fn host(mut host: Host) -> Script {
    Box::pin(async move {
        let got = host.serial(Port::Usart1).receive(3).await?;
        if got == b"hey" { Ok(()) } else { Err(HostError::Unexpected(format!("{got:?} came"))) }
    })
}

fn main() -> ExitCode {
    let drains = std::env::args().all(|argument| argument != "--broken");
    let config = Config { chip: Chip::Stm32f103, ..Config::default() };
    let firmware = |board| firmware(&board, drains);
    let exploration = sim_core::explore(config, stepped::Limits::default(), firmware, host);
    if let Some(string) = exploration.verdict.replay() {
        let run = sim_core::replay(config, string, firmware, host).expect("it was printed just now");
        println!("{}", timeline::render(&run.trace));
    }
    ExitCode::from(u8::from(exploration.verdict.kind() != Kind::Sound))
}
