//! The right to start EasyDMA is cloned.
//!
//! E0599, H7: the one engine is started while it runs.

use tests::chip::parts;

pub fn main() {
    let (engine, _) = parts::engine();
    let copy = engine.clone();
    drop(copy);
}
