//! Channels against registers that hold what a test puts there.

use core::cell::Cell;
use core::task::Waker;
use std::boxed::Box;
use std::format;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec;
use std::vec::Vec;

use super::channel::ALL;
use super::*;
use crate::address::{BusAddress, Direction, Region};
use crate::stm32f103::fake::{Chip, Part, Step};

type Fourth<'a> = Channel<Part<'a, Dma1>, Dma1, 4>;

/// Channel 4's registers.
const N: u16 = 3;
const PERIPHERAL: u32 = 0x4001_3804;

/// A channel, out of `split`, whose log is empty.
fn fourth(chip: &Chip) -> Fourth<'_> {
    let channel = Dma1::split(chip.part()).c4;
    chip.steps();
    channel
}

fn region(length: usize, direction: Direction) -> Region {
    Region { pointer: core::ptr::dangling_mut(), length, direction }
}

/// Starts a transfer of so many bytes.
fn start<W: Word>(channel: &mut Fourth<'_>, length: usize, direction: Direction) -> Result<Region, StartError> {
    let region = region(length, direction);
    // SAFETY:
    // - The channel is new, or idle again.
    // - No DMA is there: nobody uses the region.
    // - The peripheral is not there either.
    unsafe { channel.start::<W>(region, PERIPHERAL, Laps::One, || {}) }?;
    Ok(region)
}

fn end<W: Word>(channel: &mut Fourth<'_>, region: Region) -> Option<Result<(), TransferError>> {
    // SAFETY:
    // - It was started with this region.
    unsafe { channel.end::<W>(region) }
}

fn stop<W: Word>(channel: &mut Fourth<'_>, region: Region) -> usize {
    // SAFETY:
    // - It was started with this region.
    unsafe { channel.stop::<W>(region) }
}

/// The channel's flags in ISR.
fn flags(flags: u32) -> u32 {
    flags << map::flags_of(N)
}

#[test]
fn split_disables_drains_and_clears_every_channel() {
    let chip = Chip::new();
    (0..7).for_each(|n| chip.set(map::ccr(n), 0x7FFF));
    chip.set(map::isr(), 0x0FFF_FFFF);
    let _channels = Dma1::split(chip.part());
    let expected = (0..7).flat_map(|n| {
        let ccr = map::ccr(n);
        [Step::Write(ccr, 0), Step::Read(ccr), Step::Write(map::ifcr(), map::GIF << map::flags_of(n))]
    });
    assert!(chip.steps().into_iter().eq(expected));
    assert_eq!(chip.get(map::isr()), 0);
}

#[test]
fn start_writes_the_registers_in_the_order_of_the_manual() {
    let chip = Chip::new();
    let mut channel = fourth(&chip).with_priority(Priority::High);
    chip.address.set(0x2000_0010);
    start::<u16>(&mut channel, 6, Direction::MemoryToDevice).expect("it is not refused");
    let expected = [
        Step::Write(map::ifcr(), flags(map::GIF)),
        Step::Release(6, Direction::MemoryToDevice),
        Step::Write(map::cpar(N), PERIPHERAL),
        Step::Write(map::cmar(N), 0x2000_0010),
        Step::Write(map::cndtr(N), 3),
        // PL=2, MSIZE=PSIZE=1, MINC, DIR, EN.
        Step::Write(map::ccr(N), 0x2591),
    ];
    assert_eq!(chip.steps(), expected);
}

#[test]
fn priority_is_that_of_the_next_transfer() {
    let priorities = [Priority::Low, Priority::Medium, Priority::High, Priority::VeryHigh];
    for (priority, level) in priorities.into_iter().zip(0..) {
        let chip = Chip::new();
        let mut channel = fourth(&chip).with_priority(priority);
        start::<u8>(&mut channel, 4, Direction::MemoryToDevice).expect("it is not refused");
        assert_eq!(map::ccr::PL.get(chip.get(map::ccr(N))), level);
    }
    assert!(priorities.is_sorted());
}

#[test]
fn mode_says_direction_laps_and_width() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    let receive = region(8, Direction::DeviceToMemory);
    // SAFETY:
    // - The channel is new.
    // - No DMA is there, nor a peripheral.
    unsafe { channel.start::<u32>(receive, PERIPHERAL, Laps::Endless, || {}) }.expect("it is not refused");
    assert_eq!((chip.get(map::ccr(N)), chip.get(map::cndtr(N))), (0xAA1, 2));
    stop::<u32>(&mut channel, receive);
    start::<u8>(&mut channel, 8, Direction::DeviceToMemory).expect("it is not refused");
    assert_eq!((chip.get(map::ccr(N)), chip.get(map::cndtr(N))), (0x081, 8));
}

#[test]
fn stale_flags_do_not_end_the_next_transfer() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    chip.set(map::isr(), 0x0FFF_FFFF);
    let region = start::<u8>(&mut channel, 4, Direction::DeviceToMemory).expect("it is not refused");
    assert_eq!(end::<u8>(&mut channel, region), None);
    assert_eq!(chip.get(map::isr()), 0x0FFF_0FFF, "the other channels' flags are theirs");
}

#[test]
fn end_acquires_after_the_flag_was_read_and_before_the_channel_is_reset() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    let region = start::<u8>(&mut channel, 4, Direction::DeviceToMemory).expect("it is not refused");
    chip.steps();
    for flag in [0, map::HTIF | map::GIF] {
        chip.set(map::isr(), flags(flag));
        assert_eq!(end::<u8>(&mut channel, region), None);
        assert_eq!(chip.steps(), [Step::Read(map::isr())], "it runs: nothing is taken back");
    }
    chip.set(map::isr(), flags(map::TCIF | map::HTIF | map::GIF));
    chip.set(map::cndtr(N), 0);
    assert_eq!(end::<u8>(&mut channel, region), Some(Ok(())));
    let expected = [
        Step::Read(map::isr()),
        Step::Acquire(4),
        Step::Read(map::cndtr(N)),
        Step::Write(map::ccr(N), 0),
        Step::Write(map::ifcr(), flags(map::GIF)),
    ];
    assert_eq!(chip.steps(), expected);
    assert_eq!(chip.get(map::isr()), 0, "nothing stale is left for the next");
}

#[test]
fn error_ends_the_transfer_and_says_how_many_items_came_before() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    let region = start::<u16>(&mut channel, 10, Direction::MemoryToDevice).expect("it is not refused");
    chip.set(map::isr(), flags(map::TEIF | map::GIF));
    chip.set(map::cndtr(N), 2);
    chip.steps();
    assert_eq!(end::<u16>(&mut channel, region), Some(Err(TransferError { moved: 3 })));
    assert_eq!(chip.steps()[..2], [Step::Read(map::isr()), Step::Acquire(10)]);
    assert_eq!((chip.get(map::isr()), chip.get(map::ccr(N))), (0, 0));
}

#[test]
fn stop_disables_reads_back_and_only_then_acquires_and_counts() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    for left in [4, 1, 0] {
        let region = start::<u16>(&mut channel, 8, Direction::DeviceToMemory).expect("it is not refused");
        chip.set(map::cndtr(N), left);
        chip.steps();
        assert_eq!(stop::<u16>(&mut channel, region), 4 - left as usize);
        let expected = [
            Step::Write(map::ccr(N), 0),
            Step::Read(map::ccr(N)),
            Step::Acquire(8),
            Step::Read(map::cndtr(N)),
            Step::Write(map::ifcr(), flags(map::GIF)),
        ];
        assert_eq!(chip.steps(), expected);
    }
}

#[test]
fn empty_and_too_long_are_refused_before_the_buffer_is_released() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    let most = map::MOST_ITEMS;
    let out = Direction::MemoryToDevice;
    assert_eq!(start::<u8>(&mut channel, 0, out), Err(StartError::Empty));
    assert_eq!(start::<u32>(&mut channel, 3, out), Err(StartError::Empty), "no whole word");
    assert_eq!(start::<u8>(&mut channel, most + 1, out), Err(StartError::TooLong { items: most + 1 }));
    assert_eq!(start::<u32>(&mut channel, 4 * most + 4, out), Err(StartError::TooLong { items: most + 1 }));
    let items = usize::MAX / 2;
    assert_eq!(start::<u16>(&mut channel, usize::MAX, out), Err(StartError::TooLong { items }));
    assert_eq!(chip.steps(), []);
    assert!(start::<u8>(&mut channel, most, out).is_ok());
    assert_eq!(chip.get(map::cndtr(N)), 0xFFFF);
    // CNDTR counts items: the limit is not one of bytes.
    chip.address.set(0x0800_0000);
    assert!(start::<u32>(&mut channel, 4 * most, out).is_ok());
    assert_eq!(chip.get(map::cndtr(N)), 0xFFFF);
}

#[test]
fn address_that_the_dma_cannot_use_is_refused_and_the_buffer_taken_back() {
    let (out, into) = (Direction::MemoryToDevice, Direction::DeviceToMemory);
    let out_of_reach = |address| StartError::OutOfReach { address: BusAddress::new(address) };
    let misaligned = |address| StartError::Misaligned { address: BusAddress::new(address) };
    let cases = [
        (0x2000_0000, 4, out, None),
        (0x2000_0000, 4, into, None),
        (0x2001_7FFC, 4, into, None),
        (0x2001_7FFE, 4, into, Some(out_of_reach(0x2001_7FFE))),
        (0x1FFF_FFFE, 4, into, Some(out_of_reach(0x1FFF_FFFE))),
        (0x0800_0000, 4, out, None),
        (0x080F_FFFE, 4, out, Some(out_of_reach(0x080F_FFFE))),
        (0x0800_0000, 4, into, Some(out_of_reach(0x0800_0000))),
        (0x2000_0001, 4, out, Some(misaligned(0x2000_0001))),
        (0x2000_0003, 4, into, Some(misaligned(0x2000_0003))),
    ];
    for (address, length, direction, expected) in cases {
        let chip = Chip::new();
        chip.address.set(address);
        let mut channel = fourth(&chip);
        let refused = start::<u16>(&mut channel, length, direction).err();
        assert_eq!(refused, expected);
        let steps = chip.steps();
        assert_eq!(steps.contains(&Step::Acquire(length)), refused.is_some());
        let writes = steps.iter().filter(|step| matches!(step, Step::Write(offset, _) if *offset != map::ifcr()));
        assert_eq!(writes.count() == 0, refused.is_some(), "nothing is configured in vain");
    }
}

#[test]
fn memory_is_reached_from_its_first_byte_to_its_last() {
    let (out, into) = (Direction::MemoryToDevice, Direction::DeviceToMemory);
    for (memory, direction) in [(0x2000_0000..0x2001_8000, into), (0x0800_0000..0x0810_0000, out)] {
        for (address, is_reached) in [
            (memory.start, true),
            (memory.end - 2, true),
            (memory.start - 1, false),
            (memory.end - 1, false),
            (memory.end, false),
        ] {
            let chip = Chip::new();
            chip.address.set(address);
            let started = start::<u8>(&mut fourth(&chip), 2, direction);
            assert_eq!(started.is_ok(), is_reached, "two bytes at {address:#x}");
        }
    }
}

#[test]
fn bytes_may_lie_at_odd_addresses_and_words_may_not() {
    let chip = Chip::new();
    let mut channel = fourth(&chip);
    chip.address.set(0x2000_0002);
    assert!(start::<u32>(&mut channel, 4, Direction::MemoryToDevice).is_err());
    assert!(start::<u16>(&mut channel, 4, Direction::MemoryToDevice).is_ok());
    chip.address.set(0x2000_0003);
    assert!(start::<u16>(&mut channel, 4, Direction::MemoryToDevice).is_err());
    assert!(start::<u8>(&mut channel, 4, Direction::MemoryToDevice).is_ok());
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicU32);

impl std::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn handler_quiets_the_line_and_wakes_if_its_channel_asserts_it() {
    static WAKER: AtomicWaker = AtomicWaker::new();
    let count = Arc::new(Count::default());
    let chip = Chip::new();
    let (mut channel, interrupt) = fourth(&chip).with_interrupt(&WAKER);
    channel.register(&Waker::from(count.clone()));
    let woken = || count.0.load(Ordering::Relaxed);
    // No transfer, but flags.
    chip.set(map::isr(), flags(map::TCIF | map::TEIF));
    interrupt.on_interrupt();
    let region = start::<u8>(&mut channel, 4, Direction::DeviceToMemory).expect("it is not refused");
    assert_eq!(chip.get(map::ccr(N)), 0x08B, "TEIE and TCIE");
    // Another channel's end, and half of this one.
    chip.set(map::isr(), 0x0FFF_0FFF | flags(map::HTIF | map::GIF));
    chip.steps();
    interrupt.on_interrupt();
    assert_eq!((chip.steps(), woken()), (vec![Step::Read(map::ccr(N)), Step::Read(map::isr())], 0));
    for flag in [map::TCIF, map::TEIF] {
        chip.set(map::ccr(N), 0x08B);
        chip.set(map::isr(), flags(flag));
        let before = woken();
        channel.register(&Waker::from(count.clone()));
        interrupt.on_interrupt();
        assert_eq!((chip.get(map::ccr(N)), woken()), (0, before + 1));
        assert_eq!(chip.get(map::isr()), flags(flag), "the main program sees the end by it");
        interrupt.on_interrupt();
        assert_eq!(woken(), before + 1);
    }
    assert!(end::<u8>(&mut channel, region).is_some());
}

/// A waker that looks at the channel at once, as an executor does that polls where it is woken.
struct Looks;

std::thread_local! {
    static CHIP: &'static Chip = Box::leak(Box::new(Chip::new()));
    static SEEN: Cell<Option<u32>> = const { Cell::new(None) };
}

impl std::task::Wake for Looks {
    fn wake(self: Arc<Self>) {
        SEEN.set(Some(CHIP.with(|chip| chip.get(map::ccr(N)))));
    }
}

/// Woken before, it might start the next transfer, and the handler would then stop that.
#[test]
fn handler_wakes_when_it_has_done_all_that_it_does() {
    static WAKER: AtomicWaker = AtomicWaker::new();
    let chip = CHIP.with(|chip| *chip);
    let (mut channel, interrupt) = fourth(chip).with_interrupt(&WAKER);
    start::<u8>(&mut channel, 4, Direction::DeviceToMemory).expect("it is not refused");
    channel.register(&Waker::from(Arc::new(Looks)));
    chip.set(map::isr(), flags(map::TCIF));
    interrupt.on_interrupt();
    assert_eq!(SEEN.get(), Some(0));
}

#[test]
fn handler_leaves_a_circular_channel_alone() {
    static WAKER: AtomicWaker = AtomicWaker::new();
    let chip = Chip::new();
    let (mut channel, interrupt) = fourth(&chip).with_interrupt(&WAKER);
    // SAFETY:
    // - The channel is new.
    // - No DMA is there, nor a peripheral.
    unsafe { channel.start::<u8>(region(8, Direction::DeviceToMemory), PERIPHERAL, Laps::Endless, || {}) }
        .expect("it is not refused");
    chip.set(map::isr(), flags(map::TCIF | map::HTIF));
    interrupt.on_interrupt();
    assert_eq!(chip.get(map::ccr(N)), 0x0A1);
}

#[test]
fn channel_without_a_handler_wakes_at_once() {
    let (chip, count) = (Chip::new(), Arc::new(Count::default()));
    let channel = fourth(&chip);
    channel.register(&Waker::from(count.clone()));
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn channels_of_a_controller_are_told_apart_by_their_registers() {
    let chip = Chip::new();
    let mut channels = Dma1::split(chip.part());
    chip.steps();
    let region = region(4, Direction::DeviceToMemory);
    // SAFETY:
    // - The channels are new.
    // - No DMA is there, nor a peripheral.
    unsafe { channels.c1.start::<u8>(region, PERIPHERAL, Laps::One, || {}) }.expect("it is not refused");
    let first: Vec<_> = chip.steps();
    // SAFETY:
    // - As above.
    unsafe { channels.c7.start::<u8>(region, PERIPHERAL, Laps::One, || {}) }.expect("it is not refused");
    let offsets = |steps: Vec<Step>| {
        let writes = steps.into_iter().filter_map(|step| match step {
            Step::Write(offset, _) => Some(offset),
            _ => None,
        });
        writes.collect::<Vec<_>>()
    };
    assert_eq!(offsets(first), [0x04, 0x10, 0x14, 0x0C, 0x08]);
    assert_eq!(offsets(chip.steps()), [0x04, 0x88, 0x8C, 0x84, 0x80]);
    assert_eq!(ALL, map::GIF);
}

#[test]
fn channel_shows_how_its_end_is_told() {
    static WAKER: AtomicWaker = AtomicWaker::new();
    let chip = Chip::new();
    let channel = fourth(&chip);
    assert!(format!("{channel:?}").contains("listener: by asking,"));
    let (channel, interrupt) = channel.with_interrupt(&WAKER);
    assert!(format!("{channel:?}").contains("listener: by interrupt,"));
    assert_eq!(format!("{interrupt:?}"), "Interrupt of channel 4");
}
