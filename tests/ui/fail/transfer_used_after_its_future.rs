//! A transfer is awaited, and stopped all the same.
//!
//! E0382, H7: two values would end one transfer.

use tests::chip::parts;

fn awaited<T: IntoFuture>(transfer: T) -> T::IntoFuture {
    transfer.into_future()
}

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    let future = awaited(transfer);
    drop((transfer.stop(), future));
}
