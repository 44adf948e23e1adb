//! An STM32's transfers as a whole, for `explore::model`.
//!
//! loom has no time for items.

use dma_api::address::{Direction, Region};

use super::*;
use crate::device::stm32f103::Place;

/// What a channel does in one turn: a transfer, or half a lap of a circular one.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    /// The controller's index.
    pub controller: usize,
    /// The channel's index.
    pub channel: usize,
    /// The memory.
    pub range: Range<u32>,
    /// What happens to it.
    pub access: Access,
    /// The first item.
    pub site: Site,
    /// How many items there are.
    items: u32,
}

impl Soc {
    /// The channels, by controller and index, that are enabled with items left.
    pub(crate) fn running_channels(&self) -> Vec<(usize, usize)> {
        let Some(chip) = self.stm32f103() else {
            return Vec::new();
        };
        let running =
            |controller: usize| chip.dma(controller).running().into_iter().map(move |channel| (controller, channel));
        (0..2).flat_map(running).collect()
    }

    /// The channel that a write of `value` to the register at `address` stops, if it runs.
    pub(crate) fn stopped_by(&self, address: u32, value: u32) -> Option<(usize, usize)> {
        let Some(Place::Dma(controller, offset)) = self.place_of(address) else {
            return None;
        };
        let channel = self.stm32f103()?.dma(controller).disabled_by(offset, value)?;
        Some((controller, channel))
    }

    /// The turns of the channels that run now, and did not run `before`.
    pub(crate) fn turns_since(&self, before: &[(usize, usize)]) -> Vec<Items> {
        let started = self.running_channels().into_iter().filter(|channel| !before.contains(channel));
        started.flat_map(|(controller, channel)| self.turns(controller, channel)).collect()
    }

    /// The turn of a running channel in which it reads `region`.
    pub(crate) fn turn_of(&self, region: Region) -> Option<Items> {
        let range = self.memory.part(region, Direction::MemoryToDevice)?;
        let mut turns = self.turns_since(&[]).into_iter();
        turns.find(|turn| turn.access == Access::Read && turn.range == range)
    }

    /// How many items a lap of this channel has, if it reads memory and begins again at its end.
    pub(crate) fn sends_for_ever(&self, controller: usize, channel: usize) -> Option<u32> {
        let plan = self.stm32f103()?.dma(controller).plan(channel)?;
        (plan.is_circular && !plan.writes).then_some(plan.items)
    }

    /// How many items the laps of those have that run, together.
    pub(crate) fn laps_without_end(&self) -> u32 {
        let running = self.running_channels().into_iter();
        running.filter_map(|(controller, channel)| self.sends_for_ever(controller, channel)).sum()
    }

    /// Whether the item that a controller begins or ends next is of such a channel.
    pub(crate) fn is_next_without_end(&self, controller: u8) -> bool {
        let controller = controller.into();
        let item = self.stm32f103().and_then(|chip| chip.dma(controller).in_flight().or_else(|| chip.next(controller)));
        item.is_some_and(|item| self.sends_for_ever(controller, item.channel).is_some())
    }

    fn turns(&self, controller: usize, channel: usize) -> Vec<Items> {
        let Some(plan) = self.stm32f103().and_then(|chip| chip.dma(controller).plan(channel)) else {
            return Vec::new();
        };
        let access = if plan.writes { Access::Write } else { Access::Read };
        let turn = |range: Range<u32>, first: u32, items: u32| {
            let site = Site::Channel { controller: controller + 1, channel: channel + 1, item: first };
            Items { controller, channel, range, access, site, items }
        };
        let Range { start, end } = plan.memory;
        if !plan.is_circular {
            return vec![turn(start..end, 0, plan.items)];
        }
        let (middle, half) = (start + (end - start) / 2, plan.items / 2);
        vec![turn(start..middle, 0, half), turn(middle..end, half, plan.items - half)]
    }

    /// A channel moves all items of its turn, and the wire all frames that they need or make. One that was stopped
    /// moves none.
    pub(crate) fn move_items(&mut self, turn: &Items) {
        let &Items { controller, channel, items, .. } = turn;
        for _ in 0..items {
            self.feed_receiver(controller, channel);
            // An item is a read and a write.
            for _ in 0..2 {
                let chip = self.stm32f103();
                let is_its_turn = chip.is_some_and(|chip| chip.is_next(controller, channel));
                if is_its_turn && let Ok(controller) = u8::try_from(controller) {
                    self.dma_step(controller);
                }
            }
            let frames: Vec<_> = self.wire_steps().collect();
            frames.into_iter().for_each(|usart| self.wire_step(usart));
        }
    }

    /// The peer sends what the channel is to receive: frame after frame, from 1 on.
    fn feed_receiver(&mut self, controller: usize, channel: usize) {
        let usart = self.stm32f103().and_then(|chip| chip.receiver_of(controller, channel));
        if let Some(usart) = usart {
            self.fed += 1;
            self.serial_send(usart, self.fed, None);
        }
    }
}
