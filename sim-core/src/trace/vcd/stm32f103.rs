//! What of an STM32F103 is in a dump: channels, flags, the lines.

use dma_api::stm32f103::dma::map as dma_map;
use dma_api::stm32f103::usart::map::{self as usart_map, sr};
use dma_api::table::Field;

use super::{Changes, Level};
use crate::device::stm32f103::{Place, dma, place_of, usart};
use crate::monitor::Site;
use crate::trace::{Record, Stm32f103Levels};

/// A signal, in the order in which a viewer lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    /// Of the controller with this index.
    Dma(usize, OfDma),
    /// Of the USART with this index.
    Usart(usize, OfUsart),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OfDma {
    Channel,
    Address,
    /// Of the channel with this index.
    Busy(usize),
    /// The register at this offset.
    Register(u16),
    /// The bit of ISR.
    Flag(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OfUsart {
    Tx,
    Rx,
    /// The bit of SR.
    Flag(usize),
    /// The register at this offset.
    Register(u16),
}

/// The flags of a channel, in the order of ISR.
const FLAGS: [&str; 4] = ["GIF", "TCIF", "HTIF", "TEIF"];

/// The fields of SR.
fn status_fields() -> &'static [Field] {
    usart_map::REGISTERS.iter().find(|row| row.offset == sr()).map_or(&[], |row| row.fields)
}

impl Signal {
    pub(super) fn at_first(self) -> Level {
        let reset = Stm32f103Levels::default();
        match self {
            Self::Dma(_, OfDma::Busy(_) | OfDma::Flag(_)) => Level::Bit(false),
            Self::Dma(..) | Self::Usart(_, OfUsart::Register(_)) => Level::Word(0),
            Self::Usart(_, OfUsart::Tx | OfUsart::Rx) => Level::Frame(None),
            Self::Usart(index, OfUsart::Flag(bit)) => Level::Bit(reset.sr[index] >> bit & 1 == 1),
        }
    }

    /// `DMA1`, `USART1`.
    pub(super) fn scope(self) -> String {
        match self {
            Self::Dma(index, _) => format!("DMA{}", index + 1),
            Self::Usart(index, _) => format!("USART{}", index + 1),
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Dma(_, OfDma::Channel) => "channel".to_owned(),
            Self::Dma(_, OfDma::Address) => "address".to_owned(),
            Self::Dma(_, OfDma::Busy(channel)) => format!("busy{}", channel + 1),
            Self::Dma(_, OfDma::Register(offset)) => dma::name_of(offset),
            Self::Dma(_, OfDma::Flag(bit)) => format!("{}{}", FLAGS[bit % 4], bit / 4 + 1),
            Self::Usart(_, OfUsart::Tx) => "TX".to_owned(),
            Self::Usart(_, OfUsart::Rx) => "RX".to_owned(),
            Self::Usart(_, OfUsart::Flag(bit)) => {
                let field = status_fields().iter().find(|field| usize::from(field.low) == bit);
                field.map_or_else(|| format!("SR{bit}"), |field| field.name.to_owned())
            }
            Self::Usart(_, OfUsart::Register(offset)) => usart::name_of(offset),
        }
    }
}

/// The signal of a register that keeps what the driver writes, and that nobody else changes.
fn kept(address: u32) -> Option<Signal> {
    match place_of(address)? {
        Place::Dma(index, offset) => {
            let (row, _) = dma::row_of(offset)?;
            let is_kept = matches!(row.name, dma_map::Name::CCR | dma_map::Name::CPAR | dma_map::Name::CMAR);
            is_kept.then_some(Signal::Dma(index, OfDma::Register(offset)))
        }
        Place::Usart(index, offset) => {
            let row = usart_map::REGISTERS.iter().find(|row| row.offset == offset)?;
            let is_kept = !matches!(row.name, usart_map::Name::SR | usart_map::Name::DR);
            is_kept.then_some(Signal::Usart(index, OfUsart::Register(offset)))
        }
        Place::Other => None,
    }
}

impl Changes {
    fn push_stm32f103(&mut self, time_ns: u64, signal: Signal, level: Level) {
        self.push(time_ns, super::Signal::Stm32f103(signal), level);
    }

    pub(super) fn follow_stm32f103(&mut self, record: &Record, start: u64, end: u64) {
        match record {
            Record::Poke { address, value } => {
                if let Some(signal) = kept(*address) {
                    self.push_stm32f103(start, signal, Level::Word(*value));
                }
            }
            Record::Item { site: Site::Channel { controller, channel, .. }, range, .. } => {
                let channel = u32::try_from(*channel).unwrap_or(u32::MAX);
                let of = |what| Signal::Dma(controller - 1, what);
                self.push_stm32f103(start, of(OfDma::Channel), Level::Word(channel));
                self.push_stm32f103(start, of(OfDma::Address), Level::Word(range.start));
            }
            Record::Frame { usart, to_host, frame, .. } => {
                let line = Signal::Usart(usart - 1, if *to_host { OfUsart::Tx } else { OfUsart::Rx });
                self.push_stm32f103(start, line, Level::Frame(Some(*frame)));
                self.push_stm32f103(end - stop_bit(end - start), line, Level::Frame(None));
            }
            _ => {}
        }
    }

    pub(super) fn on_stm32f103_levels(&mut self, time_ns: u64, before: &Stm32f103Levels, now: &Stm32f103Levels) {
        for index in 0..2 {
            let of = |what| Signal::Dma(index, what);
            for (channel, busy) in changed_bits(before.busy[index], now.busy[index]) {
                self.push_stm32f103(time_ns, of(OfDma::Busy(channel)), Level::Bit(busy));
            }
            for (bit, set) in changed_bits(before.isr[index], now.isr[index]) {
                // GIF says nothing that the others do not say.
                if FLAGS[bit % 4] != "GIF" {
                    self.push_stm32f103(time_ns, of(OfDma::Flag(bit)), Level::Bit(set));
                }
            }
            for (channel, &left) in (0..).zip(&now.cndtr[index]) {
                if before.cndtr[index][usize::from(channel)] != left {
                    self.push_stm32f103(time_ns, of(OfDma::Register(dma_map::cndtr(channel))), Level::Word(left));
                }
            }
        }
        for index in 0..3 {
            for (bit, set) in changed_bits(before.sr[index], now.sr[index]) {
                self.push_stm32f103(time_ns, Signal::Usart(index, OfUsart::Flag(bit)), Level::Bit(set));
            }
        }
    }
}

/// The bits that differ, as they are now.
fn changed_bits(before: u32, now: u32) -> impl Iterator<Item = (usize, bool)> {
    (0..32).filter(move |bit| (before ^ now) >> bit & 1 == 1).map(move |bit| (bit, now >> bit & 1 == 1))
}

/// How long the stop bit of a frame of this length is: one of ten, and something in any case.
fn stop_bit(frame_ns: u64) -> u64 {
    (frame_ns / 10).max(1).min(frame_ns)
}

#[cfg(test)]
mod tests;
