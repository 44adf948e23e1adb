//! Which registers are out of reach, and when.

use super::*;

/// A rig with a transfer that runs.
fn busy() -> Rig {
    let mut rig = Rig::asked(Setup::get_device_descriptor(255));
    rig.start_in(18);
    rig
}

/// The registers that are windows onto the USB core (nRF5340 PS, USB register access limitations). COREDATA is one as
/// well, for an index that is modelled.
const CORE: &[Name] = &[
    Name::TASKS_STARTEPIN,
    Name::TASKS_STARTISOIN,
    Name::TASKS_STARTEPOUT,
    Name::TASKS_STARTISOOUT,
    Name::TASKS_EP0RCVOUT,
    Name::TASKS_EP0STATUS,
    Name::TASKS_EP0STALL,
    Name::TASKS_DPDMDRIVE,
    Name::TASKS_DPDMNODRIVE,
    Name::HALTED_EPIN,
    Name::HALTED_EPOUT,
    Name::USBADDR,
    Name::BMREQUESTTYPE,
    Name::BREQUEST,
    Name::WVALUEL,
    Name::WVALUEH,
    Name::WINDEXL,
    Name::WINDEXH,
    Name::WLENGTHL,
    Name::WLENGTHH,
    Name::SIZE_EPOUT,
    Name::SIZE_ISOOUT,
    Name::USBPULLUP,
    Name::DTOGGLE,
    Name::EPINEN,
    Name::EPOUTEN,
    Name::EPSTALL,
    Name::ISOSPLIT,
    Name::FRAMECNTR,
    Name::COREINDEX,
];

/// Tasks that have a rule of their own about a running transfer, when they are written 1.
const STARTS: &[Name] = &[
    Name::TASKS_STARTEPIN,
    Name::TASKS_STARTISOIN,
    Name::TASKS_STARTEPOUT,
    Name::TASKS_STARTISOOUT,
    Name::TASKS_EP0RCVOUT,
    Name::TASKS_EP0STATUS,
];

/// The rows of which some register breaks `rule` when it is read.
fn rows_that_break(rule: Rule, mut rig: Rig) -> Vec<Name> {
    let mut names = Vec::new();
    for (row, offset) in every_register() {
        rig.read(offset);
        if rig.rules() == [rule] && !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    names
}

#[test]
fn core_is_out_of_reach_before_ready() {
    let mut starting = Rig::off();
    starting.write(map::enable(), 1);
    assert_eq!(rows_that_break(Rule::AccessBeforeReady, Rig::off()), CORE);
    assert_eq!(rows_that_break(Rule::AccessBeforeReady, starting), CORE);
    assert_eq!(rows_that_break(Rule::AccessBeforeReady, Rig::ready(Options::ideal())), []);
}

#[test]
fn core_is_out_of_reach_in_low_power() {
    let mut rig = Rig::connected();
    rig.suspend();
    rig.write(map::lowpower(), 1);
    assert_eq!(rows_that_break(Rule::AccessInLowPower, rig), CORE);
    let mut rig = Rig::connected();
    rig.suspend();
    assert_eq!(rows_that_break(Rule::AccessInLowPower, rig), []);
}

#[test]
fn core_is_out_of_reach_during_a_transfer() {
    let core: Vec<Name> = CORE.iter().copied().filter(|name| !STARTS.contains(name)).collect();
    assert_eq!(rows_that_break(Rule::AccessDuringTransfer, busy()), core);
}

#[test]
fn only_the_sizes_are_out_of_reach_during_a_transfer_if_so_chosen() {
    let mut rig = Rig::with(Options { out_of_reach: OutOfReach::Sizes, ..Options::ideal() });
    rig.setup(Setup::get_device_descriptor(18));
    rig.start_in(18);
    assert_eq!(rows_that_break(Rule::AccessDuringTransfer, rig), [Name::SIZE_EPOUT, Name::SIZE_ISOOUT]);
}

#[test]
fn register_out_of_reach_reads_garbage_and_loses_writes() {
    let mut rig = busy();
    let before = rig.state();
    assert_ne!(rig.read(map::size_epout(0)), 0);
    rig.write(map::usbpullup(), 0);
    rig.task(map::tasks_ep0stall());
    assert_eq!(rig.rules(), [Rule::AccessDuringTransfer; 3]);
    assert_eq!(rig.state(), before);
}
