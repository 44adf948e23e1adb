//! What interrupts, awake and asleep; and what is asked for in low power.

use super::*;

const AWAKE: u32 = map::inten::USBRESET.mask()
    | map::inten::EP0DATADONE.mask()
    | map::inten::USBEVENT.mask()
    | map::inten::EP0SETUP.mask()
    | map::inten::EPDATA.mask();
const ASLEEP: u32 = map::inten::USBRESET.mask() | map::inten::USBEVENT.mask();
const SOF: u32 = map::inten::SOF.mask();

fn all() -> [EndpointAddress; 4] {
    [input(1), input(2), output(1), output(2)]
}

fn happens(chip: &Block, cause: u32) {
    chip.raise(map::eventcause(), cause);
    chip.set(map::events_usbevent(), 1);
}

/// The host suspends the bus, and usb-device is told.
fn suspend(chip: &Block, bus: &mut Controller<&Block>) {
    happens(chip, map::eventcause::SUSPEND.mask());
    assert!(matches!(bus.poll(), PollResult::Suspend));
    bus.suspend();
}

/// The host resumes it.
fn resume(chip: &Block, bus: &mut Controller<&Block>) {
    happens(chip, map::eventcause::RESUME.mask());
    assert!(matches!(bus.poll(), PollResult::Resume));
}

#[test]
fn events_that_poll_looks_at_interrupt_and_no_others() {
    let chip = Block::usbd();
    let mut bus = bus(&chip, false);
    // A bootloader's.
    chip.set(map::inten(), map::inten::ENDEPIN0.mask() | SOF);
    bus.enable();
    assert_eq!(chip.get(map::inten()), AWAKE);
    assert_eq!(chip.get(map::usbpullup()), 1);
}

#[test]
fn events_that_end_a_suspension_interrupt_in_low_power_and_no_others() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(8)]);
    assert_eq!(chip.get(map::inten()), AWAKE | SOF);
    for _ in 0..2 {
        suspend(&chip, &mut bus);
        assert_eq!((chip.get(map::lowpower()), chip.get(map::inten())), (1, ASLEEP));
        resume(&chip, &mut bus);
        assert_eq!((chip.get(map::lowpower()), chip.get(map::inten())), (0, AWAKE | SOF), "frames as before");
    }
}

#[test]
fn controller_that_the_host_has_resumed_meanwhile_stays_awake_and_interrupts_as_before() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(8)]);
    happens(&chip, map::eventcause::SUSPEND.mask());
    assert!(matches!(bus.poll(), PollResult::Suspend));
    happens(&chip, map::eventcause::RESUME.mask());
    bus.suspend();
    assert_eq!((chip.get(map::lowpower()), chip.get(map::inten())), (0, AWAKE | SOF));
}

/// `before` are halted, and `halts` asked for in low power, in this order. Expects `after` to be halted: as told in low
/// power, and by the hardware when the controller is awake.
#[track_caller]
fn expect_halted(before: &[EndpointAddress], halts: &[(EndpointAddress, bool)], after: &[EndpointAddress]) {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &all());
    before.iter().for_each(|address| bus.set_stalled(*address, true));
    suspend(&chip, &mut bus);
    chip.writes();
    halts.iter().for_each(|(address, halted)| bus.set_stalled(*address, *halted));
    assert_eq!(chip.own_writes(), [], "it sleeps");
    let of_all = |is_halted: &dyn Fn(EndpointAddress) -> bool| all().into_iter().filter(|a| is_halted(*a)).collect();
    let told: Vec<_> = of_all(&|address| bus.device.is_stalled(address));
    assert_eq!(told, after, "asleep");
    resume(&chip, &mut bus);
    let halted: Vec<_> = of_all(&|address| is_halted(&chip, address));
    assert_eq!(halted, after, "awake");
}

#[test]
fn halt_that_is_asked_for_in_low_power_is_that_of_the_endpoint() {
    for address in all() {
        expect_halted(&[], &[(address, true)], &[address]);
        expect_halted(&[address], &[(address, false)], &[]);
    }
}

#[test]
fn last_of_the_halts_that_are_asked_for_in_low_power_counts_for_each_endpoint() {
    let (first, second) = (input(1), input(2));
    expect_halted(&[], &[(first, true), (second, true), (second, false)], &[first]);
    expect_halted(&[first], &[(first, false), (second, false), (second, true)], &[second]);
    expect_halted(&[second], &[(first, false), (first, true), (second, false)], &[first]);
}

#[test]
fn endpoints_that_have_no_halt_get_none_in_low_power() {
    let chip = Block::usbd();
    let mut bus = opened(&chip, &[input(1), input(8), output(8)]);
    suspend(&chip, &mut bus);
    let others = [input(0), output(0), input(2), output(1), input(8), output(8), input(9)];
    for address in others {
        bus.set_stalled(address, true);
        assert!(!bus.device.is_stalled(address) && !bus.device.is_stalled(input(1)), "{address:?}");
    }
    chip.writes();
    resume(&chip, &mut bus);
    assert_eq!(writes_to(&chip, map::epstall()), []);
}
