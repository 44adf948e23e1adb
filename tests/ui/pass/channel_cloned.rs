//! Two channels are two values.

use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let copy = (channels.c4, channels.c5);
    drop(copy);
}
