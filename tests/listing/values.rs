//! What a processor's register holds, as far as can be told.

use std::fmt;

/// A number, a pointer, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// This number. A number that is used as an address is one of the chip's.
    Known(i64),
    /// A pointer into memory.
    Pointer(Place),
    Unknown,
}

/// Where an access goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub memory: Memory,
    /// From where the memory begins, in bytes, if it is known.
    pub offset: Option<i64>,
}

/// Memory that a function has got hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Memory {
    /// What its first argument points to.
    Argument,
    /// The stack, counted from where it was when the function was called.
    Stack,
    /// An object that the linker places and that is no peripheral: a constant.
    Object,
    /// Any.
    Unknown,
}

impl Memory {
    /// A pointer to its beginning.
    pub const fn start(self) -> Value {
        Value::Pointer(Place { memory: self, offset: Some(0) })
    }
}

impl Value {
    /// What the linker calls so: `DMA1`, or `DMA1+4`.
    pub fn of_symbol(text: &str) -> Self {
        let (name, offset) = text.split_once('+').unwrap_or((text, "0"));
        let base = match name {
            "DMA1" => 0x4002_0000,
            "USART1" => 0x4001_3800,
            "USBD" => 0x4002_7000,
            _ => return Memory::Object.start(),
        };
        offset.parse().map_or(Self::Unknown, |offset: i64| Self::Known(base + offset))
    }

    /// The value that is `by` larger.
    pub fn plus(self, by: Self) -> Self {
        match (self, by) {
            (Self::Known(left), Self::Known(right)) => Self::Known(left.wrapping_add(right)),
            (Self::Pointer(place), by) | (by, Self::Pointer(place)) => {
                let by = if let Self::Known(by) = by { Some(by) } else { None };
                let offset = place.offset.zip(by).map(|(offset, by)| offset.wrapping_add(by));
                Self::Pointer(Place { offset, ..place })
            }
            _ => Self::Unknown,
        }
    }

    /// The value that is `by` smaller.
    pub fn minus(self, by: Self) -> Self {
        match by {
            Self::Known(by) => self.plus(Self::Known(by.wrapping_neg())),
            Self::Pointer(_) => Self::Unknown,
            Self::Unknown => self.plus(Self::Unknown),
        }
    }

    /// The value as far as 32 bits hold it. A pointer is taken for one that they hold.
    pub fn in_32_bits(self) -> Self {
        match self {
            Self::Known(number) => Self::Known(number & 0xFFFF_FFFF),
            other => other,
        }
    }

    /// What is known if it is this or `other`.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Pointer(left), Self::Pointer(right)) if left.memory == right.memory => {
                Self::Pointer(Place { offset: None, ..left })
            }
            _ => Self::Unknown,
        }
    }

    /// The place that it points to, for what is no number.
    pub fn place(self) -> Place {
        match self {
            Self::Pointer(place) => place,
            Self::Known(_) | Self::Unknown => Place { memory: Memory::Unknown, offset: None },
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{:?}{offset:+}", self.memory),
            None => write!(f, "{:?}+?", self.memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(offset: Option<i64>) -> Value {
        Value::Pointer(Place { memory: Memory::Argument, offset })
    }

    #[test]
    fn pointer_moves_by_what_is_known() {
        assert_eq!(Memory::Argument.start().plus(Value::Known(8)).minus(Value::Known(3)), argument(Some(5)));
        assert_eq!(Value::Known(8).plus(argument(Some(1))), argument(Some(9)));
        assert_eq!(argument(Some(8)).plus(Value::Unknown), argument(None));
        assert_eq!(argument(Some(8)).minus(argument(Some(8))), Value::Unknown);
    }

    #[test]
    fn pointers_that_differ_join_to_one_somewhere() {
        assert_eq!(argument(Some(1)).or(argument(Some(1))), argument(Some(1)));
        assert_eq!(argument(Some(1)).or(argument(Some(2))), argument(None));
        assert_eq!(argument(Some(1)).or(Memory::Stack.start()), Value::Unknown);
        assert_eq!(Value::Known(1).or(Value::Known(2)), Value::Unknown);
    }

    #[test]
    fn peripherals_are_known_by_their_symbols() {
        assert_eq!(Value::of_symbol("DMA1+68"), Value::Known(0x4002_0044));
        assert_eq!(Value::of_symbol(".LCPI0_0"), Memory::Object.start());
    }
}
