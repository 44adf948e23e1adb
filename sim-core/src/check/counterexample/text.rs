//! A counterexample on the terminal: the arrow that is missing stands to the left of the lanes.

use std::fmt;

use anstyle::{AnsiColor, Style};

use super::Counterexample;
use crate::trace::timeline;

/// The sign of each line, in the margin.
struct Margin {
    earlier: Option<usize>,
    later: Option<usize>,
    has_arrow: bool,
    /// Between the two ends of the arrow.
    inside: bool,
}

impl Margin {
    fn of(&mut self, entries: &[usize]) -> &'static str {
        let shows = |access: Option<usize>| access.is_some_and(|access| entries.contains(&access));
        if shows(self.earlier) {
            self.inside = self.has_arrow;
            return "1 >";
        }
        if shows(self.later) {
            self.inside = false;
            return "2 >";
        }
        if self.inside { "  :" } else { "   " }
    }
}

pub(super) fn write(counterexample: &Counterexample, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let Counterexample { run, earlier, later, fix, .. } = counterexample;
    let has_arrow = counterexample.missing().is_some();
    let mut margin = Margin { earlier: *earlier, later: *later, has_arrow, inside: false };
    let lanes = timeline::render_beside(&run.trace, |entries| format!("{red}{}{red:#}", margin.of(entries)));
    write!(f, "{lanes}\n{}\n", run.verdict)?;
    if let Some(sentence) = counterexample.missing_sentence() {
        writeln!(f, "  {red}missing{red:#} {sentence}")?;
    }
    let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
    writeln!(f, "  {green}fix{green:#} {fix}")
}
