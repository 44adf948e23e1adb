//! How far an exploration is, for whoever waits for it.

use std::fmt;
use std::sync::Arc;

/// After how many executions somebody is told: a schedule takes microseconds.
const EVERY: u64 = 256;

/// Who is told how many executions there were so far.
///
/// ```
/// # use std::sync::atomic::{AtomicU64, Ordering};
/// # use std::sync::Arc;
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::progress::Progress;
/// # use sim_core::explore::stepped::{Limits, explore_with};
/// # use sim_core::machine::Fences;
/// let latest = Arc::new(AtomicU64::new(0));
/// let progress = Progress::new({
///     let latest = latest.clone();
///     move |executions| latest.store(executions, Ordering::Relaxed)
/// });
/// let program = BackToBack { packets: 2, length: 2, fences: Fences::default() };
/// explore_with(&program, Limits::default(), &progress);
/// assert!(latest.load(Ordering::Relaxed) >= 256);
/// ```
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Nobody is told.
    pub const SILENT: Self = Self(None);

    /// `watch` is told, now and then.
    pub fn new(watch: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    pub(super) fn tell(&self, executions: u64) {
        if let Some(watch) = &self.0
            && executions.is_multiple_of(EVERY)
        {
            watch(executions);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
