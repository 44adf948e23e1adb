//! Release and acquire fences for loom, no stronger than the language's.
//!
//! loom 0.7.2 has fences, and they order more than C++20's do. What is ordered too much is a race that nobody sees:
//!
//! - Its acquire fence takes over what *others* have read, too, if it comes after them. Whether it does depends on the
//!   order in which the locations were made.
//! - Any two of its sequentially consistent fences synchronise.
//! - Its read-modify-writes hand on what they find, and add what their thread has released. That is the language's
//!   rule; but a [`Location`](super::location::Location) stands for a register, whose read writes nothing and whose
//!   write reads nothing, and only to loom they are read-modify-writes.
//!
//! So the fences here are made of what loom does well, a release store and an acquire read of it. A release fence
//! stores to a place of its own, a `Stamp`. A location's write leaves its thread's latest stamp there, in the place
//! of the one before; a read collects the stamp that it finds; an acquire fence reads the collected stamps, and so
//! comes after their fences. A stamp is stored once, before anybody can know it: it adds no executions, as long as no
//! two threads acquire it.
//!
//! These fences order what goes through locations, nothing else. Like all of the model they see no stale values.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{self, ThreadId};

/// What a release fence panics with if there is no stamp left: the execution needs a greater limit.
pub(super) const NO_STAMP: &str = "the limit of release fences in one execution was hit";

/// What one release fence has released.
#[derive(Clone, Debug)]
pub(super) struct Stamp(Arc<AtomicUsize>);

impl Stamp {
    /// What it holds once its fence has been executed; 0 before that.
    const RELEASED: usize = 1;

    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    fn release(&self) {
        // ORDERING: pairs with `acquire` below; orders what the thread did before its release fence.
        self.0.store(Self::RELEASED, Ordering::Release);
    }

    fn acquire(&self) {
        // ORDERING: pairs with `release` above. A plain load might find the 0 from before; this finds the latest
        // value, and fails, so that it leaves the stamp as it is.
        let found = self.0.compare_exchange(0, 0, Ordering::Acquire, Ordering::Acquire);
        assert_eq!(found, Err(Self::RELEASED), "a stamp is known only after its fence");
    }
}

/// What the fences of one thread act on.
#[derive(Default)]
struct Fenced {
    released: Option<Stamp>,
    collected: Vec<Stamp>,
}

/// The fences of one execution.
#[derive(Default)]
struct Ledger {
    unused: Vec<Stamp>,
    threads: HashMap<ThreadId, Fenced>,
}

thread_local! {
    /// loom runs all its threads on one thread of the system.
    static LEDGER: RefCell<Ledger> = RefCell::default();
}

/// Begins an execution that has room for so many release fences.
///
/// loom's locations can only be made by a thread that comes before all who access them: the first, at its start.
pub(super) fn begin(releases: usize) {
    let unused = (0..releases).map(|_| Stamp::new()).collect();
    LEDGER.set(Ledger { unused, threads: HashMap::new() });
}

/// What the thread's writes carry.
pub(super) fn released() -> Option<Stamp> {
    with_current(|fenced| fenced.released.clone())
}

/// Takes down that a read has found `stamp`.
pub(super) fn collect(stamp: &Stamp) {
    with_current(|fenced| {
        if !fenced.collected.iter().any(|known| Arc::ptr_eq(&known.0, &stamp.0)) {
            fenced.collected.push(stamp.clone());
        }
    });
}

/// loom may change threads wherever its locations are accessed: not in `f`.
fn with_current<T>(f: impl FnOnce(&mut Fenced) -> T) -> T {
    let id = thread::current().id();
    LEDGER.with_borrow_mut(|ledger| f(ledger.threads.entry(id).or_default()))
}

/// A release fence.
///
/// ```
/// # use std::sync::Arc;
/// # use sim_core::explore::Kind;
/// # use sim_core::explore::model::cell::Shadow;
/// # use sim_core::explore::model::location::Location;
/// # use sim_core::explore::model::{Limits, explore, fence};
/// # use sim_core::monitor::clocks::Access;
/// // Message passing: data, fence, flag; flag, fence, data. And without the reader's fence.
/// for (fenced, expected) in [(true, Kind::Sound), (false, Kind::Race)] {
///     let verdict = explore(Limits::default(), move || {
///         let shared = Arc::new((Shadow::new(), Location::new()));
///         let (data, flag) = &*shared.clone();
///         let thread = loom::thread::spawn(move || {
///             shared.0.touch(Access::Write);
///             fence::release();
///             shared.1.write(1);
///         });
///         if flag.read() == 1 {
///             if fenced {
///                 fence::acquire();
///             }
///             data.touch(Access::Read);
///         }
///         thread.join().unwrap();
///     });
///     assert_eq!(verdict.kind(), expected, "{verdict}");
/// }
/// ```
///
/// # Panics
///
/// If the execution has had as many as its limit allows.
pub fn release() {
    let stamp = LEDGER.with_borrow_mut(|ledger| ledger.unused.pop()).expect(NO_STAMP);
    stamp.release();
    with_current(|fenced| fenced.released = Some(stamp));
}

/// An acquire fence.
///
/// See [`release`] for an example.
pub fn acquire() {
    for stamp in with_current(|fenced| mem::take(&mut fenced.collected)) {
        stamp.acquire();
    }
}

/// An acquire fence that stood before the read that has found the latest stamp: that stays collected.
pub(super) fn acquire_before() {
    let latest = with_current(|fenced| fenced.collected.pop());
    acquire();
    with_current(|fenced| fenced.collected.extend(latest));
}

/// An acquire and release fence.
///
/// See [`release`] for an example.
pub fn acquire_release() {
    acquire();
    release();
}

/// A sequentially consistent fence.
///
/// An execution is an interleaving: it puts these fences in an order, and a read of a location finds the latest value.
/// What such a fence promises beyond acquire and release is true already.
///
/// See [`release`] for an example.
pub fn sequentially_consistent() {
    acquire_release();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::cell::Shadow;
    use super::super::location::Location;
    use super::super::{Limits, explore};
    use super::*;
    use crate::explore::Kind;
    use crate::monitor::clocks::Access;

    /// A thread fills a cell and hands it over, the other looks once and reads it.
    fn hand_over(releases: usize, with_acquire: bool) -> Kind {
        let verdict = explore(Limits { releases, ..Limits::default() }, move || {
            let shared = Arc::new((Location::new(), Shadow::new()));
            let other = shared.clone();
            let filling = thread::spawn(move || {
                other.1.touch(Access::Write);
                release();
                other.0.write(1);
            });
            if shared.0.read() == 1 {
                if with_acquire {
                    acquire();
                }
                shared.1.touch(Access::Read);
            }
            filling.join().expect("it has returned");
        });
        verdict.kind()
    }

    #[test]
    fn hand_over_with_both_fences_is_sound() {
        assert_eq!(hand_over(1, true), Kind::Sound);
    }

    #[test]
    fn hand_over_without_acquire_is_a_race() {
        assert_eq!(hand_over(1, false), Kind::Race);
    }

    #[test]
    fn more_release_fences_than_the_limit_are_inconclusive() {
        assert_eq!(hand_over(0, true), Kind::Inconclusive);
    }
}
