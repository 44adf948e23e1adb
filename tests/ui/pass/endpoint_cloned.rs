//! The endpoints are moved.

use tests::chip::parts;

pub fn main() {
    let (_, endpoints) = parts::engine();
    let copy = endpoints.isoin;
    drop(copy);
}
