//! wip
use sim_core::{check::programs::BackToBack, explore::*, machine::*};
fn main() {
    for packets in 1..=3 {
        for machine in Machine::ALL { for start in Strength::ALL { for end in Strength::ALL {
            let p = BackToBack { packets, length: 8, fences: Fences { machine, start, end } };
            let t = std::time::Instant::now();
            let m = model::check(&p, model::Limits::default());
            let tm = t.elapsed();
            let t = std::time::Instant::now();
            let s = stepped::explore(&p, stepped::Limits::default());
            println!("{packets} {machine:10} {start:14} {end:14} model {} {} {tm:?} | stepped {} {} states {} cut {} {:?}", m.kind(), m.executions(), s.verdict.kind(), s.verdict.executions(), s.states, s.cut, t.elapsed());
            if packets==2 { println!("{m}\n{}", s.verdict); }
        }}}
    }
}
