//! A transfer as a future.
//!
//! The channel says how the end is told: [`Channel::register`]. One with an interrupt has the waker woken by its
//! handler; one without wakes at once, so that the executor asks again and again: slow, and never stuck.
//!
//! Dropping a future is how async code cancels. This one then does what its [`Transfer`] does: the engine is stopped,
//! or waited for, before the buffer goes. A future that is forgotten loses both, and breaks nothing.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::{Channel, Failed, Transfer};

/// A transfer that can be awaited: what [`Transfer::wait`] gives, without waiting.
///
/// ```
/// # use dma_api::transfer::{Channel, Failed, Transfer};
/// /// Waits for a transfer, and cancels it if the caller is dropped.
/// async fn bytes<B, C: Channel>(transfer: Transfer<B, C>) -> Result<(B, C), C::Error> {
///     transfer.await.map_err(|Failed { kind, .. }| kind)
/// }
/// ```
#[doc(alias = "FutureTransfer")]
pub struct TransferFuture<B, C: Channel> {
    /// `None` once it has given its outcome.
    transfer: Option<Transfer<B, C>>,
}

/// Nothing in it is pinned: the buffer's address is the buffer's promise.
impl<B, C: Channel> Unpin for TransferFuture<B, C> {}

impl<B, C: Channel> TransferFuture<B, C> {
    /// The transfer, to be waited for or stopped; `None` once the outcome was given.
    pub fn into_inner(self) -> Option<Transfer<B, C>> {
        self.transfer
    }
}

impl<B, C: Channel> Future for TransferFuture<B, C> {
    type Output = Result<(B, C), Failed<C::Error, C, B>>;

    /// Once it has given its outcome it is pending for ever: it does not panic.
    ///
    /// The waker is registered first, then the transfer is looked at. The other way round, an end between the two would
    /// wake nobody.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(transfer) = self.transfer.take() else {
            return Poll::Pending;
        };
        transfer.register(context.waker());
        match transfer.poll() {
            Ok(outcome) => Poll::Ready(outcome),
            Err(transfer) => {
                self.transfer = Some(transfer);
                Poll::Pending
            }
        }
    }
}

impl<B, C: Channel> IntoFuture for Transfer<B, C> {
    type Output = <TransferFuture<B, C> as Future>::Output;
    type IntoFuture = TransferFuture<B, C>;

    fn into_future(self) -> TransferFuture<B, C> {
        TransferFuture { transfer: Some(self) }
    }
}

impl<B, C: Channel> fmt::Debug for TransferFuture<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransferFuture").field(&self.transfer).finish()
    }
}
