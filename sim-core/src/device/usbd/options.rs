//! What the datasheet leaves open, as switches.

/// What a second START does while a transfer runs. The datasheet only forbids it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SecondStart {
    /// The task is lost.
    #[default]
    Dropped,
    /// The engine turns to the new transfer; the first never ends.
    Replaces,
    /// The first transfer ends with corrupted bytes (what is in memory already stays whole); the second never runs.
    Corrupts,
}

/// Whether a transfer that a bus reset catches raises its END event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOnReset {
    /// It does, when it has moved its bytes.
    #[default]
    Fires,
    /// It does not; the engine is idle afterwards.
    Never,
}

/// Which registers are out of reach while a transfer runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutOfReach {
    /// All registers of the USB core: those that need READY as well.
    #[default]
    Core,
    /// SIZE.EPOUT and SIZE.ISOOUT only (what TinyUSB observed, issue #1474).
    Sizes,
}

/// What the datasheet leaves open, as switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// See [`SecondStart`].
    pub second_start: SecondStart,
    /// See [`EndOnReset`].
    pub end_on_reset: EndOnReset,
    /// See [`OutOfReach`].
    pub out_of_reach: OutOfReach,
}
