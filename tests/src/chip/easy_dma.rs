//! EasyDMA: one transfer at a time, byte by byte.

use dma_api::nrf52840::usbd::map;

use super::State;

/// A transfer between START and END.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    address: u32,
    left: u32,
    /// The END event.
    end: u16,
    to_host: bool,
}

impl State {
    pub(super) fn write_usbd(&mut self, offset: u16, value: u32) {
        let to_host = (0..8).find(|n| offset == map::tasks_startepin(*n));
        let from_host = (0..8).find(|n| offset == map::tasks_startepout(*n));
        if let Some(n) = to_host {
            self.begin(map::epin_ptr(n), map::epin_maxcnt(n), map::events_endepin(n), true);
        } else if let Some(n) = from_host {
            self.begin(map::epout_ptr(n), map::epout_maxcnt(n), map::events_endepout(n), false);
        } else if offset == map::tasks_startisoin() {
            self.begin(map::isoin_ptr(), map::isoin_maxcnt(), map::events_endisoin(), true);
        } else {
            self.set(map::BASE + usize::from(offset), value);
        }
    }

    fn begin(&mut self, ptr: u16, maxcnt: u16, end: u16, to_host: bool) {
        let [address, left] = [ptr, maxcnt].map(|offset| self.get(map::BASE + usize::from(offset)));
        self.running = Some(Running { address, left, end, to_host });
    }

    /// Moves a byte of the transfer that runs, or ends it.
    pub(super) fn step_easy_dma(&mut self) -> bool {
        let Some(running) = self.running.as_mut() else { return false };
        if running.left == 0 {
            let end = running.end;
            self.running = None;
            self.set(map::BASE + usize::from(end), 1);
            return true;
        }
        self.memory.move_byte(running.address, running.to_host);
        running.address += 1;
        running.left -= 1;
        true
    }
}
