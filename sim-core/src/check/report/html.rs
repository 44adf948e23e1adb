//! The page: a line for each row, which opens.

use std::borrow::Cow;
use std::fmt::Write;

use super::{Explored, Page, paths, svg};
use crate::check::counterexample::Counterexample;
use crate::check::counterexample::repair::Fix;
use crate::check::matrix::Row;
use crate::explore::{Kind, Verdict};
use crate::machine::Fences;

const STYLE: &str = include_str!("style.css");

/// `text` in HTML, between tags or in quotes.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;").into()
}

/// Likewise, with what stands between backticks as code.
fn sentence(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let marked = parts.map(|(index, part)| match (escape(part), index % 2) {
        (part, 0) => part.into_owned(),
        (part, _) => format!("<code>{part}</code>"),
    });
    marked.collect()
}

/// All but the mark at its top.
pub(super) fn page(page: &Page) -> String {
    let [expected, unexpected, open] = page.counts();
    let mut html = format!(
        "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>dmacheck report</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>dmacheck report</h1>\n\
         <p class=\"lead\">{expected} verdicts as expected, {}{}.</p>\n</header>\n",
        if unexpected == 0 { "0 unexpected".to_owned() } else { format!("<strong>{unexpected} unexpected</strong>") },
        if open == 0 { String::new() } else { format!(", {open} left open: no proof") },
    );
    html.push_str(&matrix(&page.rows));
    html.push_str(&paths::sections(page.paths));
    html.push_str(&programs(&page.programs));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// The rows of the matrix; nothing if there are none.
fn matrix(rows: &[(&Row, Option<&Counterexample>)]) -> String {
    let Some((first, _)) = rows.first() else {
        return String::new();
    };
    let packets = first.packets;
    let mut html = String::new();
    let _ = write!(
        html,
        "<section>\n<h2>Which fences does <code>Ep0In</code> need?</h2>\n\
         <p>{packets} packets back to back, on each machine with each pair of fences. Every row is judged twice: by \
         loom, and on every schedule with vector clocks. A row opens: a race has the schedule on which it happens, \
         the arrow that is missing, and the smallest change of fences that makes the row sound, which was found by \
         trying.</p>\n<div class=\"rows matrix\">\n<div class=\"heads\"><span>machine</span><span>start fence</span>\
         <span>end fence</span><span>loom</span><span class=\"count\">executions</span>\
         <span>schedules</span><span class=\"count\">executions</span></div>\n",
    );
    for (number, (row, found)) in rows.iter().enumerate() {
        html.push_str(&matrix_row(row, *found, number + 1));
    }
    html.push_str("</div>\n</section>\n");
    html
}

/// The programs with a host; nothing if there are none.
fn programs(all: &[Explored]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let is_bounded = all.iter().any(|program| program.is_bounded);
    let schedules = if is_bounded { "The schedules that were asked for" } else { "Every schedule" };
    let mut html = format!(
        "<section>\n<h2>Endpoint 0 against a difficult host</h2>\n<p>{schedules} of device and \
         host.</p>\n<div class=\"rows programs\">\n<div class=\"heads\"><span>program</span><span>schedules</span>\
         <span class=\"count\">executions</span><span class=\"count\">states</span></div>\n",
    );
    for (number, program) in all.iter().enumerate() {
        html.push_str(&program_row(program, number + 1));
    }
    html.push_str("</div>\n</section>\n");
    html
}

/// A cell with a word and a sign: nobody needs the colour.
fn verdict_cell(kind: Kind, is_as_expected: bool) -> String {
    let (class, sign) = match kind {
        Kind::Sound => ("sound", "\u{2713}"),
        Kind::Inconclusive | Kind::Vacuous => ("unknown", "?"),
        _ => ("failed", "\u{2717}"),
    };
    let note = if is_as_expected { "" } else { " <strong class=\"unexpected\">unexpected</strong>" };
    format!("<span class=\"verdict {class}\">{sign} {}{note}</span>", escape(&kind.to_string()))
}

fn matrix_row(row: &Row, found: Option<&Counterexample>, number: usize) -> String {
    let Fences { machine, start, end } = row.fences;
    let (model, stepped) = (&row.model, &row.stepped.verdict);
    let cell = |verdict: &Verdict| {
        let kind = verdict.kind();
        format!("{}<span class=\"count\">{}</span>", verdict_cell(kind, kind == row.expected), verdict.executions())
    };
    let mut body = String::new();
    if model.kind() != stepped.kind() {
        let _ = writeln!(body, "<p class=\"unexpected\"><strong>The two engines disagree.</strong></p>");
    }
    match (model, stepped) {
        (Verdict::Sound { executions, complete }, Verdict::Sound { executions: schedules, .. }) => {
            let states = row.stepped.states;
            let _ = writeln!(
                body,
                "<p>Sound: {executions} executions of loom, {complete} of them complete; {schedules} schedules, \
                 through {states} states.</p>"
            );
        }
        _ => {
            body.push_str(&found.map(|found| failure(found, &format!("row-{number}"))).unwrap_or_default());
            let _ = writeln!(body, "<h3>What loom says</h3>\n<pre>{}</pre>", escape(&model.to_string()));
            let explanation = row.explanation().unwrap_or_default();
            if let Some(why) = explanation.lines().find_map(|line| line.strip_prefix("why: ")) {
                let _ = writeln!(body, "<h3>Why</h3>\n<p>{}.</p>", escape(why));
            }
        }
    }
    format!(
        "<details class=\"row\" id=\"row-{number}\">\n<summary><span>{machine}</span><span>{start}</span>\
         <span>{end}</span>{}{}</summary>\n<div class=\"body\">\n{body}</div>\n</details>\n",
        cell(model),
        cell(stepped),
    )
}

fn program_row(program: &Explored, number: usize) -> String {
    let Explored { name, exploration, counterexample, .. } = program;
    let verdict = &exploration.verdict;
    let body = match (verdict, counterexample) {
        (_, Some(found)) => failure(found, &format!("program-{number}")),
        (Verdict::Sound { executions, complete }, _) => {
            format!(
                "<p>Sound: {executions} schedules, {complete} of them to their end, the others up to a known \
                 state.</p>\n"
            )
        }
        _ => format!("<pre>{}</pre>\n", escape(&verdict.to_string())),
    };
    format!(
        "<details class=\"row\" id=\"program-{number}\">\n<summary><span>{}</span>{}<span class=\"count\">{}</span>\
         <span class=\"count\">{}</span></summary>\n<div class=\"body\">\n{body}</div>\n</details>\n",
        escape(name),
        verdict_cell(verdict.kind(), program.is_as_expected()),
        verdict.executions(),
        exploration.states,
    )
}

/// The drawing, what mends it, what was found, how to see it again.
fn failure(found: &Counterexample, id: &str) -> String {
    let mut html = format!(
        "<p class=\"fix\"><strong>Fix:</strong> {}.{}</p>\n<figure tabindex=\"0\">\n{}<figcaption>{}</figcaption>\n\
         </figure>\n",
        sentence(&found.fix.to_string()),
        how_found(&found.fix),
        svg::draw(found, id),
        legend(found),
    );
    if let Some(sentence) = found.missing_sentence() {
        let _ = writeln!(html, "<p class=\"missing\"><strong>Missing:</strong> {}.</p>", escape(&sentence));
    }
    let _ = writeln!(html, "<h3>What was found on this schedule</h3>\n<pre>{}</pre>", escape(&text_of(found)));
    if let Some(replay) = found.replay() {
        let _ =
            writeln!(html, "<h3>To see it again</h3>\n<pre class=\"command\">dmacheck replay {}</pre>", escape(replay));
    }
    html
}

/// The failure without its replay string, which stands below.
fn text_of(found: &Counterexample) -> String {
    let text = found.run.verdict.to_string();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("replay d1."));
    lines.collect::<Vec<_>>().join("\n")
}

fn how_found(fix: &Fix) -> String {
    match fix {
        Fix::Edit { tried, executions, .. } => format!(
            " <span class=\"how\">Changes explored, smallest first: {tried}. With this one all {executions} schedules \
             are sound.</span>"
        ),
        _ => String::new(),
    }
}

fn legend(found: &Counterexample) -> String {
    let mut text =
        "Squares: the CPU. Circles: the DMA. Diamonds: the host. Time goes down. Solid arrows: \u{201c}ordered\u{201d} \
         by a fence and a register, memory included; \u{201c}register\u{201d} orders no memory."
            .to_owned();
    if found.missing().is_some() {
        text.push_str(" Dashed arrow: the order that is missing between the accesses 1 and 2.");
    }
    text
}
