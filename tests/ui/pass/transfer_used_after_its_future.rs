//! What the future gives back is stopped.

use tests::chip::parts;

fn awaited<T: IntoFuture>(transfer: T) -> T::IntoFuture {
    transfer.into_future()
}

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    let future = awaited(transfer);
    drop(future.into_inner().unwrap().stop());
}
