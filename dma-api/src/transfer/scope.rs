//! A transfer of borrowed memory, for as long as a closure runs.
//!
//! A guard with a lifetime does not keep borrowed memory safe: `mem::forget` is safe, and ends the borrow while the DMA
//! goes on. Here the guard stands in this function's own frame, where nobody can forget it. The closure sees it by a
//! [`Running`], which can be asked and not moved; not by `&mut Transfer`, because two of those can be swapped, and the
//! one that is waited for is then not the one whose borrow ends.

use core::fmt;

use super::{Channel, Held, Transfer};
use crate::address::Region;

/// A transfer that runs while a closure does: for asking.
///
/// See [`scope`] for an example.
pub struct Running<'a, C: Channel>(&'a Transfer<(), &'a mut C>);

impl<C: Channel> Running<'_, C> {
    /// Whether the transfer has ended.
    pub fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// How many bytes were moved, at least.
    pub fn moved(&self) -> usize {
        self.0.moved()
    }
}

impl<C: Channel> fmt::Debug for Running<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// Starts a transfer of `region`, does `work`, and waits for the end. If `work` panics, the transfer is stopped.
///
/// Returns what `work` has, and how the transfer has ended.
///
/// ```
/// # use dma_api::address::Region;
/// # use dma_api::transfer::{Channel, scope};
/// /// Counts while the DMA fills bytes that are only borrowed.
/// fn fill<C: Channel>(channel: &mut C, region_of: impl Fn(&mut [u8]) -> Region) -> Result<u32, C::Refusal> {
///     let mut bytes = [0; 8];
///     let region = region_of(&mut bytes);
///     let mut rounds = 0;
///     // SAFETY: the channel is idle; nobody touches `bytes` until this returns.
///     let (_, _outcome) = unsafe {
///         scope(channel, region, |running| {
///             while !running.is_done() {
///                 rounds += 1;
///             }
///         })
///     }?;
///     Ok(rounds)
/// }
/// ```
///
/// # Errors
///
/// The channel's. Nothing was started, and `work` was not done.
///
/// # Safety
///
/// - No transfer of the channel runs.
/// - The region is valid for what its direction says, and left alone by everybody, until this returns.
#[expect(clippy::type_complexity, reason = "two results, of the work and of the transfer")]
pub unsafe fn scope<C: Channel, T>(
    channel: &mut C,
    region: Region,
    work: impl FnOnce(&Running<'_, C>) -> T,
) -> Result<(T, Result<(), C::Error>), C::Refusal> {
    // SAFETY:
    // - The region is valid until this returns (the caller's debt).
    let held = unsafe { Held::new(region, ()) };
    // SAFETY:
    // - None runs (the caller's debt).
    // - The value is waited for below; if `work` panics, it is dropped. `work` has it by shared reference, within a
    //   type of which nothing can be taken out.
    let transfer = unsafe { Transfer::start(channel, held) }.map_err(|refused| refused.kind)?;
    let done = work(&Running(&transfer));
    let outcome = transfer.wait().map(drop).map_err(|failed| failed.kind);
    Ok((done, outcome))
}
