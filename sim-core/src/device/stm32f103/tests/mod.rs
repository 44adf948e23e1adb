//! DMA and USART together: which request goes where.

use dma_api::stm32f103::dma::map::{cmar, cndtr, cpar};
use dma_api::stm32f103::usart::map::{cr1, sr};

use super::*;
use crate::monitor::Rule;

pub(crate) mod sequences;

const USARTS: [usize; 3] = [USART1, USART2, USART3];

fn address(base: usize, offset: u16) -> u32 {
    u32::try_from(base).expect("32 bits") + u32::from(offset)
}

fn write(chip: &mut Stm32f103, base: usize, offset: u16, value: u32) {
    let place = place_of(address(base, offset)).expect("a peripheral is there");
    chip.write(place, value);
}

/// Enables a channel of DMA1 for the data register of the USART with this index.
fn start(chip: &mut Stm32f103, channel: u16, usart: usize, mode: u32) {
    write(chip, DMA1, cpar(channel), address(USARTS[usart], dr()));
    write(chip, DMA1, cmar(channel), 0x2000_0000);
    write(chip, DMA1, cndtr(channel), 4);
    write(chip, DMA1, map::ccr(channel), mode | map::ccr::EN.mask());
}

/// Switches the USART with this index on, with its requests.
fn switch_on(chip: &mut Stm32f103, usart: usize, requests: u32) {
    let on = [cr1::UE, cr1::TE, cr1::RE].iter().fold(0, |on, field| on | field.mask());
    write(chip, USARTS[usart], cr1(), on);
    write(chip, USARTS[usart], cr3(), requests);
}

/// The rules that were broken since the last call.
fn rules(chip: &mut Stm32f103) -> Vec<Rule> {
    chip.take_misuse().into_iter().map(|misuse| misuse.rule).collect()
}

/// Moves the next item of DMA1, with `value`.
fn item(chip: &mut Stm32f103, value: u32) -> Option<Item> {
    let item = chip.next(0)?;
    chip.begin(0, item, value);
    chip.end(0, false);
    Some(item)
}

#[test]
fn request_goes_to_the_channel_of_the_manual() {
    for (usart, channels) in [[4, 5], [7, 6], [2, 3]].into_iter().enumerate() {
        for (half, channel) in channels.into_iter().enumerate() {
            for index in 0..7 {
                let mut chip = Stm32f103::default();
                switch_on(&mut chip, usart, [cr3::DMAT, cr3::DMAR][half].mask());
                chip.usart_mut(usart).receive(1, None);
                start(&mut chip, index, usart, [map::ccr::DIR.mask(), 0][half]);
                assert_eq!(chip.can_move(0), index + 1 == channel, "USART{} {half}, channel {}", usart + 1, index + 1);
            }
        }
    }
}

#[test]
fn channel_that_serves_another_is_reported() {
    // USART1 asks, and channel 4 is set up for USART2.
    for (usart, expected) in [(0, vec![]), (1, vec![Rule::RequestOfAnother])] {
        let mut chip = Stm32f103::default();
        switch_on(&mut chip, 0, cr3::DMAT.mask());
        switch_on(&mut chip, 1, 0);
        start(&mut chip, 3, usart, map::ccr::DIR.mask());
        assert!(item(&mut chip, 0x41).is_some());
        assert_eq!(rules(&mut chip), expected);
    }
    // Channel 5 is what receives: one that sends with it is asked by RXNE.
    let mut chip = Stm32f103::default();
    switch_on(&mut chip, 0, cr3::DMAR.mask());
    start(&mut chip, 4, 0, map::ccr::DIR.mask());
    chip.usart_mut(0).receive(1, None);
    let item = chip.next(0).expect("RXNE=1");
    chip.begin(0, item, 0);
    assert_eq!(rules(&mut chip), [Rule::RequestOfAnother]);
}

#[test]
fn two_requests_of_one_channel_are_reported_whichever_comes_last() {
    for last in 0..3 {
        let mut chip = Stm32f103::default();
        for step in [(last + 1) % 3, (last + 2) % 3, last] {
            assert_eq!(rules(&mut chip), []);
            match step {
                0 => switch_on(&mut chip, 0, cr3::DMAT.mask()),
                1 => start(&mut chip, 3, 0, map::ccr::DIR.mask()),
                _ => chip.set_other_request(0, 3, true),
            }
        }
        assert_eq!(rules(&mut chip), [Rule::ChannelShared], "{last}");
        chip.set_other_request(0, 3, false);
        write(&mut chip, USART1, cr3(), cr3::DMAT.mask());
        assert_eq!(rules(&mut chip), []);
    }
}

#[test]
fn frames_are_kept_for_the_peer() {
    let mut chip = Stm32f103::default();
    switch_on(&mut chip, 0, 0);
    for byte in [0x41, 0x42] {
        write(&mut chip, USART1, dr(), byte);
        assert_eq!(chip.transmitted(0), u16::try_from(byte).ok());
    }
    assert_eq!([chip.take_sent(0), chip.take_sent(0), chip.take_sent(0)], [Some(0x41), Some(0x42), None]);
}

#[test]
fn interrupt_lines_have_names() {
    let mut chip = Stm32f103::default();
    assert!(!chip.interrupt() && chip.asserted().is_empty());
    switch_on(&mut chip, 1, cr3::DMAT.mask());
    start(&mut chip, 6, 1, map::ccr::DIR.mask() | map::ccr::HTIE.mask());
    write(&mut chip, USART1, cr1(), cr1::UE.mask() | cr1::TCIE.mask());
    assert_eq!(chip.asserted(), ["USART1"]);
    while item(&mut chip, 0).is_some() {
        write(&mut chip, USART2, dr(), 0);
        chip.transmitted(1);
    }
    assert_eq!(chip.asserted(), ["DMA1 channel 7", "USART1"]);
    assert!(chip.interrupt());
}

#[test]
fn places_have_the_manuals_names() {
    let name = |address| place_of(address).and_then(name_of);
    assert_eq!(name(address(DMA1, cndtr(4))).as_deref(), Some("DMA1.CNDTR5"));
    assert_eq!(name(address(DMA2, map::isr())).as_deref(), Some("DMA2.ISR"));
    assert_eq!(name(address(USART3, sr())).as_deref(), Some("USART3.SR"));
    assert_eq!((place_of(0x4001_0800), name(0x4001_0800)), (Some(Place::Other), None));
    assert_eq!((place_of(0x2000_0000), place_of(0x5000_0000)), (None, None));
}

#[test]
fn register_that_is_not_there_is_reported() {
    for base in [DMA1, DMA2, USART1] {
        let mut chip = Stm32f103::default();
        let place = place_of(address(base, 0x3FC)).expect("it is in the block");
        assert_eq!(chip.read(place), 0);
        chip.write(place, 1);
        assert_eq!(rules(&mut chip), [Rule::UnknownRegister; 2]);
    }
}
