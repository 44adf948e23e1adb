//! A transfer of an `Rc` goes to another thread.
//!
//! E0277, H6: two threads count one `Rc` at once.

use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    let sender = parts::sender();
    goes(sender.write_all(std::rc::Rc::new([1, 2])).unwrap());
}
