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
use crate::listing::paths::{self, paths};
use crate::listing::{self, Function, Machine, order};

/// A row of the table: three functions of the crate.
struct Row {
    /// What the driver calls it.
    text: &'static str,
    driver: &'static str,
    handwritten: &'static str,
    bare: Option<&'static str>,
    /// How many instructions the driver may have more than the code by hand.
    margin: usize,
}

/// `Ep0In`'s rows.
///
/// `start`: measured 1. It keeps the length of what it has lent, because `acquire` is given it: a fence that maintains
/// a cache needs it. The twin knows that this chip has no cache. Neither a check nor an access to the peripheral.
const EP0IN: [Row; 2] = [
    row("Ep0In::start", "ep0in_start", "handwritten_start", Some("bare_start"), 1),
    row("Ep0In::end", "ep0in_end", "handwritten_end", Some("bare_end"), 0),
];

/// USART1's and USART2's rows. Where `start` and `wait` are two functions, each moves the transfer by way of memory,
/// and is measured as that: `Held` keeps pointer, length and direction beside the buffer, which need not be a slice
/// that can be asked again. What the one has more the other has less, and a test holds the two together to none more.
const SERIAL: [Row; 7] = [
    row("Sender::write_all", "sender_start", "handwritten_sender_start", Some("bare_sender_start"), 2),
    row("  wait", "sender_wait", "handwritten_sender_wait", Some("bare_sender_wait"), 0),
    row("  is_done", "sender_is_done", "handwritten_sender_is_done", None, 0),
    row("  both in one", "sender_send", "handwritten_sender_send", Some("bare_sender_send"), 0),
    row("Receiver::read_exact", "receiver_start", "handwritten_receiver_start", Some("bare_receiver_start"), 0),
    row("  wait", "receiver_wait", "handwritten_receiver_wait", Some("bare_receiver_wait"), 2),
    row("  both in one", "receiver_receive", "handwritten_receiver_receive", Some("bare_receiver_receive"), 0),
];

const fn row(
    text: &'static str,
    driver: &'static str,
    handwritten: &'static str,
    bare: Option<&'static str>,
    margin: usize,
) -> Row {
    Row { text, driver, handwritten, bare, margin }
}

/// A `start` and its `wait`, as functions of their own.
const PAIRS: [[&str; 2]; 2] = [["sender_start", "sender_wait"], ["receiver_start", "receiver_wait"]];

/// Of `codegen/Cargo.toml`.
const PROFILES: [&str; 2] = ["release", "without-lto"];

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn drivers_cost_what_the_code_by_hand_costs() {
    println!("{:12} {:21} {:>6} {:>8} {:>5}", "profile", "", "driver", "by hand", "bare");
    for profile in PROFILES {
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
            let (text, most) = (row.text.trim(), handwritten + row.margin);
            assert!(driver <= most, "{profile}, {text}: {driver} instructions, {handwritten} by hand");
        }
        for pair in PAIRS {
            let [driver, handwritten] = ["", "handwritten_"]
                .map(|by| pair.iter().map(|name| assembly.function(&format!("{by}{name}")).count()).sum::<usize>());
            assert!(driver <= handwritten, "{profile}, {pair:?}: {driver} instructions, {handwritten} by hand");
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
    assert_eq!(driver.calls(), [""; 0], "{profile}: `{name}` calls something");
    assert_eq!(all_paths(&driver), all_paths(&handwritten), "{profile}: the accesses of `{name}` differ");
    let Some(bare) = row.bare else { return };
    // The bare accesses are there, in order, on each path that starts; errors are told by more.
    let bare = assembly.function(bare);
    for path in all_paths(&bare) {
        let is_more = |other: &paths::Path| is_part_of(&path, other);
        assert!(all_paths(&driver).iter().any(is_more), "{profile}: `{name}` does not do {path:?}");
    }
}

/// Whether `path` is `whole` with some events left out.
fn is_part_of(path: &paths::Path, whole: &paths::Path) -> bool {
    let mut rest = whole.iter();
    path.iter().all(|event| rest.any(|other| other == event))
}

fn all_paths(function: &Function) -> BTreeSet<paths::Path> {
    paths(function).unwrap_or_else(|reason| panic!("the listing cannot be followed: {reason}"))
}
