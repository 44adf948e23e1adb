//! DMA1's channels: an item at a time, the lowest number first.

use dma_api::stm32f103::dma::map;

use super::State;

impl State {
    pub(super) fn write_dma(&mut self, offset: u16, value: u32) {
        let address = map::DMA1 + usize::from(offset);
        if offset == map::ifcr() {
            let all = (0..7).filter(|n| value >> (4 * n) & map::GIF != 0).fold(0, |all, n| all | 0xF << (4 * n));
            let isr = map::DMA1 + usize::from(map::isr());
            return self.set(isr, self.get(isr) & !(value | all));
        }
        self.set(address, value);
        let Some(n) = (0..7).find(|n| offset == map::ccr(*n)) else { return };
        let lap = map::ccr::EN.is_set(value).then(|| self.of(map::cndtr(n)));
        self.laps[usize::from(n)] = lap;
    }

    /// A register of DMA1.
    fn of(&self, offset: u16) -> u32 {
        self.get(map::DMA1 + usize::from(offset))
    }

    /// Moves an item of the first channel that has one.
    pub(super) fn step_channels(&mut self) -> bool {
        let next = (0..7).find_map(|n| {
            let lap = self.laps[usize::from(n)]?;
            (self.of(map::cndtr(n)) > 0).then_some((n, lap))
        });
        let Some((n, lap)) = next else { return false };
        let (ccr, left) = (self.of(map::ccr(n)), self.of(map::cndtr(n)));
        let size = 1 << map::ccr::MSIZE.get(ccr);
        let item = self.of(map::cmar(n)) + (lap - left) * size;
        for address in item..item + size {
            self.memory.move_byte(address, map::ccr::DIR.is_set(ccr));
        }
        self.count(n, lap, left - 1, map::ccr::CIRC.is_set(ccr));
        true
    }

    /// Channel `n` has `left` items left: its flags, and the next lap.
    fn count(&mut self, n: u16, lap: u32, left: u32, goes_round: bool) {
        let flags = match left {
            0 => map::TCIF | map::GIF,
            _ if left == lap / 2 => map::HTIF | map::GIF,
            _ => 0,
        };
        let isr = self.of(map::isr()) | flags << map::flags_of(n);
        self.set(map::DMA1 + usize::from(map::isr()), isr);
        let left = if left == 0 && goes_round { lap } else { left };
        self.set(map::DMA1 + usize::from(map::cndtr(n)), left);
    }
}
