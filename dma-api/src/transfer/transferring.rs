//! A transfer that runs, of whatever kind: for code that knows no engine.

use super::{Channel, Failed, Transfer};

/// What every transfer can do: be asked, and be waited for.
///
/// Code that is generic over it works with any engine's transfers, and with those of other crates:
///
/// ```
/// # use dma_api::transfer::Transferring;
/// /// Counts while the transfer runs.
/// fn rounds_of<T: Transferring>(transfer: T) -> Result<(T::Payload, u32), T::Error> {
///     let mut rounds = 0;
///     while !transfer.is_done() {
///         rounds += 1;
///     }
///     Ok((transfer.wait()?, rounds))
/// }
/// ```
#[doc(alias = "Transfer")]
pub trait Transferring: Sized {
    /// What comes back at the end: the buffer, and whatever has sent or filled it.
    type Payload;
    /// What comes back if something goes wrong.
    type Error;

    /// Whether the transfer has ended, so that [`wait`](Self::wait) does not.
    fn is_done(&self) -> bool;

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// What went wrong in the middle.
    fn wait(self) -> Result<Self::Payload, Self::Error>;
}

impl<B, C: Channel> Transferring for Transfer<B, C> {
    type Payload = (B, C);
    type Error = Failed<C::Error, C, B>;

    fn is_done(&self) -> bool {
        Transfer::is_done(self)
    }

    fn wait(self) -> Result<(B, C), Self::Error> {
        Transfer::wait(self)
    }
}
