//! The controller's own rules: one function each, with the datasheet's reason.

use dma_api::nrf52840::usbd::map::Name;
use dma_api::nrf52840::usbd::map::dtoggle::{EP, IO, VALUE};
use dma_api::table::Register;
use dma_api::usb::{SET_ADDRESS, STANDARD_DEVICE_OUT};

use super::data::{OutState, status_bit};
use super::registers::name_of;
use super::{Direction, Job, Misuse, OutOfReach, PACKET_SIZE, Power, Rule, Usbd};

/// Registers that are windows onto the USB core: out of reach before READY (nRF5340 PS, USB register access
/// limitations) and, as far as is known, while a transfer runs (nrfx `usbd_dmareq_process`).
fn is_in_core(name: Name) -> bool {
    use Name::*;
    is_task(name)
        || is_size(name)
        || matches!(name, HALTED_EPIN | HALTED_EPOUT | USBADDR | USBPULLUP | DTOGGLE | EPINEN | EPOUTEN | EPSTALL)
        || matches!(name, ISOSPLIT | FRAMECNTR | BMREQUESTTYPE | BREQUEST | WVALUEL | WVALUEH | WINDEXL | WINDEXH)
        || matches!(name, WLENGTHL | WLENGTHH | COREINDEX | COREDATA)
}

fn is_task(name: Name) -> bool {
    use Name::*;
    matches!(name, TASKS_STARTEPIN | TASKS_STARTISOIN | TASKS_STARTEPOUT | TASKS_STARTISOOUT)
        || matches!(name, TASKS_EP0RCVOUT | TASKS_EP0STATUS | TASKS_EP0STALL | TASKS_DPDMDRIVE | TASKS_DPDMNODRIVE)
}

/// Tasks that have a rule of their own about a running transfer.
fn needs_idle_engine(name: Name) -> bool {
    use Name::*;
    matches!(name, TASKS_STARTEPIN | TASKS_STARTISOIN | TASKS_STARTEPOUT | TASKS_STARTISOOUT)
        || matches!(name, TASKS_EP0RCVOUT | TASKS_EP0STATUS)
}

fn is_size(name: Name) -> bool {
    matches!(name, Name::SIZE_EPOUT | Name::SIZE_ISOOUT)
}

fn is_modelled(chip: &Usbd, name: Name) -> bool {
    use Name::*;
    match name {
        TASKS_STARTISOIN | TASKS_STARTISOOUT | TASKS_DPDMDRIVE | TASKS_DPDMNODRIVE => false,
        DMASTATE | SIZE_ISOOUT | DPDMVALUE | ISOSPLIT | FRAMECNTR | LOWPOWER => false,
        ISOINCONFIG | ISOIN_PTR | ISOIN_MAXCNT | ISOIN_AMOUNT | ISOOUT_PTR | ISOOUT_MAXCNT | ISOOUT_AMOUNT => false,
        COREDATA => chip.core_register().is_some(),
        _ => true,
    }
}

pub(super) fn unknown_register(offset: u16) -> Misuse {
    Misuse::new(Rule::UnknownRegister, format!("there is no register at offset {offset:#05x}"))
}

/// The rules about touching a register at all: modelled, powered, not in the engine's way.
pub(super) fn check_access(chip: &Usbd, row: &Register<Name>, n: u16) -> Option<Misuse> {
    let offset = row.offset + n * row.stride;
    check_modelled(chip, row.name, offset)
        .or_else(|| check_ready(chip, row.name, offset))
        .or_else(|| check_out_of_reach(chip, row.name, offset))
}

fn check_modelled(chip: &Usbd, name: Name, offset: u16) -> Option<Misuse> {
    (!is_modelled(chip, name)).then(|| {
        let index =
            if name == Name::COREDATA { format!(" for COREINDEX {:#05x}", chip.coreindex) } else { String::new() };
        Misuse::new(Rule::NotModelled, format!("{}{index} is not modelled yet", name_of(offset)))
    })
}

fn check_ready(chip: &Usbd, name: Name, offset: u16) -> Option<Misuse> {
    (chip.power != Power::Ready && is_in_core(name)).then(|| {
        let what = format!("{} is out of reach until EVENTCAUSE.READY is 1 after ENABLE", name_of(offset));
        Misuse::new(Rule::AccessBeforeReady, what)
    })
}

fn check_out_of_reach(chip: &Usbd, name: Name, offset: u16) -> Option<Misuse> {
    let job = chip.job.as_ref()?;
    let out_of_reach = match chip.options.out_of_reach {
        OutOfReach::Core => is_in_core(name) && !needs_idle_engine(name),
        OutOfReach::Sizes => is_size(name),
    };
    out_of_reach.then(|| {
        let what = format!("{} is out of reach while {} runs: wait for {}", name_of(offset), job, job.end());
        Misuse::new(Rule::AccessDuringTransfer, what)
    })
}

/// One EasyDMA transfer at a time (nRF52840 PS v1.11 p. 856).
pub(super) fn check_start_while_busy(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    chip.job.as_ref().map(|job| {
        let start = if direction == Direction::MemoryToDevice { "TASKS_STARTEPIN" } else { "TASKS_STARTEPOUT" };
        let what = format!("{start}[{number}] while {job} runs: wait for {}", job.end());
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

/// MAXCNT holds 0 to 127, the endpoint's buffer 64.
pub(super) fn check_length(number: usize, maxcnt: u32, direction: Direction) -> Option<Misuse> {
    (maxcnt as usize > PACKET_SIZE).then(|| {
        let block = Job::block_of(direction);
        let what = format!("{block}[{number}].MAXCNT is {maxcnt}, but the endpoint's buffer has {PACKET_SIZE} bytes");
        Misuse::new(Rule::LengthOverBuffer, what)
    })
}

/// A start overwrites a packet that the host has not taken (nrfx, nrf-usbd and embassy all refuse it).
pub(super) fn check_start_while_armed(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    (direction == Direction::MemoryToDevice && chip.is_armed(number)).then(|| {
        let what = format!("TASKS_STARTEPIN[{number}] overwrites a packet that the host has not taken yet");
        Misuse::new(Rule::StartWhileArmed, what)
    })
}

/// Without a packet the engine copies whatever the endpoint's buffer holds.
pub(super) fn check_start_without_packet(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    (direction == Direction::DeviceToMemory && !chip.is_full(number)).then(|| {
        let event = if number == 0 { "EVENTS_EP0DATADONE" } else { "EVENTS_EPDATA" };
        let what = format!("TASKS_STARTEPOUT[{number}] without a packet: wait for {event}");
        Misuse::new(Rule::StartWithoutPacket, what)
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

/// Whether a SETUP packet is SET_ADDRESS.
pub(super) fn is_set_address(setup: &[u8; 8]) -> bool {
    setup[0] == STANDARD_DEVICE_OUT && setup[1] == SET_ADDRESS
}
