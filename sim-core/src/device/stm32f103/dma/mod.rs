//! A DMA controller: channels, arbitration item by item, flags.
//!
//! | channel | what it does |
//! |---|---|
//! | EN=0 | nothing; it can be configured |
//! | EN=1, items left | an item for each request, or (MEM2MEM) one after the other |
//! | EN=1, none left | nothing: EN stays 1, requests are not served |
//! | EN=1, an access has failed | TEIF, and EN=0 by itself |
//!
//! An item is two accesses, a read and a write, and others may do something in between: an EN=0 then comes too late for
//! the write. The channel with the highest PL goes first, among equals the one with the lowest number; what is chosen
//! is chosen anew for each item.
//!
//! *Modelled*: all bits of CCR, CNDTR, CPAR, CMAR, ISR, IFCR; widths that differ; circular mode; transfer errors; an
//! EN=0 in the middle of an item. *Not modelled*: how long an item takes.
//!
//! *Unspecified; we chose*: HTIF comes when CNDTR is half of what was written to it last, rounded down (as Renode has
//! it); EN=1 begins at CPAR and CMAR again, and goes on from the CNDTR that is there; a lap of circular mode is as long
//! as what was written to CNDTR last; writes of CPAR and CMAR with EN=1 are lost, as those of CNDTR are; a read of a
//! register of the controller waits for the item in flight of a channel that is disabled (`Soc::cpu_peek` does it), so
//! that a driver can wait for it.

use std::cmp::Reverse;
use std::ops::Range;

use dma_api::stm32f103::dma::map::{GIF, HTIF, Name, REGISTERS, TCIF, TEIF, ccr};
use dma_api::table::Register;

use super::rules;
use crate::monitor::Misuse;
use crate::monitor::ownership::overlap;

/// A width of accesses.
///
/// See [`Dma`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    HalfWord,
    /// 32 bits.
    Word,
}

impl Width {
    /// From PSIZE or MSIZE; `None` for the reserved value.
    fn from_size(size: u32) -> Option<Self> {
        [Self::Byte, Self::HalfWord, Self::Word].get(size as usize).copied()
    }

    /// In bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::HalfWord => 2,
            Self::Word => 4,
        }
    }
}

/// One access on the bus. The low bits of the address that the width has no use for are 0.
///
/// See [`Dma`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Where.
    pub address: u32,
    /// How wide.
    pub width: Width,
}

impl Access {
    fn new(address: u32, width: Width) -> Self {
        Self { address: address & !(width.bytes() - 1), width }
    }

    /// The addresses.
    pub fn range(self) -> Range<u32> {
        self.address..self.address.saturating_add(self.width.bytes())
    }
}

/// What is to be moved next: read, then written.
///
/// See [`Dma`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// The channel's index, from 0.
    pub channel: usize,
    /// How many items of this transfer came before it.
    pub number: u32,
    /// Which transfer of the channel it belongs to, counted from EN=1 to EN=1.
    pub transfer: u32,
    /// Where it comes from.
    pub source: Access,
    /// Where it goes.
    pub destination: Access,
}

/// What a channel is to do.
///
/// See [`Dma`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The memory that it accesses, on the side of CMAR.
    pub memory: Range<u32>,
    /// Whether it writes there.
    pub writes: bool,
    /// How many items are left.
    pub items: u32,
    /// Whether it begins anew after them.
    pub is_circular: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel {
    ccr: u32,
    cndtr: u32,
    cpar: u32,
    cmar: u32,
    /// What CNDTR goes back to in circular mode.
    reload: u32,
    /// Items moved since EN=1, or since the lap began.
    moved: u32,
    /// How often EN has gone to 1.
    transfers: u32,
}

impl Channel {
    fn is_enabled(&self) -> bool {
        ccr::EN.is_set(self.ccr)
    }

    fn is_circular(&self) -> bool {
        ccr::CIRC.is_set(self.ccr)
    }

    /// The item that is next. `None` if there is no such mode.
    fn item(&self, index: usize) -> Option<Item> {
        let side = |base: u32, size, increments: bool| {
            let width = Width::from_size(size)?;
            let step = if increments { self.moved.wrapping_mul(width.bytes()) } else { 0 };
            Some(Access::new(base.wrapping_add(step), width))
        };
        if ccr::MEM2MEM.is_set(self.ccr) && self.is_circular() {
            return None;
        }
        let peripheral = side(self.cpar, ccr::PSIZE.get(self.ccr), ccr::PINC.is_set(self.ccr))?;
        let memory = side(self.cmar, ccr::MSIZE.get(self.ccr), ccr::MINC.is_set(self.ccr))?;
        let (source, destination) = if ccr::DIR.is_set(self.ccr) { (memory, peripheral) } else { (peripheral, memory) };
        Some(Item { channel: index, number: self.moved, transfer: self.transfers, source, destination })
    }
}

impl Channel {
    /// What the channel is still to read, and to write. `None` if there is no such mode.
    fn ranges_left(&self) -> Option<[Range<u32>; 2]> {
        let side = |base: u32, size, increments: bool| {
            let width = Width::from_size(size)?.bytes();
            let items =
                if self.is_circular() { 0..self.reload } else { self.moved..self.moved.saturating_add(self.cndtr) };
            let items = if increments { items } else { 0..1 };
            let at = |item: u32| base.wrapping_add(item.wrapping_mul(width));
            Some(at(items.start)..at(items.end))
        };
        let peripheral = side(self.cpar, ccr::PSIZE.get(self.ccr), ccr::PINC.is_set(self.ccr))?;
        let memory = side(self.cmar, ccr::MSIZE.get(self.ccr), ccr::MINC.is_set(self.ccr))?;
        Some(if ccr::DIR.is_set(self.ccr) { [memory, peripheral] } else { [peripheral, memory] })
    }
}

/// A controller.
///
/// ```
/// # use dma_api::stm32f103::dma::map;
/// # use sim_core::device::stm32f103::dma::{Dma, name_of};
/// let mut dma = Dma::new(0, 7);
/// dma.write(map::cndtr(4 - 1), 3);
/// dma.write(map::ccr(4 - 1), map::ccr::DIR.mask() | map::ccr::EN.mask());
/// assert!(dma.is_busy() && dma.next(0).is_none(), "nobody asks for an item");
/// assert_eq!(dma.next(1 << 3).unwrap().channel, 3);
/// assert_eq!(name_of(map::ccr(3)), "CCR4");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dma {
    /// Its index, from 0.
    controller: usize,
    channels: Vec<Channel>,
    flags: u32,
    /// The item whose source was read.
    in_flight: Option<Item>,
    misuse: Vec<Misuse>,
}

/// The row of the register at `offset`, and its channel's index.
pub(crate) fn row_of(offset: u16) -> Option<(&'static Register<Name>, usize)> {
    REGISTERS.iter().find_map(|row| {
        let distance = offset.checked_sub(row.offset)?;
        let index = distance / row.stride;
        (distance % row.stride == 0 && index < row.count).then_some((row, usize::from(index)))
    })
}

/// The manual's name of the register at `offset`, with its channel: `CNDTR5`.
///
/// See [`Dma`] for an example.
pub fn name_of(offset: u16) -> String {
    match row_of(offset) {
        None => format!("{offset:#05x}"),
        Some((row, _)) if row.count == 1 => row.text.to_owned(),
        Some((row, index)) => format!("{}{}", row.text, index + 1),
    }
}

impl Dma {
    /// The controller with this index (from 0) and this many channels, out of reset.
    pub fn new(controller: usize, channels: usize) -> Self {
        Self { controller, channels: vec![Channel::default(); channels], flags: 0, in_flight: None, misuse: Vec::new() }
    }

    /// Reads the register at `offset`.
    pub fn read(&mut self, offset: u16) -> u32 {
        let Some((row, index)) = self.row(offset) else {
            return 0;
        };
        match row.name {
            Name::ISR => self.flags,
            Name::IFCR => 0,
            Name::CCR => self.channels[index].ccr,
            Name::CNDTR => self.channels[index].cndtr,
            Name::CPAR => self.channels[index].cpar,
            Name::CMAR => self.channels[index].cmar,
        }
    }

    /// Writes the register at `offset`. Takes effect at once.
    pub fn write(&mut self, offset: u16, value: u32) {
        let Some((row, index)) = self.row(offset) else {
            return;
        };
        let value = value & row.mask();
        if let Name::CCR = row.name {
            return self.write_ccr(index, value);
        }
        if let Name::IFCR = row.name {
            return self.clear(value);
        }
        let is_enabled = row.name != Name::ISR && self.channels[index].is_enabled();
        if let Some(misuse) = rules::check_written_while_enabled(&self.name_of(index), row.text, is_enabled) {
            return self.misuse.push(misuse);
        }
        let channel = &mut self.channels[index];
        match row.name {
            Name::CNDTR => (channel.cndtr, channel.reload) = (value, value),
            Name::CPAR => channel.cpar = value,
            Name::CMAR => channel.cmar = value,
            Name::ISR | Name::IFCR | Name::CCR => {}
        }
    }

    fn row(&mut self, offset: u16) -> Option<(&'static Register<Name>, usize)> {
        let found = row_of(offset).filter(|(_, index)| *index < self.channels.len());
        if found.is_none() {
            self.misuse
                .push(rules::unknown_register(&format!("at offset {offset:#05x} of DMA{}", self.controller + 1)));
        }
        found
    }

    fn name_of(&self, index: usize) -> String {
        rules::channel_name(self.controller, index)
    }

    fn write_ccr(&mut self, index: usize, value: u32) {
        let before = self.channels[index];
        let stays = before.is_enabled() && ccr::EN.is_set(value);
        let changes = stays && (before.ccr ^ value) & !rules::free_bits() != 0;
        self.misuse.extend(rules::check_written_while_enabled(&self.name_of(index), "CCR", changes));
        self.channels[index].ccr = value;
        if !before.is_enabled() && ccr::EN.is_set(value) {
            self.enable(index);
        }
    }

    /// EN goes to 1.
    fn enable(&mut self, index: usize) {
        let channel = &mut self.channels[index];
        channel.moved = 0;
        channel.transfers = channel.transfers.wrapping_add(1);
        let (channel, name) = (*channel, self.name_of(index));
        let [psize, msize] = [ccr::PSIZE, ccr::MSIZE].map(|size| Width::from_size(size.get(channel.ccr)));
        self.misuse.extend(rules::check_mode(&name, channel.item(index).is_some()));
        self.misuse.extend(rules::check_transfer_error_seen(&name, self.flags_of(index) & TEIF != 0));
        self.misuse.extend(rules::check_not_empty(&name, channel.cndtr));
        self.misuse.extend(rules::check_aligned(&name, "CPAR", channel.cpar, psize));
        self.misuse.extend(rules::check_aligned(&name, "CMAR", channel.cmar, msize));
    }

    /// IFCR: a flag is cleared by its bit, all four by GIF's.
    fn clear(&mut self, value: u32) {
        for index in 0..self.channels.len() {
            let bits = value >> Self::shift(index) & 0xF;
            let cleared = if bits & GIF != 0 { 0xF } else { bits };
            self.flags &= !(cleared << Self::shift(index));
            self.update_gif(index);
        }
    }

    fn shift(index: usize) -> u32 {
        4 * u32::try_from(index).expect("a controller has seven channels at most")
    }

    fn flags_of(&self, index: usize) -> u32 {
        self.flags >> Self::shift(index) & 0xF
    }

    fn raise(&mut self, index: usize, flags: u32) {
        self.flags |= flags << Self::shift(index);
        self.update_gif(index);
    }

    /// GIF is any of the other three.
    fn update_gif(&mut self, index: usize) {
        let any = self.flags_of(index) & !GIF != 0;
        let gif = GIF << Self::shift(index);
        self.flags = if any { self.flags | gif } else { self.flags & !gif };
    }

    /// Which channels assert their interrupt lines, a bit each.
    pub fn interrupts(&self) -> u32 {
        let asserted = |index: usize| {
            let ccr = self.channels[index].ccr;
            let enabled = [(ccr::TCIE, TCIF), (ccr::HTIE, HTIF), (ccr::TEIE, TEIF)];
            enabled.iter().any(|(enable, flag)| enable.is_set(ccr) && self.flags_of(index) & flag != 0)
        };
        (0..self.channels.len()).fold(0, |lines, index| lines | u32::from(asserted(index)) << index)
    }

    /// The item that is moved next, where the channels in `requests` (a bit each) are asked for one. An item in flight
    /// is none.
    pub fn next(&self, requests: u32) -> Option<Item> {
        let waiting = self.channels.iter().enumerate().filter_map(|(index, channel)| {
            let is_asked = ccr::MEM2MEM.is_set(channel.ccr) || requests & 1 << index != 0;
            let item = channel.item(index).filter(|_| channel.is_enabled() && channel.cndtr > 0 && is_asked)?;
            Some((ccr::PL.get(channel.ccr), item))
        });
        waiting.min_by_key(|(priority, item)| (Reverse(*priority), item.channel)).map(|(_, item)| item)
    }

    /// The source of `item` was read: what comes next is its end.
    pub fn begin(&mut self, item: Item) {
        self.in_flight = Some(item);
    }

    /// The item whose source was read.
    pub fn in_flight(&self) -> Option<Item> {
        self.in_flight
    }

    /// Whether the item in flight is one of a channel that has been disabled since.
    pub fn is_draining(&self) -> bool {
        self.in_flight.is_some_and(|item| !self.channels[item.channel].is_enabled())
    }

    /// A transfer that may access a byte of `range` from now on (with `writes`: write it), and the item that it is at.
    /// In circular mode that is all that it has ever accessed.
    pub fn user_of(&self, range: &Range<u32>, writes: bool) -> Option<Item> {
        // Its source was read.
        let in_flight = self.in_flight.filter(|item| overlap(&item.destination.range(), range));
        let mut waiting = self.channels.iter().enumerate().filter_map(|(index, channel)| {
            let item = channel.item(index).filter(|_| channel.is_enabled() && channel.cndtr > 0)?;
            let [source, destination] = channel.ranges_left()?;
            let uses = overlap(&destination, range) || !writes && overlap(&source, range);
            uses.then_some(item)
        });
        in_flight.or_else(|| waiting.next())
    }

    /// Whether a channel is enabled, with items left, or an item is in flight.
    pub fn is_busy(&self) -> bool {
        self.busy_channels() != 0
    }

    /// The channels that are enabled, with items left, or that have an item in flight: a bit each.
    pub fn busy_channels(&self) -> u32 {
        let in_flight = self.in_flight.map_or(0, |item| 1 << item.channel);
        self.running().into_iter().fold(in_flight, |channels, index| channels | 1 << index)
    }

    /// The flags of all channels: ISR.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// How many items the channel with this index has left: CNDTR. 0 where there is none.
    pub fn items_left(&self, index: usize) -> u32 {
        self.channels.get(index).map_or(0, |channel| channel.cndtr)
    }

    /// The item in flight has ended: its destination was written, or (`failed`) one of its accesses has failed.
    pub fn end(&mut self, failed: bool) {
        let Some(Item { channel: index, transfer, .. }) = self.in_flight.take() else {
            return;
        };
        let channel = &mut self.channels[index];
        if transfer != channel.transfers {
            // The channel has begun another since: it counts for none.
            return;
        }
        if failed {
            channel.ccr &= !ccr::EN.mask();
            return self.raise(index, TEIF);
        }
        channel.cndtr = channel.cndtr.saturating_sub(1);
        channel.moved += 1;
        let (left, half) = (channel.cndtr, channel.reload / 2);
        if left == 0 && channel.is_circular() {
            (channel.cndtr, channel.moved) = (channel.reload, 0);
        }
        let half = if left == half { HTIF } else { 0 };
        let complete = if left == 0 { TCIF } else { 0 };
        self.raise(index, half | complete);
    }

    /// Whether HTIF or TCIF will be raised at the end of `item`.
    pub fn is_told_of(&self, item: Item) -> bool {
        let Channel { cndtr, reload, transfers, .. } = self.channels[item.channel];
        let left = cndtr.saturating_sub(1);
        item.transfer == transfers && (left == 0 || left == reload / 2)
    }

    /// The channels with EN=1 and items left.
    pub fn running(&self) -> Vec<usize> {
        let channels = self.channels.iter().enumerate();
        channels.filter(|(_, channel)| channel.is_enabled() && channel.cndtr > 0).map(|(index, _)| index).collect()
    }

    /// The channel that is enabled, and that a write of `value` at `offset` disables.
    pub fn disabled_by(&self, offset: u16, value: u32) -> Option<usize> {
        let (_, index) = row_of(offset).filter(|(row, _)| row.name == Name::CCR)?;
        let is_enabled = self.channels.get(index).is_some_and(Channel::is_enabled);
        (is_enabled && !ccr::EN.is_set(value)).then_some(index)
    }

    /// What a channel is to do from here on; of a circular one, a whole lap. `None` if there is no such mode.
    pub fn plan(&self, index: usize) -> Option<Plan> {
        let channel = self.channels.get(index)?;
        let [source, destination] = channel.ranges_left()?;
        let writes = !ccr::DIR.is_set(channel.ccr);
        let memory = if writes { destination } else { source };
        let items = if channel.is_circular() { channel.reload } else { channel.cndtr };
        Some(Plan { memory, writes, items, is_circular: channel.is_circular() })
    }

    /// The channels with EN=1.
    pub fn enabled_channels(&self) -> Vec<usize> {
        (0..self.channels.len()).filter(|&index| self.channels[index].is_enabled()).collect()
    }

    /// Whether the channel needs no request.
    pub fn is_memory_to_memory(&self, channel: usize) -> bool {
        ccr::MEM2MEM.is_set(self.channels[channel].ccr)
    }

    /// Whether something was done wrong since the last `take_misuse`.
    pub fn has_misuse(&self) -> bool {
        !self.misuse.is_empty()
    }

    /// What was done wrong since the last call.
    pub fn take_misuse(&mut self) -> Vec<Misuse> {
        std::mem::take(&mut self.misuse)
    }
}

#[cfg(test)]
mod tests;
