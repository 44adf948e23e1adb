//! What was found of each path, as tables.

use super::html::escape;
use crate::check::needed::{Needed, Needs};
use crate::check::paths::Paths;
use crate::check::programs::Path;
use crate::check::quirks::Tried;
use crate::check::upkeep::{Chores, Need};
use crate::machine::{Machine, Strength};
use crate::quirks::Quirks;

const UNEXPECTED: &str = " <strong class=\"unexpected\">unexpected</strong>";

/// A section for each question; none if none was asked.
pub(super) fn sections(paths: &Paths) -> String {
    if paths.needs.is_empty() {
        return String::new();
    }
    [needs(&paths.needs), upkeep(&paths.chores), quirks(&paths.quirks)].concat()
}

fn section(title: &str, text: &str, class: &str, head: &[&str], rows: &str) -> String {
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    format!(
        "<section>\n<h2>{title}</h2>\n<p>{text}</p>\n<div class=\"scroll\"><table class=\"paths {class}\">\n\
         <tr>{head}</tr>\n{rows}</table></div>\n</section>\n"
    )
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|text| format!("<td>{text}</td>")).collect();
    format!("<tr>{cells}</tr>\n")
}

/// A line for each fence of each path.
fn needs(all: &[Needs]) -> String {
    let line = |path: &str, needed: &Needed| {
        let note = if needed.is_as_expected() { "" } else { UNEXPECTED };
        let idle = if needed.is_idle { ", where no DMA has run" } else { "" };
        let place = format!("{}{idle}{note}", escape(&needed.place.to_string()));
        let name = |weakest: Option<Strength>| weakest.map_or("not enough".to_owned(), |strength| strength.to_string());
        let [m4, m7, multi] = needed.weakest.map(name);
        row(&[path, &place, &m4, &m7, &multi])
    };
    let lines = all.iter().flat_map(|needs| {
        let path = needs.path.to_string();
        needs.fences.iter().map(move |needed| line(&escape(&path), needed))
    });
    let machines = Machine::ALL.map(|machine| machine.to_string());
    let head = [&["path", "fence"][..], &machines.each_ref().map(String::as_str)].concat();
    let text = "Each fence is made weaker where it stands, while the others are as strong as can be: the weakest with \
                which loom and all schedules say <em>sound</em>.";
    section("Which fence does each path need, and where?", text, "needs", &head, &lines.collect::<String>())
}

/// A line for each fence that does something about a cache.
fn upkeep(all: &[Chores]) -> String {
    let lines = all.iter().flat_map(|chores| {
        let path = chores.path.to_string();
        chores.fences.iter().map(move |chore| {
            let note = if chore.need() == Need::Needed { "" } else { UNEXPECTED };
            let without = format!("{}{note}", chore.without);
            row(&[&escape(&path), &escape(&chore.place.to_string()), &chore.operation.to_string(), &without])
        })
    });
    let text = "Each fence leaves it out where it stands, while the others do all; every schedule, with the cache \
                writing back and reading ahead whenever it can.";
    let head = ["path", "fence", "does", "without"];
    section("What do the fences have to do about a data cache?", text, "upkeep", &head, &lines.collect::<String>())
}

/// A line for each path.
fn quirks(all: &[Tried]) -> String {
    let lines = Path::ALL.into_iter().map(|path| {
        let tried = all.iter().filter(|tried| tried.path == path);
        let cell = |tried: &Tried| {
            let note = if tried.is_as_expected() { "" } else { UNEXPECTED };
            format!("{}{note}", tried.exploration.verdict.kind())
        };
        let cells: Vec<String> = [escape(&path.to_string()).into_owned()].into_iter().chain(tried.map(cell)).collect();
        row(&cells.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let names = Quirks::EACH.map(|quirks| quirks.to_string());
    let head = [&["path"][..], &names.each_ref().map(String::as_str)].concat();
    let text = "Every schedule, on a bus that posts writes, and with a device whose flags come before its data.";
    section("Which quirks does each path survive?", text, "quirks", &head, &lines.collect::<String>())
}
