//! An endpoint is cloned: each copy knows of its own packets only.
//!
//! E0599, H7: an endpoint is armed twice, and a packet is lost.

use tests::chip::parts;

pub fn main() {
    let (_, endpoints) = parts::engine();
    let copy = endpoints.isoin.clone();
    drop(copy);
}
