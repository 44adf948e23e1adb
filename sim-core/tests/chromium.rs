//! What a browser makes of the report. Ignored, unless asked for: it needs Chromium.
//!
//! The page has no script. A copy of it is given one, which opens a row and says what it sees.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Opens the first row that has a drawing, and writes into the page what has come of it.
const PROBE: &str = "<script>
const rows = document.querySelectorAll('details.row');
const row = document.querySelector('details.row:has(svg)');
const height = () => Math.round(row.getBoundingClientRect().height);
const before = height();
row.querySelector('summary').click();
const drawn = (what) => [...row.querySelectorAll(what)].filter((one) => one.getBoundingClientRect().height > 0).length;
const opened = height() > before + 200;
const seen = ['svg .lane', 'svg .order.missing', 'svg .access'].map(drawn);
document.body.dataset.seen = [rows.length, opened, ...seen].join(' ');
</script></body>";

/// Rows, whether one has opened, its lanes, missing arrows and accesses.
const WHOLE: &str = "34 true 3 1 2";

/// A page in Chromium: what the probe has seen, and what stands in the console.
struct Shown {
    seen: Option<String>,
    console: Vec<String>,
}

/// The report, as the command writes it.
static REPORT: LazyLock<String> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chromium-report");
    let status = Command::new(env!("CARGO_BIN_EXE_dmacheck")).args(["check", "--report"]).arg(&directory).output();
    assert!(status.expect("it can be run").status.success());
    fs::read_to_string(directory.join("index.html")).expect("it is there")
});

/// What Chromium makes of this page, in a file of this name.
fn show(name: &str, html: &str) -> Shown {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("html");
    let profile = page.with_extension("profile");
    let _ = fs::remove_dir_all(&profile);
    fs::write(&page, html).expect("it can be written");
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]);
    command.args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=2000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.display())).arg(format!("file://{}", page.display()));
    let output = command.output().expect("chromium can be run: apt-get install chromium");
    let _ = fs::remove_dir_all(profile);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (dom, log) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && dom.contains("</html>"), "{log}");
    let attribute = dom.split_once("data-seen=\"").and_then(|(_, after)| after.split_once('"'));
    let console = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Shown { seen: attribute.map(|(seen, _)| seen.to_owned()), console }
}

/// A copy of the report, altered.
fn altered(name: &str, alter: impl FnOnce(String) -> String) -> Shown {
    let altered = alter(REPORT.clone());
    assert_ne!(altered, *REPORT, "it is altered");
    show(name, &altered)
}

/// A copy of the report that may run a script, and runs the probe.
fn probed(name: &str, alter: impl FnOnce(String) -> String) -> Shown {
    altered(name, |html| {
        let html = alter(html);
        let allowed = html.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';");
        assert_ne!(allowed, html, "it forbids scripts");
        allowed.replace("</body>", PROBE)
    })
}

#[test]
#[ignore = "needs Chromium"]
fn report_opens_as_it_is_and_the_console_stays_empty() {
    assert_eq!(show("chromium-plain", &REPORT).console, [""; 0]);
}

#[test]
#[ignore = "needs Chromium"]
fn row_opens_with_three_lanes_both_accesses_and_the_missing_arrow() {
    let shown = probed("chromium-whole", |html| html);
    assert_eq!(shown.seen.as_deref(), Some(WHOLE), "{:?}", shown.console);
    assert_eq!(shown.console, [""; 0]);
}

#[test]
#[ignore = "needs Chromium"]
fn page_whose_lanes_are_gone_or_whose_rows_do_not_open_is_noticed() {
    let without_lanes = probed("chromium-lanes", |html| html.replace("<g class=\"lane ", "<g class=\"was-lane "));
    assert_eq!(without_lanes.seen.as_deref(), Some("34 true 0 1 2"));
    let closed =
        probed("chromium-closed", |html| html.replace("</head>", "<style>.body { display: none }</style></head>"));
    assert_eq!(closed.seen.as_deref(), Some("34 false 0 0 0"));
    let empty = probed("chromium-empty", |html| html.replace("<svg", "<s").replace("</svg>", "</s>"));
    assert_eq!(empty.seen, None);
    assert!(empty.console.iter().any(|line| line.contains("TypeError")), "{:?}", empty.console);
}

#[test]
#[ignore = "needs Chromium"]
fn script_that_fails_and_a_picture_from_outside_stand_in_the_console() {
    let broken = probed("chromium-broken", |html| html.replace("<main>", "<script>nobody();</script><main>"));
    assert_eq!(broken.seen.as_deref(), Some(WHOLE), "the page is whole");
    assert!(broken.console.iter().any(|line| line.contains("nobody is not defined")), "{:?}", broken.console);
    let outside = altered("chromium-outside", |html| html.replace("<main>", "<main><img src=\"picture.png\"/>"));
    assert!(outside.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", outside.console);
}
