//! Any bytes, to whatever takes something from outside: the bodies of the fuzz targets.
//!
//! Each body takes bytes, and says what is wrong. It has twins: the same with one thing wrong, which it must find.
//! `tests/fuzz.rs` runs it on its seeds and on random bytes, with what stable Rust has; `fuzz/` runs it under
//! libFuzzer, with AddressSanitizer.
//!
//! | target | what is any bytes | what must hold |
//! |---|---|---|
//! | [`mod@registers`] | register accesses, and steps of engine and host | a verdict; no memory but what is lent |
//! | [`mod@host`] | what a host does | our drivers stand it |
//! | [`mod@descriptors`] | what a device sends for a descriptor | an error, or a value that has all of them |
//! | [`mod@replay`] | a string that somebody has pasted | an error that says what is wrong, or a run |
//!
//! The targets `operations`, `serial` and `usbd` are the properties of [`property`](crate::property),
//! [`serial`](mod@crate::serial) and [`usbd`](mod@crate::usbd): they compare, these do not. A body of these
//! catches every panic of what it tries, and calls it wrong.

use std::any::Any;

use sim_core::explore::quietly;

pub mod descriptors;
pub mod host;
pub mod input;
pub mod registers;
pub mod replay;
pub mod script;

/// Does it. What it says is wrong, or how it panics.
///
/// # Errors
///
/// What is wrong.
fn caught(f: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    quietly(f).unwrap_or_else(|payload| Err(format!("a panic: {}", message(&*payload))))
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// It is so, or this is wrong.
fn ensure(is_so: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(wrong()) }
}
