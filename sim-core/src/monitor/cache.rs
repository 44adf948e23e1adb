//! A cache between the CPU and the DMA: three rules, one for each thing to do about it, and one for what to have.
//!
//! Sources: Cortex-M7 TRM r1p2, 5.2 and 5.3 (write-back, write-allocate, speculative linefills); ARMv7-M ARM B2.2.2
//! (cache maintenance operations by address); ST AN4839 (clean before a transfer from memory, invalidate after one to
//! memory, align to lines).

use std::ops::Range;

use super::{Misuse, Rule, Site};
use crate::memory::cache::Finding;

fn misuse(rule: Rule, bytes: &Range<u32>, other: Option<Site>, what: &str) -> Misuse {
    Misuse { range: Some(bytes.clone()), other, ..Misuse::new(rule, what.to_owned()) }
}

/// The DMA reads what the CPU has stored in the cache only.
pub(crate) fn check_cleaned(finding: &Finding) -> Option<Misuse> {
    let Finding::NotCleaned { bytes, stored } = finding else {
        return None;
    };
    let what = "the DMA reads memory whose newest bytes are in the CPU's data cache: clean the buffer's lines before the \
                start";
    Some(misuse(Rule::CacheNotCleaned, bytes, *stored, what))
}

/// What the DMA has written reaches the CPU, and stays in memory.
pub(crate) fn check_invalidated(finding: &Finding) -> Option<Misuse> {
    match finding {
        Finding::Stale { bytes, written } => {
            let what = "the CPU reads from its data cache what was in memory before the DMA wrote there: invalidate the \
                        buffer's lines after the end, since a line may be read ahead at any time";
            Some(misuse(Rule::CacheNotInvalidated, bytes, *written, what))
        }
        Finding::WrittenOver { bytes, written, for_neighbour: false } => {
            let what = "the data cache writes a dirty line back over what the DMA has written: clean or invalidate the \
                        buffer's lines before the start";
            Some(misuse(Rule::CacheNotInvalidated, bytes, *written, what))
        }
        _ => None,
    }
}

/// Nobody else's bytes are in the lines of a buffer that the DMA writes.
pub(crate) fn check_own_lines(finding: &Finding) -> Option<Misuse> {
    match finding {
        Finding::WrittenOver { bytes, written, for_neighbour: true } => {
            let what = "the data cache writes a line back, for the sake of other bytes in it, over what the DMA has \
                        written: give the buffer lines of its own";
            Some(misuse(Rule::CacheLineShared, bytes, *written, what))
        }
        Finding::StoresLost { bytes, stored } => {
            let what = "a line is invalidated in which the CPU has stored other bytes than the buffer's: give the buffer \
                        lines of its own";
            Some(misuse(Rule::CacheLineShared, bytes, *stored, what))
        }
        _ => None,
    }
}

/// A buffer that the DMA writes begins with a line, and shares none. `shared`: what else is in one of its lines.
pub(crate) fn check_whole_lines(shared: Option<Range<u32>>, line: u32) -> Option<Misuse> {
    let what = format!(
        "a buffer that the DMA writes shares a line of the data cache with other memory, whose stores would cost it what \
         the DMA has written: align it to {line} bytes, and make its length a multiple of that"
    );
    shared.map(|bytes| misuse(Rule::CacheLineShared, &bytes, None, &what))
}

/// Whatever rule it breaks: each breaks one.
pub(crate) fn check(finding: &Finding) -> Option<Misuse> {
    check_cleaned(finding).or_else(|| check_invalidated(finding)).or_else(|| check_own_lines(finding))
}
