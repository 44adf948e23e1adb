//! What the drivers cost on the chip, in instructions, against code by hand.
//!
//! Each function is there three times: by the driver, by hand and `unsafe` with the same checks, and as bare register
//! accesses. Compiled for the Cortex-M4F, once with LTO and once without, the driver is held to four things:
//!
//! - It has as many instructions as the code by hand, but for a margin that is argued below.
//! - It accesses the same registers in the same order, on every path: so neither column of the table cheats.
//! - It calls nothing but the copy: the assertions of the register layer are decided at compile time.
//! - The fences are where they belong, and nothing has crossed them: see [`order`] for `Ep0In`, and
//!   [`handover`](super::handover) for the transfers of a buffer.

use std::collections::BTreeSet;

use crate::build::{Assembly, Build};
use crate::listing::paths::{self, Event, paths};
use crate::listing::{self, Function, Machine, order};

/// A row of the table: three functions of the crate.
struct Row {
    /// What the driver calls it.
    text: &'static str,
    driver: &'static str,
    handwritten: &'static str,
    bare: Option<&'static str>,
    /// How many instructions the driver may have more than the code by hand: with LTO, and without.
    margins: [usize; 2],
}

/// `Ep0In`'s rows.
///
/// `start`: measured 1. It keeps the length of what it has lent, because `acquire` is given it: a fence that maintains
/// a cache needs it. The twin knows that this chip has no cache. Neither a check nor an access to the peripheral.
const EP0IN: [Row; 2] = [
    row("Ep0In::start", "ep0in_start", "handwritten_start", Some("bare_start"), [1, 1]),
    row("Ep0In::end", "ep0in_end", "handwritten_end", Some("bare_end"), [0, 0]),
];

/// USART1's and USART2's rows. The margins are what is measured, and what there is to gain:
///
/// - *The region.* `Held` keeps pointer, length and direction beside the buffer, which need not be a slice that can be
///   asked again; the twin asks its slice. These are the 5 of `write_all`.
/// - *A call.* Without LTO `write_all` calls `Transfer::start`, which is not inlined: the call, and buffer, region and
///   half by way of memory.
/// - *Whether there is a channel.* `Transfer` holds an `Option` of it, of which every transfer that anybody has is
///   `Some`. A function that has not started the transfer itself does not know that, asks, and has somewhere to go to
///   if there is none: a panic in `is_done`, an endless loop in `wait`. And a half that is taken out of it is moved in
///   the pieces before and behind the byte that says which. With a `ManuallyDrop` instead, which was tried, `is_done`
///   costs what it costs by hand, `wait` of a sender 8 less, `both in one` 2 more; of a receiver 3 more and 12 more.
/// - *A table.* `LineError::of` goes through its four flags in a loop. Written as comparisons, 6 of these 12 are gone.
const SERIAL: [Row; 7] = [
    row("Sender::write_all", "sender_start", "handwritten_sender_start", Some("bare_sender_start"), [5, 42]),
    row("  is_done", "sender_is_done", "handwritten_sender_is_done", None, [4, 9]),
    row("  wait", "sender_wait", "handwritten_sender_wait", Some("bare_sender_wait"), [6, 6]),
    row("  both in one", "sender_send", "handwritten_sender_send", Some("bare_sender_send"), [13, 13]),
    row("Receiver::read_exact", "receiver_start", "handwritten_receiver_start", Some("bare_receiver_start"), [0, 0]),
    row("  wait", "receiver_wait", "handwritten_receiver_wait", Some("bare_receiver_wait"), [15, 11]),
    row("  both in one", "receiver_receive", "handwritten_receiver_receive", Some("bare_receiver_receive"), [19, 21]),
];

const fn row(
    text: &'static str,
    driver: &'static str,
    handwritten: &'static str,
    bare: Option<&'static str>,
    margins: [usize; 2],
) -> Row {
    Row { text, driver, handwritten, bare, margins }
}

/// What a receiver calls without LTO: it is given what SR held, and finds the error in it. The listing does not have
/// it, so the receiver's counts without LTO are too good by its instructions; by hand it is inlined.
const CALLED_WITHOUT_LTO: &str = "9LineError2of";

/// Of `codegen/Cargo.toml`.
const PROFILES: [&str; 2] = ["release", "without-lto"];

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn drivers_cost_what_the_code_by_hand_costs() {
    println!("{:12} {:21} {:>6} {:>8} {:>5}", "profile", "", "driver", "by hand", "bare");
    for (index, profile) in PROFILES.into_iter().enumerate() {
        let assembly = Build { machine: Machine::Thumb, profile, flags: &[] }.run(profile);
        for row in EP0IN.iter().chain(&SERIAL) {
            row.print(profile, &assembly);
        }
        check_ep0in(profile, &assembly);
        for row in &SERIAL {
            check_serial(row, profile, &assembly);
        }
        for row in EP0IN.iter().chain(&SERIAL) {
            let [driver, handwritten] = [row.driver, row.handwritten].map(|name| assembly.function(name).count());
            let (text, most) = (row.text.trim(), handwritten + row.margins[index]);
            assert!(driver <= most, "{profile}, {text}: {driver} instructions, {handwritten} by hand");
        }
    }
}

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn barrier_is_an_instruction_where_the_order_needs_it() {
    let mut assembly = Build { machine: Machine::Thumb, profile: "release", flags: &[] }.run("barrier");
    // What binds the compiler only does not count here.
    assembly.text = assembly.text.replace(listing::FENCE, "");
    let [start, end] = ["barrier_start", "barrier_end"].map(|name| assembly.function(name));
    assert_eq!(order::released_before_start(&start), Ok(()));
    assert_eq!(order::acquired_after_end(&start), Ok(()));
    assert_eq!(order::acquired_after_end(&end), Ok(()));
    let in_order = order::released_before_start(&assembly.function("ep0in_start"));
    assert!(in_order.is_err_and(|reason| reason.starts_with("no fence")), "an in-order core needs no instruction");
}

impl Row {
    fn print(&self, profile: &str, assembly: &Assembly) {
        let [driver, handwritten] = [self.driver, self.handwritten].map(|name| assembly.function(name).count());
        let bare = self.bare.map_or_else(|| "-".to_owned(), |name| assembly.function(name).count().to_string());
        println!("{profile:12} {:21} {driver:>6} {handwritten:>8} {bare:>5}", self.text);
    }
}

fn check_ep0in(profile: &str, assembly: &Assembly) {
    let [[start, handwritten_start, bare_start], [end, handwritten_end, _]] = EP0IN
        .map(|row| [Some(row.driver), Some(row.handwritten), row.bare].map(|name| assembly.function(name.unwrap())));
    assert_eq!(start.calls(), bare_start.calls(), "{profile}: `Ep0In::start` calls more than the copy");
    assert!(end.calls().is_empty(), "{profile}: `Ep0In::end` calls {:?}", end.calls());
    assert_eq!(order::released_before_start(&start), Ok(()), "{profile}, `start`");
    assert_eq!(order::acquired_after_end(&start), Ok(()), "{profile}, `start`");
    assert_eq!(order::acquired_after_end(&end), Ok(()), "{profile}, `end`");
    assert_eq!(all_paths(&start), all_paths(&handwritten_start), "{profile}: the accesses of `start` differ");
    assert_eq!(all_paths(&end), all_paths(&handwritten_end), "{profile}: the accesses of `end` differ");
    assert!(all_paths(&start).is_superset(&all_paths(&bare_start)), "{profile}: `start` from idle is not bare");
}

fn check_serial(row: &Row, profile: &str, assembly: &Assembly) {
    let [driver, handwritten] = [row.driver, row.handwritten].map(|name| assembly.function(name));
    let name = row.driver;
    let calls = driver.calls().into_iter().filter(|callee| !listing::is_panic(callee) && !is_inlined_by_lto(callee));
    assert_eq!(calls.collect::<Vec<_>>(), [""; 0], "{profile}: `{name}` calls something");
    assert!(profile != "release" || !driver.calls().into_iter().any(is_inlined_by_lto), "`{name}` calls something");
    assert_eq!(with_a_channel(&driver), all_paths(&handwritten), "{profile}: the accesses of `{name}` differ");
    let Some(bare) = row.bare else { return };
    // The bare accesses are there, in order, on each path that starts; errors are told by more.
    let bare = assembly.function(bare);
    for path in all_paths(&bare) {
        let is_more = |other: &paths::Path| is_part_of(&path, other);
        assert!(all_paths(&driver).iter().any(is_more), "{profile}: `{name}` does not do {path:?}");
    }
}

/// The paths of a transfer that has its channel. Without one it goes nowhere: it panics, or goes round in circles
/// without a look at the chip.
fn with_a_channel(function: &Function) -> BTreeSet<paths::Path> {
    let nowhere = |path: &paths::Path| match path.as_slice() {
        [.., Event::Call(name)] => listing::is_panic(name),
        [Event::Again] => true,
        [.., before, Event::Again] => !matches!(before, Event::Read(_)),
        _ => false,
    };
    let without_calls = |path: paths::Path| {
        let is_call = |event: &Event| matches!(event, Event::Call(name) if is_inlined_by_lto(name));
        path.into_iter().filter(|event| !is_call(event)).collect()
    };
    all_paths(function).into_iter().filter(|path| !nowhere(path)).map(without_calls).collect()
}

fn is_inlined_by_lto(callee: &str) -> bool {
    callee.contains(CALLED_WITHOUT_LTO)
}

/// Whether `path` is `whole` with some events left out.
fn is_part_of(path: &paths::Path, whole: &paths::Path) -> bool {
    let mut rest = whole.iter();
    path.iter().all(|event| rest.any(|other| other == event))
}

fn all_paths(function: &Function) -> BTreeSet<paths::Path> {
    paths(function).unwrap_or_else(|reason| panic!("the listing cannot be followed: {reason}"))
}
