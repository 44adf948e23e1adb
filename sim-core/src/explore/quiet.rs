//! Panics that are findings: caught, kept as text, not printed.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` and catches its panic, without the panic hook's message and backtrace on this thread.
///
/// Other threads, and what panics outside of `f`, print as before.
///
/// ```
/// # use sim_core::explore::quietly;
/// let payload = quietly(|| -> u8 { panic!("as expected") }).unwrap_err();
/// assert_eq!(payload.downcast_ref(), Some(&"as expected"));
/// ```
///
/// # Errors
///
/// The panic's payload.
pub fn quietly<T>(f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    let outer = QUIET.replace(true);
    // What `f` leaves half-done is thrown away by every caller, together with the run that panicked.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    QUIET.set(outer);
    result
}

/// Panics at the caller's line for all to see, wherever it is caught: the panic hook is called as if there were no
/// [`quietly`].
#[track_caller]
pub(crate) fn panic_aloud(message: &str) -> ! {
    // `quietly`, which catches it, restores this.
    QUIET.set(false);
    panic!("{message}");
}

/// A panic's message.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<String>() {
        return text.clone();
    }
    payload.downcast_ref::<&str>().map_or_else(|| "a panic without a message".to_owned(), |text| (*text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_caught_with_its_message() {
        let payload = quietly(|| panic!("the {} case", "bad")).expect_err("it panics");
        assert_eq!(message(&*payload), "the bad case");
        assert_eq!(quietly(|| 7).expect("the one after runs"), 7);
    }
}
