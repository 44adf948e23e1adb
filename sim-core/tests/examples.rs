//! The examples as a user runs them: the driver as it is, and broken.

use std::process::{Command, Output};

fn run(example: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    // Of the whole workspace, whose dependencies are built already; those of this package alone have other features.
    let cargo = ["run", "--quiet", "--example", example, "--"];
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(cargo).args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("cargo can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn driver_that_waits_is_sound_and_nothing_is_left_unexplored() {
    let shown = [
        ("explore", ""),
        ("model", ""),
        ("interrupt", "The host has its descriptor, whenever the handler comes: "),
        ("host", "Device 1209:0001, on each of "),
    ];
    for (example, shows) in shown {
        let (code, out, err) = run(example, &[]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.starts_with(shows), "{out}");
        assert!(err.contains(": sound: ") && err.contains("\nunexplored: nothing\n"), "{err}");
    }
}

#[test]
fn driver_that_does_not_wait_is_shown_with_the_string_that_replays_it() {
    let (code, out, err) = run("explore", &["--broken"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("AcquiredInFlight: ") && err.contains("\n  replay d1.closures:"), "{err}");
    assert!(err.contains("\nunexplored: what comes after the failure\n"), "{err}");
    assert!(out.contains("DMA1.CCR4 <- 0x91") && out.contains("!! AcquiredInFlight"), "{out}");
}

#[test]
fn handler_that_clears_nothing_is_a_storm_that_is_shown() {
    let (code, out, err) = run("interrupt", &["--broken"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("InterruptStorm: ") && err.contains("EVENTS_USBRESET and EVENTS_EP0SETUP set"), "{err}");
    assert!(out.contains("the handler runs") && out.contains("!! InterruptStorm"), "{out}");
}

#[test]
fn device_that_trusts_its_host_panics_where_it_is_asked_for_more() {
    let (code, out, err) = run("host", &["--broken"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("range end index 64 out of range for slice of length 18"), "{err}");
    assert!(out.contains("WLENGTHL -> 0x40"), "{out}");
    assert!(!out.contains("Device "), "{out}");
}

#[test]
fn driver_without_a_fence_is_a_race_that_names_both_sides() {
    let (code, _, err) = run("model", &["--broken"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("Race: no release fence") && err.contains("  by   DMA: DMA1 channel 4 item 0"), "{err}");
    assert!(err.contains("\n  with CPU: sim-core/examples/model.rs:"), "{err}");
}
