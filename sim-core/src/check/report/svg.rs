//! A failing run as a drawing: one lane for each master, time from top to bottom.
//!
//! What the CPU does stands to the left of its lane, so that nothing is between CPU and DMA but arrows. Each kind of
//! thing has a shape of its own: squares for the CPU, circles for the DMA, diamonds for the host; the two accesses have
//! numbers; the arrow that is missing is dashed.

use std::fmt::Write;

use super::html::escape;
use crate::check::counterexample::Counterexample;
use crate::check::counterexample::order::{Kind, Order};
use crate::trace::timeline::{self, Lane, Line};

const ROW: usize = 22;
const TOP: usize = 56;
/// Between the lanes of CPU and DMA: room for the label of an arrow.
const GAP: usize = 230;
/// Between a lane and its texts.
const BESIDE: usize = 16;
/// The most that a letter is wide, in tenths.
const LETTER: usize = 74;
/// For the numbers of the events.
const NUMBERS: usize = 40;

/// Where everything is.
struct Layout {
    cpu: usize,
    dma: usize,
    host: usize,
    width: usize,
    height: usize,
}

impl Layout {
    fn new(lines: &[Line]) -> Self {
        let widest = |lane: Lane| {
            let texts = lines.iter().filter(|line| line.lane == lane).map(|line| line.what().chars().count());
            texts.max().unwrap_or_default().max(14) * LETTER / 10
        };
        let cpu = NUMBERS + widest(Lane::Cpu) + BESIDE;
        let dma = cpu + GAP;
        let host = dma + 2 * BESIDE + widest(Lane::Dma) + BESIDE;
        Self {
            cpu,
            dma,
            host,
            width: host + BESIDE + widest(Lane::Host) + BESIDE,
            height: TOP + lines.len() * ROW + ROW / 2,
        }
    }

    fn of(&self, lane: Lane) -> usize {
        match lane {
            Lane::Cpu | Lane::Finding => self.cpu,
            Lane::Dma => self.dma,
            Lane::Host => self.host,
        }
    }
}

fn y(row: usize) -> usize {
    TOP + row * ROW + ROW / 2
}

/// The drawing. `id` is unique on its page.
pub(super) fn draw(found: &Counterexample, id: &str) -> String {
    let lines = timeline::fold(found.run.trace.entries());
    let layout = Layout::new(&lines);
    let row_of = |entry: Option<usize>| lines.iter().position(|line| entry.is_some_and(|e| line.entries.contains(&e)));
    let (earlier, later) = (row_of(found.earlier), row_of(found.later));
    let Layout { width, height, .. } = layout;
    let mut svg = format!(
        "<svg class=\"lanes\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n<title id=\"{id}-title\">{}</title>\n\
         <desc id=\"{id}-desc\">{}</desc>\n",
        escape(&title(found)),
        escape(&description(found, &lines, earlier, later)),
    );
    for kind in ["missing", "memory", "register"] {
        let _ = writeln!(
            svg,
            "<marker id=\"{id}-{kind}\" class=\"tip {kind}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
             markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
             <path d=\"M0 1 9 5 0 9z\"/></marker>",
        );
    }
    let heads = timeline::heads(&found.run.trace);
    for (lane, head) in [Lane::Cpu, Lane::Dma, Lane::Host].into_iter().zip(heads) {
        svg.push_str(&draw_lane(&layout, &lines, lane, head, [earlier, later]));
    }
    svg.push_str(&draw_numbers(&layout, &lines));
    for order in &found.orders {
        let Order { from, to, kind } = *order;
        let (class, label) = match kind {
            Kind::Register => ("register", "register"),
            Kind::Memory => ("memory", "ordered"),
        };
        if let Some((from, to)) = row_of(Some(from)).zip(row_of(Some(to))) {
            svg.push_str(&draw_arrow(&layout, &lines, [from, to], id, class, label));
        }
    }
    if let (Some(label), Some(from), Some(to)) = (found.missing_label(), earlier, later) {
        svg.push_str(&draw_arrow(&layout, &lines, [from, to], id, "missing", &label));
    }
    svg.push_str("</svg>\n");
    svg
}

fn title(found: &Counterexample) -> String {
    match found.violation() {
        Some(violation) => format!("{}: the failing schedule, one lane for each master", violation.misuse.rule),
        None => "The failing schedule, one lane for each master".to_owned(),
    }
}

/// What the drawing shows, for who does not see it.
fn description(found: &Counterexample, lines: &[Line], earlier: Option<usize>, later: Option<usize>) -> String {
    let mut text = format!("{} events from top to bottom.", lines.len());
    for (number, row) in [(1, earlier), (2, later)] {
        if let Some(row) = row {
            let _ = write!(text, " Access {number}, event {row}: {}.", lines[row].what());
        }
    }
    if let Some(sentence) = found.missing_sentence() {
        let _ = write!(text, " The dashed arrow from 1 to 2 is missing: {sentence}.");
    }
    text
}

fn draw_lane(layout: &Layout, lines: &[Line], lane: Lane, head: &str, accesses: [Option<usize>; 2]) -> String {
    let x = layout.of(lane);
    let name = match lane {
        Lane::Cpu => "cpu",
        Lane::Dma => "dma",
        Lane::Host | Lane::Finding => "host",
    };
    let (beside, anchor) = if lane == Lane::Cpu { (x - BESIDE, "end") } else { (x + BESIDE, "start") };
    let bottom = layout.height - ROW / 2;
    let mut svg = format!(
        "<g class=\"lane {name}\">\n<text class=\"head\" x=\"{x}\" y=\"24\" text-anchor=\"middle\">{}</text>\n\
         <line class=\"life\" x1=\"{x}\" y1=\"36\" x2=\"{x}\" y2=\"{bottom}\"/>\n",
        escape(head),
    );
    for (row, line) in lines.iter().enumerate().filter(|(_, line)| line.lane == lane) {
        let number = accesses.iter().position(|&access| access == Some(row)).map(|index| index + 1);
        let (y, class) = (y(row), if number.is_some() { "event access" } else { "event" });
        let _ = write!(svg, "<g class=\"{class}\">{}", draw_mark(lane, x, y, number));
        let (text_y, what) = (y + 4, line.what());
        let text = escape(&what);
        let _ = writeln!(svg, "<text x=\"{beside}\" y=\"{text_y}\" text-anchor=\"{anchor}\">{text}</text></g>");
    }
    svg.push_str("</g>\n");
    svg
}

/// The shape of the lane; for one of the two accesses larger, with its number.
fn draw_mark(lane: Lane, x: usize, y: usize, number: Option<usize>) -> String {
    let r = if number.is_some() { 9 } else { 4 };
    let (left, top, size) = (x - r, y - r, 2 * r);
    let shape = match lane {
        Lane::Cpu | Lane::Finding => format!("<rect x=\"{left}\" y=\"{top}\" width=\"{size}\" height=\"{size}\"/>"),
        Lane::Dma => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"),
        Lane::Host => format!("<path d=\"M{x} {top}l{r} {r}l-{r} {r}l-{r}-{r}z\"/>"),
    };
    let Some(number) = number else { return shape };
    let base = y + 4;
    format!("{shape}<text class=\"number\" x=\"{x}\" y=\"{base}\" text-anchor=\"middle\">{number}</text>")
}

/// The numbers of the events, as on the terminal, and the rules that were broken.
fn draw_numbers(layout: &Layout, lines: &[Line]) -> String {
    let mut svg = String::from("<g class=\"numbers\">\n");
    for (row, line) in lines.iter().enumerate() {
        let base = y(row) + 4;
        if line.lane == Lane::Finding {
            let (middle, what) = (usize::midpoint(layout.cpu, layout.dma), line.what());
            let text = escape(&what);
            let _ = writeln!(
                svg,
                "<text class=\"finding\" x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{text}</text>"
            );
        }
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{row}</text>", NUMBERS - BESIDE);
    }
    svg.push_str("</g>\n");
    svg
}

/// From row to row. It ends short of the marks.
fn draw_arrow(layout: &Layout, lines: &[Line], rows: [usize; 2], id: &str, class: &str, label: &str) -> String {
    const SHORT: usize = 12;
    let [from, to] = rows.map(|row| (layout.of(lines[row].lane), y(row)));
    let toward = |x: usize, other: usize| if other >= x { x + SHORT } else { x - SHORT };
    let (x1, x2) = (toward(from.0, to.0), toward(to.0, from.0));
    let (middle, base) = (usize::midpoint(x1, x2), usize::midpoint(from.1, to.1) - 4);
    format!(
        "<g class=\"order {class}\"><line x1=\"{x1}\" y1=\"{}\" x2=\"{x2}\" y2=\"{}\" \
         marker-end=\"url(#{id}-{class})\"/>\
         <text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text></g>\n",
        from.1,
        to.1,
        escape(label),
    )
}
