//! ST STM32F103: two DMA controllers and three USARTs, as one state machine.
//!
//! | request | channel | asks while |
//! |---|---|---|
//! | USART1_TX, USART1_RX | DMA1 channel 4, 5 | DMAT=1 and TXE=1; DMAR=1 and RXNE=1 |
//! | USART2_TX, USART2_RX | DMA1 channel 7, 6 | likewise |
//! | USART3_TX, USART3_RX | DMA1 channel 2, 3 | likewise |
//!
//! A controller moves an item in two steps, [`Stm32f103::begin`] and [`Stm32f103::end`]; what it reads and writes in
//! between is the system's business, which has the memory. A USART's frames go over the wire one by one.
//!
//! Source: RM0041 revision 6 (sections DMA and USART). It is the manual of the STM32F100, whose blocks are the same;
//! the STM32F103's is RM0008.
//!
//! *Modelled*: see [`dma`] and [`usart`]; which request goes to which channel. *Not modelled*: RCC (everything is
//! clocked), NVIC, other peripherals. Of those, the request lines are: [`Stm32f103::set_other_request`].
//! *Unspecified; we chose*: an access of the DMA to a peripheral that is not modelled reads 0 and writes nothing; DMA1
//! and DMA2 move items independently of each other, though DMA1 has priority.

use std::collections::VecDeque;

use dma_api::stm32f103::dma::map::{self, DMA1, DMA2};
use dma_api::stm32f103::usart::map::{USART1, USART2, USART3, cr3, dr};

use crate::monitor::Misuse;

pub mod dma;
mod rules;
pub mod usart;

use dma::{Dma, Item};
use usart::Usart;

/// The addresses of the peripherals, on APB1, APB2 and AHB up to the CRC unit.
const PERIPHERALS: std::ops::Range<u32> = 0x4000_0000..0x4002_3400;

/// Where a USART's requests go, for transmit and receive: indices of channels of DMA1.
const CHANNELS_OF_USARTS: [[usize; 2]; 3] = [[3, 4], [6, 5], [1, 2]];

const REQUESTS: [[&str; 2]; 3] = [["USART1_TX", "USART1_RX"], ["USART2_TX", "USART2_RX"], ["USART3_TX", "USART3_RX"]];

/// The offset of the CCR of the channel with this index.
fn ccr(channel: usize) -> u16 {
    map::ccr(u16::try_from(channel).expect("a controller has seven channels at most"))
}

/// What is at an address, of the peripherals.
///
/// See [`Stm32f103`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A register of the DMA controller with this index, at this offset.
    Dma(usize, u16),
    /// A register of the USART with this index, at this offset.
    Usart(usize, u16),
    /// A peripheral that is not modelled.
    Other,
}

/// What is at `address`, if a peripheral is.
///
/// See [`Stm32f103`] for an example.
pub fn place_of(address: u32) -> Option<Place> {
    let offset_in = |base: usize| {
        let offset = usize::try_from(address).ok()?.checked_sub(base)?;
        u16::try_from(offset).ok().filter(|offset| *offset < 0x400)
    };
    let dma = [DMA1, DMA2].into_iter().enumerate().find_map(|(index, base)| Some(Place::Dma(index, offset_in(base)?)));
    let usarts = [USART1, USART2, USART3].into_iter().enumerate();
    let usart = || usarts.into_iter().find_map(|(index, base)| Some(Place::Usart(index, offset_in(base)?)));
    dma.or_else(usart).or_else(|| PERIPHERALS.contains(&address).then_some(Place::Other))
}

/// The manual's name of the register at a place: `DMA1.CNDTR5`. `None` for one that is not modelled.
///
/// ```
/// # use sim_core::device::stm32f103::{name_of, place_of};
/// assert_eq!(name_of(place_of(0x4002_0008).unwrap()).unwrap(), "DMA1.CCR1");
/// ```
pub fn name_of(place: Place) -> Option<String> {
    match place {
        Place::Dma(index, offset) => Some(format!("DMA{}.{}", index + 1, dma::name_of(offset))),
        Place::Usart(index, offset) => Some(format!("USART{}.{}", index + 1, usart::name_of(offset))),
        Place::Other => None,
    }
}

/// How quick a serial line is.
///
/// See [`Config`](crate::soc::Config) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Line {
    /// A frame takes longer than the DMA needs for an item that it is asked for: a transmitter never runs dry in the
    /// middle of a transfer.
    #[default]
    Slow,
    /// The DMA may be later than that (the bus is busy, or the line is quick). Then TC is set in the middle of a
    /// transfer, and the DMA's next write to DR does not clear it.
    Any,
}

/// An item for which the bus has an error for an answer, wherever its memory is: a test's.
///
/// See [`Config`](crate::soc::Config) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BusError {
    /// The controller's number, from 1.
    pub controller: usize,
    /// The channel's number, from 1.
    pub channel: usize,
    /// Which item of each transfer, counted from 0.
    pub item: u32,
}

/// DMA and USARTs.
///
/// ```
/// # use dma_api::stm32f103::usart::map::{self, cr1, dr, sr};
/// # use sim_core::device::stm32f103::{Place, Stm32f103, place_of};
/// let mut chip = Stm32f103::default();
/// let usart1 = |offset| place_of(0x4001_3800 + u32::from(offset)).unwrap();
/// chip.write(usart1(cr1()), cr1::UE.mask() | cr1::TE.mask());
/// chip.write(usart1(dr()), 0x41);
/// assert!(chip.is_transmitting(0) && !chip.has_sent(0));
/// assert_eq!(chip.transmitted(0), Some(0x41));
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Stm32f103 {
    dma: [Dma; 2],
    /// What the item in flight of each controller has read.
    held: [u32; 2],
    usarts: [Usart; 3],
    /// Frames that are over the wire, and that the peer has not looked at.
    sent: [VecDeque<u16>; 3],
    /// Requests of peripherals that are not modelled, a bit for each channel.
    other_requests: [u32; 2],
    misuse: Vec<Misuse>,
}

impl Default for Stm32f103 {
    fn default() -> Self {
        Self {
            dma: [Dma::new(0, 7), Dma::new(1, 5)],
            held: [0; 2],
            usarts: [0, 1, 2].map(Usart::new),
            sent: [const { VecDeque::new() }; 3],
            other_requests: [0; 2],
            misuse: Vec::new(),
        }
    }
}

impl Stm32f103 {
    /// The controller with this index.
    pub fn dma(&self, controller: usize) -> &Dma {
        &self.dma[controller]
    }

    /// The USART with this index.
    pub fn usart(&self, index: usize) -> &Usart {
        &self.usarts[index]
    }

    /// Reads the register at `place`, for the CPU or for the DMA.
    pub fn read(&mut self, place: Place) -> u32 {
        match place {
            Place::Dma(index, offset) => self.dma[index].read(offset),
            Place::Usart(index, offset) => {
                let value = self.usarts[index].read(offset);
                self.known(value, index, offset)
            }
            Place::Other => 0,
        }
    }

    /// Writes the register at `place`, for the CPU or for the DMA.
    pub fn write(&mut self, place: Place, value: u32) {
        match place {
            Place::Dma(index, offset) => self.dma[index].write(offset, value),
            Place::Usart(index, offset) => {
                let written = self.usarts[index].write(offset, value).then_some(());
                self.known(written, index, offset);
            }
            Place::Other => {}
        }
        if matches!(place, Place::Usart(_, offset) if offset == cr3()) || matches!(place, Place::Dma(..)) {
            self.check_requests(place);
        }
    }

    fn known<T: Default>(&mut self, value: Option<T>, index: usize, offset: u16) -> T {
        value.unwrap_or_else(|| {
            let name = format!("at offset {offset:#04x} of USART{}", index + 1);
            self.misuse.push(rules::unknown_register(&name));
            T::default()
        })
    }

    /// The request of a peripheral that is not modelled, for the channel with this index: on or off.
    pub fn set_other_request(&mut self, controller: usize, channel: usize, on: bool) {
        let bit = 1 << channel;
        let requests = &mut self.other_requests[controller];
        *requests = if on { *requests | bit } else { *requests & !bit };
        self.check_requests(Place::Dma(controller, ccr(channel)));
    }

    /// The USARTs whose requests go to this channel and are enabled, by the requests' names.
    fn sources(&self, controller: usize, channel: usize) -> Vec<&'static str> {
        let usarts = self.usarts.iter().zip(CHANNELS_OF_USARTS).zip(REQUESTS).filter(|_| controller == 0);
        let mut sources: Vec<_> = usarts
            .flat_map(|((usart, channels), names)| {
                let enabled = usart.enabled_requests();
                (0..2).filter(move |&half| enabled[half] && channels[half] == channel).map(move |half| names[half])
            })
            .collect();
        if self.other_requests[controller] >> channel & 1 == 1 {
            sources.push("another peripheral");
        }
        sources
    }

    /// The requests of the channels that this write may have enabled, or given another request.
    fn check_requests(&mut self, place: Place) {
        for controller in 0..2 {
            for channel in self.dma[controller].enabled_channels() {
                let is_concerned = match place {
                    Place::Dma(index, offset) => (index, offset) == (controller, ccr(channel)),
                    Place::Usart(index, _) => controller == 0 && CHANNELS_OF_USARTS[index].contains(&channel),
                    Place::Other => false,
                };
                if !is_concerned {
                    continue;
                }
                let sources = self.sources(controller, channel);
                let name = rules::channel_name(controller, channel);
                self.misuse.extend(rules::check_one_request(&name, &sources));
            }
        }
    }

    /// Which channels of a controller are asked for an item, a bit each.
    fn requests(&self, controller: usize) -> u32 {
        if controller != 0 {
            return self.other_requests[controller];
        }
        let usarts = self.usarts.iter().zip(CHANNELS_OF_USARTS);
        usarts.fold(self.other_requests[0], |requests, (usart, [transmit, receive])| {
            requests | u32::from(usart.requests_transmit()) << transmit | u32::from(usart.requests_receive()) << receive
        })
    }

    /// The item that a controller begins next. None while one is in flight.
    pub fn next(&self, controller: usize) -> Option<Item> {
        let dma = &self.dma[controller];
        if dma.in_flight().is_some() { None } else { dma.next(self.requests(controller)) }
    }

    /// Whether a controller has an item to begin, or to end.
    pub fn can_move(&self, controller: usize) -> bool {
        self.dma[controller].in_flight().is_some() || self.next(controller).is_some()
    }

    /// A controller has read the source of `item`: `value`.
    pub fn begin(&mut self, controller: usize, item: Item, value: u32) {
        self.dma[controller].begin(item);
        self.held[controller] = value;
        self.check_own_request(controller, item);
    }

    /// The USART that has asked for this item is the one that it goes to, or comes from.
    fn check_own_request(&mut self, controller: usize, item: Item) {
        let channel = item.channel;
        let wired = CHANNELS_OF_USARTS.iter().position(|channels| controller == 0 && channels.contains(&channel));
        let Some((usart, source)) = wired.and_then(|index| Some((index, *self.sources(0, channel).first()?))) else {
            return;
        };
        if source == "another peripheral" || self.dma[controller].is_memory_to_memory(channel) {
            return;
        }
        let side = if CHANNELS_OF_USARTS[usart][0] == channel { item.destination } else { item.source };
        let is_its_own = place_of(side.address) == Some(Place::Usart(usart, dr()));
        let name = rules::channel_name(controller, channel);
        self.misuse.extend(rules::check_request(&name, source, is_its_own));
    }

    /// Whether the item in flight, or else the next one, is this channel's.
    pub fn is_next(&self, controller: usize, channel: usize) -> bool {
        let item = self.dma[controller].in_flight().or_else(|| self.next(controller));
        item.is_some_and(|item| item.channel == channel)
    }

    /// The USART whose receiver asks this channel for items, if its receiver has room.
    pub fn receiver_of(&self, controller: usize, channel: usize) -> Option<usize> {
        let usart = CHANNELS_OF_USARTS.iter().position(|[_, receive]| controller == 0 && *receive == channel)?;
        self.usarts[usart].has_room().then_some(usart)
    }

    /// What the item in flight has read.
    pub fn held(&self, controller: usize) -> u32 {
        self.held[controller]
    }

    /// The item in flight has ended: its destination was written, or one of its accesses has failed.
    pub fn end(&mut self, controller: usize, failed: bool) {
        self.dma[controller].end(failed);
        self.held[controller] = 0;
    }

    /// Whether a frame is on its way out of a USART.
    pub fn is_transmitting(&self, usart: usize) -> bool {
        self.usarts[usart].is_transmitting()
    }

    /// Whether the DMA is about to give a USART the next frame.
    pub fn is_being_fed(&self, usart: usize) -> bool {
        let channel = CHANNELS_OF_USARTS[usart][0];
        let in_flight = self.dma[0].in_flight().is_some_and(|item| item.channel == channel);
        in_flight || self.usarts[usart].requests_transmit() && self.dma[0].running().contains(&channel)
    }

    /// The frame that is on its way out of a USART is over the wire.
    pub fn transmitted(&mut self, usart: usize) -> Option<u16> {
        let frame = self.usarts[usart].transmitted()?;
        self.sent[usart].push_back(frame);
        Some(frame)
    }

    /// Whether the peer can take a frame.
    pub fn has_sent(&self, usart: usize) -> bool {
        !self.sent[usart].is_empty()
    }

    /// The peer takes a frame that has come to it.
    pub fn take_sent(&mut self, usart: usize) -> Option<u16> {
        self.sent[usart].pop_front()
    }

    /// The USART's wire side.
    pub fn usart_mut(&mut self, usart: usize) -> &mut Usart {
        &mut self.usarts[usart]
    }

    /// Whether anything is transferred, or about to be.
    pub fn is_busy(&self) -> bool {
        self.dma.iter().any(Dma::is_busy)
    }

    /// The interrupt lines that are asserted, by what asserts them.
    pub fn asserted(&self) -> Vec<String> {
        let channels = self.dma.iter().enumerate().flat_map(|(controller, dma)| {
            let lines = dma.interrupts();
            (0..7)
                .filter(move |channel| lines >> channel & 1 == 1)
                .map(move |channel| rules::channel_name(controller, channel))
        });
        let usarts = self.usarts.iter().filter(|usart| usart.interrupt()).map(|usart| usart.name().to_owned());
        channels.chain(usarts).collect()
    }

    /// Whether an interrupt line is asserted.
    pub fn interrupt(&self) -> bool {
        self.dma.iter().any(|dma| dma.interrupts() != 0) || self.usarts.iter().any(Usart::interrupt)
    }

    /// Whether somebody has done something wrong since the last `take_misuse`.
    pub fn has_misuse(&self) -> bool {
        !self.misuse.is_empty() || self.dma.iter().any(Dma::has_misuse) || self.usarts.iter().any(Usart::has_misuse)
    }

    /// What was done wrong since the last call.
    pub fn take_misuse(&mut self) -> Vec<Misuse> {
        let mut misuse = std::mem::take(&mut self.misuse);
        misuse.extend(self.dma.iter_mut().flat_map(Dma::take_misuse));
        misuse.extend(self.usarts.iter_mut().flat_map(Usart::take_misuse));
        misuse
    }
}

#[cfg(test)]
pub(crate) mod tests;
