//! What sender and receiver have in common: the calls, and what is noted of them.

use std::cell::RefCell;

use dma_api::stm32f103::usart::LineError;
use dma_api::transfer::{Channel, Running, Transfer};

use crate::buffers::Buffer;
use crate::serial::operations::Side;
use crate::serial::record::Record;

/// What is noted of one half's transfers.
pub trait Ledger {
    /// Memory is about to be given to a transfer.
    fn prepare(&mut self, memory: &mut [u8]);
    /// A transfer has started.
    fn started(&mut self, memory: &[u8]);
    /// A circular transfer has started.
    fn started_round(&mut self, memory: &[u8]);
    /// So much was moved, at least.
    fn looked(&mut self, moved: usize);
    /// The transfer has ended; an error of the line was told.
    fn ended(&mut self, memory: &[u8], error: Option<LineError>);
    /// The transfer was stopped, and so much was moved.
    fn stopped(&mut self, memory: &[u8], moved: usize);
    /// The circular transfer was stopped.
    fn stopped_round(&mut self);
    /// The transfer was dropped, or forgotten.
    fn lost(&mut self);
    /// The scope has panicked; so much was moved, at least.
    fn panicked(&mut self, memory: &[u8], moved: usize);
    /// A start was refused for an error of the line before it.
    fn refused(&mut self, error: LineError);
}

/// Why a start was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is nothing to move.
    Empty,
    /// There are no two equal halves.
    Odd,
    /// Something has gone wrong on the line before.
    Line(LineError),
}

/// A start that was refused: why, and what was to take part in it.
pub type Refusal<H> = (Why, H, Buffer);

/// A sender or a receiver.
pub trait Half: Channel + Sized {
    /// Its circular transfer.
    type Round;
    /// What is noted.
    type Ledger: Ledger;
    /// Which half it is.
    const SIDE: Side;

    /// Where it is noted.
    fn ledger(record: &Record) -> &RefCell<Self::Ledger>;
    /// `write_all` or `read_exact`.
    fn start(self, buffer: Buffer) -> Result<Transfer<Buffer, Self>, Refusal<Self>>;
    /// `circular`.
    fn circular(self, buffer: Buffer) -> Result<Self::Round, Refusal<Self>>;
    /// `stop` of a circular transfer.
    fn stop_round(round: Self::Round) -> (Buffer, Self);
    /// Takes a turn; says what it was.
    fn turn(round: &mut Self::Round, ledger: &mut Self::Ledger) -> &'static str;
    /// What can be seen of a transfer that runs.
    fn look(transfer: &Transfer<Buffer, Self>, ledger: &mut Self::Ledger) -> usize;
    /// `scope`; the inner result is how the transfer has ended.
    fn scope(&mut self, memory: &mut [u8], work: impl FnOnce(&Running<'_, Self>))
    -> Result<Result<(), LineError>, Why>;
    /// The error of a transfer: of the line. No access fails here.
    fn line_error(error: Self::Error) -> LineError;
}
