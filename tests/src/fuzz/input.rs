//! Bytes, one after the other: what is missing is 0.

/// What is left of the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of them.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// The next two, little-endian.
    pub fn half_word(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// The next four, little-endian.
    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// The next `N`.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let (there, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes[..there.len()].copy_from_slice(there);
        bytes
    }

    /// One of these: the byte that chooses, modulo how many there are.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_their_order_and_then_zeros() {
        let mut input = Input::new(&[1, 2, 3, 4]);
        assert_eq!((input.byte(), input.half_word()), (1, 0x0302));
        assert!(!input.is_empty());
        assert_eq!(input.word(), 4);
        assert!(input.is_empty() && input.rest().is_empty());
        assert_eq!((input.byte(), input.array::<2>()), (0, [0, 0]));
    }

    #[test]
    fn choice_that_is_out_of_range_is_brought_into_it() {
        assert_eq!(Input::new(&[5]).one_of(&['a', 'b', 'c']), 'c');
        assert_eq!(Input::new(&[]).one_of(&['a', 'b', 'c']), 'a');
    }
}
