//! The rules about touching a register at all: modelled, powered, not in the engine's way.

use dma_api::nrf52840::usbd::map::Name;
use dma_api::table::Register;

use crate::device::usbd::power::Power;
use crate::device::usbd::registers::name_of;
use crate::device::usbd::{OutOfReach, Usbd};
use crate::monitor::{Misuse, Rule};

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
    match name {
        Name::DMASTATE => false,
        Name::COREDATA => chip.core_register().is_some(),
        _ => true,
    }
}

pub(in crate::device::usbd) fn unknown_register(offset: u16) -> Misuse {
    Misuse::new(Rule::UnknownRegister, format!("there is no register at offset {offset:#05x}"))
}

/// The rules about touching a register at all: modelled, powered, not in the engine's way.
#[inline]
pub(in crate::device::usbd) fn check_access(chip: &Usbd, row: &Register<Name>, n: u16) -> Option<Misuse> {
    let all_are_in_reach = matches!(chip.power, Power::Ready | Power::Waking) && chip.job.is_none();
    let may_be_unmodelled = matches!(row.name, Name::DMASTATE | Name::COREDATA);
    if all_are_in_reach && !may_be_unmodelled { None } else { check_each(chip, row, n) }
}

fn check_each(chip: &Usbd, row: &Register<Name>, n: u16) -> Option<Misuse> {
    let offset = row.offset + n * row.stride;
    check_modelled(chip, row.name, offset)
        .or_else(|| check_ready(chip, row.name, offset))
        .or_else(|| check_out_of_reach(chip, row.name, offset))
}

fn check_modelled(chip: &Usbd, name: Name, offset: u16) -> Option<Misuse> {
    (!is_modelled(chip, name)).then(|| {
        let index =
            if name == Name::COREDATA { format!(" for COREINDEX {:#05x}", chip.coreindex) } else { String::new() };
        Misuse::new(Rule::NotModelled, format!("{}{index} is not modelled", name_of(offset)))
    })
}

fn check_ready(chip: &Usbd, name: Name, offset: u16) -> Option<Misuse> {
    let (rule, until) = match chip.power {
        _ if !is_in_core(name) => return None,
        Power::Ready | Power::Waking => return None,
        Power::Off | Power::Stuck | Power::Starting => (Rule::AccessBeforeReady, "EVENTCAUSE.READY is 1 after ENABLE"),
        Power::Asleep => (Rule::AccessInLowPower, "LOWPOWER is 0 again"),
    };
    Some(Misuse::new(rule, format!("{} is out of reach until {until}", name_of(offset))))
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
