//! Programs and their recorded verdicts: the notation, and the table.
//!
//! Both are described in `README.md`, which stands beside the table.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use sim_core::monitor::clocks::Access;

/// An atomic location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `x`.
    X,
    /// `y`.
    Y,
}

/// A fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fence {
    /// `F,rel`.
    Release,
    /// `F,acq`.
    Acquire,
    /// `F,acqrel`.
    AcquireRelease,
    /// `F,sc`.
    SequentiallyConsistent,
}

/// One step of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// `W,x,1`: a relaxed write.
    Write(Place, usize),
    /// `R,x`: a relaxed read of a value that nobody uses.
    Read(Place),
    /// `I,x,1`: a relaxed read. The thread ends here, unless it finds this value.
    Expect(Place, usize),
    /// `F,rel` and so on.
    Fence(Fence),
    /// `D,w` and `D,r`: a plain access to `d`.
    Access(Access),
}

/// The threads, each a list of instructions. `x`, `y` and `d` are 0 at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(pub Vec<Vec<Instruction>>);

/// Whether two accesses to `d` can race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// They can.
    Race,
    /// They cannot.
    Ok,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The line's number, counted from 1.
    pub line: usize,
    /// The program, as it is written.
    pub text: String,
    /// The program.
    pub program: Program,
    /// What is right.
    pub verdict: Verdict,
    /// What stock loom says of the literal translation.
    pub stock: Verdict,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// So many columns, and not [`COLUMNS`].
    Columns(usize),
    /// So many threads, and not [`THREADS`].
    Threads(usize),
    /// No instruction.
    Instruction(String),
    /// Neither `race` nor `ok`.
    Verdict(String),
}

/// A line that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line's number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Set, program, verdict, who agreed on it, what stock loom says.
const COLUMNS: usize = 5;

/// How many threads a program has: loom has room for five, the clocks for four.
const THREADS: RangeInclusive<usize> = 2..=4;

/// The lines of a table, without comments and empty lines.
pub fn parse_table(table: &str) -> Result<Vec<Recorded>, ParseError> {
    let lines = table.lines().enumerate().map(|(index, text)| (index + 1, text));
    let lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    lines.map(|(line, text)| parse_line(line, text).map_err(|problem| ParseError { line, problem })).collect()
}

fn parse_line(line: usize, text: &str) -> Result<Recorded, Problem> {
    let columns: Vec<&str> = text.split('\t').collect();
    let [_set, text, verdict, _agreed, stock] = columns[..] else {
        return Err(Problem::Columns(columns.len()));
    };
    let (program, verdict, stock) = (text.parse()?, verdict.parse()?, stock.parse()?);
    Ok(Recorded { line, text: text.to_owned(), program, verdict, stock })
}

impl FromStr for Program {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let thread = |text: &str| text.split(';').map(str::parse).collect();
        let threads = text.split('|').map(thread).collect::<Result<Vec<_>, _>>()?;
        if THREADS.contains(&threads.len()) { Ok(Self(threads)) } else { Err(Problem::Threads(threads.len())) }
    }
}

impl FromStr for Instruction {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let place = |name| match name {
            "x" => Some(Place::X),
            "y" => Some(Place::Y),
            _ => None,
        };
        let both = |name, value: &str| place(name).zip(value.parse().ok());
        let parts: Vec<&str> = text.split(',').collect();
        let instruction = match parts[..] {
            ["W", name, value] => both(name, value).map(|(place, value)| Self::Write(place, value)),
            ["R", name] => place(name).map(Self::Read),
            ["I", name, value] => both(name, value).map(|(place, value)| Self::Expect(place, value)),
            ["F", "rel"] => Some(Self::Fence(Fence::Release)),
            ["F", "acq"] => Some(Self::Fence(Fence::Acquire)),
            ["F", "acqrel"] => Some(Self::Fence(Fence::AcquireRelease)),
            ["F", "sc"] => Some(Self::Fence(Fence::SequentiallyConsistent)),
            ["D", "r"] => Some(Self::Access(Access::Read)),
            ["D", "w"] => Some(Self::Access(Access::Write)),
            _ => None,
        };
        instruction.ok_or_else(|| Problem::Instruction(text.to_owned()))
    }
}

impl FromStr for Verdict {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "race" => Ok(Self::Race),
            "ok" => Ok(Self::Ok),
            _ => Err(Problem::Verdict(text.to_owned())),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Race => "race",
            Self::Ok => "ok",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns(count) => write!(f, "{count} columns, and not {COLUMNS}"),
            Self::Threads(count) => write!(f, "{count} threads, and not {} to {}", THREADS.start(), THREADS.end()),
            Self::Instruction(text) => write!(f, "`{text}` is no instruction"),
            Self::Verdict(text) => write!(f, "`{text}` is neither `race` nor `ok`"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# set\tprogram\tverdict\tagreed by\tstock\n\n";

    fn error(line: &str) -> String {
        parse_table(&format!("{HEAD}{line}\n")).expect_err("the line is malformed").to_string()
    }

    #[test]
    fn every_instruction_is_read_as_written() {
        let program: Program = "W,x,2;R,y;I,x,0;D,r|F,rel;F,acq;F,acqrel;F,sc;D,w".parse().expect("it is well-formed");
        let [first, second] = &program.0[..] else { panic!("two threads, and not {program:?}") };
        assert_eq!(first[..2], [Instruction::Write(Place::X, 2), Instruction::Read(Place::Y)]);
        assert_eq!(first[2..], [Instruction::Expect(Place::X, 0), Instruction::Access(Access::Read)]);
        let fences = [Fence::Release, Fence::Acquire, Fence::AcquireRelease, Fence::SequentiallyConsistent];
        assert_eq!(second[..4], fences.map(Instruction::Fence));
        assert_eq!(second[4..], [Instruction::Access(Access::Write)]);
    }

    #[test]
    fn line_after_comment_and_empty_line_keeps_its_number() {
        let table = parse_table(&format!("{HEAD}d2\tD,w|D,r\trace\tboth\tok\n")).expect("it is well-formed");
        let [recorded] = &table[..] else { panic!("one line, and not {table:?}") };
        assert_eq!((recorded.line, recorded.verdict, recorded.stock), (3, Verdict::Race, Verdict::Ok));
    }

    #[test]
    fn malformed_line_is_named_with_its_problem() {
        assert_eq!(error("d2\tD,w|D,r\trace\tboth"), "line 3: 4 columns, and not 5");
        assert_eq!(error("d2\tD,w\trace\tboth\tok"), "line 3: 1 threads, and not 2 to 4");
        assert_eq!(error("d2\tD,w|D,r\tmaybe\tboth\tok"), "line 3: `maybe` is neither `race` nor `ok`");
        assert_eq!(error("d2\tD,w|D,r\tok\tboth\t"), "line 3: `` is neither `race` nor `ok`");
    }

    #[test]
    fn malformed_instruction_is_named() {
        for text in ["", "D", "D,x", "F", "F,seq", "W,x", "W,z,1", "W,x,one", "R,x,1", "I,x", "W,x,1 "] {
            let line = format!("d2\tD,w;{text}|D,r\trace\tboth\tok");
            assert_eq!(error(&line), format!("line 3: `{text}` is no instruction"));
        }
    }
}
