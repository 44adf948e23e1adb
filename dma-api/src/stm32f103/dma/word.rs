//! What a channel moves at a time: 8, 16 or 32 bits.

mod sealed {
    pub trait Sealed {}
}

/// An integer that the controller moves in one access.
///
/// ```
/// # use dma_api::stm32f103::dma::Word;
/// fn moves<W: Word>() {}
/// moves::<u32>();
/// ```
/// There is no access of 64 bits:
/// ```compile_fail,E0277
/// # use dma_api::stm32f103::dma::Word;
/// # fn moves<W: Word>() {}
/// moves::<u64>();
/// ```
/// And a value that not every pattern of bits is one of must not be received:
/// ```compile_fail,E0277
/// # use dma_api::stm32f103::dma::Word;
/// # fn moves<W: Word>() {}
/// moves::<bool>();
/// ```
///
/// # Safety
///
/// - Every pattern of bits is a value, and there is no padding.
/// - `SIZE` says in CCR how wide it is.
pub unsafe trait Word: embedded_dma::Word + Copy + Send + 'static + sealed::Sealed {
    /// PSIZE and MSIZE.
    const SIZE: u32;
}

impl sealed::Sealed for u8 {}
impl sealed::Sealed for u16 {}
impl sealed::Sealed for u32 {}

// SAFETY:
// - It is an integer.
// - 0 is 8 bits (RM0041 §9.4.3).
unsafe impl Word for u8 {
    const SIZE: u32 = 0;
}

// SAFETY:
// - It is an integer.
// - 1 is 16 bits.
unsafe impl Word for u16 {
    const SIZE: u32 = 1;
}

// SAFETY:
// - It is an integer.
// - 2 is 32 bits.
unsafe impl Word for u32 {
    const SIZE: u32 = 2;
}
