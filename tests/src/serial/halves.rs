//! The sender and the receiver of USART1: their calls, and what may come of each.

use std::cell::RefCell;

use dma_api::stm32f103::circular::{Circular, CircularError, CircularSendError, CircularStartError};
use dma_api::stm32f103::dma::{Dma1, StartError, TransferError};
use dma_api::stm32f103::usart::{LineError, ReceiveError, ReceiveStartError, Receiver, Sender, Usart1};
use dma_api::transfer::{Refused, Running, Transfer};
use sim_core::explore::{Block, Board};

use crate::buffers::Buffer;
use crate::sabotage::Sabotaged;
use crate::serial::half::{Half, Refusal, Why};
use crate::serial::operations::Side;
use crate::serial::receiving::Receiving;
use crate::serial::record::Record;
use crate::serial::sending::Sending;
use crate::serial::twin::{OfDma, OfUsart};

/// DMA1 as the driver sees it.
type Dma<B> = Sabotaged<Block<B, Dma1>, OfDma>;

/// USART1 as the driver sees it.
type Registers<B> = Sabotaged<Block<B, Usart1>, OfUsart>;

/// USART1, sending.
pub type Sends<B> = Sender<Registers<B>, Usart1, Dma<B>>;

/// USART1, receiving.
pub type Receives<B> = Receiver<Registers<B>, Usart1, Dma<B>>;

fn why(error: StartError) -> Why {
    match error {
        StartError::Empty => Why::Empty,
        error => panic!("a start was refused: {error}"),
    }
}

fn why_not_received(error: ReceiveStartError) -> Why {
    match error {
        ReceiveStartError::Line(error) => Why::Line(error),
        ReceiveStartError::Start(error) => why(error),
        error => panic!("a start was refused: {error}"),
    }
}

fn why_not_round<K>(error: CircularStartError<K>, why: impl FnOnce(K) -> Why) -> Why {
    match error {
        CircularStartError::Odd { .. } => Why::Odd,
        CircularStartError::Start(error) => why(error),
        _ => panic!("a start was refused, for a reason that is not known here"),
    }
}

impl<B: Board> Half for Sends<B> {
    type Round = Circular<Buffer, Self>;
    type Ledger = Sending;
    const SIDE: Side = Side::Sender;

    fn ledger(record: &Record) -> &RefCell<Sending> {
        &record.sending
    }

    fn start(self, buffer: Buffer) -> Result<Transfer<Buffer, Self>, Refusal<Self>> {
        self.write_all(buffer).map_err(|Refused { kind, channel, buffer }| (why(kind), channel, buffer))
    }

    fn circular(self, buffer: Buffer) -> Result<Self::Round, Refusal<Self>> {
        let refusal = |Refused { kind, channel, buffer }| (why_not_round(kind, why), channel, buffer);
        Sender::circular(self, buffer).map_err(refusal)
    }

    fn stop_round(round: Self::Round) -> (Buffer, Self) {
        round.stop()
    }

    fn turn(round: &mut Self::Round, sending: &mut Sending) -> &'static str {
        let half = round.half();
        let mut words = vec![0; half];
        sending.fill(&mut words);
        let too_short = CircularSendError::TooShort { needed: half };
        assert_eq!(round.write(&words[1..]), Err(too_short), "a half has more words");
        match round.write(&words) {
            Ok(Some(written)) => {
                assert_eq!(written, half, "a half is written as a whole");
                sending.written(&words);
                "half"
            }
            Ok(None) => "None",
            Err(CircularSendError::Underrun) => {
                sending.underrun(&words);
                "Underrun"
            }
            Err(error) => panic!("no access fails: {error}"),
        }
    }

    fn look(transfer: &Transfer<Buffer, Self>, _: &mut Sending) -> usize {
        transfer.moved()
    }

    fn scope(
        &mut self,
        memory: &mut [u8],
        work: impl FnOnce(&Running<'_, Self>),
    ) -> Result<Result<(), LineError>, Why> {
        let ((), ended) = Sender::scope(self, memory, work).map_err(why)?;
        Ok(ended.map_err(Self::line_error))
    }

    fn line_error(error: TransferError) -> LineError {
        panic!("no access fails: {error}")
    }
}

impl<B: Board> Half for Receives<B> {
    type Round = Circular<Buffer, Self>;
    type Ledger = Receiving;
    const SIDE: Side = Side::Receiver;

    fn ledger(record: &Record) -> &RefCell<Receiving> {
        &record.receiving
    }

    fn start(self, buffer: Buffer) -> Result<Transfer<Buffer, Self>, Refusal<Self>> {
        self.read_exact(buffer).map_err(|Refused { kind, channel, buffer }| (why_not_received(kind), channel, buffer))
    }

    fn circular(self, buffer: Buffer) -> Result<Self::Round, Refusal<Self>> {
        let refusal = |Refused { kind, channel, buffer }| (why_not_round(kind, why_not_received), channel, buffer);
        Receiver::circular(self, buffer).map_err(refusal)
    }

    fn stop_round(round: Self::Round) -> (Buffer, Self) {
        round.stop()
    }

    fn turn(round: &mut Self::Round, receiving: &mut Receiving) -> &'static str {
        let mut words = vec![0; round.half()];
        let too_small = CircularError::TooSmall { needed: words.len() };
        assert_eq!(round.read(&mut words[1..]), Err(too_small), "a half has more words");
        match round.read(&mut words) {
            Ok(Some(read)) => {
                receiving.came(&words[..read]);
                "half"
            }
            Ok(None) => "None",
            Err(CircularError::Overrun) => {
                receiving.may_lose();
                "Overrun"
            }
            Err(CircularError::Line(error)) => {
                receiving.came(&words);
                receiving.tell(error);
                "Line"
            }
            Err(error) => panic!("no access fails: {error}"),
        }
    }

    fn look(transfer: &Transfer<Buffer, Self>, receiving: &mut Receiving) -> usize {
        let mut seen = [0; 8];
        let count = transfer.received(&mut seen);
        receiving.saw(&seen[..count]);
        count
    }

    fn scope(
        &mut self,
        memory: &mut [u8],
        work: impl FnOnce(&Running<'_, Self>),
    ) -> Result<Result<(), LineError>, Why> {
        let ((), ended) = Receiver::scope(self, memory, work).map_err(why_not_received)?;
        Ok(ended.map_err(Self::line_error))
    }

    fn line_error(error: ReceiveError) -> LineError {
        match error {
            ReceiveError::Line(error) => error,
            error => panic!("no access fails: {error}"),
        }
    }
}
