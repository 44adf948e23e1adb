//! The sanitizer's options: leaks are not looked for.
//!
//! A buffer that is lost in flight is leaked on purpose: that is what `'static` means. To look for leaks after each run
//! that loses one takes twenty times as long as the run.

use std::ffi::c_char;

/// What the sanitizer's runtime asks for its options.
// SAFETY:
// - The name and the type are those that the sanitizer's runtime looks for (`sanitizer/asan_interface.h`).
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    c"detect_leaks=0".as_ptr()
}
