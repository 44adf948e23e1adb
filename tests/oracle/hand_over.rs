//! `d` handed from thread to thread, with every choice of fences.
//!
//! The table's programs are drawn at random, and so hardly one of them is race-free because of its fences. These all
//! hang on them. Their verdicts are the language's rule (C++20, fence-fence synchronisation), and no engine's.

use super::program::{Program, Verdict};

/// No fence, and each of the four.
const FENCES: [&str; 5] = ["", "F,rel;", "F,acq;", "F,acqrel;", "F,sc;"];

/// A program, and its verdict.
#[derive(Clone, Debug)]
pub struct HandOver {
    /// The program, as it is written.
    pub text: String,
    /// The program.
    pub program: Program,
    /// What is right.
    pub verdict: Verdict,
}

impl HandOver {
    fn new(text: String, is_ordered: bool) -> Self {
        let program = text.parse().expect("it is well-formed");
        Self { text, program, verdict: if is_ordered { Verdict::Ok } else { Verdict::Race } }
    }
}

fn releases(fence: &str) -> bool {
    matches!(fence, "F,rel;" | "F,acqrel;" | "F,sc;")
}

fn acquires(fence: &str) -> bool {
    matches!(fence, "F,acq;" | "F,acqrel;" | "F,sc;")
}

/// Two threads, with at most one fence on each side.
fn direct() -> impl Iterator<Item = HandOver> {
    let choices = FENCES.iter().flat_map(|end| FENCES.iter().map(move |start| (start, end)));
    choices.map(|(start, end)| {
        let text = format!("D,w;{start}W,x,1|I,x,1;{end}D,r");
        HandOver::new(text, releases(start) && acquires(end))
    })
}

/// Three threads. The second passes the news on by `write`, which is what the third waits for in `wait`; between it
/// has any fence, then a release fence or none. It must take over what the first has released, and then release.
fn relayed(write: &'static str, wait: &'static str) -> impl Iterator<Item = HandOver> {
    let middles = FENCES.iter().flat_map(|first| ["", "F,rel;"].iter().map(move |second| (first, second)));
    let ends = FENCES.iter().flat_map(|end| FENCES.iter().map(move |start| (start, end)));
    middles.flat_map(move |(first, second)| {
        let passes_on = acquires(first) && (releases(first) || releases(second));
        ends.clone().map(move |(start, end)| {
            let text = format!("D,w;{start}W,x,1|I,x,1;{first}{second}{write}|{wait};{end}D,r");
            HandOver::new(text, releases(start) && passes_on && acquires(end))
        })
    })
}

/// All of them. The news is passed on in another location, or in the same: then it replaces what was released there.
pub fn all() -> Vec<HandOver> {
    direct().chain(relayed("W,y,1", "I,y,1")).chain(relayed("W,x,2", "I,x,2")).collect()
}
