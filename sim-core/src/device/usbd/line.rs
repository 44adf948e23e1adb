//! D+ and D-: connection, bus reset, suspend, resume, remote wake-up, frames.

use super::*;
use crate::device::usbd::power::Power;

/// What the device forces the lines to.
///
/// See [`Usbd`](super::Usbd) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Drive {
    /// Nothing: the USB engine has them.
    #[default]
    Nothing,
    /// K, for as long as the hardware takes it to be right; it lets go by itself.
    Resume,
    /// J, until TASKS_DPDMNODRIVE.
    J,
    /// K, until TASKS_DPDMNODRIVE.
    K,
}

/// The state of the lines, as the chip sees it.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Line {
    suspended: bool,
    drive: Drive,
}

impl Usbd {
    /// Whether a host sees a device: powered and pulled up.
    pub fn is_connected(&self) -> bool {
        let pulled_up = self.usbpullup != 0 && self.feed.output == Rail::On;
        !matches!(self.power, Power::Off | Power::Stuck | Power::Starting) && pulled_up
    }

    /// Whether the device takes part in what goes over the bus: connected, clocked, awake, and not suspended.
    pub fn is_active(&self) -> bool {
        let drives = matches!(self.line.drive, Drive::J | Drive::K);
        let awake = self.power == Power::Ready && self.feed.crystal;
        self.is_connected() && awake && !self.line.suspended && !drives
    }

    /// Whether the bus is suspended, for this device.
    pub fn is_suspended(&self) -> bool {
        self.line.suspended
    }

    /// What the device forces the lines to.
    pub fn drive(&self) -> Drive {
        self.line.drive
    }

    /// Whether the device asks for a resume: K on a suspended bus. A host answers with [`Usbd::resume`].
    pub fn is_driving_resume(&self) -> bool {
        self.is_connected() && self.line.suspended && matches!(self.line.drive, Drive::Resume | Drive::K)
    }

    /// The host resets the bus. Nothing happens to a device that is not connected.
    pub fn bus_reset(&mut self) {
        if !self.is_connected() {
            return;
        }
        self.line.suspended = false;
        self.usbaddr = 0;
        self.epinen = 1;
        self.epouten = 1;
        if self.options.end_on_reset == EndOnReset::Never {
            self.job = None;
        }
        self.signal(map::events_usbreset());
    }

    /// The bus has been idle for 3 ms: SUSPEND.
    pub fn suspend(&mut self) {
        if self.is_connected() && !self.line.suspended {
            self.line.suspended = true;
            self.signal_cause(map::eventcause::SUSPEND);
        }
    }

    /// The host resumes the bus: RESUME, unless the device has asked for it (no event follows one's own wake-up).
    pub fn resume(&mut self) {
        if !self.is_connected() || !self.line.suspended {
            return;
        }
        let own = self.is_driving_resume();
        self.line.suspended = false;
        if own {
            if self.line.drive == Drive::Resume {
                self.line.drive = Drive::Nothing;
            }
        } else {
            self.signal_cause(map::eventcause::RESUME);
        }
    }

    /// A start of frame, with its number (modulo 2048). On a suspended bus it is the activity that ends the suspension.
    pub fn start_of_frame(&mut self, frame: u16) {
        if self.line.suspended && self.suffers_from(Erratum::E211) {
            return;
        }
        self.resume();
        if self.is_active() {
            self.swap_iso();
            self.framecntr = u32::from(frame) & map::framecntr::FRAMECNTR.mask();
            self.signal(map::events_sof());
        }
    }

    /// TASKS_DPDMDRIVE: looks at DPDMVALUE, once.
    pub(super) fn on_tasks_dpdmdrive(&mut self) {
        if self.report(rules::check_drive(self)) {
            return;
        }
        self.line.drive = match self.dpdmvalue {
            // The hardware times it; on a bus that is not suspended it is over at once.
            1 if self.line.suspended => Drive::Resume,
            2 => Drive::J,
            4 => Drive::K,
            _ => Drive::Nothing,
        };
    }

    /// TASKS_DPDMNODRIVE.
    pub(super) fn on_tasks_dpdmnodrive(&mut self) {
        self.line.drive = Drive::Nothing;
    }
}
