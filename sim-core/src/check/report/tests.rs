//! The page: every row, well formed, self-contained; and broken twins.

use super::*;
use crate::check::counterexample::repair::Fix;
use crate::check::programs::{Device, Try};
use crate::explore::Program;
use crate::machine::{Fences, Machine, Strength};

/// Four rows of a Cortex-M7: one sound, three races.
fn rows() -> Vec<(Row, Option<Counterexample>)> {
    let strengths = [Strength::Full, Strength::Compiler];
    let fences = strengths.map(|start| strengths.map(|end| Fences { machine: Machine::CortexM7, start, end }));
    let rows = fences.as_flattened().iter().map(|&fences| Row::check(fences, 1));
    rows.map(|row| (row.counterexample(), row)).map(|(found, row)| (row, found)).collect()
}

fn html_of(rows: &[(Row, Option<Counterexample>)], name: &str) -> String {
    let program = Device::new(Try::ControlRead, 8);
    let exploration = stepped::explore(&program, stepped::Limits::default());
    let name = if name.is_empty() { program.name() } else { name.to_owned() };
    let programs = vec![Explored { name, exploration: &exploration, counterexample: None, is_bounded: false }];
    let rows = rows.iter().map(|(row, found)| (row, found.as_ref())).collect();
    Page { rows, paths: &Paths::default(), programs }.html()
}

/// What is wrong with the tags: one that is not closed, or closed and not open. Elements without content are closed by
/// `/>` on these pages, and `<` is nothing but a tag.
fn defect(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1).filter(|tag| !tag.starts_with('!')) {
        let Some((tag, text)) = tag.split_once('>') else {
            return Some(format!("`<{tag}` has no end"));
        };
        // In a style sheet `>` is a child.
        if text.contains('>') && tag != "style" {
            return Some(format!("`{text}` is not escaped"));
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            if open.pop() != Some(closed) {
                return Some(format!("`</{closed}>` closes nothing"));
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.pop().map(|name| format!("`<{name}>` is not closed"))
}

/// What a page that stands alone has not. (`url(#` is a part of the same page.)
fn reaches_outside(html: &str) -> Option<&'static str> {
    let html = html.replace("url(#", "");
    let all =
        ["http://", "https://", "//", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe", "onload="];
    all.into_iter().find(|part| html.contains(part))
}

#[test]
fn page_is_well_formed_and_every_defect_is_seen() {
    let html = html_of(&rows(), "");
    assert_eq!(defect(&html), None);
    for (whole, broken) in [
        ("</details>", ""),
        ("<figure tabindex", "<div tabindex"),
        ("</main>", "</mian>"),
        ("sound</span>", "a > b</span>"),
    ] {
        assert!(html.contains(whole), "{whole}");
        assert!(defect(&html.replacen(whole, broken, 1)).is_some(), "{whole} -> {broken}");
    }
}

#[test]
fn page_names_no_other_file_and_forbids_itself_to_load_one() {
    let html = html_of(&rows(), "");
    assert_eq!(reaches_outside(&html), None);
    assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for added in ["<script>", "<img src=\"x.png\"/>", "<style>@import 'x.css';</style>", "<a href=\"https://x\">"] {
        assert!(reaches_outside(&html.replace("<main>", &format!("<main>{added}"))).is_some(), "{added}");
    }
}

#[test]
fn text_of_others_is_escaped() {
    let html = html_of(&[], "<img src=x onerror='alert(1)'> & \"more\"");
    assert!(html.contains("&lt;img src=x onerror=&#39;alert(1)&#39;&gt; &amp; &quot;more&quot;"), "{html}");
    assert!(!html.contains("<img"));
    assert_eq!(defect(&html), None);
}

#[test]
fn races_are_drawn_with_a_lane_for_each_master_and_the_arrow_that_is_missing() {
    let rows = rows();
    let html = html_of(&rows, "");
    let opened: Vec<&str> = html.split("<details").skip(1).collect();
    assert_eq!(opened.len(), 5, "four rows, a program");
    for ((row, found), html) in rows.iter().zip(opened) {
        let count = |part: &str| html.matches(part).count();
        let Some(found) = found else {
            assert!(
                row.fences.suffice() && count("<svg") == 0 && count("<p>Sound: 25 executions of loom") == 1,
                "{html}"
            );
            continue;
        };
        // With a start fence that the machine honours, what is there is drawn as well.
        let ordered = usize::from(row.fences.machine.honours(row.fences.start));
        for lane in ["lane cpu", "lane dma", "lane host"] {
            assert_eq!(count(&format!("<g class=\"{lane}\">")), 1, "{lane}");
        }
        assert_eq!(count("<g class=\"order missing\">"), 1);
        assert_eq!((count("class=\"event access\""), count("class=\"number\"")), (2, 2), "both accesses");
        assert!(html.contains(">missing: fence (DMB)</text>"), "{html}");
        assert!(matches!(found.fix, Fix::Edit { .. }), "{}", found.fix);
        let fix = if ordered == 1 { "the end (<code>acquire</code>)" } else { "the start (<code>release</code>)" };
        assert!(html.contains(fix) && html.contains("dmacheck replay d1."), "{html}");
        assert_eq!((count("<g class=\"order memory\">"), count("<g class=\"order register\">")), (ordered, 1));
    }
}

#[test]
fn same_verdicts_make_the_same_page() {
    assert_eq!(html_of(&rows(), ""), html_of(&rows(), ""));
}

/// A directory of this test only, with nothing in it.
fn fresh(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("dmacheck-report-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("it is there").map(|entry| entry.expect("it is listed").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

const NO_PATHS: Paths = Paths { needs: Vec::new(), chores: Vec::new(), quirks: Vec::new() };

const EMPTY: Page = Page { rows: Vec::new(), paths: &NO_PATHS, programs: Vec::new() };

#[test]
fn report_is_one_file_and_is_replaced_by_the_next() {
    let path = fresh("new").join("deeper");
    for _ in 0..2 {
        let index =
            Directory::open(&path).expect("there is nothing in its way").write(&EMPTY).expect("it can be written");
        assert!(fs::read_to_string(&index).expect("it is there").starts_with(MARK));
        assert_eq!(names_in(&path), ["index.html"]);
    }
    drop(Directory::open(&path).expect("it is ours"));
    assert_eq!(names_in(&path), ["index.html"], "a report that was not written leaves nothing");
    fs::remove_dir_all(path.parent().expect("it has one")).expect("it is ours");
}

#[test]
fn page_of_somebody_else_stays_as_it_is() {
    let path = fresh("foreign");
    let index = path.join("index.html");
    fs::create_dir_all(&path).expect("it can be made");
    for theirs in ["", "<!doctype html>\n<p>mine</p>", "x".repeat(100).as_str()] {
        fs::write(&index, theirs).expect("it can be written");
        let error = Directory::open(&path).expect_err("it is not ours");
        assert!(matches!(error, ReportError::Foreign(_)), "{error}");
        assert_eq!(fs::read_to_string(&index).expect("it is there"), theirs);
    }
    fs::remove_file(&index).expect("it is there");
    let directory = Directory::open(&path).expect("nothing is there now");
    fs::write(&index, "in the meantime").expect("it can be written");
    assert!(matches!(directory.write(&EMPTY), Err(ReportError::Foreign(_))));
    assert_eq!(fs::read_to_string(&index).expect("it is there"), "in the meantime");
    assert_eq!(names_in(&path), ["index.html"]);
    fs::remove_dir_all(path).expect("it is ours");
}

#[test]
fn path_that_is_no_directory_or_cannot_be_one_is_named() {
    let path = fresh("file");
    fs::write(&path, "mine").expect("it can be written");
    assert!(matches!(Directory::open(&path), Err(ReportError::NoDirectory(_))));
    let below = Directory::open(&path.join("below")).expect_err("a file has no files");
    assert!(matches!(below, ReportError::Write { .. }), "{below}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "mine");
    fs::remove_file(path).expect("it is ours");
}
