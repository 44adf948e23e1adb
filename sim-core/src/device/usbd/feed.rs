//! What the controller gets from the rest of the chip: VBUS, the regulator's output, the crystal's clock.

use super::*;

/// A supply, and what the CPU knows of it.
///
/// See [`Power`](crate::device::power::Power), which says it, for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rail {
    /// It is not there, and the CPU could know.
    Off,
    /// It is not there. It was when the CPU looked last: somebody has pulled the cable since.
    Lost,
    /// It is there.
    #[default]
    On,
}

/// What the controller gets. By default all that it needs.
///
/// See [`Power`](crate::device::power::Power), which says it, for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// VBUS.
    pub vbus: Rail,
    /// The output of the USB regulator, which the transceiver and the pull-up live on.
    pub output: Rail,
    /// HFXO runs.
    pub crystal: bool,
}

impl Default for Feed {
    fn default() -> Self {
        Self { vbus: Rail::On, output: Rail::On, crystal: true }
    }
}

/// In one piece: explorers hash the chip at each choice point.
impl std::hash::Hash for Feed {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u8((self.vbus as u8) << 3 | (self.output as u8) << 1 | u8::from(self.crystal));
    }
}

impl Usbd {
    /// ENABLE.
    pub fn is_enabled(&self) -> bool {
        self.enable != 0
    }

    /// The supply is this from now on.
    pub fn set_feed(&mut self, feed: Feed) {
        self.feed = feed;
    }
}
