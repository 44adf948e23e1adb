//! wip
use sim_core::{check::programs::*, explore::*};
fn main() {
    for host in Try::ALL { for length in [8] {
        let t = std::time::Instant::now();
        let program = Device::new(host, length);
        let s = stepped::explore(&program, stepped::Limits::default());
        println!("{host:?} {length} {} {} states {} cut {} {:?}\n{}", s.verdict.kind(), s.verdict.executions(), s.states, s.cut, t.elapsed(), s.verdict);
        let t = std::time::Instant::now();
        let r = threads::run(&program, Some(sim_core::trace::Keep::Time));
        if let (Some(r), true) = (s.verdict.replay(), std::env::args().count() > 1) { let run = stepped::replay(&program, &r.parse().unwrap()).unwrap(); anstream::println!("{}", sim_core::trace::timeline::render(&run.trace)); }
        println!("threads {} {} {:?}\n", r.verdict, r.trace.entries().len(), t.elapsed());
    }}
}
