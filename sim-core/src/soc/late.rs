//! Words that a flag tells of, and that are not in memory yet.
//!
//! Each controller has room for one: EasyDMA, DMA1, DMA2. It lands by a step of its own, or before that controller's
//! next write, or by a read that pushes it; or never, if the memory is taken back before.

use dma_api::address::{BusAddress, Direction};
use dma_api::nrf52840::usbd::map as usbd;
use dma_api::stm32f103::dma::map as stm32;

use super::*;
use crate::device::stm32f103::dma::Item;
use crate::device::stm32f103::{Place, place_of};
use crate::engine::Beat;
use crate::quirks::Completion;

/// A word on its way.
#[derive(Clone, Debug, Hash)]
pub(super) struct Late {
    /// Whose it is: EasyDMA's, DMA1's, DMA2's.
    controller: u8,
    range: Range<u32>,
    bytes: Vec<u8>,
    site: Site,
}

/// EasyDMA among the controllers.
const EASYDMA: u8 = 0;

/// The DMA controller with this index among them.
fn number_of(controller: usize) -> u8 {
    u8::try_from(controller + 1).expect("there are two")
}

impl Soc {
    /// Whether flags come early: then the engine's last word is no step like the others.
    pub(crate) fn completes_early(&self) -> bool {
        self.quirks.completion.is_early()
    }

    /// The controllers whose word can land.
    pub(crate) fn late_steps(&self) -> impl Iterator<Item = u8> + use<'_> {
        self.late.iter().map(|late| late.controller)
    }

    /// Where words are to land.
    pub(super) fn late_ranges(&self) -> impl Iterator<Item = Range<u32>> + use<'_> {
        self.late.iter().map(|late| late.range.clone())
    }

    /// The word of a controller lands, if it has one on its way.
    pub(crate) fn land(&mut self, controller: u8) {
        let Some(index) = self.late.iter().position(|late| late.controller == controller) else {
            return;
        };
        let Late { range, bytes, site, .. } = self.late.remove(index);
        self.generation += 1;
        self.trace.note(None, || Record::Landed { site, range: range.clone(), bytes: bytes.as_slice().into() });
        let view = self.memory.view(BusAddress::new(range.start), bytes.len(), Direction::DeviceToMemory);
        let Ok(view) = view else {
            return;
        };
        view.write(0, &bytes);
        self.delivered = hash((self.delivered, &range, &bytes));
        self.dma_accessed(&range, Access::Write, site);
        let race = self.ownership.dma_access(range, Access::Write, site);
        // What registers tell from now on comes after it.
        self.ownership.job_ended();
        self.report(race, site);
    }

    /// All words that are on their way land.
    pub(super) fn land_all(&mut self) {
        while let Some(controller) = self.late.first().map(|late| late.controller) {
            self.land(controller);
        }
    }

    fn hold_back(&mut self, late: Late) {
        self.land(late.controller);
        let (site, range) = (late.site, late.range.clone());
        self.trace.note(None, || Record::HeldBack { site, range });
        self.late.push(late);
    }

    /// Ends the engine's transfer with its last word on its way. `false`: that is not what comes next.
    pub(super) fn end_copy_early(&mut self) -> bool {
        let is_next = |copy: &mut Copy| copy.access() == Access::Write && !copy.is_blind() && copy.beats_left() == 1;
        let Some(mut copy) = self.copy.take_if(|copy| self.quirks.completion.is_early() && is_next(copy)) else {
            return false;
        };
        if let Some(Beat { range, site, .. }) = copy.next() {
            let bytes = copy.skip().to_vec();
            self.hold_back(Late { controller: EASYDMA, range, bytes, site });
        }
        self.end_copy(&copy);
        true
    }

    /// Before EasyDMA writes: the word that it has on its way lands.
    pub(super) fn land_before_beat(&mut self) {
        if !self.late.is_empty() && self.copy.as_ref().is_some_and(|copy| copy.access() == Access::Write) {
            self.land(EASYDMA);
        }
    }

    /// The value of `item` is on its way, and the item counts as done. `false`: it is to be written before.
    pub(super) fn hold_back_item(&mut self, controller: usize, item: Item, value: u32, site: Site) -> bool {
        let range = item.destination.range();
        if place_of(range.start).is_some() {
            return false;
        }
        if self.completes_early() {
            self.land(number_of(controller));
        }
        let dma = self.stm32f103().map(|chip| chip.dma(controller));
        if !self.completes_early() || dma.is_none_or(|dma| dma.is_draining() || !dma.is_told_of(item)) {
            return false;
        }
        let bytes = value.to_le_bytes()[..range.len()].to_vec();
        if self.memory.view(BusAddress::new(range.start), bytes.len(), Direction::DeviceToMemory).is_err() {
            return false;
        }
        self.hold_back(Late { controller: number_of(controller), range, bytes, site });
        true
    }

    /// The CPU reads a register of USBD.
    #[inline]
    pub(super) fn push_by_usbd(&mut self, offset: u16) {
        if !self.late.is_empty() && self.quirks.completion == Completion::BeforeDataUntilRead && !tells_of_usbd(offset)
        {
            self.land(EASYDMA);
        }
    }

    /// The CPU reads a register of an STM32F103.
    pub(super) fn push_by_place(&mut self, place: Place) {
        if let Place::Dma(controller, offset) = place
            && self.quirks.completion == Completion::BeforeDataUntilRead
            && !tells_of_items(offset)
        {
            self.land(number_of(controller));
        }
    }

    /// A word that is on its way into `range`.
    pub(super) fn late_in(&self, range: &Range<u32>) -> Option<Misuse> {
        let late = self.late.iter().find(|late| overlap(&late.range, range))?;
        Some(check_looked_at_before_data(late.range.clone(), late.site))
    }

    /// `region` is taken back: what is on its way there does not land any more.
    pub(super) fn revoke_late(&mut self, region: Region) -> Option<Misuse> {
        let is_lent = |late: &mut Late| self.memory.lent(region).any(|range| overlap(&late.range, &range));
        let revoked = self.late.extract_if(.., is_lent);
        // One of a controller, and one window of a region: more than one is somebody else's finding.
        revoked.last().map(|Late { range, site, .. }| check_acquired_before_data(range, site))
    }
}

/// Whether the register of USBD tells of a transfer's end.
fn tells_of_usbd(offset: u16) -> bool {
    let is_event = (usbd::events_usbreset()..usbd::shorts()).contains(&offset);
    let mut amounts = (0..8).map(usbd::epout_amount).chain([usbd::isoout_amount()]);
    is_event || amounts.any(|amount| amount == offset)
}

/// Whether the register of a DMA controller tells of items.
fn tells_of_items(offset: u16) -> bool {
    offset == stm32::isr() || (0..7).any(|channel| offset == stm32::cndtr(channel))
}

const BEFORE_DATA: &str = "the flag stands, and the last bytes are not in memory yet: this device's flags come early. Read a \
                           register back that pushes them, if it has one, or wait for something else than the flag";

/// A flag was trusted, and the buffer taken back before its last word was written.
fn check_acquired_before_data(range: Range<u32>, site: Site) -> Misuse {
    let what = format!("the buffer is taken back too early: {BEFORE_DATA}");
    Misuse { range: Some(range), other: Some(site), ..Misuse::new(Rule::AcquiredInFlight, what) }
}

/// A flag was trusted, and what it tells of was looked at before it was written.
fn check_looked_at_before_data(range: Range<u32>, site: Site) -> Misuse {
    let what = format!("the CPU finds old bytes: {BEFORE_DATA}");
    Misuse { range: Some(range), other: Some(site), ..Misuse::new(Rule::CpuAccessInFlight, what) }
}
