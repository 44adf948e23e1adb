//! Replay strings: one run, to be pasted into a bug report.
//!
//! `d1.ep0in-reset.12ab3c.5f3a9c01` is version, program, choices, checksum. A choice is a letter, `a` for option 0; a
//! number before it repeats it. The checksum is the CRC-32 of all that stands before it.

use std::fmt::Write;
use std::str::FromStr;

use thiserror::Error;

const VERSION: &str = "d1";

/// The choices of one run of one program.
///
/// ```
/// # use sim_core::explore::replay::{Recording, ReplayError};
/// let recording = Recording { program: "mine".to_owned(), choices: vec![1, 0, 0, 2] };
/// let text = recording.to_string();
/// assert_eq!(text.parse(), Ok(recording));
/// assert_eq!(text[..text.len() - 1].parse::<Recording>(), Err(ReplayError::Checksum));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The program's name.
    pub program: String,
    /// The option taken at each choice point.
    pub choices: Vec<u8>,
}

/// Why a replay string brings nothing back.
///
/// See [`Recording`] for an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Not four parts.
    #[error("this is no replay string: `{VERSION}.program.choices.checksum` is expected, four parts with dots between")]
    Form,
    /// Another format.
    #[error("replay strings of version `{0}` are not known here, only `{VERSION}`: use the dmacheck that printed it")]
    Version(String),
    /// No program has such a name.
    #[error("`{0}` is no program's name: it has one letter at least, no dot and no white space")]
    Program(String),
    /// Cut or altered.
    #[error("the checksum does not fit: the string was cut or altered; copy it again, from `{VERSION}.` to its end")]
    Checksum,
    /// A choice that is no choice.
    #[error("`{0}` is no choice: letters are expected, each with a number before it that repeats it")]
    Choices(String),
    /// Made by another program.
    #[error("the string is of the program `{found}`, and this is `{expected}`")]
    OtherProgram {
        /// Whose string it is.
        found: String,
        /// What is to be replayed.
        expected: String,
    },
    /// The program has changed since.
    #[error("`{0}` does not come by the choices of this string: it has changed since the string was printed")]
    Diverged(String),
}

impl Recording {
    /// The choices, if they are of this program.
    ///
    /// # Errors
    ///
    /// [`ReplayError::OtherProgram`].
    pub fn choices_of(&self, program: &str) -> Result<Vec<u8>, ReplayError> {
        if self.program != program {
            let (found, expected) = (self.program.clone(), program.to_owned());
            return Err(ReplayError::OtherProgram { found, expected });
        }
        Ok(self.choices.clone())
    }
}

/// # Panics
///
/// If the program's name holds a dot or white space, or a choice has no letter: both are errors of a program.
impl std::fmt::Display for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { program, choices } = self;
        assert!(
            is_plain(program),
            "a program's name has no dot and no white space, and `{program}` has: use `-` instead"
        );
        let mut text = format!("{VERSION}.{program}.");
        for run in choices.chunk_by(|a, b| a == b) {
            assert!(run[0] < 26, "a choice point has at most 26 options");
            if run.len() > 1 {
                write!(text, "{}", run.len())?;
            }
            text.push(char::from(b'a' + run[0]));
        }
        write!(f, "{text}.{:08x}", crc32fast::hash(text.as_bytes()))
    }
}

/// Whether a program may be called so.
fn is_plain(program: &str) -> bool {
    !program.is_empty() && !program.contains(|c: char| c == '.' || c.is_whitespace())
}

impl FromStr for Recording {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('.').collect();
        let [version, program, choices, checksum] = parts[..] else {
            return Err(ReplayError::Form);
        };
        if version != VERSION {
            return Err(ReplayError::Version(version.to_owned()));
        }
        let (before, _) = text.rsplit_once('.').ok_or(ReplayError::Form)?;
        if format!("{:08x}", crc32fast::hash(before.as_bytes())) != checksum {
            return Err(ReplayError::Checksum);
        }
        if !is_plain(program) {
            return Err(ReplayError::Program(program.to_owned()));
        }
        Ok(Self { program: program.to_owned(), choices: parse_choices(choices)? })
    }
}

fn parse_choices(text: &str) -> Result<Vec<u8>, ReplayError> {
    /// More than any run makes; a string that asks for more is not one of ours.
    const MOST: usize = 10_000_000;
    let wrong = |part: &str| ReplayError::Choices(part.to_owned());
    let mut choices = Vec::new();
    let mut count = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => count.push(c),
            'a'..='z' => {
                let repeat = if count.is_empty() { 1 } else { count.parse::<usize>().map_err(|_| wrong(&count))? };
                if repeat > MOST - choices.len() {
                    return Err(wrong(&count));
                }
                let choice = u8::try_from(c).map_err(|_| wrong(text))? - b'a';
                choices.extend(std::iter::repeat_n(choice, repeat));
                count.clear();
            }
            _ => return Err(wrong(&c.to_string())),
        }
    }
    if count.is_empty() { Ok(choices) } else { Err(wrong(&count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        Recording { program: "ep0in-reset".to_owned(), choices: vec![0, 0, 0, 1, 2, 2, 0] }
    }

    #[test]
    fn string_comes_back_as_it_was() {
        let text = recording().to_string();
        assert!(text.starts_with("d1.ep0in-reset.3ab2ca."), "{text}");
        assert_eq!(text.parse(), Ok(recording()));
    }

    #[test]
    fn every_cut_and_every_altered_letter_is_noticed() {
        let text = recording().to_string();
        for end in 0..text.len() {
            assert!(text[..end].parse::<Recording>().is_err(), "cut at {end}");
        }
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] ^= 1;
            let altered = String::from_utf8(altered).expect("still ASCII");
            assert!(altered.parse::<Recording>().is_err(), "{altered}");
        }
    }

    #[test]
    fn each_defect_has_its_name() {
        let parse = |text: &str| text.parse::<Recording>();
        let sealed = |text: &str| format!("{text}.{:08x}", crc32fast::hash(text.as_bytes()));
        assert_eq!(parse("hello"), Err(ReplayError::Form));
        assert_eq!(parse("d9.x.a.00000000"), Err(ReplayError::Version("d9".to_owned())));
        assert_eq!(parse("d1.x.a.00000000"), Err(ReplayError::Checksum));
        assert_eq!(parse(&sealed("d1..a")), Err(ReplayError::Program(String::new())));
        assert_eq!(parse(&sealed("d1.x y.a")), Err(ReplayError::Program("x y".to_owned())));
        assert_eq!(parse(&sealed("d1.x.A")), Err(ReplayError::Choices("A".to_owned())));
        assert_eq!(parse(&sealed("d1.x.a3")), Err(ReplayError::Choices("3".to_owned())));
        let huge = "99999999999999999999999";
        assert_eq!(parse(&sealed(&format!("d1.x.{huge}a"))), Err(ReplayError::Choices(huge.to_owned())));
    }

    #[test]
    fn string_of_another_program_is_refused() {
        let error = recording().choices_of("ep0in-setup").expect_err("another program");
        assert_eq!(error.to_string(), "the string is of the program `ep0in-reset`, and this is `ep0in-setup`");
    }
}
