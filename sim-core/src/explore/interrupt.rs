//! The CPU's side of the interrupt line: handler, mask, sleep.
//!
//! The chip asserts its line for as long as an event and its bit of INTEN are 1 ([`Usbd::asserted`]). What the CPU
//! makes of that is the same for all explorers:
//!
//! | the CPU is | and the line is asserted |
//! |---|---|
//! | in the main program | the handler runs, in the middle of it, on the same stack |
//! | in a critical section | nothing: the handler runs after the section |
//! | in the handler | nothing until it returns; if the line is asserted then, it runs again at once |
//! | asleep ([`Board::wait_for_interrupt`](super::Board::wait_for_interrupt)) | it wakes. In a critical section, too |
//!
//! *Modelled*: one handler, of one priority, for one line. The line is a level: nothing is remembered, neither an event
//! that is cleared before the handler has run, nor one that was served before the CPU falls asleep. WFI in a critical
//! section wakes without running the handler, as with PRIMASK set (ARMv7-M B1.5.19): so a program that looks, and
//! sleeps if there is nothing, in one section, misses nothing.
//!
//! *Not modelled*: priorities; other interrupts, which on the chip may wake a CPU that has slept through its own, by
//! luck; the line's pending bit in the NVIC; a second entry because the write that clears an event comes late.
//!
//! *Unspecified; we chose*: how late the handler runs. The chip takes some cycles; here any number of the main
//! program's accesses may come before, unless it waits for something. A handler that returns with the line asserted
//! runs again before the main program goes on (tail-chaining, ARMv7-M B1.5.12).

use std::cell::{Cell, RefCell};
use std::panic::Location;

use crate::device::usbd::names_of;
use crate::monitor::{Misuse, Rule, Site};
use crate::soc::Soc;

/// A handler that sleeps, in words.
pub(super) const SLEEPING_HANDLER: &str =
    "the handler sleeps, and the interrupt that is to wake it waits for the handler to return";

struct Handler {
    run: Box<dyn FnMut()>,
    installed: &'static Location<'static>,
}

/// Handler and mask.
#[derive(Default)]
pub(super) struct Interrupts {
    /// None while it runs, too: it does not interrupt itself.
    handler: RefCell<Option<Handler>>,
    /// How many critical sections the CPU is in.
    sections: Cell<u32>,
    running: Cell<Option<&'static Location<'static>>>,
    /// How often the handler was entered or left.
    switches: Cell<u64>,
}

/// Where the CPU is, as far as it decides whether the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mode {
    has_handler: bool,
    is_running: bool,
    sections: u32,
}

impl Interrupts {
    /// Runs `body`, with `handler` for the line.
    pub fn with_handler<T>(
        &self,
        handler: impl FnMut() + 'static,
        installed: &'static Location<'static>,
        body: impl FnOnce() -> T,
    ) -> T {
        let is_free = self.handler.borrow().is_none() && self.running.get().is_none();
        assert!(is_free, "there is one interrupt line, and it has a handler");
        *self.handler.borrow_mut() = Some(Handler { run: Box::new(handler), installed });
        // What the handler keeps is dropped when nobody borrows it any more: it may be a driver, which uses the board.
        let _uninstall = Finally(|| drop(self.handler.take()));
        body()
    }

    /// Runs `body` with the line masked. Sections nest.
    pub fn masked<T>(&self, body: impl FnOnce() -> T) -> T {
        self.mask();
        let _unmask = Finally(|| self.unmask());
        body()
    }

    /// Masks the line, until it is [unmasked](Self::unmask) as often.
    pub fn mask(&self) {
        self.sections.set(self.sections.get() + 1);
    }

    /// Ends the innermost section.
    pub fn unmask(&self) {
        self.sections.set(self.sections.get() - 1);
    }

    /// Whether the handler would run if the line were asserted. A program that is being left runs nothing.
    #[inline]
    pub fn can_run(&self) -> bool {
        self.handler.borrow().is_some() && self.sections.get() == 0 && !std::thread::panicking()
    }

    /// Whether the CPU is in the handler.
    pub fn is_running(&self) -> bool {
        self.running.get().is_some()
    }

    /// How often the handler was entered or left: what it shares with the main program may have changed.
    pub fn switches(&self) -> u64 {
        self.switches.get()
    }

    /// Where the CPU is.
    pub fn mode(&self) -> Mode {
        let has_handler = self.handler.borrow().is_some();
        Mode { has_handler, is_running: self.is_running(), sections: self.sections.get() }
    }

    /// Runs the handler, if it can run.
    pub fn run(&self) {
        if !self.can_run() {
            return;
        }
        let Some(mut handler) = self.handler.take() else {
            return;
        };
        let switch = || self.switches.set(self.switches.get() + 1);
        switch();
        self.running.set(Some(handler.installed));
        let leave = Finally(|| {
            self.running.set(None);
            switch();
        });
        (handler.run)();
        drop(leave);
        *self.handler.borrow_mut() = Some(handler);
    }

    /// The handler returns again and again, and the line is asserted still. On silicon that goes on for ever: if it
    /// does not end the run as a violation, it is a deadlock.
    pub fn storm(&self, soc: &Soc, times: &str) -> (Misuse, Site) {
        let site = self.handler.borrow().as_ref().map_or_else(Location::caller, |handler| handler.installed);
        let what = format!(
            "the handler has run {times}, and each time returned with {} set and enabled, while nothing else could \
             happen: clear the event or the flag, or what enables it, before the handler returns",
            soc.asserted().join(" and ")
        );
        (Misuse::new(Rule::InterruptStorm, what), Site::Cpu(site))
    }
}

/// What a firmware that sleeps waits for.
pub(super) fn sleeper(soc: &Soc) -> String {
    let usbd = soc.usbd();
    let names = |events, between: &str| names_of(events).collect::<Vec<_>>().join(between);
    if soc.stm32f103().is_some() {
        return "the firmware sleeps until a channel or a USART asserts its interrupt line".to_owned();
    }
    let mut text = match usbd.inten() {
        0 => "the firmware sleeps, and INTEN enables no event to wake it".to_owned(),
        enabled => format!("the firmware sleeps until {}", names(enabled, " or ")),
    };
    let unheard = usbd.events() & !usbd.inten();
    if unheard != 0 {
        text.push_str(&format!(" (set, and not enabled: {})", names(unheard, ", ")));
    }
    text
}

/// Does something when it is dropped: at the end of a scope, and when a panic leaves it.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
pub(crate) mod tests;
