//! Any string, where somebody pastes one: a replay string, a shard, a case's name.
//!
//! What must hold, whatever the string is:
//!
//! - nothing panics, and an error says something;
//! - a string is taken if its checksum is that of what stands before it, and only then; what was taken, printed and
//!   read again, is the same;
//! - a string of a program of the command, of the catalogue or of a property is run by its choices, or is refused. What
//!   comes of the run is of no interest here;
//! - a shard that was taken is printed and read again as the same.
//!
//! | byte | what |
//! |---|---|
//! | 0 | even: the rest is the string. Odd: the rest is `program.choices`, and gets version and checksum |
//!
//! Bytes that are no UTF-8 are replaced.

use sim_core::catalogue::Attempt;
use sim_core::check::firmware;
use sim_core::check::programs::Builtin;
use sim_core::explore::replay::{Recording, ReplayError};
use sim_core::explore::scheduler::Shard;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

use super::input::Input;
use super::{caught, ensure};
use crate::{property, serial, usbd};

/// A reader of strings with something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// It looks for the version where it should be, whatever is there.
    CutsBytes,
    /// It takes any checksum.
    TrustsChecksum,
    /// It forgets the last choice.
    LosesChoice,
    /// It counts shards from 0.
    CountsFromZero,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 4] = [Self::CutsBytes, Self::TrustsChecksum, Self::LosesChoice, Self::CountsFromZero];
}

/// The string that these bytes are.
pub fn decode(bytes: &[u8]) -> String {
    let mut input = Input::new(bytes);
    let sealed = input.byte() % 2 == 1;
    let text = String::from_utf8_lossy(input.rest());
    if sealed { seal(&text) } else { text.into_owned() }
}

/// `program.choices` as a replay string.
fn seal(text: &str) -> String {
    let before = format!("d1.{text}");
    let checksum = crc32fast::hash(before.as_bytes());
    format!("{before}.{checksum:08x}")
}

/// Pastes the string that these bytes are wherever one may be pasted.
///
/// # Errors
///
/// What is wrong.
pub fn run(bytes: &[u8], twin: Option<Twin>) -> Result<(), String> {
    let text = decode(bytes);
    let wrong = |what: String| format!("{text:?}: {what}");
    caught(|| {
        recording(&text, twin)?;
        shard(&text, twin)?;
        run_again(&text)
    })
    .map_err(wrong)
}

/// An error says something, and more than its own name.
fn says<T>(result: Result<T, ReplayError>) -> Result<(), String> {
    match result {
        Ok(_) => Ok(()),
        Err(error) => ensure(error.to_string().contains(' '), || format!("{error:?} says {error}")),
    }
}

fn parse(text: &str, twin: Option<Twin>) -> Result<Recording, ReplayError> {
    match twin {
        Some(Twin::CutsBytes) if text.len() > 2 && &text[..2] != "d1" => {
            Err(ReplayError::Version(text[..2].to_owned()))
        }
        Some(Twin::TrustsChecksum) => {
            let before = text.trim().rsplit_once('.').map_or("", |(before, _)| before);
            format!("{before}.{:08x}", crc32fast::hash(before.as_bytes())).parse()
        }
        Some(Twin::LosesChoice) => {
            let mut recording: Recording = text.parse()?;
            recording.choices.pop();
            Ok(recording)
        }
        _ => text.parse(),
    }
}

fn recording(text: &str, twin: Option<Twin>) -> Result<(), String> {
    let recording = match parse(text, twin) {
        Ok(recording) => recording,
        error => return says(error),
    };
    let (before, checksum) = text.trim().rsplit_once('.').unwrap_or_default();
    let due = format!("{:08x}", crc32fast::hash(before.as_bytes()));
    ensure(checksum == due, || format!("it is taken, and its checksum would be {due}"))?;
    let printed = recording.to_string();
    let letters = |text: &str| text.split('.').nth(2).map(expand);
    ensure(letters(&printed) == letters(text.trim()), || format!("it is taken for {printed}"))?;
    ensure(printed.parse() == Ok(recording), || format!("it is printed as {printed}, which is read as another"))
}

/// How often each choice stands there, one after the other.
fn expand(choices: &str) -> Vec<(usize, char)> {
    let mut expanded: Vec<(usize, char)> = Vec::new();
    let mut rest = choices;
    while let Some(at) = rest.find(|c: char| !c.is_ascii_digit()) {
        let letter = rest[at..].chars().next().unwrap_or_default();
        let count = if at == 0 { 1 } else { rest[..at].parse().unwrap_or(usize::MAX) };
        match expanded.last_mut() {
            Some((before, last)) if *last == letter => *before = before.saturating_add(count),
            _ if count > 0 => expanded.push((count, letter)),
            _ => {}
        }
        rest = &rest[at + letter.len_utf8()..];
    }
    expanded
}

fn shard(text: &str, twin: Option<Twin>) -> Result<(), String> {
    let shard = match Shard::parse(text) {
        Ok(shard) => shard,
        Err(error) => {
            let said = error.to_string();
            let count = text.trim().split('/').next_back().unwrap_or_default().trim_start_matches(['+', '0']);
            return ensure(said.contains(text) || said.contains(count), || {
                format!("the error does not name it: {said}")
            });
        }
    };
    let printed = match twin {
        Some(Twin::CountsFromZero) => shard.to_string().replacen('1', "0", 1),
        _ => shard.to_string(),
    };
    ensure(Shard::parse(&printed) == Ok(shard), || format!("the shard {shard:?} is printed as {printed}"))
}

/// Runs whatever has this string.
fn run_again(text: &str) -> Result<(), String> {
    let nobody: fn(Host) -> Script = |_| Box::pin(async { Ok(()) });
    says(sim_core::replay(Config::default(), text, firmware::serve, nobody))?;
    says(property::replay(text))?;
    says(serial::property::replay(text))?;
    says(usbd::property::replay(text))?;
    if let Ok(recording) = text.parse::<Recording>() {
        if let Some(program) = Builtin::by_name(&recording.program) {
            says(program.replay(&recording))?;
        }
        if let Some(attempt) = Attempt::by_name(&recording.program) {
            says(attempt.replay(&recording))?;
        }
    }
    Ok(())
}

/// What a fuzzer begins with: a string of each kind of program, cut strings, shards.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let sealed = |text: &str| [&[1], text.as_bytes()].concat();
    let plain = |text: &str| [&[0], text.as_bytes()].concat();
    vec![
        ("race", plain("d1.back-to-back:2x8:cortex-m7:compiler_fence:fence.12a.56fc1b76")),
        ("back_to_back", sealed("back-to-back:1x8:multi-core:fence:fence.3ab")),
        ("device", sealed("device:new-setup:18.12ab3c")),
        ("interrupt_device", sealed("interrupt-device:early-status:8.2ab")),
        ("echo", sealed("echo:windows:130.100ab")),
        ("exchange", sealed("exchange:2:cortex-m4:compiler_fence:none.9a2b")),
        ("catalogue", sealed("catalogue:c016_stop_on_drop:broken.a")),
        ("closures", sealed("closures:0123456789abcdef.a")),
        ("property", sealed("ep0in:cortex-m4:careful:S18W8:RQ18I:forgets-acquire.a")),
        ("serial_property", sealed("serial:cortex-m4:slow::.a")),
        ("usbd_property", sealed("usbd:cortex-m4:clean:VW2w3:co8i.a")),
        ("choices", sealed("x.9999999a99999999999999999999b")),
        ("nameless", sealed(".a")),
        ("cut", plain("d1.device:reset:18.12ab")),
        ("shard", plain("1/4")),
        ("no_shard", plain("5/4")),
    ]
}
