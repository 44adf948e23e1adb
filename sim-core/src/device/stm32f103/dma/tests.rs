//! The controller alone: registers, arbitration, flags.

use dma_api::stm32f103::dma::map;

use super::*;
use crate::monitor::Rule;

/// Configures the channel with this index, and enables it.
fn start(dma: &mut Dma, index: u16, mode: u32, items: u32) {
    dma.write(map::cpar(index), 0x4001_3804);
    dma.write(map::cmar(index), 0x2000_0000);
    dma.write(map::cndtr(index), items);
    dma.write(ccr(index), mode | ccr::EN.mask());
}

/// Moves an item, if there is one to be moved.
fn item(dma: &mut Dma, requests: u32) -> Option<Item> {
    let item = dma.next(requests)?;
    dma.begin(item);
    dma.end(false);
    Some(item)
}

/// The rules that were broken since the last call.
fn rules(dma: &mut Dma) -> Vec<Rule> {
    dma.take_misuse().into_iter().map(|misuse| misuse.rule).collect()
}

fn flags(dma: &mut Dma, index: u16) -> u32 {
    dma.read(map::isr()) >> map::flags_of(index) & 0xF
}

const MINC: u32 = ccr::MINC.mask();
const CIRC: u32 = ccr::CIRC.mask();

#[test]
fn item_needs_a_request_an_enabled_channel_and_items_left() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 4, MINC, 2);
    assert_eq!(item(&mut dma, 0b110_1111), None, "another channel's request");
    assert!(item(&mut dma, 1 << 4).is_some() && item(&mut dma, 1 << 4).is_some());
    assert_eq!(item(&mut dma, 1 << 4), None, "no item is left");
    assert!(ccr::EN.is_set(dma.read(ccr(4))), "EN stays 1");
    assert_eq!(dma.read(map::cndtr(4)), 0);
}

#[test]
fn direction_says_which_side_is_read() {
    for (mode, source, destination) in
        [(MINC, 0x4001_3804, 0x2000_0000), (MINC | ccr::DIR.mask(), 0x2000_0000, 0x4001_3804)]
    {
        let mut dma = Dma::new(0, 7);
        start(&mut dma, 0, mode, 1);
        let item = item(&mut dma, 1).expect("it is asked for");
        assert_eq!((item.source.address, item.destination.address), (source, destination));
    }
}

/// RM0041, table of programmable widths: 4 items from 8 to 16 bits, and from 32 to 8.
#[test]
fn each_side_advances_by_its_own_width() {
    let both = MINC | ccr::PINC.mask();
    for (psize, msize, sources, destinations) in
        [(0, 1, [0, 1, 2, 3], [0, 2, 4, 6]), (2, 0, [0, 4, 8, 12], [0, 1, 2, 3]), (1, 1, [0, 2, 4, 6], [0, 2, 4, 6])]
    {
        let mut dma = Dma::new(0, 7);
        dma.write(map::cpar(0), 0x2000_1000);
        dma.write(map::cmar(0), 0x2000_0000);
        dma.write(map::cndtr(0), 4);
        dma.write(ccr(0), both | ccr::PSIZE.put(psize) | ccr::MSIZE.put(msize) | ccr::EN.mask());
        let items: Vec<_> = (0..4).filter_map(|_| item(&mut dma, 1)).collect();
        assert_eq!(items.iter().map(|item| item.source.address - 0x2000_1000).collect::<Vec<_>>(), sources);
        assert_eq!(items.iter().map(|item| item.destination.address - 0x2000_0000).collect::<Vec<_>>(), destinations);
    }
}

#[test]
fn low_bits_of_an_address_are_ignored() {
    let mut dma = Dma::new(0, 7);
    dma.write(map::cpar(0), 0x4001_3807);
    dma.write(map::cmar(0), 0x2000_0003);
    dma.write(map::cndtr(0), 1);
    dma.write(ccr(0), ccr::PSIZE.put(2) | ccr::MSIZE.put(1) | ccr::EN.mask());
    let item = item(&mut dma, 1).expect("it is asked for");
    assert_eq!((item.source.range(), item.destination.range()), (0x4001_3804..0x4001_3808, 0x2000_0002..0x2000_0004));
}

#[test]
fn flags_come_at_half_and_at_the_end() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 1, MINC, 5);
    let seen: Vec<_> = (0..5)
        .map(|_| {
            item(&mut dma, 2);
            flags(&mut dma, 1)
        })
        .collect();
    assert_eq!(seen, [0, 0, GIF | HTIF, GIF | HTIF, GIF | HTIF | TCIF]);
    assert_eq!(flags(&mut dma, 0) | flags(&mut dma, 2), 0);
}

#[test]
fn flag_is_cleared_by_its_bit_and_all_by_gif() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 2, MINC, 1);
    item(&mut dma, 4);
    assert_eq!(flags(&mut dma, 2), GIF | HTIF | TCIF);
    dma.write(map::ifcr(), TCIF << map::flags_of(2));
    assert_eq!(flags(&mut dma, 2), GIF | HTIF);
    dma.write(map::ifcr(), HTIF << map::flags_of(2));
    assert_eq!(flags(&mut dma, 2), 0, "GIF is any of the others");
    start_again(&mut dma, 2);
    dma.write(map::ifcr(), GIF << map::flags_of(2));
    assert_eq!(flags(&mut dma, 2), 0);
    assert_eq!(dma.read(map::ifcr()), 0);
}

fn start_again(dma: &mut Dma, index: u16) {
    dma.write(ccr(index), 0);
    start(dma, index, MINC, 1);
    item(dma, 1 << index);
}

#[test]
fn circular_transfer_begins_again() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC | CIRC, 2);
    let addresses: Vec<_> = (0..5).filter_map(|_| item(&mut dma, 1)).map(|item| item.destination.address).collect();
    assert_eq!(addresses, [0x2000_0000, 0x2000_0001, 0x2000_0000, 0x2000_0001, 0x2000_0000]);
    assert_eq!(dma.read(map::cndtr(0)), 1);
    assert_eq!(flags(&mut dma, 0), GIF | HTIF | TCIF);
}

#[test]
fn memory_to_memory_needs_no_request() {
    let mut dma = Dma::new(1, 5);
    start(&mut dma, 4, MINC | ccr::MEM2MEM.mask(), 1);
    assert!(item(&mut dma, 0).is_some());
}

#[test]
fn highest_priority_goes_first_and_then_the_lowest_number() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 1, ccr::PL.put(1), 1);
    start(&mut dma, 3, ccr::PL.put(3), 1);
    start(&mut dma, 6, ccr::PL.put(3), 1);
    let order: Vec<_> = (0..3).filter_map(|_| item(&mut dma, 0x7F)).map(|item| item.channel).collect();
    assert_eq!(order, [3, 6, 1]);
}

#[test]
fn failed_access_stops_the_channel() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC | ccr::TEIE.mask(), 3);
    item(&mut dma, 1);
    dma.begin(dma.next(1).expect("two are left"));
    dma.end(true);
    assert_eq!(flags(&mut dma, 0), GIF | TEIF);
    assert!(!ccr::EN.is_set(dma.read(ccr(0))));
    assert_eq!((dma.read(map::cndtr(0)), dma.interrupts()), (2, 1));
    assert_eq!(dma.next(1), None);
    dma.write(ccr(0), ccr::EN.mask());
    assert_eq!(rules(&mut dma), [Rule::TransferErrorIgnored]);
}

#[test]
fn item_in_flight_outlives_its_channel() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC, 3);
    let item = dma.next(1).expect("it is asked for");
    dma.begin(item);
    dma.write(ccr(0), 0);
    assert_eq!(dma.in_flight(), Some(item));
    dma.end(false);
    assert_eq!((dma.read(map::cndtr(0)), dma.in_flight()), (2, None));
}

#[test]
fn item_in_flight_counts_for_no_other_transfer() {
    for failed in [false, true] {
        let mut dma = Dma::new(0, 7);
        start(&mut dma, 0, MINC, 3);
        dma.begin(dma.next(1).expect("it is asked for"));
        dma.write(ccr(0), 0);
        start(&mut dma, 0, MINC, 1);
        dma.end(failed);
        assert_eq!((dma.read(map::cndtr(0)), flags(&mut dma, 0)), (1, 0));
        assert!(ccr::EN.is_set(dma.read(ccr(0))));
    }
}

#[test]
fn transfer_that_was_stopped_goes_on_from_its_count_and_begins_at_its_addresses() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC, 3);
    item(&mut dma, 1);
    dma.write(ccr(0), MINC);
    dma.write(ccr(0), MINC | ccr::EN.mask());
    assert_eq!(item(&mut dma, 1).map(|item| item.destination.address), Some(0x2000_0000));
    assert_eq!(dma.read(map::cndtr(0)), 1);
}

#[test]
fn memory_is_in_use_while_it_may_be_accessed_again() {
    let user = |dma: &Dma, at: u32, writes| dma.user_of(&(0x2000_0000 + at..0x2000_0001 + at), writes).is_some();
    for (mode, is_circular) in [(MINC, false), (MINC | CIRC, true)] {
        let mut dma = Dma::new(0, 7);
        start(&mut dma, 0, mode, 3);
        item(&mut dma, 1);
        assert_eq!(user(&dma, 0, true), is_circular, "it comes round again, or not");
        assert!(user(&dma, 1, true) && user(&dma, 2, false) && !user(&dma, 3, false));
    }
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC | ccr::DIR.mask(), 3);
    assert!(user(&dma, 1, false) && !user(&dma, 1, true), "it is read, and not written");
}

#[test]
fn registers_of_an_enabled_channel_are_left_alone() {
    for (offset, register) in
        [(map::cndtr(0), "CNDTR"), (map::cpar(0), "CPAR"), (map::cmar(0), "CMAR"), (ccr(0), "CCR")]
    {
        let mut dma = Dma::new(0, 7);
        start(&mut dma, 0, MINC, 3);
        let value = if register == "CCR" { ccr::EN.mask() | CIRC } else { 1 };
        dma.write(offset, value);
        assert_eq!(rules(&mut dma), [Rule::WrittenWhileEnabled], "{register}");
        assert!(register == "CCR" || dma.read(offset) != 1);
        dma.write(ccr(0), 0);
        dma.write(offset, 1);
        assert_eq!((dma.take_misuse(), dma.read(offset)), (vec![], 1));
    }
}

#[test]
fn interrupt_enables_may_change_while_a_channel_is_enabled() {
    let mut dma = Dma::new(0, 7);
    start(&mut dma, 0, MINC, 1);
    item(&mut dma, 1);
    assert_eq!(dma.interrupts(), 0);
    dma.write(ccr(0), MINC | ccr::EN.mask() | ccr::TCIE.mask());
    assert_eq!((dma.interrupts(), dma.take_misuse()), (1, vec![]));
}

#[test]
fn modes_that_do_not_exist_are_reported_and_move_nothing() {
    for mode in [ccr::MEM2MEM.mask() | CIRC, ccr::MSIZE.put(3), ccr::PSIZE.put(3)] {
        let mut dma = Dma::new(0, 7);
        start(&mut dma, 0, mode, 1);
        assert_eq!(rules(&mut dma), [Rule::ChannelMode]);
        assert_eq!(dma.next(1), None);
    }
}

#[test]
fn second_controller_has_five_channels() {
    let mut dma = Dma::new(1, 5);
    dma.write(map::cndtr(5), 1);
    assert_eq!(dma.read(map::cndtr(5)), 0);
    dma.read(0x94);
    assert_eq!(rules(&mut dma), [Rule::UnknownRegister; 3]);
}
