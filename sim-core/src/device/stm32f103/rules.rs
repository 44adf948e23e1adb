//! The rules of DMA and USART: one function each, with the manual's reason.
//!
//! Sections are those of RM0041 revision 6; the STM32F103's own manual, RM0008, describes the same blocks.

use dma_api::stm32f103::dma::map::ccr;

use super::dma::Width;
use crate::monitor::{Misuse, Rule};

/// What a channel is called: the manual counts from 1.
pub(super) fn channel_name(controller: usize, channel: usize) -> String {
    format!("DMA{} channel {}", controller + 1, channel + 1)
}

/// CPAR, CMAR and CNDTR are not to be written while EN=1 (DMA, channel registers); the mode is set before.
pub(super) fn check_written_while_enabled(name: &str, register: &str, is_enabled: bool) -> Option<Misuse> {
    is_enabled.then(|| {
        let what = format!("{register} of {name} is written while EN=1: write CCR with EN=0 first");
        Misuse::new(Rule::WrittenWhileEnabled, what)
    })
}

/// A channel that has failed has stopped, and what is left of its transfer is lost (DMA, error management).
pub(super) fn check_transfer_error_seen(name: &str, has_failed: bool) -> Option<Misuse> {
    has_failed.then(|| {
        let what = format!("EN=1 in {name} while TEIF is set: the transfer before has failed, and nobody has looked");
        Misuse::new(Rule::TransferErrorIgnored, what)
    })
}

/// MEM2MEM does not go with CIRC, and PSIZE and MSIZE have a reserved value.
pub(super) fn check_mode(name: &str, exists: bool) -> Option<Misuse> {
    (!exists).then(|| {
        let what =
            format!("EN=1 in {name} with a mode that there is not: MEM2MEM with CIRC, or a reserved PSIZE or MSIZE");
        Misuse::new(Rule::ChannelMode, what)
    })
}

/// With CNDTR=0 no request is served, so no end ever comes (CNDTR, description).
pub(super) fn check_not_empty(name: &str, items: u32) -> Option<Misuse> {
    (items == 0).then(|| {
        let what = format!("EN=1 in {name} with CNDTR=0: nothing is moved, and TCIF never comes");
        Misuse::new(Rule::EmptyTransfer, what)
    })
}

/// The low bits of CPAR and CMAR are ignored for 16 and 32 bits (CPAR and CMAR, description).
pub(super) fn check_aligned(name: &str, register: &str, address: u32, width: Option<Width>) -> Option<Misuse> {
    let bytes = width.map_or(1, Width::bytes);
    (!address.is_multiple_of(bytes)).then(|| {
        let what = format!(
            "{register} of {name} is {address:#010x}, and an access has {bytes} bytes: its low bits are ignored"
        );
        Misuse::new(Rule::Unaligned, what)
    })
}

/// The requests of a channel are OR-ed: only one peripheral is to have its own enabled (DMA, request mapping).
pub(super) fn check_one_request(name: &str, sources: &[&str]) -> Option<Misuse> {
    (sources.len() > 1).then(|| {
        let what = format!("{name} serves the requests of {}: only one may be enabled", sources.join(" and "));
        Misuse::new(Rule::ChannelShared, what)
    })
}

/// A channel is asked for items by the peripherals that it is wired to, whatever CPAR says (DMA, request mapping).
pub(super) fn check_request(name: &str, source: &str, is_its_own: bool) -> Option<Misuse> {
    (!is_its_own).then(|| {
        let what = format!("{name} moves an item to or from elsewhere because {source} asks for one: use the channel that is wired to it");
        Misuse::new(Rule::RequestOfAnother, what)
    })
}

/// TE=0 or UE=0 in the middle of a frame cuts it off (USART, transmitter: wait for TC).
pub(super) fn check_transmitter_is_idle(name: &str, is_sending: bool) -> Option<Misuse> {
    is_sending.then(|| {
        let what = format!("UE=0 or TE=0 in {name} before TC: the frame on the wire is cut off");
        Misuse::new(Rule::DisabledWhileSending, what)
    })
}

/// No register is there.
pub(super) fn unknown_register(name: &str) -> Misuse {
    Misuse::new(Rule::UnknownRegister, format!("there is no register {name}"))
}

/// The bits of CCR that may change while EN=1: EN itself, and which flags interrupt.
pub(super) fn free_bits() -> u32 {
    [ccr::EN, ccr::TCIE, ccr::HTIE, ccr::TEIE].iter().fold(0, |bits, field| bits | field.mask())
}
