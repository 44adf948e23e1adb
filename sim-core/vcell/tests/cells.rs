//! Cells in memory, and cells at a peripheral's address.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::rc::Rc;

use vcell::VolatileCell;
use vcell::hook::{self, Access, Registers};

/// Keeps what is asked; each register shows its own address.
#[derive(Default)]
struct Chip(RefCell<Vec<(u32, usize, Option<u64>)>>);

impl Registers for Chip {
    fn read(&self, Access { address, bytes, .. }: Access) -> u64 {
        self.0.borrow_mut().push((address, bytes, None));
        address.into()
    }

    fn write(&self, Access { address, bytes, .. }: Access, value: u64) {
        self.0.borrow_mut().push((address, bytes, Some(value)));
    }
}

/// The cell of a register.
fn register<T>(address: usize) -> &'static VolatileCell<T> {
    // SAFETY:
    // - Nothing is read or written through the reference: a cell at this address is answered by a chip, or panics.
    // - The address is not null, and aligned for all types here.
    unsafe { &*std::ptr::with_exposed_provenance(address) }
}

/// What the chip was asked while `body` ran.
fn asked(body: impl FnOnce()) -> Vec<(u32, usize, Option<u64>)> {
    let chip = Rc::new(Chip::default());
    hook::during(chip.clone(), body);
    chip.0.take()
}

#[test]
fn cell_in_memory_is_memory_with_a_chip_and_without() {
    let cell = VolatileCell::new(7_u32);
    let touch = || {
        assert_eq!(cell.get(), 7);
        cell.set(8);
        // SAFETY:
        // - The cell is alive, and nobody else accesses it.
        assert_eq!(unsafe { *cell.as_ptr() }, 8);
        cell.set(7);
    };
    touch();
    assert_eq!(asked(touch), []);
}

#[test]
fn register_is_asked_of_the_chip_with_its_address_and_width() {
    let asked = asked(|| {
        assert_eq!(register::<u32>(0x4002_7500).get(), 0x4002_7500);
        register::<u32>(0x4002_7500).set(0x1234_5678);
        assert_eq!(register::<u8>(0x4002_7401).get(), 0x01);
        register::<u16>(0xE000_E100).set(0xABCD);
        assert_eq!(register::<u64>(0x1000_0060).get(), 0x1000_0060);
        register::<[u8; 12]>(0x5000_0000).set([1; 12]);
    });
    let expected = [
        (0x4002_7500, 4, None),
        (0x4002_7500, 4, Some(0x1234_5678)),
        (0x4002_7401, 1, None),
        (0xE000_E100, 2, Some(0xABCD)),
        (0x1000_0060, 8, None),
        (0x5000_0000, 12, Some(0x0101_0101_0101_0101)),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn register_without_a_chip_is_a_panic_that_says_so() {
    let panic = catch_unwind(|| register::<u32>(0x4002_7500).get()).expect_err("nobody answers");
    let message = panic.downcast_ref::<String>().expect("it is formatted");
    assert_eq!(message, "the register at 0x40027500 is read, and no simulated chip runs on this thread");
}

#[test]
fn chip_is_that_of_its_thread_and_goes_with_its_run() {
    let panic = catch_unwind(|| hook::during(Rc::new(Chip::default()), || panic!("in the middle")));
    assert!(panic.is_err() && hook::chip().is_none());
    hook::during(Rc::new(Chip::default()), || {
        let elsewhere = std::thread::spawn(|| hook::chip().is_some()).join();
        assert!(hook::chip().is_some() && !elsewhere.expect("it has looked"));
        assert_eq!(asked(|| register::<u32>(0x4000_0000).set(1)), [(0x4000_0000, 4, Some(1))]);
        assert!(hook::chip().is_some(), "the outer one is back");
    });
}

#[test]
fn what_is_next_to_registers_is_memory() {
    for range in hook::REGISTERS {
        assert!(hook::is_register(range.start as usize) && !hook::is_register(range.end as usize));
        assert!(!hook::is_register(range.start as usize - 1) && hook::is_register(range.end as usize - 1));
    }
    assert!(!hook::is_register(0x2000_0000) && !hook::is_register(0x1_4002_7000));
}
