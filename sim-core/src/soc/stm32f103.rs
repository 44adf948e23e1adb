//! An STM32F103's side of the system: DMA items, frames on serial lines.
//!
//! An item is a step each for its read and its write. At the first the controller sees memory as the CPU has published
//! it, at the second it publishes its own write, with CNDTR and the flags that tell of it.

use dma_api::address::{BusAddress, Direction};

use super::*;
use crate::device::stm32f103::dma::{self, Dma, Item};
use crate::device::stm32f103::usart::FrameError;
use crate::device::stm32f103::{Place, Stm32f103, place_of};
use crate::host::Reply;
use crate::host::serial::{Port, Serial};
use crate::trace::Stm32f103Levels;

/// What the DMA reads where it has no memory, or memory that was not lent.
const NOTHING_THERE: u32 = 0xA5A5_A5A5;

/// What flash reads that was erased: nobody has programmed the emulated one.
const ERASED: u32 = u32::MAX;

/// An access that the bus answers with an error.
struct Refused;

impl Soc {
    /// The chip's DMA and USARTs, if it is an STM32F103.
    pub fn stm32f103(&self) -> Option<&Stm32f103> {
        self.stm32f103.as_deref()
    }

    /// The register at `address`, if this chip has a peripheral there that is modelled.
    pub(super) fn place_of(&self, address: u32) -> Option<Place> {
        self.stm32f103()?;
        place_of(address).filter(|place| *place != Place::Other)
    }

    /// The DMA controllers, by index, that have an item to begin or to end.
    pub fn dma_steps(&self) -> impl Iterator<Item = u8> + use<'_> {
        let chip = self.stm32f103().filter(|_| !self.left);
        chip.into_iter().flat_map(|chip| (0..2).filter(|&controller| chip.can_move(controller.into())))
    }

    /// The controller with this index reads an item, or writes the one that it has read.
    pub fn dma_step(&mut self, controller: u8) {
        let controller = controller.into();
        let Some(chip) = self.stm32f103.as_deref().filter(|_| !self.left) else {
            return;
        };
        if let Some(item) = chip.dma(controller).in_flight() {
            let value = chip.held(controller);
            self.end_item(controller, item, value);
        } else if let Some(item) = chip.next(controller) {
            self.begin_item(controller, item);
        }
    }

    /// A read of a controller's register waits for the item in flight of a channel that is disabled.
    fn drain(&mut self, controller: usize) {
        let Some(chip) = self.stm32f103.as_deref().filter(|_| !self.left) else {
            return;
        };
        let dma = chip.dma(controller);
        if let Some(item) = dma.in_flight().filter(|_| dma.is_draining()) {
            let value = chip.held(controller);
            self.end_item(controller, item, value);
        }
    }

    fn begin_item(&mut self, controller: usize, item: Item) {
        let site = site_of(controller, item);
        self.ownership.job_captured();
        let asked_for = BusError { controller: controller + 1, channel: item.channel + 1, item: item.number };
        let fails = self.bus_error == Some(asked_for);
        let (value, misuse) = if fails { (Err(Refused), None) } else { self.dma_read(item.source, site) };
        self.with_chip(|chip| chip.begin(controller, item, value.as_ref().copied().unwrap_or_default()));
        if value.is_err() {
            self.finish_item(controller, true);
        }
        self.note_item(site, item.source, Access::Read, value.ok());
        self.report(misuse, site);
        self.settle_stm32f103(site);
    }

    fn end_item(&mut self, controller: usize, item: Item, value: u32) {
        let site = site_of(controller, item);
        if self.hold_back_item(controller, item, value, site) {
            self.generation += 1;
            self.finish_item(controller, false);
            return self.settle_stm32f103(site);
        }
        let (written, misuse) = self.dma_write(item.destination, value, site);
        self.finish_item(controller, written.is_err());
        self.note_item(site, item.destination, Access::Write, written.ok().map(|()| value));
        self.report(misuse, site);
        self.settle_stm32f103(site);
    }

    /// The item is done: what it has written comes before what the registers tell of it.
    fn finish_item(&mut self, controller: usize, failed: bool) {
        self.ownership.job_ended();
        self.with_chip(|chip| chip.end(controller, failed));
    }

    fn note_item(&mut self, site: Site, access: dma::Access, kind: Access, value: Option<u32>) {
        self.generation += 1;
        self.trace.note(None, || Record::Item { site, range: access.range(), access: kind, value });
    }

    fn with_chip<T: Default>(&mut self, f: impl FnOnce(&mut Stm32f103) -> T) -> T {
        self.stm32f103.as_deref_mut().map(f).unwrap_or_default()
    }

    /// What is there, and what is wrong with reading it.
    fn dma_read(&mut self, access: dma::Access, site: Site) -> (Result<u32, Refused>, Option<Misuse>) {
        if let Some(place) = place_of(access.address) {
            return (Ok(self.with_chip(|chip| chip.read(place))), None);
        }
        if self.memory.is_flash(access.address) {
            return (Ok(ERASED), None);
        }
        let mut bytes = [0; 4];
        let length = access.width.bytes() as usize;
        let address = BusAddress::new(access.address);
        match self.memory.view(address, length, Direction::MemoryToDevice) {
            Ok(view) => {
                view.read(0, &mut bytes[..length]);
                self.dma_accessed(&access.range(), Access::Read, site);
                let race = self.ownership.dma_access(access.range(), Access::Read, site);
                (Ok(u32::from_le_bytes(bytes)), race)
            }
            Err(fault) => {
                let (read, misuse) = unreachable(access, fault);
                (read.map(|()| NOTHING_THERE), misuse)
            }
        }
    }

    /// Whether it can be written, and what is wrong with that.
    fn dma_write(&mut self, access: dma::Access, value: u32, site: Site) -> (Result<(), Refused>, Option<Misuse>) {
        if let Some(place) = place_of(access.address) {
            self.with_chip(|chip| chip.write(place, value));
            return (Ok(()), None);
        }
        let bytes = &value.to_le_bytes()[..access.width.bytes() as usize];
        let address = BusAddress::new(access.address);
        match self.memory.view(address, bytes.len(), Direction::DeviceToMemory) {
            Ok(view) => {
                view.write(0, bytes);
                self.dma_accessed(&access.range(), Access::Write, site);
                self.delivered = hash((self.delivered, access.range(), bytes));
                (Ok(()), self.ownership.dma_access(access.range(), Access::Write, site))
            }
            Err(fault) => unreachable(access, fault),
        }
    }

    /// The CPU reads a register of DMA or USART.
    pub(super) fn read_stm32f103(&mut self, place: Place, address: u32, line: Line) -> u32 {
        if let Place::Dma(controller, _) = place {
            self.drain(controller);
        }
        self.push_by_place(place);
        self.ownership.register_read();
        let room = |soc: &Self| soc.stm32f103().map(|chip| [0, 1, 2].map(|usart| chip.usart(usart).has_room()));
        let before = room(self);
        let value = self.with_chip(|chip| chip.read(place));
        self.trace.note(Some(line), || Record::Peek { address, value });
        // A read of DR makes room for the next frame: the peer may wait for that.
        self.generation += u64::from(room(self) != before);
        self.settle_stm32f103(Site::Cpu(line));
        value
    }

    /// The CPU writes a register of DMA or USART.
    pub(super) fn write_stm32f103(&mut self, place: Place, value: u32, line: Line) {
        self.with_chip(|chip| chip.write(place, value));
        self.settle_stm32f103(Site::Cpu(line));
        self.pass_pending_release();
    }

    fn settle_stm32f103(&mut self, site: Site) {
        if self.stm32f103().is_some_and(Stm32f103::has_misuse) {
            for misuse in self.with_chip(Stm32f103::take_misuse) {
                self.report(Some(misuse), site);
            }
        }
        self.note_levels();
    }

    /// What the chip shows to the outside.
    pub(super) fn stm32f103_levels(&self) -> Option<Stm32f103Levels> {
        let chip = self.stm32f103()?;
        let dma = [chip.dma(0), chip.dma(1)];
        Some(Stm32f103Levels {
            busy: dma.map(Dma::busy_channels),
            isr: dma.map(Dma::flags),
            cndtr: dma.map(|dma| std::array::from_fn(|channel| dma.items_left(channel))),
            sr: [0, 1, 2].map(|usart| chip.usart(usart).flags()),
        })
    }

    /// A transfer that may access a byte of `range` from now on; of those that write there only, if `writes`.
    pub(super) fn channel_at(&self, range: &Range<u32>, writes: bool) -> Option<Site> {
        let chip = self.stm32f103()?;
        let user = |controller| Some(site_of(controller, chip.dma(controller).user_of(range, writes)?));
        (0..2).find_map(user)
    }

    /// The USARTs, by index, that have a frame on its way out that can arrive now.
    pub fn wire_steps(&self) -> impl Iterator<Item = u8> + use<'_> {
        let chip = self.stm32f103().filter(|_| !self.left);
        chip.into_iter().flat_map(|chip| {
            let waits = |usart| self.line == SerialLine::Slow && chip.is_being_fed(usart);
            (0..3).filter(move |&usart| chip.is_transmitting(usart.into()) && !waits(usart.into()))
        })
    }

    /// Whether an item or a frame can move.
    pub(crate) fn is_moving_items(&self) -> bool {
        self.dma_steps().next().is_some() || self.wire_steps().next().is_some()
    }

    /// The frame that is on its way out of the USART with this index arrives at the peer.
    pub fn wire_step(&mut self, usart: u8) {
        let usart = usart.into();
        let Some(frame) = self.with_chip(|chip| chip.transmitted(usart)) else {
            return;
        };
        self.generation += 1;
        self.trace.note(None, || Record::Frame { usart: usart + 1, to_host: true, frame, error: None });
        self.settle_stm32f103(Site::Peer { usart: usart + 1 });
    }

    /// Whether the peer's step can be taken.
    pub(crate) fn can_carry_out_serial(&self, port: Port, does: Serial) -> bool {
        let Some(chip) = self.stm32f103() else {
            return false;
        };
        match does {
            Serial::Send { waits, .. } => !waits || chip.usart(port.index()).has_room(),
            Serial::Idle => true,
            Serial::Receive => chip.has_sent(port.index()),
        }
    }

    /// The peer takes its step, which can be taken.
    pub(crate) fn carry_out_serial(&mut self, port: Port, does: Serial) -> Reply {
        match does {
            Serial::Send { frame, error, .. } => self.serial_send(port.index(), frame, error),
            Serial::Idle => self.serial_idle(port.index()),
            Serial::Receive => return self.serial_receive(port.index()).map_or(Reply::Done, Reply::Frame),
        }
        Reply::Done
    }

    /// The peer sends a frame to the USART with this index.
    pub fn serial_send(&mut self, usart: usize, frame: u16, error: Option<FrameError>) {
        self.with_chip(|chip| chip.usart_mut(usart).receive(frame, error));
        self.generation += 1;
        self.trace.note(None, || Record::Frame { usart: usart + 1, to_host: false, frame, error });
        self.settle_stm32f103(Site::Peer { usart: usart + 1 });
    }

    /// The peer lets the line to the USART with this index idle for a frame.
    pub fn serial_idle(&mut self, usart: usize) {
        self.with_chip(|chip| chip.usart_mut(usart).idle());
        self.generation += 1;
        self.trace.note(None, || Record::IdleLine { usart: usart + 1 });
        self.settle_stm32f103(Site::Peer { usart: usart + 1 });
    }

    /// The peer takes a frame that the USART with this index has sent.
    pub fn serial_receive(&mut self, usart: usize) -> Option<u16> {
        self.with_chip(|chip| chip.take_sent(usart))
    }

    /// The request of a peripheral that is not modelled, for a channel of a controller (both by index): on or off.
    pub fn set_other_request(&mut self, controller: usize, channel: usize, on: bool) {
        self.with_chip(|chip| chip.set_other_request(controller, channel, on));
        self.generation += 1;
    }
}

/// An access to memory that is not there, or that nobody has lent: the first is the bus's to answer.
fn unreachable(access: dma::Access, fault: Fault) -> (Result<(), Refused>, Option<Misuse>) {
    match fault {
        Fault::Flash(_) | Fault::OutsideRam(_) => (Err(Refused), None),
        Fault::NotLent(_) | Fault::WrongDirection(_) | Fault::DeadFrame(_) => {
            let is_dead = matches!(fault, Fault::DeadFrame(_));
            let rule = if is_dead { Rule::PointerToDeadFrame } else { Rule::PointerNotLent };
            let what = format!("the DMA's address: {fault}");
            (Ok(()), Some(Misuse { range: Some(access.range()), ..Misuse::new(rule, what) }))
        }
    }
}

fn site_of(controller: usize, item: Item) -> Site {
    Site::Channel { controller: controller + 1, channel: item.channel + 1, item: item.number }
}
