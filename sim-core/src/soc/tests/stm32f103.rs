//! An STM32F103's DMA and USARTs in the system: what items reach, and when.

use dma_api::stm32f103::dma::map::{self, DMA1, DMA2, TCIF, TEIF, ccr, flags_of};
use dma_api::stm32f103::usart::map::{USART1, cr1, cr3, dr, sr};

use super::*;
use crate::device::stm32f103::usart::FrameError;
use crate::host::serial::{Port, Serial};

/// The index of the channel that the tests without a USART use.
const CHANNEL: u16 = 1;

/// What a peer does that sends one frame.
const ONE: Serial = Serial::Send { frame: 1, error: None, waits: true };

fn rig(config: Config) -> Rig {
    let config = Config { chip: Chip::Stm32f103, ram: 64, ..config };
    Rig { soc: Soc::new(config), memory: vec![UNTOUCHED; RED_ZONE + BUFFER + RED_ZONE] }
}

fn address(base: usize, offset: u16) -> u32 {
    u32::try_from(base).expect("32 bits") + u32::from(offset)
}

impl Rig {
    #[track_caller]
    fn look(&mut self, base: usize, offset: u16) -> u32 {
        self.soc.cpu_peek(address(base, offset), Location::caller())
    }

    #[track_caller]
    fn set(&mut self, base: usize, offset: u16, value: u32) {
        self.soc.cpu_poke(address(base, offset), value, Location::caller());
    }

    /// Copies from memory to memory, without a request.
    fn copy(&mut self, base: usize, from: u32, to: u32, items: u32, mode: u32) {
        self.set(base, map::cpar(CHANNEL), to);
        self.set(base, map::cmar(CHANNEL), from);
        self.set(base, map::cndtr(CHANNEL), items);
        let copies = ccr::MEM2MEM.mask() | ccr::DIR.mask() | ccr::MINC.mask() | ccr::PINC.mask();
        self.set(base, ccr(CHANNEL), copies | mode | ccr::EN.mask());
    }

    /// Moves items until none is left, or a channel has failed.
    fn run(&mut self) {
        loop {
            let Some(controller) = self.soc.dma_steps().next() else {
                return;
            };
            self.soc.dma_step(controller);
        }
    }

    fn flags(&mut self, base: usize) -> u32 {
        self.look(base, map::isr()) >> flags_of(CHANNEL) & 0xF
    }

    /// USART1 with its receiver on, asking channel 5 for items into `to`.
    fn receive(&mut self, to: BusAddress, items: u32) {
        self.set(USART1, cr1(), cr1::UE.mask() | cr1::RE.mask() | cr1::TE.mask());
        self.set(USART1, cr3(), cr3::DMAR.mask());
        self.set(DMA1, map::cpar(4), address(USART1, dr()));
        self.set(DMA1, map::cmar(4), to.get());
        self.set(DMA1, map::cndtr(4), items);
        self.set(DMA1, ccr(4), ccr::MINC.mask() | ccr::EN.mask());
    }

    /// 16 bytes of simulated RAM, of which the first 8 count from 1.
    fn simulated(&mut self) -> u32 {
        let start = self.soc.allocate(16).get();
        for byte in 0..8 {
            self.soc.store(BusAddress::new(start + u32::from(byte)), byte + 1, Location::caller());
        }
        self.soc.release_fence();
        start
    }

    fn bytes(&self, start: u32, length: u32) -> Vec<u8> {
        let load = |at| self.soc.memory.load(BusAddress::new(at)).expect("it was allocated");
        (start..start + length).map(load).collect()
    }
}

#[test]
fn memory_is_copied_by_either_controller_in_every_width() {
    for base in [DMA1, DMA2] {
        for (size, items) in [(0, 8), (1, 4), (2, 2)] {
            let mut rig = rig(config());
            let start = rig.simulated();
            rig.copy(base, start, start + 8, items, ccr::PSIZE.put(size) | ccr::MSIZE.put(size));
            rig.run();
            assert_eq!(rig.bytes(start + 8, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!((rig.flags(base) & (TCIF | TEIF), rig.look(base, map::cndtr(CHANNEL))), (TCIF, 0));
            assert_eq!(rig.rules(), []);
        }
    }
}

/// RM0041, table of programmable widths.
#[test]
fn widths_that_differ_cut_off_or_fill_with_zeros() {
    for (msize, psize, due) in [(0, 1, [1, 0, 2, 0]), (1, 0, [1, 3, 0, 0]), (2, 1, [1, 2, 5, 6]), (0, 2, [1, 0, 0, 0])]
    {
        let mut rig = rig(config());
        let start = rig.simulated();
        rig.copy(DMA1, start, start + 8, 2, ccr::MSIZE.put(msize) | ccr::PSIZE.put(psize));
        rig.run();
        assert_eq!(rig.bytes(start + 8, 4), due, "{msize} to {psize}");
    }
}

#[test]
fn flash_is_read_and_cannot_be_written() {
    let mut rig = rig(config());
    let start = rig.simulated();
    rig.copy(DMA1, 0x0800_0000, start, 2, 0);
    rig.run();
    assert_eq!((rig.bytes(start, 3), rig.flags(DMA1) & TEIF), (vec![0xFF, 0xFF, 3], 0));
    rig.set(DMA1, ccr(CHANNEL), 0);
    rig.copy(DMA1, start, 0x0800_0000, 2, 0);
    rig.run();
    assert_eq!((rig.flags(DMA1) & TEIF, rig.look(DMA1, map::cndtr(CHANNEL))), (TEIF, 2));
    assert!(!ccr::EN.is_set(rig.look(DMA1, ccr(CHANNEL))), "the channel has stopped");
    assert_eq!(rig.rules(), []);
}

#[test]
fn reserved_address_is_an_error_on_the_bus_on_both_sides() {
    for reserved in [0x3000_0000, 0x2001_8000, 0x0810_0000, 0x5000_0000] {
        for (from, to) in [(Some(reserved), None), (None, Some(reserved))] {
            let mut rig = rig(config());
            let start = rig.simulated();
            rig.copy(DMA1, from.unwrap_or(start), to.unwrap_or(start), 2, 0);
            rig.run();
            assert_eq!(rig.flags(DMA1) & (TEIF | TCIF), TEIF, "{reserved:#x}");
            assert_eq!(rig.rules(), []);
        }
    }
}

#[test]
fn error_at_an_item_stops_the_channel_there() {
    let bus_error = Some(BusError { controller: 1, channel: 2, item: 1 });
    let mut rig = rig(Config { bus_error, ..config() });
    let start = rig.simulated();
    rig.copy(DMA1, start, start + 8, 4, 0);
    rig.run();
    assert_eq!((rig.bytes(start + 8, 4), rig.look(DMA1, map::cndtr(CHANNEL))), (vec![1, 0, 0, 0], 3));
    assert_eq!(rig.flags(DMA1) & TEIF, TEIF);
}

#[test]
fn memory_of_the_host_is_reached_where_it_is_lent_and_nowhere_else() {
    for (offset, rules) in [(0, vec![]), (63, vec![Rule::PointerNotLent]), (64, vec![Rule::PointerNotLent; 2])] {
        let mut rig = rig(config());
        let to = rig.release(BUFFER, Direction::DeviceToMemory);
        rig.receive(BusAddress::new(to.get() + offset), 2);
        for frame in [7, 8] {
            rig.soc.serial_send(0, frame, None);
            rig.run();
        }
        assert_eq!(rig.rules(), rules);
        let due = [7, 8].into_iter().chain([UNTOUCHED; BUFFER]).take(64 - offset as usize);
        assert!(rig.buffer()[offset as usize..].iter().copied().eq(due));
    }
}

#[test]
fn buffer_that_is_sent_is_not_written_and_one_that_is_filled_is_not_read() {
    let mut rig = rig(config());
    let lent = rig.release(8, Direction::MemoryToDevice);
    let start = rig.simulated();
    rig.copy(DMA1, start, lent.get(), 1, 0);
    rig.run();
    assert_eq!((rig.rules(), rig.buffer()[0]), (vec![Rule::PointerNotLent], UNTOUCHED));
}

#[test]
fn item_in_flight_is_written_after_the_channel_was_disabled_and_before_a_register_is_read() {
    for drains in [true, false] {
        let mut rig = rig(config());
        let to = rig.release(2, Direction::DeviceToMemory);
        rig.receive(to, 2);
        rig.soc.serial_send(0, 7, None);
        rig.soc.dma_step(0);
        rig.set(DMA1, ccr(4), 0);
        assert_eq!(rig.buffer()[0], UNTOUCHED, "it is in flight");
        if drains {
            assert_eq!(rig.look(DMA1, map::cndtr(4)), 1);
            assert_eq!(rig.buffer()[0], 7);
        }
        rig.acquire(2, Direction::DeviceToMemory);
        assert_eq!(rig.rules(), if drains { vec![] } else { vec![Rule::AcquiredInFlight] });
        // What was taken back is written no more.
        rig.memory[RED_ZONE] = 1;
        rig.run();
        assert_eq!(rig.buffer()[0], 1);
    }
}

#[test]
fn buffer_of_a_channel_that_is_enabled_is_in_use() {
    let mut rig = rig(config());
    let to = rig.release(2, Direction::DeviceToMemory);
    rig.receive(to, 2);
    rig.acquire(2, Direction::DeviceToMemory);
    assert_eq!(rig.rules(), [Rule::AcquiredInFlight]);
}

#[test]
fn run_that_was_left_moves_nothing() {
    let mut rig = rig(config());
    let start = rig.simulated();
    rig.copy(DMA1, start, start + 8, 4, 0);
    rig.soc.leave();
    assert_eq!((rig.soc.dma_steps().count(), rig.soc.wire_steps().count()), (0, 0));
    rig.soc.dma_step(0);
    assert_eq!(rig.bytes(start + 8, 4), [0; 4]);
}

#[test]
fn frames_overrun_a_receiver_that_nobody_serves() {
    let mut rig = rig(config());
    rig.set(USART1, cr1(), cr1::UE.mask() | cr1::RE.mask());
    assert!(rig.soc.can_carry_out_serial(Port::Usart1, ONE));
    rig.soc.serial_send(0, 1, Some(FrameError::Framing));
    assert!(!rig.soc.can_carry_out_serial(Port::Usart1, ONE), "a peer that waits for room waits");
    rig.soc.serial_send(0, 2, None);
    let before = rig.soc.generation();
    let status = rig.look(USART1, sr());
    assert!(sr::ORE.is_set(status) && sr::FE.is_set(status) && sr::RXNE.is_set(status));
    assert_eq!(rig.look(USART1, dr()), 1);
    assert_ne!(rig.soc.generation(), before, "a peer that waits for room is told");
    assert!(rig.soc.can_carry_out_serial(Port::Usart1, ONE));
}

#[test]
fn chip_without_the_peripherals_has_no_such_registers() {
    let mut rig = Rig::connected(config());
    rig.set(DMA1, map::cndtr(0), 7);
    assert_eq!(rig.look(DMA1, map::cndtr(0)), 0);
    assert!(rig.soc.stm32f103().is_none() && !rig.soc.can_carry_out_serial(Port::Usart1, ONE));
}
