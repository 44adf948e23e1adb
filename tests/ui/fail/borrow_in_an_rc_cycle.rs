//! A transfer of borrowed memory is kept by an `Rc` that keeps itself.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::transfer::Transfer;
use tests::chip::parts::{self, Receiver};

struct Node<'a> {
    _transfer: Transfer<&'a mut [u8; 16], Receiver>,
    next: RefCell<Option<Rc<Node<'a>>>>,
}

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    let node = Rc::new(Node { _transfer: receiver.read_exact(buffer).unwrap(), next: RefCell::default() });
    *node.next.borrow_mut() = Some(node.clone());
}
