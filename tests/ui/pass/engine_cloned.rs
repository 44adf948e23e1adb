//! It is moved.

use tests::chip::parts;

pub fn main() {
    let (engine, _) = parts::engine();
    let copy = engine;
    drop(copy);
}
