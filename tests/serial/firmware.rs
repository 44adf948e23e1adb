//! What the programs of this suite have in common: a chip, its drivers, a peer.

use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Instance, Receiver, Sender, Settings, Usart, Usart1};
use sim_core::device::Chip;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Block, Board, Kind, Program, Verdict};
use sim_core::host::HostError;
use sim_core::machine::{Fences, Machine};
use sim_core::soc::Config;

/// DMA1 of a board.
pub type Dma<B> = Block<B, Dma1>;

/// A USART of a board, sending.
pub type Sends<B, P = Usart1, W = u8> = Sender<Block<B, P>, P, Dma<B>, W>;

/// A USART of a board, receiving.
pub type Receives<B, P = Usart1, W = u8> = Receiver<Block<B, P>, P, Dma<B>, W>;

/// Any baud rate: lines have none here.
pub const SETTINGS: Settings = Settings { brr: 0x271, parity: dma_api::stm32f103::usart::Parity::None };

/// An STM32F103, which is a Cortex-M3.
pub fn config() -> Config {
    Config { chip: Chip::Stm32f103, fences: Fences::right(Machine::CortexM4), ..Config::default() }
}

/// USART1 with both of its channels.
pub fn usart1<B: Board>(board: &B) -> (Sends<B>, Receives<B>) {
    let channels = Dma1::split(board.block());
    halves(board, channels.c4, channels.c5)
}

/// A USART with both of its channels.
pub fn halves<B: Board, P: Instance>(
    board: &B,
    transmit: P::Transmit<Dma<B>>,
    receive: P::Receive<Dma<B>>,
) -> (Sends<B, P>, Receives<B, P>) {
    let (tx, rx) = Usart::new(board.block(), SETTINGS).split();
    (tx.with_dma(transmit), rx.with_dma(receive))
}

/// A buffer of so many bytes, for ever: 1, 2, 3, ...
pub fn counting(length: u8) -> &'static mut [u8] {
    Box::leak((1..=length).collect::<Box<[u8]>>())
}

/// A buffer of so many bytes, for ever: 0.
pub fn zeros(length: usize) -> &'static mut [u8] {
    Box::leak(vec![0; length].into_boxed_slice())
}

/// The peer got these bytes, and they are due.
pub fn expect(got: &[u8], due: &[u8]) -> Result<(), HostError> {
    if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got:?} came where {due:?} was due"))) }
}

/// Explores all schedules; prints how many there are.
#[track_caller]
pub fn explore<P: Program>(program: &P) -> Verdict {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {}, {} states", program.name(), exploration.verdict, exploration.states);
    exploration.verdict
}

/// Every schedule is sound.
#[track_caller]
pub fn assert_sound<P: Program>(program: &P) {
    let verdict = explore(program);
    assert_eq!(verdict.kind(), Kind::Sound, "{}: {verdict}", program.name());
}
