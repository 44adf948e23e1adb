//! The cell itself: the original's four methods.

use core::cell::UnsafeCell;

/// A cell whose accesses the compiler leaves alone: neither added, nor left out, nor put in another order among
/// themselves. At a peripheral's address, a register.
#[derive(Default)]
#[repr(transparent)]
pub struct VolatileCell<T> {
    value: UnsafeCell<T>,
}

impl<T> VolatileCell<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value) }
    }

    /// What the cell holds.
    ///
    /// # Panics
    ///
    /// If it is a register, and no simulated chip runs on this thread.
    #[inline(always)]
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        #[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
        if let Some(address) = crate::answered::register(self.value.get()) {
            return from_bits(crate::answered::read(address, size_of::<T>()));
        }
        // SAFETY:
        // - The pointer is valid for reads, and aligned: it is of a cell that `self` borrows.
        // - Nobody writes meanwhile: a cell is not `Sync`. What hardware writes, a volatile read may find.
        unsafe { self.value.get().read_volatile() }
    }

    /// Has the cell hold `value`.
    ///
    /// # Panics
    ///
    /// If it is a register, and no simulated chip runs on this thread.
    #[inline(always)]
    #[track_caller]
    pub fn set(&self, value: T)
    where
        T: Copy,
    {
        #[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
        if let Some(address) = crate::answered::register(self.value.get()) {
            return crate::answered::write(address, size_of::<T>(), bits_of(value));
        }
        // SAFETY:
        // - The pointer is valid for writes, and aligned: it is of a cell that `self` borrows.
        // - Nobody accesses it meanwhile: a cell is not `Sync`.
        unsafe { self.value.get().write_volatile(value) }
    }

    /// Where the value is. What is done there by pointer, no simulated chip is told of.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}

/// What a register of 64 bits at most shows, as its cell's type. What a wider cell holds besides is 0.
#[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
fn from_bits<T: Copy>(bits: u64) -> T {
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    let bytes = bits.to_le_bytes();
    // SAFETY:
    // - The source is valid for so many bytes: `bytes` has 8, and no more are copied.
    // - The destination is: `value` has `size_of::<T>()` bytes, and no more are copied. Bytes are always aligned.
    // - They do not overlap: two locals.
    unsafe {
        value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len().min(size_of::<T>()));
    }
    // SAFETY:
    // - The bytes are initialised: zeroed above.
    // - They are a value of `T`: a register shows whatever bits it likes, so whoever has made the reference to a cell
    //   at its address has promised that all are. It is what the original's read asks for.
    unsafe { value.assume_init() }
}

/// The bytes of `value`, 8 at most, as bits.
#[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
fn bits_of<T: Copy>(value: T) -> u64 {
    let mut bytes = [0; 8];
    let value = core::mem::MaybeUninit::new(value);
    // SAFETY:
    // - The source is valid for so many bytes: `value` has `size_of::<T>()`, and no more are copied.
    // - They are initialised: a register has no padding, so neither has the type of its cell. It is what the original's
    //   write to it asks for.
    // - The destination is valid for 8 bytes, and no more are copied. They do not overlap: two locals.
    unsafe {
        let length = bytes.len().min(size_of::<T>());
        bytes.as_mut_ptr().copy_from_nonoverlapping(value.as_ptr().cast::<u8>(), length);
    }
    u64::from_le_bytes(bytes)
}
