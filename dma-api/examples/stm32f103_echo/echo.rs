//! Messages that are sent back while the next one comes. It knows no chip: `tests/serial/example.rs` runs it on every
//! schedule of the simulator.

use dma_api::serial::{ReadExact, WriteAll};
use dma_api::transfer::{Failed, Refused, Transferring};

/// Sends `full` and fills `empty`, both at once, and returns them for the next turn, in each other's place.
///
/// The receiver begins first: whoever answers to what is sent is listened to by then. A message that something went
/// wrong with is sent back as it has come.
pub fn turn<S, R, B>(sender: S, receiver: R, full: B, empty: B) -> (S, R, B, B)
where
    S: WriteAll<B>,
    R: ReadExact<B>,
{
    let received = start(receiver, empty, R::read_exact);
    let sent = start(sender, full, S::write_all);
    let (empty, sender) = parts(sent.wait());
    let (full, receiver) = parts(received.wait());
    (sender, receiver, full, empty)
}

/// Starts a transfer. A receiver refuses once after an error that came between two transfers.
fn start<T, C, B, E>(mut channel: C, mut buffer: B, start: impl Fn(C, B) -> Result<T, Refused<E, C, B>>) -> T {
    loop {
        match start(channel, buffer) {
            Ok(transfer) => return transfer,
            Err(refused) => (channel, buffer) = (refused.channel, refused.buffer),
        }
    }
}

fn parts<C, B, E>(ended: Result<(B, C), Failed<E, C, B>>) -> (B, C) {
    ended.unwrap_or_else(|Failed { channel, buffer, .. }| (buffer, channel))
}
