//! String descriptors: USB 2.0 tables 9-15 and 9-16.

use super::{Defect, DescriptorError, Raw, STRING};

/// The languages that a device has strings in: string descriptor 0.
///
/// See [`parse_string`] for an example.
///
/// # Errors
///
/// [`DescriptorError`]. One language is due at least.
pub fn parse_languages(bytes: &[u8]) -> Result<Vec<u16>, DescriptorError> {
    let languages = units(bytes)?;
    if languages.is_empty() {
        return Err(DescriptorError::new(Defect::Length, 0, "a language at least: bLength 4", "bLength 2"));
    }
    Ok(languages)
}

/// The text of a string descriptor.
///
/// ```
/// # use sim_core::host::descriptors::{parse_languages, parse_string};
/// assert_eq!(parse_languages(&[4, 3, 0x09, 0x04]), Ok(vec![0x0409]));
/// assert_eq!(parse_string(b"\x06\x03h\0i\0"), Ok("hi".to_owned()));
/// ```
///
/// # Errors
///
/// [`DescriptorError`].
pub fn parse_string(bytes: &[u8]) -> Result<String, DescriptorError> {
    let units = units(bytes)?;
    let mut text = String::new();
    let mut offset = 2;
    for decoded in char::decode_utf16(units) {
        let character = decoded.map_err(|error| {
            let found = format!("{:#06x}", error.unpaired_surrogate());
            DescriptorError::new(Defect::Text, offset, "the other half of a surrogate pair", found)
        })?;
        text.push(character);
        offset += 2 * character.len_utf16();
    }
    Ok(text)
}

/// The 16-bit units after the head.
fn units(bytes: &[u8]) -> Result<Vec<u16>, DescriptorError> {
    let raw = Raw::whole(bytes, STRING)?;
    let (units, rest) = raw.bytes[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(raw.error(Defect::Length, 0, "an even number", raw.bytes.len().to_string()));
    }
    Ok(units.iter().copied().map(u16::from_le_bytes).collect())
}
