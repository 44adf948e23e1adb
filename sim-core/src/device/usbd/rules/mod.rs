//! The controller's own rules: one function each, with the datasheet's reason.
//!
//! Those about touching a register at all are in `access`, those about what silicon needs beyond the datasheet in
//! `errata`, those about VBUS, the regulator and HFXO in `feed`.

use dma_api::nrf52840::usbd::map::dtoggle::{EP, IO, VALUE};
use dma_api::nrf52840::usbd::map::{self, Name};
use dma_api::usb::{SET_ADDRESS, STANDARD_DEVICE_OUT};

use super::data::{OutState, status_bit};
use super::power::Power;
use super::{Alignment, Direction, EasyDma, ISO, Job, Misuse, Rule, Usbd, name_of};

mod access;
mod errata;
mod feed;

pub(super) use access::{check_access, unknown_register};
pub(super) use errata::check_size_is_writable;
pub(super) use errata::{check_dma_latch, check_enable, check_iso_buffers, check_latch_kept, check_odd_bytes};
pub(super) use feed::{check_crystal, check_output, check_vbus};

/// One EasyDMA transfer at a time (nRF52840 PS v1.11 p. 856).
pub(super) fn check_start_while_busy(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    chip.job.as_ref().map(|job| {
        let start = Job::start_of(number, direction);
        let what = format!("{start} while {job} runs: wait for {}", job.end());
        Misuse::new(Rule::StartWhileBusy, what)
    })
}

/// EP0STATUS and EP0RCVOUT need the engine idle as well (TinyUSB 583326e53, 6b621baeb).
pub(super) fn check_task_while_busy(chip: &Usbd, task: &str) -> Option<Misuse> {
    chip.job.as_ref().map(|job| {
        let what = format!("{task} needs the DMA engine idle, but {job} runs: wait for {}", job.end());
        Misuse::new(Rule::TaskWhileBusy, what)
    })
}

/// MAXCNT holds 0 to 127 or 1023, the endpoint's buffer 64, 512 or 1023.
pub(super) fn check_length(chip: &Usbd, number: usize, maxcnt: u32, direction: Direction) -> Option<Misuse> {
    let capacity = chip.capacity(number);
    (maxcnt as usize > capacity).then(|| {
        let block = Job::block_of(direction);
        let what = format!("{block}[{number}].MAXCNT is {maxcnt}, but the endpoint's buffer has {capacity} bytes");
        Misuse::new(Rule::LengthOverBuffer, what)
    })
}

/// MAXCNT has 7 bits, or 10: what is more than `mask` holds is cut off, and START sees the rest.
#[inline]
pub(super) fn check_maxcnt(name: Name, offset: u16, value: u32, mask: u32) -> Option<Misuse> {
    use Name::*;
    let is_cut = value & !mask != 0 && matches!(name, EPIN_MAXCNT | EPOUT_MAXCNT | ISOIN_MAXCNT | ISOOUT_MAXCNT);
    if is_cut { Some(cut_off(offset, value, mask)) } else { None }
}

#[cold]
fn cut_off(offset: u16, value: u32, mask: u32) -> Misuse {
    let (bits, held) = (mask.count_ones(), value & mask);
    let what = format!("{value} is written to {}, which has {bits} bits: it is {held}", name_of(offset));
    Misuse::new(Rule::LengthOverBuffer, what)
}

/// PTR, and for isochronous packets MAXCNT, are to be multiples of 4 (nRF5340 PS, isochronous IN). A switch: no driver
/// keeps it.
pub(super) fn check_alignment(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    let EasyDma { ptr, maxcnt, .. } = match direction {
        Direction::MemoryToDevice => chip.epin[number],
        Direction::DeviceToMemory => chip.epout[number],
    };
    let ragged = number == ISO && direction == Direction::MemoryToDevice && maxcnt % 4 != 0;
    (chip.options.alignment == Alignment::Words && maxcnt > 0 && (ptr % 4 != 0 || ragged)).then(|| {
        let block = Job::block_of(direction);
        let what = format!("{block}[{number}].PTR is {ptr:#010x}, MAXCNT is {maxcnt}: multiples of 4 are asked for");
        Misuse::new(Rule::Unaligned, what)
    })
}

/// A start overwrites a packet that the host has not taken (nrfx, nrf-usbd and embassy all refuse it).
pub(super) fn check_start_while_armed(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    (direction == Direction::MemoryToDevice && chip.is_armed(number)).then(|| {
        let start = Job::start_of(number, direction);
        let what = format!("{start} overwrites a packet that the host has not taken yet");
        Misuse::new(Rule::StartWhileArmed, what)
    })
}

/// Without a packet the engine copies whatever the endpoint's buffer holds.
///
/// A SETUP drops the packet that waits on endpoint 0. Whoever has not cleared its event yet may have looked before it
/// came: what can then be known is only known afterwards.
pub(super) fn check_start_without_packet(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    let setup_is_unseen = chip.events & map::event_bit(map::events_ep0setup()) != 0;
    let was_there = number == 0 && chip.ep0.discarded && setup_is_unseen;
    (direction == Direction::DeviceToMemory && !chip.is_full(number) && !was_there).then(|| {
        let event = match number {
            0 => "EVENTS_EP0DATADONE",
            ISO => "EVENTS_SOF, and for SIZE.ISOOUT not to be 0",
            _ => "EVENTS_EPDATA",
        };
        let start = Job::start_of(number, direction);
        Misuse::new(Rule::StartWithoutPacket, format!("{start} without a packet: wait for {event}"))
    })
}

/// The END of an OUT transfer arms already. A packet that has come since is overwritten by the next one (TinyUSB
/// 64f41dea6, embassy PR #6688).
///
/// To drop a packet is another matter (nrfx `nrfx_usbd_transfer_out_drop`): who does that has seen it, and cleared its
/// bit of EPDATASTATUS.
pub(super) fn check_armed_twice(chip: &Usbd, number: usize) -> Option<Misuse> {
    let unseen = chip.epdatastatus & status_bit(number, Direction::DeviceToMemory) != 0;
    let found = match chip.data.get(number).output.state {
        OutState::Armed => "is armed already",
        OutState::Full if unseen => "holds a packet that EPDATASTATUS still announces: it is lost",
        OutState::Full | OutState::Idle => return None,
    };
    let what = format!("SIZE.EPOUT[{number}] written while the endpoint {found}; the END of a transfer arms by itself");
    Some(Misuse::new(Rule::ArmedTwice, what))
}

/// DTOGGLE selects first and acts then (nRF52840 PS, as TinyUSB quotes it).
pub(super) fn check_toggle_selected(chip: &Usbd, value: u32) -> Option<Misuse> {
    let forced = VALUE.get(value) != 0;
    (forced && (value ^ chip.dtoggle) & (EP.mask() | IO.mask()) != 0).then(|| {
        let what = "DTOGGLE forces the toggle of an endpoint that is not selected: write it with VALUE 0 first";
        Misuse::new(Rule::ToggleNotSelected, what.to_owned())
    })
}

/// SET_ADDRESS is answered by hardware, status stage included (TinyUSB, nrf-usbd).
pub(super) fn check_status_on_set_address(chip: &Usbd) -> Option<Misuse> {
    chip.ep0.is_set_address().then(|| {
        let what = "TASKS_EP0STATUS on SET_ADDRESS: the hardware runs this status stage by itself".to_owned();
        Misuse::new(Rule::StatusOnSetAddress, what)
    })
}

/// EasyDMA cannot be stopped: ENABLE=0 under a running transfer loses its END.
pub(super) fn check_power_down(chip: &Usbd) -> Option<Misuse> {
    chip.job.as_ref().map(|job| {
        let what = format!("ENABLE=0 while {job} runs: wait for {} first", job.end());
        Misuse::new(Rule::PowerDownDuringTransfer, what)
    })
}

/// LOWPOWER=1 is for when the DMA is idle: a transfer that runs never ends (Nordic, in Zephyr PR #81596).
pub(super) fn check_low_power(chip: &Usbd) -> Option<Misuse> {
    chip.job.as_ref().map(|job| {
        let what = format!("LOWPOWER=1 while {job} runs: it never ends; wait for {} first", job.end());
        Misuse::new(Rule::LowPowerDuringTransfer, what)
    })
}

/// The core drives nothing before it is awake (nRF5340 PS, remote wake-up; nrfx waits).
pub(super) fn check_drive(chip: &Usbd) -> Option<Misuse> {
    (chip.power == Power::Waking).then(|| {
        let what = "TASKS_DPDMDRIVE before EVENTCAUSE.USBWUALLOWED: the core is not awake yet".to_owned();
        Misuse::new(Rule::DriveBeforeWakeUp, what)
    })
}

/// EPSTALL and DTOGGLE have three bits for the endpoint: 8 is 0 (TinyUSB 7f84fe9bd).
pub(super) fn check_endpoint_field(name: Name, value: u32) -> Option<Misuse> {
    (matches!(name, Name::EPSTALL | Name::DTOGGLE) && value & 8 != 0).then(|| {
        let what = format!("{name:?} has no endpoint {}: its three bits say {}", value & 15, value & 7);
        Misuse::new(Rule::EndpointAliased, what)
    })
}

/// Whether a SETUP packet is SET_ADDRESS.
pub(super) fn is_set_address(setup: &[u8; 8]) -> bool {
    setup[0] == STANDARD_DEVICE_OUT && setup[1] == SET_ADDRESS
}
