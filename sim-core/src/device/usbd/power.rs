//! ENABLE and LOWPOWER: when the USB core is up, and when its registers are in reach.
//!
//! | state | the core's registers | the wire |
//! |---|---|---|
//! | off: ENABLE=0 | out of reach | no device |
//! | stuck: ENABLE=1 without a workaround that the silicon needs | out of reach | no device |
//! | starting: until READY, which VBUS is needed for | out of reach | no device |
//! | ready | in reach | answers, while USBPULLUP=1, fed with all it needs, and the bus is not suspended |
//! | asleep: LOWPOWER=1 | out of reach | no answer |
//! | waking: LOWPOWER=0 again, until USBWUALLOWED | in reach | no answer |

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Power {
    Off,
    Stuck,
    Starting,
    Ready,
    Asleep,
    Waking,
}

impl Usbd {
    /// Whether the core is on its way up: READY after ENABLE=1, or USBWUALLOWED after LOWPOWER=0, is still to come.
    pub fn is_powering_up(&self) -> bool {
        match self.power {
            Power::Starting => self.feed.vbus == Rail::On,
            // A host that has resumed the bus has woken the core as well.
            Power::Waking => !self.is_suspended() || !self.suffers_from(Erratum::E171),
            Power::Off | Power::Stuck | Power::Ready | Power::Asleep => false,
        }
    }

    /// Ends the power-up: READY, or USBWUALLOWED.
    pub fn power_up_done(&mut self) {
        if !self.is_powering_up() {
            return;
        }
        let starting = self.power == Power::Starting;
        let cause = if starting { map::eventcause::READY } else { map::eventcause::USBWUALLOWED };
        self.power = if self.lowpower == 0 { Power::Ready } else { Power::Asleep };
        self.signal_cause(cause);
    }

    pub(super) fn on_enable(&mut self, value: u32) {
        match (self.enable, value) {
            (0, 1) => {
                self.report(rules::check_vbus(self));
                let stuck = self.report(rules::check_enable(self));
                self.power = if stuck { Power::Stuck } else { Power::Starting };
            }
            (1, 0) => {
                self.report(rules::check_power_down(self));
                let astray = self.report(rules::check_odd_bytes(self)) || self.astray;
                // ENABLE=0 resets the core; what software has configured outside of it stays.
                let Self { inten, shorts, epin, epout, jobs, outside, feed, .. } = *self;
                let misuse = std::mem::take(&mut self.misuse);
                let off = Self::new(*self.options);
                *self = Self { inten, shorts, epin, epout, jobs, outside, feed, misuse, astray, ..off };
            }
            _ => {}
        }
        self.enable = value;
    }

    /// USBPULLUP.
    pub(super) fn on_usbpullup(&mut self, value: u32) {
        if value > self.usbpullup {
            self.report(rules::check_output(self));
            self.report(rules::check_crystal(self));
        }
        self.usbpullup = value;
    }

    /// LOWPOWER. A transfer that is under way never ends (Nordic, in Zephyr PR #81596).
    pub(super) fn on_lowpower(&mut self, value: u32) {
        self.lowpower = value;
        match (self.power, value) {
            (Power::Ready | Power::Waking, 1) => {
                self.report(rules::check_low_power(self));
                self.power = Power::Asleep;
                self.job = None;
            }
            (Power::Asleep, 0) => self.power = Power::Waking,
            _ => {}
        }
    }
}
