//! Suspend, resume, low power, remote wake-up and frames.

use super::*;
use map::eventcause::{READY, RESUME, SUSPEND, USBWUALLOWED};

/// The causes that stand; clears them.
fn causes(rig: &mut Rig) -> u32 {
    let causes = rig.read(map::eventcause());
    rig.write(map::eventcause(), causes);
    causes
}

fn suspended() -> Rig {
    let mut rig = Rig::configured();
    rig.suspend();
    assert_eq!(causes(&mut rig), SUSPEND.mask());
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
    rig
}

fn asleep() -> Rig {
    let mut rig = suspended();
    rig.write(map::lowpower(), 1);
    rig
}

/// Awake again, on a bus that is still suspended.
fn awake() -> Rig {
    let mut rig = asleep();
    rig.write(map::lowpower(), 0);
    rig.power_up_done();
    assert_eq!(causes(&mut rig), USBWUALLOWED.mask());
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
    rig
}

#[test]
fn suspended_device_answers_nothing_until_it_is_resumed() {
    let mut rig = suspended();
    assert!(rig.is_connected() && rig.is_suspended() && !rig.is_active());
    assert_eq!(rig.host_in_at(1), Answer::Silence);
    rig.resume();
    assert_eq!((rig.events(), causes(&mut rig)), (vec!["EVENTS_USBEVENT".to_owned()], RESUME.mask()));
    assert_eq!(rig.host_in_at(1), Answer::Nak);
    rig.resume();
    assert_eq!(rig.events(), Vec::<String>::new(), "it was resumed already");
}

#[test]
fn suspended_twice_is_suspended_once() {
    let mut rig = suspended();
    rig.suspend();
    assert_eq!((rig.events(), causes(&mut rig)), (vec![], 0));
}

#[test]
fn cause_event_is_the_edge_of_a_cause() {
    let mut rig = Rig::connected();
    rig.suspend();
    rig.events();
    rig.resume();
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"], "RESUME is another bit");
    rig.suspend();
    assert_eq!(rig.events(), Vec::<String>::new(), "SUSPEND was left standing");
    assert_eq!(causes(&mut rig), SUSPEND.mask() | RESUME.mask());
    rig.resume();
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
}

#[test]
fn suspend_does_not_reach_a_device_that_is_not_connected() {
    for mut rig in [Rig::off(), Rig::ready(Options::ideal())] {
        let before = rig.state();
        rig.suspend();
        rig.resume();
        rig.start_of_frame(7);
        assert_eq!(rig.state(), before);
    }
}

#[test]
fn frame_is_counted_and_told() {
    let mut rig = Rig::connected();
    for (frame, counted) in [(1, 1), (0x7FF, 0x7FF), (0x800, 0)] {
        rig.start_of_frame(frame);
        assert_eq!(rig.events(), ["EVENTS_SOF"]);
        assert_eq!(rig.read(map::framecntr()), counted);
    }
}

#[test]
fn frame_on_a_suspended_bus_resumes_it() {
    let mut rig = suspended();
    rig.start_of_frame(5);
    assert_eq!(causes(&mut rig), RESUME.mask());
    assert_eq!(rig.events(), ["EVENTS_SOF", "EVENTS_USBEVENT"]);
    assert_eq!(rig.read(map::framecntr()), 5);
}

#[test]
fn core_in_low_power_sees_the_resume_and_no_frame() {
    let mut rig = asleep();
    rig.start_of_frame(5);
    assert_eq!(causes(&mut rig), RESUME.mask());
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
    assert_eq!(rig.host_in_at(1), Answer::Silence, "it is still asleep");
    rig.write(map::lowpower(), 0);
    assert!(rig.is_powering_up());
    assert_eq!(rig.host_in_at(1), Answer::Silence, "it is not awake yet");
    rig.power_up_done();
    assert_eq!(causes(&mut rig), USBWUALLOWED.mask());
    assert_eq!(rig.host_in_at(1), Answer::Nak);
}

#[test]
fn low_power_taken_back_while_waking_sleeps_on() {
    let mut rig = asleep();
    rig.write(map::lowpower(), 0);
    rig.write(map::lowpower(), 1);
    assert!(!rig.is_powering_up());
    rig.power_up_done();
    assert_eq!(causes(&mut rig), 0);
}

#[test]
fn low_power_of_a_chip_that_is_off_is_a_bit() {
    let mut rig = Rig::off();
    rig.write(map::lowpower(), 1);
    rig.write(map::lowpower(), 0);
    assert!(!rig.is_powering_up());
    rig.write(map::lowpower(), 1);
    rig.write(map::enable(), 1);
    rig.power_up_done();
    assert_eq!(causes(&mut rig), READY.mask());
    rig.read(map::usbaddr());
    assert_eq!(rig.rules(), [Rule::AccessInLowPower]);
}

#[test]
fn transfer_in_low_power_never_ends() {
    let mut rig = Rig::configured();
    rig.start_in_at(1, 8);
    let job = rig.job().expect("it was started").clone();
    rig.events();
    rig.suspend();
    rig.write(map::lowpower(), 1);
    assert_eq!(rig.rules(), [Rule::LowPowerDuringTransfer]);
    rig.complete(job.id, &job.payload);
    rig.resume();
    rig.write(map::lowpower(), 0);
    rig.power_up_done();
    rig.complete(job.id, &job.payload);
    assert_eq!(rig.events(), ["EVENTS_USBEVENT"]);
    assert_eq!(rig.host_in_at(1), Answer::Nak);
    rig.arm_at(1, &bytes(3));
    assert_eq!(rig.host_in_at(1), data(false, &bytes(3)), "the engine is idle");
}

#[test]
fn transfer_started_in_low_power_never_runs() {
    let mut rig = asleep();
    rig.start_in_at(1, 8);
    assert_eq!(rig.rules(), [Rule::AccessInLowPower]);
    assert_eq!(rig.job(), None);
    rig.write(map::lowpower(), 0);
    rig.power_up_done();
    assert_eq!(rig.job(), None, "nor later");
}

#[test]
fn armed_packet_survives_low_power() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    rig.suspend();
    rig.write(map::lowpower(), 1);
    rig.resume();
    rig.write(map::lowpower(), 0);
    rig.power_up_done();
    assert_eq!(rig.host_in_at(1), data(false, &bytes(8)));
}

#[test]
fn remote_wake_up_asks_the_host_and_is_followed_by_no_resume_event() {
    let mut rig = awake();
    rig.write(map::dpdmvalue(), 1);
    assert!(!rig.is_driving_resume(), "the value alone drives nothing");
    rig.task(map::tasks_dpdmdrive());
    rig.write(map::dpdmvalue(), 0);
    assert!(rig.is_driving_resume(), "the value was looked at by the task");
    rig.resume();
    assert_eq!((rig.drive(), causes(&mut rig), rig.events()), (Drive::Nothing, 0, vec![]));
    rig.start_of_frame(9);
    assert_eq!(rig.events(), ["EVENTS_SOF"]);
    assert_eq!(rig.host_in_at(1), Answer::Nak);
}

#[test]
fn k_and_j_hold_until_they_are_released() {
    for (value, drive, asks) in [(4, Drive::K, true), (2, Drive::J, false)] {
        let mut rig = awake();
        rig.write(map::dpdmvalue(), value);
        rig.task(map::tasks_dpdmdrive());
        assert_eq!((rig.drive(), rig.is_driving_resume()), (drive, asks));
        rig.resume();
        assert_eq!(rig.host_in_at(1), Answer::Silence, "the lines are forced");
        rig.task(map::tasks_dpdmnodrive());
        assert_eq!(rig.drive(), Drive::Nothing);
        assert_eq!(rig.host_in_at(1), Answer::Nak);
    }
}

#[test]
fn resume_is_not_driven_on_a_bus_that_is_not_suspended() {
    let mut rig = Rig::connected();
    rig.write(map::dpdmvalue(), 1);
    rig.task(map::tasks_dpdmdrive());
    assert_eq!(rig.drive(), Drive::Nothing);
    rig.setup(no_data());
}

#[test]
fn drive_before_the_core_is_awake_is_lost() {
    let mut rig = asleep();
    rig.write(map::lowpower(), 0);
    rig.write(map::dpdmvalue(), 1);
    rig.task(map::tasks_dpdmdrive());
    assert_eq!(rig.rules(), [Rule::DriveBeforeWakeUp]);
    rig.power_up_done();
    assert!(!rig.is_driving_resume());
}

#[test]
fn bus_reset_ends_a_suspension() {
    let mut rig = suspended();
    rig.bus_reset();
    assert_eq!((rig.events(), causes(&mut rig)), (vec!["EVENTS_USBRESET".to_owned()], 0));
    rig.setup(no_data());
}
