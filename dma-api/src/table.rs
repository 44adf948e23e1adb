//! The shape of a register table: names, offsets, access kinds, fields.
//!
//! A chip's table is written once, in the words of its datasheet, and used from both sides: the driver takes its
//! offsets from it, the emulated chip decodes with it.

/// How a register answers reads and writes.
///
/// See [`Register`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Write 1 to bit 0 to trigger; reads are not meaningful.
    Task,
    /// Hardware sets it to 1, software writes 0 to clear it.
    Event,
    /// Plain read and write.
    ReadWrite,
    /// Read only; writes have no effect.
    ReadOnly,
    /// Write only; reads are not meaningful.
    WriteOnly,
    /// Reads show the bits, writing 1 to a bit clears it.
    WriteOneToClear,
    /// Reads show the mask, writing 1 to a bit sets it (INTENSET).
    WriteOneToSet,
    /// A write of any value acts; reads show a count (SIZE.EPOUT).
    WriteAnyToArm,
}

/// A group of neighbouring bits in a register.
///
/// ```
/// # use dma_api::nrf52840::usbd::map::dtoggle;
/// let value = dtoggle::EP.put(3) | dtoggle::IO.put(1);
/// assert_eq!((dtoggle::EP.get(value), dtoggle::IO.is_set(value)), (3, true));
/// assert_eq!(dtoggle::EP.put(8), 0, "the field has three bits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The datasheet's name.
    pub name: &'static str,
    /// The lowest bit.
    pub low: u8,
    /// The number of bits.
    pub width: u8,
}

impl Field {
    /// The field's bits, in place.
    pub const fn mask(self) -> u32 {
        (u32::MAX >> (32 - self.width as u32)) << self.low
    }

    /// The field's value, taken out of a register's value.
    pub const fn get(self, value: u32) -> u32 {
        (value & self.mask()) >> self.low
    }

    /// `field` in place, with all other bits 0. Bits that do not fit are dropped, as the register would drop them.
    pub const fn put(self, field: u32) -> u32 {
        (field << self.low) & self.mask()
    }

    /// Whether any bit of the field is set in `value`.
    pub const fn is_set(self, value: u32) -> bool {
        value & self.mask() != 0
    }
}

/// One row of a register table: a register, or an array of equal registers.
///
/// ```
/// # use dma_api::nrf52840::usbd::map::{Name, REGISTERS};
/// # use dma_api::table::Access;
/// let row = REGISTERS.iter().find(|row| row.name == Name::EPDATASTATUS).unwrap();
/// assert_eq!((row.offset, row.access), (0x46C, Access::WriteOneToClear));
/// assert_eq!(row.mask() & 1, 0, "endpoint 0 has no bit");
/// ```
#[derive(Debug)]
pub struct Register<Name: 'static> {
    /// The register, to match on.
    pub name: Name,
    /// The datasheet's name, without an index.
    pub text: &'static str,
    /// The offset of the (first) register from the peripheral's base, in bytes.
    pub offset: u16,
    /// How many registers there are.
    pub count: u16,
    /// The distance between two of them, in bytes.
    pub stride: u16,
    /// How it answers.
    pub access: Access,
    /// The value after reset.
    pub reset: u32,
    /// Its bits. Bits of no field read as 0 and ignore writes.
    pub fields: &'static [Field],
}

impl<Name> Register<Name> {
    /// All bits that belong to a field.
    pub const fn mask(&self) -> u32 {
        let mut mask = 0;
        let mut index = 0;
        while index < self.fields.len() {
            mask |= self.fields[index].mask();
            index += 1;
        }
        mask
    }
}

/// Writes a register table: an enum of names, the rows, and for each register a function (its offset) and a module
/// (its fields), both under the datasheet's name in lower case.
macro_rules! register_table {
    ($(
        $(#[$doc:meta])*
        $NAME:ident $name:ident $offset:literal $([$count:literal; $stride:literal])? $access:ident = $reset:literal
            { $($FIELD:ident $low:literal $(+ $width:literal)?),* $(,)? }
    )*) => {
        /// The registers, by the datasheet's names. See [`Register`](crate::table::Register) for an example.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name { $( $(#[$doc])* $NAME, )* }

        /// Every register, in the order of offsets.
        pub static REGISTERS: &[$crate::table::Register<Name>] = &[$(
            $crate::table::Register {
                name: Name::$NAME,
                text: stringify!($NAME),
                offset: $offset,
                count: register_table!(@or $($count)?, 1),
                stride: register_table!(@or $($stride)?, 4),
                access: $crate::table::Access::$access,
                reset: $reset,
                fields: $name::FIELDS,
            },
        )*];

        $( register_table!(@offset $(#[$doc])* $name, $offset $(, $count, $stride)?); )*

        $(
            $(#[$doc])*
            pub mod $name {
                use $crate::table::Field;
                $(
                    #[doc = concat!("Field `", stringify!($FIELD), "`.")]
                    pub const $FIELD: Field = Field {
                        name: stringify!($FIELD),
                        low: $low,
                        width: $crate::table::register_table!(@or $($width)?, 1),
                    };
                )*
                /// All fields.
                pub const FIELDS: &[Field] = &[$($FIELD),*];
            }
        )*
    };
    (@or $value:literal, $default:literal) => { $value };
    (@or , $default:literal) => { $default };
    (@offset $(#[$doc:meta])* $name:ident, $offset:literal) => {
        $(#[$doc])*
        #[inline]
        pub const fn $name() -> u16 { $offset }
    };
    (@offset $(#[$doc:meta])* $name:ident, $offset:literal, $count:literal, $stride:literal) => {
        $(#[$doc])*
        ///
        /// # Panics
        ///
        /// If there is no register with this index.
        #[inline]
        pub const fn $name(n: u16) -> u16 {
            assert!(n < $count, "no register has this index");
            $offset + $stride * n
        }
    };
}
pub(crate) use register_table;

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Field = Field { name: "VALUE", low: 8, width: 2 };

    #[test]
    fn field_is_put_in_place_and_taken_out() {
        assert_eq!(FIELD.mask(), 0x300);
        assert_eq!(FIELD.put(2), 0x200);
        assert_eq!(FIELD.get(0xFFFF_FFFF), 3);
        assert!(!FIELD.is_set(0xFFFF_FCFF));
    }

    #[test]
    fn field_drops_bits_that_do_not_fit() {
        assert_eq!(FIELD.put(7), 0x300);
    }

    #[test]
    fn field_of_a_whole_word_is_a_whole_word() {
        assert_eq!(Field { name: "PTR", low: 0, width: 32 }.mask(), u32::MAX);
    }
}
