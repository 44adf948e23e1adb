//! What orders one event of a trace before another.
//!
//! | order | from | to |
//! |---|---|---|
//! | [`Register`](Kind::Register) | the CPU's write | the capture that it brings about |
//! | [`Memory`](Kind::Memory), at the start | `release` | the DMA's first access to the buffer |
//! | `Memory`, at the end | the DMA's last access to the buffer | `acquire`, `snapshot` |
//!
//! The first orders no memory. The others are there if the machine honours the fence, and a register carries it: at the
//! start one is written between the fence and the capture, at the end one is read between the DMA's end and the fence.
//!
//! These are the rules of [`monitor::clocks`](crate::monitor::clocks), for hand-overs of one buffer. What follows from
//! several of them is not listed, nor is the order of one master's events.

use std::ops::Range;

use crate::machine::Machine;
use crate::monitor::Site;
use crate::monitor::clocks::Access;
use crate::monitor::ownership::overlap;
use crate::trace::{Entry, Record};

/// One event before another, by the indices of their entries.
///
/// See [`Counterexample`](super::Counterexample) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The one that comes first.
    pub from: usize,
    /// The one that comes after it.
    pub to: usize,
    /// What orders them.
    pub kind: Kind,
}

/// What orders two events.
///
/// See [`Counterexample`](super::Counterexample) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A write to a register, and what the chip does at once.
    Register,
    /// A fence and a register: what was done before, memory included, comes before what is done after.
    Memory,
}

/// All orders that `entries` show, on `machine`.
///
/// See [`Counterexample`](super::Counterexample) for an example.
pub fn orders(entries: &[Entry], machine: Machine) -> Vec<Order> {
    let mut orders = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let order = match &entry.record {
            Record::Captured { .. } => register(entries, index),
            Record::Release { range, fence } if machine.honours(*fence) => start(entries, index, range),
            Record::Acquire { range, fence } | Record::Snapshot { range, fence } if machine.honours(*fence) => {
                end(entries, index, range)
            }
            _ => None,
        };
        orders.extend(order);
    }
    orders
}

/// The write that has brought about the capture at `to`: the event just before it.
fn register(entries: &[Entry], to: usize) -> Option<Order> {
    let from = entries[..to].iter().rposition(|entry| !matches!(entry.record, Record::Levels(_)))?;
    is_write(&entries[from]).then_some(Order { from, to, kind: Kind::Register })
}

/// From the `release` at `from` to the DMA's first access to `range`.
fn start(entries: &[Entry], from: usize, range: &Range<u32>) -> Option<Order> {
    let after = from + 1..entries.len();
    let mut lent = after.take_while(|&index| !is_taken_back(&entries[index], range));
    let to = lent.find(|&index| is_moved(&entries[index], range))?;
    let captured = capture_of(entries, to).filter(|&captured| captured > from)?;
    let is_told = entries[from..captured].iter().any(is_write);
    is_told.then_some(Order { from, to, kind: Kind::Memory })
}

/// From the DMA's last access to `range` to the `acquire` at `to`.
fn end(entries: &[Entry], to: usize, range: &Range<u32>) -> Option<Order> {
    let lent = (0..to).rev().take_while(|&index| !is_lent(&entries[index], range));
    let mut moved = lent.filter(|&index| is_moved(&entries[index], range));
    let from = moved.next()?;
    let ended = end_of(entries, from).filter(|&ended| ended < to)?;
    let is_told = entries[ended..to].iter().any(is_read);
    is_told.then_some(Order { from, to, kind: Kind::Memory })
}

fn is_write(entry: &Entry) -> bool {
    matches!(entry.record, Record::Write { .. } | Record::Poke { .. })
}

fn is_read(entry: &Entry) -> bool {
    matches!(entry.record, Record::Read { .. } | Record::Peek { .. })
}

fn is_lent(entry: &Entry, lent: &Range<u32>) -> bool {
    matches!(&entry.record, Record::Release { range, .. } if overlap(range, lent))
}

fn is_taken_back(entry: &Entry, lent: &Range<u32>) -> bool {
    matches!(&entry.record, Record::Acquire { range, .. } if overlap(range, lent))
}

/// Whether the DMA accesses a byte of `lent`.
fn is_moved(entry: &Entry, lent: &Range<u32>) -> bool {
    match &entry.record {
        Record::Beat { beat, .. } => overlap(&beat.range, lent),
        Record::Item { range, .. } => overlap(range, lent),
        _ => false,
    }
}

/// Where the DMA has taken on the work that the access at `index` is part of.
fn capture_of(entries: &[Entry], index: usize) -> Option<usize> {
    match &entries[index].record {
        Record::Item { site, .. } => entries[..=index].iter().rposition(|entry| is_half_of(entry, *site, Access::Read)),
        _ => entries[..index].iter().rposition(|entry| matches!(entry.record, Record::Captured { .. })),
    }
}

/// Where the DMA has ended the work that the access at `index` is part of.
fn end_of(entries: &[Entry], index: usize) -> Option<usize> {
    let after = &entries[index..];
    let found = match &entries[index].record {
        Record::Item { site, .. } => after.iter().position(|entry| is_half_of(entry, *site, Access::Write)),
        _ => after.iter().position(|entry| matches!(entry.record, Record::Ended { .. })),
    };
    found.map(|offset| index + offset)
}

/// One of the two accesses of the item at `of`.
fn is_half_of(entry: &Entry, of: Site, half: Access) -> bool {
    matches!(&entry.record, Record::Item { site, access, .. } if *site == of && *access == half)
}
