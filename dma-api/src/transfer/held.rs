//! A buffer that is put away while the DMA uses its memory.
//!
//! Two things are easy to get wrong here, and neither shows in a test that passes:
//!
//! - A `Box` or a `&mut` says that nobody else uses its target, and says so again whenever it is moved by value: a
//!   driver that asks one for its pointer and moves it afterwards has broken the pointer. So the buffer is put away
//!   *first*, in a `MaybeUninit`, which says nothing of the kind, and is asked where it is.
//! - A buffer that is asked twice may answer twice, each time something else. So pointer and length are asked for once.

use core::fmt;
use core::mem::MaybeUninit;

use embedded_dma::{ReadBuffer, Word, WriteBuffer};

use crate::address::{Direction, Region};

/// A buffer, and the region that it has named.
///
/// Dropping the value leaks the buffer: [`into_inner`](Self::into_inner) gives it back.
///
/// It goes to another thread if the buffer does:
///
/// ```compile_fail,E0277
/// # use dma_api::transfer::Held;
/// fn goes<T: Send>() {}
/// goes::<Held<std::rc::Rc<[u8]>>>();
/// ```
///
/// # Invariants
///
/// - `buffer` is initialised until `take`.
/// - Until the buffer is used or dropped, `region` is valid for what its direction says, and left alone by everybody;
///   at least for the time of a borrow, if it is one.
pub struct Held<B> {
    region: Region,
    buffer: MaybeUninit<B>,
}

// SAFETY:
// - The pointer in the region is no access: the DMA makes those, whichever thread has the value. What it points to is
//   `buffer`'s, which is `Send`, or is the business of who has promised for it (`new`).
unsafe impl<B: Send> Send for Held<B> {}

impl<B> Held<B> {
    /// Holds `buffer`, whose region this is: for memory that no buffer trait describes.
    ///
    /// # Safety
    ///
    /// - The region is valid for what its direction says, and left alone by everybody, for as long as `buffer` is
    ///   neither used nor dropped; or, if it is borrowed, for the time of the borrow.
    pub const unsafe fn new(region: Region, buffer: B) -> Self {
        // INVARIANT: it is initialised; the region is valid (the caller's debt).
        Self { region, buffer: MaybeUninit::new(buffer) }
    }

    /// Holds `buffer` for the DMA to read.
    ///
    /// `embedded-dma` does not ask that a buffer lives for ever, and this does:
    ///
    /// ```compile_fail,E0597
    /// # use dma_api::transfer::Held;
    /// struct Borrowed<'a>(&'a [u8]);
    /// # // SAFETY: MUTANT
    /// # // - The target stays where it is; but nobody says for how long.
    /// unsafe impl embedded_dma::ReadBuffer for Borrowed<'_> {
    ///     type Word = u8;
    ///     unsafe fn read_buffer(&self) -> (*const u8, usize) {
    ///         (self.0.as_ptr(), self.0.len())
    ///     }
    /// }
    /// let bytes = [1, 2, 3];
    /// Held::to_read(Borrowed(&bytes)); // `bytes` does not live long enough
    /// ```
    pub fn to_read(buffer: B) -> Self
    where
        B: ReadBuffer + 'static,
    {
        let buffer = MaybeUninit::new(buffer);
        // SAFETY:
        // - It was initialised above.
        let held = unsafe { buffer.assume_init_ref() };
        // SAFETY:
        // - No `&mut self` method is called while the pointer is in use: the buffer is put away.
        let (pointer, words) = unsafe { held.read_buffer() };
        let length = words.saturating_mul(size_of::<B::Word>());
        let region = Region { pointer: pointer.cast_mut().cast(), length, direction: Direction::MemoryToDevice };
        // INVARIANT: it is initialised; the region is valid for reads until then (`ReadBuffer`, `'static`).
        Self { region, buffer }
    }

    /// Holds `buffer` for the DMA to write.
    ///
    /// ```compile_fail,E0597
    /// # use dma_api::transfer::Held;
    /// struct Borrowed<'a>(&'a mut [u8]);
    /// # // SAFETY: MUTANT
    /// # // - The target stays where it is; but nobody says for how long.
    /// unsafe impl embedded_dma::WriteBuffer for Borrowed<'_> {
    ///     type Word = u8;
    ///     unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
    ///         (self.0.as_mut_ptr(), self.0.len())
    ///     }
    /// }
    /// let mut bytes = [1, 2, 3];
    /// Held::to_write(Borrowed(&mut bytes)); // `bytes` does not live long enough
    /// ```
    pub fn to_write(buffer: B) -> Self
    where
        B: WriteBuffer + 'static,
    {
        let mut buffer = MaybeUninit::new(buffer);
        // SAFETY:
        // - It was initialised above.
        let held = unsafe { buffer.assume_init_mut() };
        // SAFETY:
        // - No `&mut self` method is called while the pointer is in use: the buffer is put away.
        let (pointer, words) = unsafe { held.write_buffer() };
        let length = words.saturating_mul(size_of::<B::Word>());
        let region = Region { pointer: pointer.cast(), length, direction: Direction::DeviceToMemory };
        // INVARIANT: it is initialised; the region is valid for writes until then (`WriteBuffer`, `'static`).
        Self { region, buffer }
    }

    /// Holds `buffer` for the DMA to read, and for its holder to refill meanwhile: its pointer is valid for writes.
    ///
    /// # Panics
    ///
    /// If the buffer names one memory to read and another to write.
    pub fn to_refill(buffer: B) -> Self
    where
        B: ReadBuffer + WriteBuffer<Word = <B as ReadBuffer>::Word> + 'static,
    {
        // SAFETY:
        // - The pointer is not used, but compared.
        let (to_read, words) = unsafe { buffer.read_buffer() };
        let mut held = Self::to_write(buffer);
        let Region { pointer, length, .. } = held.region;
        let is_one =
            (pointer.addr(), length) == (to_read.addr(), words.saturating_mul(size_of::<<B as ReadBuffer>::Word>()));
        assert!(is_one, "the buffer names one memory to read and another to write");
        // INVARIANT: it is valid for writes (`WriteBuffer`), and for reads, since it is what `ReadBuffer` has named.
        held.region.direction = Direction::MemoryToDevice;
        held
    }

    /// The memory, by the pointer that the buffer gave.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// The buffer, held for its first `length` bytes only.
    ///
    /// # Panics
    ///
    /// If it has fewer.
    pub const fn shortened(mut self, length: usize) -> Self {
        assert!(length <= self.region.length, "a region is shortened, not stretched");
        // INVARIANT: a part of what is valid is.
        self.region.length = length;
        self
    }

    /// The buffer.
    pub fn into_inner(mut self) -> B {
        // SAFETY:
        // - `take` was not called: it ends all use of a value, and here is one.
        unsafe { self.take() }
    }

    /// The buffer. The value is not used afterwards.
    ///
    /// # Safety
    ///
    /// - This was not called before.
    pub(super) unsafe fn take(&mut self) -> B {
        // SAFETY:
        // - It is initialised (first invariant), and read once (the caller's debt).
        unsafe { self.buffer.assume_init_read() }
    }
}

impl<'a, W: Word> Held<&'a [W]> {
    /// Holds borrowed words for the DMA to read: for the time of the borrow.
    pub const fn borrowed(words: &'a [W]) -> Self {
        let pointer = words.as_ptr().cast_mut().cast();
        let region = Region { pointer, length: size_of_val(words), direction: Direction::MemoryToDevice };
        // INVARIANT: it is initialised; the region is valid for reads, and only read, for the time of the borrow.
        Self { region, buffer: MaybeUninit::new(words) }
    }
}

impl<'a, W: Word> Held<&'a mut [W]> {
    /// Holds borrowed words for the DMA to write: for the time of the borrow.
    pub const fn borrowed_mut(words: &'a mut [W]) -> Self {
        let length = size_of_val(words);
        let mut buffer = MaybeUninit::new(words);
        // SAFETY:
        // - It was initialised above.
        let held = unsafe { buffer.assume_init_mut() };
        let region = Region { pointer: held.as_mut_ptr().cast(), length, direction: Direction::DeviceToMemory };
        // INVARIANT: it is initialised; the region is valid for writes of any bytes (`Word`), and the reference is
        // exclusive for the time of the borrow.
        Self { region, buffer }
    }
}

impl<B> fmt::Debug for Held<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("region", &self.region).finish_non_exhaustive()
    }
}
