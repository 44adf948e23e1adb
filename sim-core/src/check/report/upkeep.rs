//! What the fences of each path have to do about a data cache, as a table.

use std::fmt::Write;

use super::html::escape;
use crate::check::upkeep::{Chores, Need};

/// A line for each fence that does something.
pub(super) fn section(all: &[Chores]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut html =
        "<section>\n<h2>What do the fences have to do about a data cache?</h2>\n<p>Each fence leaves it out \
                    where it stands, while the others do all; every schedule, with the cache writing back and reading \
                    ahead whenever it can.</p>\n<div class=\"scroll\"><table class=\"needs\">\n\
                    <tr><th>path</th><th>fence</th><th>does</th><th>without</th></tr>\n"
            .to_owned();
    for chores in all {
        for chore in &chores.fences {
            let note = if chore.need() == Need::Spare { " <strong class=\"unexpected\">spare</strong>" } else { "" };
            let cells = [
                chores.path.to_string(),
                chore.place.to_string(),
                chore.operation.to_string(),
                chore.without.to_string(),
            ];
            let cells = cells.map(|text| format!("<td>{}</td>", escape(&text))).concat();
            let _ = writeln!(html, "<tr>{cells}{note}</tr>");
        }
    }
    html.push_str("</table></div>\n</section>\n");
    html
}
