//! What the fences do about a data cache: as text, and for `--json`.

use serde::Serialize;
use sim_core::check::programs::Path;
use sim_core::check::upkeep::{Chore, Chores, Need};
use sim_core::explore::Kind;
use sim_core::machine::{FencePlace, Moment};

use super::tables::table;

/// The fences that can do something about a cache, in the order of columns.
const MOMENTS: [(Moment, &str); 4] = [
    (Moment::Release, "release"),
    (Moment::AfterFill, "fill"),
    (Moment::Snapshot, "snapshot"),
    (Moment::Acquire, "acquire"),
];

/// One line a path: what each of its fences does.
pub fn text(all: &[Chores]) -> String {
    let names = MOMENTS.map(|(_, name)| name);
    let mut table = table(&[&["path"][..], &names, &["schedules"]].concat());
    for chores in all {
        let cells = MOMENTS.map(|(moment, _)| {
            let mut done: Vec<String> =
                chores.fences.iter().filter(|chore| chore.place.moment == moment).map(cell).collect();
            done.dedup();
            done.join(", ")
        });
        let path = chores.path.to_string();
        table.add_row([vec![path], cells.to_vec(), vec![chores.executions.to_string()]].concat());
    }
    let unexpected = all.iter().filter(|chores| !chores.is_as_expected());
    let text = |chores: &Chores| format!("\n{}: not as expected: {chores:?}", chores.path);
    format!("{}{}", table.trim_fmt(), unexpected.map(text).collect::<String>())
}

fn cell(chore: &Chore) -> String {
    let note = match chore.need() {
        Need::Needed => "",
        Need::Spare => " (spare)",
        Need::Unclear => " (unclear)",
    };
    format!("{}{note}", chore.operation)
}

/// What a path's fences do about a cache.
#[derive(Serialize)]
pub struct UpkeepReport {
    path: Path,
    verdict: Kind,
    executions: u64,
    fences: Vec<ChoreReport>,
}

#[derive(Serialize)]
struct ChoreReport {
    moment: Moment,
    file: &'static str,
    line: u32,
    does: String,
    without: Kind,
}

impl UpkeepReport {
    pub fn new(chores: &Chores) -> Self {
        let chore = |&Chore { place: FencePlace { moment, line }, operation, without }: &Chore| ChoreReport {
            moment,
            file: line.file(),
            line: line.line(),
            does: operation.to_string(),
            without,
        };
        Self {
            path: chores.path,
            verdict: chores.verdict,
            executions: chores.executions,
            fences: chores.fences.iter().map(chore).collect(),
        }
    }
}
