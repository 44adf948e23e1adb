//! What was given to be sent, and so what the peer must get.
//!
//! Every byte is one that was not sent for a long time, so what the peer gets can be told apart. What is waited for
//! arrives as a whole; what is stopped, as far as `stop` has said; what is dropped or forgotten, up to some byte, and
//! at
//! least as far as was seen.
//!
//! A circular transfer sends its halves in the order in which they were written, the two of the start first; when it is
//! not written to any more, the last two again and again. After an underrun that was told it is not judged in which
//! order they come.

use dma_api::stm32f103::usart::LineError;

use crate::serial::half::Ledger;

/// Bytes of one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// These, and at least so many of them.
    Once { bytes: Vec<u8>, least: usize },
    /// Halves of this length, one after the other. An underrun was told.
    Round { bytes: Vec<u8>, half: usize, underrun: bool },
}

/// Everything that was sent in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    fresh: u8,
    parts: Vec<Part>,
}

/// How many bytes `rest` has in common with what is due.
fn matching<'a>(rest: &[u8], due: impl Iterator<Item = &'a u8>) -> usize {
    rest.iter().zip(due).take_while(|(got, due)| got == due).count()
}

/// How much of what came is shown.
const SHOWN: usize = 24;

fn shown(rest: &[u8]) -> &[u8] {
    &rest[..rest.len().min(SHOWN)]
}

impl Part {
    /// How many of the bytes that came are this part's.
    fn take(&self, rest: &[u8]) -> Result<usize, String> {
        match self {
            Self::Once { bytes, least } => {
                let came = matching(rest, bytes.iter());
                if came < *least {
                    let then = shown(&rest[came..]);
                    return Err(format!("{least} of {bytes:?} were sent, and {came} have come, then {then:?}"));
                }
                Ok(came)
            }
            Self::Round { bytes, underrun: true, .. } => Ok(rest.iter().take_while(|&got| bytes.contains(got)).count()),
            Self::Round { bytes, half, underrun: false } => {
                let last = &bytes[bytes.len() - 2 * half..];
                let came = matching(rest, bytes.iter().chain(last.iter().cycle()));
                let least = bytes.len() - 2 * half;
                if came < least {
                    let then = shown(&rest[came..]);
                    return Err(format!(
                        "{least} of {bytes:?} were sent, round and round, and {came} came, then {then:?}"
                    ));
                }
                Ok(came)
            }
        }
    }
}

impl Sending {
    /// Whether the peer got what it must, and nothing else.
    ///
    /// # Errors
    ///
    /// What is missing, or too much.
    pub fn check(&self, got: &[u8]) -> Result<(), String> {
        let mut rest = got;
        for part in &self.parts {
            rest = &rest[part.take(rest)?..];
        }
        let last = got.len() - rest.len();
        if rest.is_empty() {
            Ok(())
        } else {
            Err(format!("after {last} frames came {:?}, which nobody has sent", shown(rest)))
        }
    }

    fn last(&mut self) -> &mut Part {
        self.parts.last_mut().expect("it was started")
    }

    /// Of the part that is being sent, at least so many bytes are on their way.
    fn at_least(&mut self, moved: usize) {
        if let Part::Once { least, bytes } = self.last() {
            assert!((*least..=bytes.len()).contains(&moved), "{moved} of {bytes:?} were moved, {least} before");
            *least = moved;
        }
    }

    /// A half is written: these bytes come next in the circle.
    pub fn written(&mut self, next: &[u8]) {
        if let Part::Round { bytes, .. } = self.last() {
            bytes.extend_from_slice(next);
        }
    }

    /// An underrun is told.
    pub fn underrun(&mut self, next: &[u8]) {
        if let Part::Round { bytes, underrun, .. } = self.last() {
            // What was to be written may have been.
            bytes.extend_from_slice(next);
            *underrun = true;
        }
    }

    /// Bytes that were not sent for a long time.
    pub fn fill(&mut self, memory: &mut [u8]) {
        for byte in memory {
            *byte = self.fresh;
            self.fresh = self.fresh.wrapping_add(1);
        }
    }
}

impl Ledger for Sending {
    fn prepare(&mut self, memory: &mut [u8]) {
        self.fill(memory);
    }

    fn started(&mut self, memory: &[u8]) {
        self.parts.push(Part::Once { bytes: memory.to_vec(), least: 0 });
    }

    fn started_round(&mut self, memory: &[u8]) {
        self.parts.push(Part::Round { bytes: memory.to_vec(), half: memory.len() / 2, underrun: false });
    }

    fn looked(&mut self, moved: usize) {
        self.at_least(moved);
    }

    fn ended(&mut self, memory: &[u8], error: Option<LineError>) {
        assert_eq!(error, None, "a sender has no errors of the line");
        assert!(matches!(self.last(), Part::Once { bytes, .. } if bytes == memory), "a buffer was written to");
        self.at_least(memory.len());
    }

    fn stopped(&mut self, memory: &[u8], moved: usize) {
        self.at_least(moved);
        if let Part::Once { bytes, .. } = self.last() {
            assert_eq!(bytes, memory, "a buffer was written to");
            bytes.truncate(moved);
        }
    }

    fn stopped_round(&mut self) {}

    fn lost(&mut self) {}

    fn panicked(&mut self, memory: &[u8], moved: usize) {
        self.at_least(moved);
        assert!(matches!(self.last(), Part::Once { bytes, .. } if bytes == memory), "a buffer was written to");
    }

    fn refused(&mut self, error: LineError) {
        panic!("a sender is refused for {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(parts: &[Part]) -> Sending {
        Sending { fresh: 0, parts: parts.to_vec() }
    }

    #[test]
    fn what_was_waited_for_comes_as_a_whole_and_what_was_dropped_up_to_some_byte() {
        let whole = Part::Once { bytes: vec![0, 1], least: 2 };
        let dropped = Part::Once { bytes: vec![2, 3, 4], least: 1 };
        let sending = sending(&[whole.clone(), dropped, Part::Once { bytes: vec![5], least: 1 }]);
        for got in [&[0, 1, 2, 5][..], &[0, 1, 2, 3, 4, 5]] {
            assert_eq!(sending.check(got), Ok(()));
        }
        for got in [&[0, 2, 5][..], &[0, 1, 5], &[0, 1, 2], &[0, 1, 2, 5, 5], &[0, 1, 2, 4, 5], &[0, 0, 1, 2, 5]] {
            assert!(sending.check(got).is_err(), "{got:?}");
        }
    }

    #[test]
    fn circle_comes_in_order_and_its_end_again_and_again() {
        let round = Part::Round { bytes: vec![0, 1, 2, 3, 4, 5], half: 2, underrun: false };
        let sending = sending(&[round]);
        for got in [&[0, 1][..], &[0, 1, 2, 3], &[0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 2]] {
            assert_eq!(sending.check(got), Ok(()), "{got:?}");
        }
        for got in [&[0][..], &[0, 1, 0], &[0, 1, 2, 3, 4, 5, 4], &[0, 1, 4, 5]] {
            assert!(sending.check(got).is_err(), "{got:?}");
        }
    }
}
