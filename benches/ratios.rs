//! Each workload against its baseline, as a table: what the README quotes.
//!
//! The two are measured in turns, for some time, and the least of each counts: on a machine that others use too, what
//! is more than the least is theirs.

use std::time::{Duration, Instant};

use benches::access::{Accesses, of_memory};
use benches::bulk::{self, Bulk, Way};
use benches::enumerate::Device;
use benches::handoff::there_and_back;
use benches::round_trip::RoundTrips;
use benches::{copies, enumerate, line, on_threads, stepped};

/// How long the turns of one row go on.
const ROW: Duration = Duration::from_secs(2);

/// How long one measurement takes, about.
const TURN: Duration = Duration::from_millis(20);

type Workload = Box<dyn Fn(u64) -> Duration>;

/// What is measured, and what it is divided by.
struct Row {
    what: &'static str,
    baseline: &'static str,
    measured: Workload,
    against: Workload,
}

fn row(
    what: &'static str,
    measured: impl Fn(u64) -> Duration + 'static,
    baseline: &'static str,
    against: impl Fn(u64) -> Duration + 'static,
) -> Row {
    Row { what, baseline, measured: Box::new(measured), against: Box::new(against) }
}

fn rows() -> Vec<Row> {
    let memcpy = |length| move |count| copies::memcpy(length, count);
    let on_wire = |time: Duration| move |count: u64| time * u32::try_from(count).unwrap_or(u32::MAX);
    let enumerations = |count| enumerate::enumerations(Device::CdcAcm, count);
    let round_trips = |count| RoundTrips::new(count, 64);
    vec![
        row("engine's copy, 64 KiB", |count| copies::engine(65536, count), "memcpy", memcpy(65536)),
        row("engine's copy, 64 bytes", |count| copies::engine(64, count), "memcpy", memcpy(64)),
        row("engine's copy word by word, 64 bytes", |count| copies::words(64, count), "memcpy", memcpy(64)),
        row("bounce copy, 64 KiB", |count| copies::bounce(65536, count), "memcpy", memcpy(65536)),
        row("`Transfer`, 64 KiB", |count| copies::transfer(65536, count), "memcpy", memcpy(65536)),
        row("two register accesses, stepped", |count| stepped(count, Accesses::new), "memory", of_memory),
        row("packet of 64 bytes, stepped", move |count| stepped(count, round_trips), "hand-off", there_and_back),
        row("packet of 64 bytes, threads", move |count| on_threads(count, round_trips), "hand-off", there_and_back),
        row("bulk OUT, 64 bytes, stepped", bulk_packets(Way::Out), "wire", on_wire(bulk::ON_WIRE)),
        row("bulk IN, 64 bytes, stepped", bulk_packets(Way::In), "wire", on_wire(bulk::ON_WIRE)),
        row("CDC-ACM enumeration, stepped", enumerations, "wire", on_wire(enumerate::on_wire(Device::CdcAcm))),
        row("1 KiB each way by USART, stepped", line::exchanges, "line", on_wire(line::ON_WIRE)),
    ]
}

fn bulk_packets(way: Way) -> impl Fn(u64) -> Duration {
    move |count| stepped(count, |packets| Bulk::new(way, packets))
}

/// How often a workload fits a turn.
fn times(workload: &Workload) -> u64 {
    let mut count = 1;
    while workload(count) < TURN && count < 1 << 24 {
        count *= 2;
    }
    count
}

/// Nanoseconds for one of each, measured in turns.
fn measure(row: &Row) -> [f64; 2] {
    let sides = [&row.measured, &row.against].map(|workload| (workload, times(workload)));
    let mut least = [f64::INFINITY; 2];
    let started = Instant::now();
    while started.elapsed() < ROW {
        for (least, (workload, count)) in least.iter_mut().zip(sides) {
            let nanoseconds = Duration::as_nanos(&workload(count)) as f64 / count as f64;
            *least = least.min(nanoseconds);
        }
    }
    least
}

fn main() {
    // `cargo test --benches` runs this, too, and wants no numbers.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| what | takes | baseline | takes | ratio |\n|---|---|---|---|---|");
    for row in rows() {
        let [measured, against] = measure(&row);
        let [ours, theirs] = [measured, against].map(|nanoseconds| format!("{nanoseconds:.1} ns"));
        let ratio = measured / against;
        let ratio = if ratio < 0.5 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") };
        println!("| {} | {ours} | {} | {theirs} | {ratio} |", row.what, row.baseline);
    }
}
