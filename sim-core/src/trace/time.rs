//! When each entry of a trace began and ended, in nanoseconds.
//!
//! A trace that keeps wall-clock time says when things happened: an entry lasts until the next, and never longer than
//! it would on hardware. Packets that came faster here than a bus could carry them are cut short. Entries of the same
//! nanosecond are moved apart by two, so that a pulse has room.
//!
//! A trace that keeps the order only gets *virtual time*: entries follow one another, each as long as it takes.
//!
//! | entry | virtual time |
//! |---|---|
//! | a register access, a fence, an access to RAM, a beat, an item's access | 62 ns: a cycle of the nRF52840's 16 MHz |
//! | a transaction | its packets at 12 Mbit/s: [`wire`](super::wire) |
//! | a bus reset | 2.5 us: the shortest that a device must see (USB 2.0 §7.1.7.5) |
//! | a frame on a serial line, and one that it is idle for | 86.8 us: ten bits at 115 200 baud |
//! | a suspension, a resume | 3 ms, 20 ms: the shortest of each (USB 2.0 §7.1.7.6, §7.1.7.7) |
//! | what the chip does of itself (capture, END, READY, levels), entering a handler, sleep, a finding | none |
//!
//! Virtual time shows the order and the size of things. It is no measurement: CPU, DMA and wire never overlap in it,
//! nor do the two directions of a serial line, and nothing between two register accesses costs anything.

use std::ops::Range;

use super::wire::Packets;
use super::{Entry, Record, Trace};

const CYCLE_NS: u64 = 62;
const BUS_RESET_NS: u64 = 2_500;
const SUSPEND_NS: u64 = 3_000_000;
const RESUME_NS: u64 = 20_000_000;
/// Ten bits at 115 200 baud.
const FRAME_NS: u64 = 86_800;
const APART_NS: u64 = 2;

/// The time of each entry of `trace`. Starts do not fall; an end is never later than the next start.
///
/// ```
/// # use sim_core::trace::{Keep, Trace, time::spans};
/// assert_eq!(spans(&Trace::new(Keep::Order)), []);
/// ```
pub fn spans(trace: &Trace) -> Vec<Range<u64>> {
    let mut spans: Vec<Range<u64>> = Vec::with_capacity(trace.entries().len());
    for entry in trace.entries() {
        let start = match (entry.nanoseconds, spans.last_mut()) {
            (Some(time), before) => {
                let mut start = u64::try_from(time).unwrap_or(u64::MAX);
                if let Some(before) = before {
                    start = start.max(before.start.saturating_add(APART_NS));
                    before.end = before.end.min(start);
                }
                start
            }
            (None, before) => before.map_or(0, |before| before.end),
        };
        spans.push(start..start.saturating_add(duration_ns(entry)));
    }
    spans
}

fn duration_ns(entry: &Entry) -> u64 {
    match &entry.record {
        Record::Read { .. }
        | Record::Write { .. }
        | Record::Peek { .. }
        | Record::Poke { .. }
        | Record::Posted { .. }
        | Record::Landed { .. }
        | Record::Release { .. }
        | Record::Acquire { .. }
        | Record::Snapshot { .. }
        | Record::Fill { .. }
        | Record::Touch { .. }
        | Record::Upkeep { .. }
        | Record::Whim(_)
        | Record::Beat { .. }
        | Record::Item { .. } => CYCLE_NS,
        record @ (Record::Transaction { .. } | Record::Isochronous { .. } | Record::StartOfFrame(_)) => {
            Packets::of(record).map_or(0, |wire| wire.duration_ns)
        }
        Record::BusReset => BUS_RESET_NS,
        Record::Suspend => SUSPEND_NS,
        Record::Resume => RESUME_NS,
        Record::Frame { .. } | Record::IdleLine { .. } => FRAME_NS,
        Record::Handler { .. }
        | Record::Sleep { .. }
        | Record::Captured { .. }
        | Record::HeldBack { .. }
        | Record::Ended { .. }
        | Record::Ready
        | Record::Supply(_)
        | Record::Levels(_)
        | Record::Violation(_)
        | Record::Cable { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Keep;

    fn trace(entries: &[(Record, Option<u128>)]) -> Trace {
        let mut trace = Trace::new(Keep::Order);
        for (record, nanoseconds) in entries {
            trace.note(None, || record.clone());
            trace.entries.last_mut().expect("it was noted").nanoseconds = *nanoseconds;
        }
        trace
    }

    const READ: Record = Record::Read { offset: 0x100, value: 0 };

    #[test]
    fn virtual_time_goes_on_where_the_entry_before_has_ended() {
        let trace = trace(&[(READ, None), (Record::Ready, None), (Record::BusReset, None), (READ, None)]);
        assert_eq!(spans(&trace), [0..62, 62..62, 62..2562, 2562..2624]);
    }

    #[test]
    fn frame_of_a_line_takes_ten_bits_and_an_access_of_its_item_a_cycle() {
        let site = crate::monitor::Site::Channel { controller: 1, channel: 4, item: 0 };
        let access = crate::monitor::clocks::Access::Read;
        let item = Record::Item { site, range: 0..1, access, value: None };
        let frame = Record::Frame { usart: 1, to_host: true, frame: 0, error: None };
        let trace = trace(&[(item, None), (frame, None), (Record::IdleLine { usart: 1 }, None)]);
        assert_eq!(spans(&trace), [0..62, 62..86_862, 86_862..173_662]);
    }

    #[test]
    fn wall_clock_time_is_kept_and_what_lasts_too_long_is_cut_short() {
        let trace = trace(&[(Record::BusReset, Some(100)), (READ, Some(600)), (READ, Some(1000))]);
        assert_eq!(spans(&trace), [100..600, 600..662, 1000..1062]);
    }

    #[test]
    fn entries_of_one_nanosecond_are_moved_apart() {
        let trace = trace(&[(READ, Some(7)), (READ, Some(7)), (READ, Some(7)), (READ, Some(500))]);
        assert_eq!(spans(&trace), [7..9, 9..11, 11..73, 500..562]);
    }
}
