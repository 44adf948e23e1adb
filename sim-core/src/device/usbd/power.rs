//! ENABLE and LOWPOWER: when the USB core is up, and when its registers are in reach.
//!
//! | state | the core's registers | the wire |
//! |---|---|---|
//! | off: ENABLE=0 | out of reach | no device |
//! | starting: until READY | out of reach | no device |
//! | ready | in reach | answers, while USBPULLUP=1 and the bus is not suspended |
//! | asleep: LOWPOWER=1 | out of reach | no answer |
//! | waking: LOWPOWER=0 again, until USBWUALLOWED | in reach | no answer |

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Power {
    Off,
    Starting,
    Ready,
    Asleep,
    Waking,
}

impl Usbd {
    /// Whether the core is on its way up: READY after ENABLE=1, or USBWUALLOWED after LOWPOWER=0, is still to come.
    pub fn is_powering_up(&self) -> bool {
        matches!(self.power, Power::Starting | Power::Waking)
    }

    /// Ends the power-up: READY, or USBWUALLOWED.
    pub fn power_up_done(&mut self) {
        let cause = match self.power {
            Power::Starting => map::eventcause::READY,
            Power::Waking => map::eventcause::USBWUALLOWED,
            Power::Off | Power::Ready | Power::Asleep => return,
        };
        self.power = if self.lowpower == 0 { Power::Ready } else { Power::Asleep };
        self.signal_cause(cause);
    }

    pub(super) fn on_enable(&mut self, value: u32) {
        match (self.enable, value) {
            (0, 1) => self.power = Power::Starting,
            (1, 0) => {
                self.report(rules::check_power_down(self));
                // ENABLE=0 resets the core; what software has configured outside of it stays.
                let (options, inten, shorts) = (self.options, self.inten, self.shorts);
                let (epin, epout, jobs) = (self.epin, self.epout, self.jobs);
                let misuse = std::mem::take(&mut self.misuse);
                *self = Self { inten, shorts, epin, epout, jobs, misuse, ..Self::new(options) };
            }
            _ => {}
        }
        self.enable = value;
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
