//! `dmacheck check --report` and `--explain`: what is written and shown, and what stays as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dmacheck")).arg("check").args(arguments).output();
    let Output { status, stdout, stderr } = output.expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (status.code().expect("it was not killed"), text(stdout), text(stderr))
}

/// A path of this test only, with nothing there.
fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the build directory is UTF-8")
}

#[test]
fn report_has_every_row_and_is_named_at_the_end_and_in_json() {
    let directory = fresh("report");
    let (code, out, err) = run(&["--report", text(&directory)]);
    assert_eq!((code, err.as_str()), (0, ""));
    let index = directory.join("index.html");
    assert_eq!(out.lines().last(), Some(&*format!("report: {}", index.display())));
    let html = fs::read_to_string(&index).expect("it is there");
    let count = |part: &str| html.matches(part).count();
    assert_eq!(count("<details class=\"row\" id=\"row-"), 27);
    assert_eq!(count("<details class=\"row\" id=\"program-"), 7);
    assert_eq!((count("<svg"), count("<g class=\"order missing\">")), (21, 21), "one for each race");
    assert!(html.contains("201 verdicts as expected, 0 unexpected."));
    let table = |name: &str| {
        let begins = format!("<table class=\"paths {name}\">");
        let (_, table) = html.split_once(&begins).expect("it is there");
        table.split("</table>").next().into_iter().flat_map(str::lines).filter(|line| line.starts_with("<tr><td>"))
    };
    assert_eq!([table("upkeep").count(), table("quirks").count()], [41, 27], "what each path does about a cache");
    let quirky = table("quirks").filter(|line| line.contains("AcquiredInFlight")).count();
    assert_eq!(quirky, 11, "those that trust a flag");
    let fences = table("needs");
    assert_eq!(fences.clone().count(), 59, "every fence of every path");
    assert_eq!(fences.clone().filter(|line| line.contains(", where no DMA has run<")).count(), 2);
    assert_eq!(fences.filter(|line| line.contains("fill, behind the stores at dma-api/")).count(), 1);

    let (code, out, _) = run(&["--json", "--report", text(&directory)]);
    assert_eq!(code, 0, "its own page is replaced");
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(report["report"], text(&index));
    let fixes = report["matrix"].as_array().expect("it is a list").iter().filter_map(|row| row["fix"].as_str());
    let fixes: Vec<&str> = fixes.collect();
    assert_eq!(fixes.len(), 21);
    assert_eq!(fixes[0], "add a compiler_fence after the end (`acquire`)", "cortex-m4, fence, none");
    assert_eq!(fs::read_to_string(&index).expect("it is there"), html, "the same verdicts, the same page");
}

#[test]
fn report_of_a_bounded_part_is_no_proof_and_of_that_part_only() {
    let directory = fresh("report-part");
    let (code, out, _) = run(&["--only", "hosts", "--executions", "10", "--report", text(&directory)]);
    assert_eq!(code, 0, "{out}");
    let html = fs::read_to_string(directory.join("index.html")).expect("it is there");
    assert!(html.contains("0 verdicts as expected, 0 unexpected, 7 left open: no proof."), "{html}");
    assert!(html.contains("The schedules that were asked for") && !html.contains("Every schedule"), "{html}");
    assert!(!html.contains("Which fences does") && !html.contains("unexpected</strong>"), "{html}");
}

#[test]
fn report_that_cannot_be_written_is_bad_usage_before_anything_is_judged() {
    let file = fresh("report-file");
    let _ = fs::remove_file(&file);
    fs::write(&file, "mine").expect("it can be written");
    let theirs = fresh("report-theirs");
    fs::create_dir_all(&theirs).expect("it can be made");
    fs::write(theirs.join("index.html"), "mine").expect("it can be written");
    for (path, expected) in [
        (&file, "is no directory"),
        (&file.join("below"), "cannot write"),
        (&theirs, "is there, and dmacheck has not written it"),
    ] {
        let (code, out, err) = run(&["--report", text(path)]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(expected) && err.contains(text(path)), "{err}");
    }
    for path in [file, theirs.join("index.html")] {
        assert_eq!(fs::read_to_string(path).expect("it is there"), "mine");
    }
}

#[test]
fn explain_shows_every_finding_with_its_fix_and_without_it_there_is_one() {
    let (code, all, _) = run(&["--only", "matrix", "--explain"]);
    assert_eq!(code, 0);
    let count = |out: &str, part: &str| out.matches(part).count();
    assert_eq!((count(&all, " as it happened:"), count(&all, "\n  fix ")), (8, 8), "{all}");
    assert_eq!((count(&all, "\n1 > "), count(&all, "\n2 > ")), (8, 8), "both accesses: {all}");
    let (_, one, _) = run(&["--only", "matrix"]);
    assert_eq!((count(&one, " as it happened:"), count(&one, "\n  fix ")), (1, 1), "{one}");
    let fix = "\n  fix strengthen the fence before the start (`release`) from compiler_fence to fence (DMB)\n";
    assert!(one.contains(fix), "{one}");
}
