//! `--pcapng` and `--vcd`: what stands in the files, and what happens to paths that cannot be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dmacheck")).args(arguments).output().expect("it can be run");
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (status.code().expect("it was not killed"), text(stdout), text(stderr))
}

/// A path of this test only, with nothing there.
fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the build directory is UTF-8")
}

#[test]
fn both_engines_write_both_files_and_name_them() {
    for engine in ["threads", "stepped"] {
        let (pcapng, vcd) = (fresh(&format!("{engine}.pcapng")), fresh(&format!("{engine}.vcd")));
        let (code, out, err) =
            run(&["usb", "--engine", engine, "--pcapng", text(&pcapng), "--vcd", text(&vcd), "--json"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
        assert_eq!(report["files"], serde_json::json!({ "pcapng": text(&pcapng), "vcd": text(&vcd) }));
        let capture = fs::read(&pcapng).expect("it is there");
        assert_eq!(capture[..4], [0x0A, 0x0D, 0x0D, 0x0A], "a section header");
        let get_descriptor = [0xC3, 0x80, 6, 0, 1, 0, 0, 18, 0];
        assert!(capture.windows(9).any(|bytes| bytes == get_descriptor), "the SETUP's data packet is in it");
        let dump = fs::read_to_string(&vcd).expect("it is there");
        assert!(dump.contains("$var wire 1 ") && dump.contains("TASKS_STARTEPIN [0] $end"), "{dump}");
    }
}

#[test]
fn same_seed_gives_the_same_files() {
    let capture = |seed, name: &str| {
        let path = fresh(name);
        let (code, out, _) = run(&["usb", "--engine", "stepped", "--seed", seed, "--vcd", text(&path)]);
        assert_eq!(code, 0);
        assert!(out.ends_with(&format!("vcd: {}\n", path.display())), "{out}");
        fs::read(path).expect("it is there")
    };
    assert_eq!(capture("7", "seven.vcd"), capture("7", "seven-again.vcd"));
    assert_ne!(capture("7", "seven.vcd"), capture("8", "eight.vcd"));
}

#[test]
fn longer_file_of_before_is_replaced() {
    let path = fresh("longer.vcd");
    fs::write(&path, "x".repeat(1 << 20)).expect("it can be written");
    assert_eq!(run(&["usb", "--vcd", text(&path)]).0, 0);
    let dump = fs::read_to_string(&path).expect("it is there");
    assert!(dump.starts_with("$version") && !dump.contains('x'), "nothing is left of it");
}

#[test]
#[cfg(unix)]
fn path_that_cannot_be_opened_is_named_before_anything_runs() {
    let kept = fresh("kept.pcapng");
    fs::write(&kept, "a capture of last week").expect("it can be written");
    let directory = env!("CARGO_TARGET_TMPDIR");
    for (bad, reason) in [("/nowhere/usb.vcd", "No such file or directory"), (directory, "Is a directory")] {
        let (code, out, err) = run(&["usb", "--pcapng", text(&kept), "--vcd", bad]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(bad) && err.contains("--vcd") && err.contains(reason), "{err}");
        assert_eq!(out, "");
    }
    assert_eq!(fs::read_to_string(&kept).expect("it is there"), "a capture of last week");
}

#[test]
fn one_file_for_both_is_refused() {
    let path = fresh("both");
    let (code, _, err) = run(&["usb", "--pcapng", text(&path), "--vcd", text(&path)]);
    assert_eq!(code, 2);
    assert!(err.contains("`--pcapng` and `--vcd` are both to write"), "{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn full_disk_costs_the_file_only() {
    let vcd = fresh("beside-a-full-disk.vcd");
    let (code, out, err) = run(&["usb", "--pcapng", "/dev/full", "--vcd", text(&vcd)]);
    assert_eq!(code, 2);
    assert!(err.contains("`/dev/full`") && err.contains("No space left on device"), "{err}");
    assert!(out.contains("SETUP 80 06 00 01"), "the run is printed all the same: {out}");
    assert!(out.contains(text(&vcd)) && !out.contains("/dev/full"), "{out}");
    assert!(fs::read_to_string(&vcd).expect("it is there").contains("TASKS_STARTEPIN"));
}

#[test]
fn replay_writes_the_failure_too() {
    let (_, out, _) = run(&["check", "--only", "matrix", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let rows = report["matrix"].as_array().expect("it is a list");
    let replay = rows.iter().find_map(|row| row["stepped"]["replay"].as_str()).expect("there is a race");
    let vcd = fresh("race.vcd");
    assert_eq!(run(&["replay", replay, "--vcd", text(&vcd)]).0, 1);
    assert!(fs::read_to_string(&vcd).expect("it is there").contains("TASKS_STARTEPIN"));
}

#[test]
fn serial_writes_its_lines_and_channels_as_waveforms() {
    for engine in ["threads", "stepped"] {
        let vcd = fresh(&format!("serial-{engine}.vcd"));
        let (code, out, err) = run(&["serial", "--bytes", "2", "--engine", engine, "--vcd", text(&vcd), "--json"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
        assert_eq!(report["files"], serde_json::json!({ "vcd": text(&vcd) }));
        let dump = fs::read_to_string(&vcd).expect("it is there");
        for declared in [" TX $end", " RX $end", " busy4 $end", " CNDTR5 $end", "$scope module stm32f103 $end"] {
            assert!(dump.contains(declared), "no `{declared}` in {dump}");
        }
        // A, B and a, b.
        for frame in ["b001000001 ", "b001000010 ", "b001100001 ", "b001100010 "] {
            assert!(dump.contains(frame), "no `{frame}` in {dump}");
        }
    }
}
