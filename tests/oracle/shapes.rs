//! Programs by shape: what hides in loom, where a register is not an atomic.
//!
//! The first three are races that a DMA driver comes across, and that loom alone misses: whether a thread is a CPU or a
//! device makes no difference to it. The next four are what the layer would miss if it stood on loom's own fences.

use super::by_loom::{self, Creation, Layer, Memory};
use super::program::{Program, Verdict};
use super::stock::{Plain, ReadModifyWrite};
use super::{by_clocks, program};

fn parse(text: &str) -> Program {
    text.parse().unwrap_or_else(|problem: program::Problem| panic!("{text}: {problem}"))
}

/// The clocks, and loom through the layer in both orders, say `verdict`.
fn assert_verdict(text: &str, verdict: Verdict) {
    let program = parse(text);
    assert_eq!(by_clocks::judge(&program, None).verdict, verdict, "the clocks: {text}");
    for creation in Creation::ALL {
        let judged = by_loom::judge::<Layer>(&program, creation);
        assert_eq!(judged.verdict, verdict, "loom, {creation:?}: {text}");
    }
}

fn assert_race(text: &str) {
    assert_verdict(text, Verdict::Race);
}

fn assert_ordered(text: &str) {
    assert_verdict(text, Verdict::Ok);
}

/// loom on `M` misses the race, in at least one order. If it does not, the layer does more than is needed.
fn assert_missed_without_the_layer<M: Memory>(text: &str) {
    let program = parse(text);
    let is_missed = |creation| by_loom::judge::<M>(&program, creation).verdict == Verdict::Ok;
    assert!(Creation::ALL.into_iter().any(is_missed), "loom finds it: {text}");
}

/// The CPU enables the device (`x` is 1), the device clears that itself when it is done. The CPU looks once.
#[test]
fn self_clearing_enable_without_acquire_is_a_race() {
    let text = "D,w;F,rel;W,x,1;I,x,0;D,r|I,x,1;F,acq;D,w;F,rel;W,x,0";
    assert_race(text);
    assert_missed_without_the_layer::<Plain>(text);
    assert_ordered("D,w;F,rel;W,x,1;I,x,0;F,acq;D,r|I,x,1;F,acq;D,w;F,rel;W,x,0");
}

/// The device looks at `y`, which the CPU writes before `d`: that both have a fence is no order.
#[test]
fn sc_fences_on_both_sides_without_order_is_a_race() {
    let text = "W,y,1;D,w;F,sc;W,x,1|I,y,1;F,sc;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<Plain>(text);
    assert_ordered("W,y,1;D,w;F,sc;W,x,1|I,x,1;F,sc;D,r");
}

/// Device A is done (`x`), the CPU starts device B (`y`), and does not acquire in between.
#[test]
fn chain_of_two_devices_without_acquire_is_a_race() {
    let text = "D,w;F,rel;W,x,1|I,x,1;F,rel;W,y,1|I,y,1;F,acq;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<Plain>(text);
    assert_missed_without_the_layer::<ReadModifyWrite>(text);
    assert_ordered("D,w;F,rel;W,x,1|I,x,1;F,acqrel;W,y,1|I,y,1;F,acq;D,r");
}

/// The CPU passes the news on without any fence: the order of the two devices' fences is not an order of `d`.
#[test]
fn sc_fences_with_an_unfenced_relay_is_a_race() {
    let text = "D,w;F,sc;W,x,1|I,x,1;W,y,1|I,y,1;F,sc;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<ReadModifyWrite>(text);
    assert_ordered("D,w;F,sc;W,x,1|I,x,1;F,sc;W,y,1|I,y,1;F,sc;D,r");
}

/// What was released with the value 1 is not found with the 2 that the CPU has put in its place.
#[test]
fn released_value_that_is_overwritten_is_a_race() {
    let text = "D,w;F,rel;W,x,1|I,x,1;W,x,2|I,x,2;F,acq;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<ReadModifyWrite>(text);
    assert_ordered("D,w;F,rel;W,x,1|I,x,1;F,acqrel;W,x,2|I,x,2;F,acq;D,r");
}

/// The first thread only reads `x` after its release: that leaves nothing there for the third.
#[test]
fn release_before_a_read_is_a_race() {
    let text = "D,w;F,rel;R,x;W,y,1|I,y,1;W,y,2|I,y,2;R,x;F,acq;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<ReadModifyWrite>(text);
    assert_ordered("D,w;F,rel;W,x,1;W,y,1|I,y,1;W,y,2|I,y,2;R,x;F,acq;D,r");
}

/// The third thread overwrites what the first has released, and does not read it.
#[test]
fn acquire_after_a_write_is_a_race() {
    let text = "D,w;F,rel;W,x,1;W,y,1|I,y,1;W,y,2|I,y,2;W,x,2;F,acq;D,r";
    assert_race(text);
    assert_missed_without_the_layer::<ReadModifyWrite>(text);
    assert_ordered("D,w;F,rel;W,x,1;W,y,1|I,y,1;W,y,2|I,y,2;R,x;W,x,2;F,acq;D,r");
}

/// One acquire is enough for what was read from two; but not for what is read after it.
#[test]
fn acquire_between_two_reads_is_a_race() {
    assert_race("D,w;F,rel;W,x,1|F,rel;W,y,1|I,y,1;F,acq;I,x,1;D,r");
    assert_ordered("D,w;F,rel;W,x,1|F,rel;W,y,1|I,y,1;I,x,1;F,acq;D,r");
    assert_ordered("D,w;F,rel;W,x,1|F,rel;W,y,1|I,x,1;I,y,1;F,acq;D,r");
}

/// The access that races is reached by a value that a register does not show: one from before, or a write that is
/// overtaken by a later one. Atomics may; this is where the engines stand for registers, and differ from RC11.
#[test]
fn access_after_a_stale_read_is_never_reached() {
    for text in ["D,w;W,x,1;W,y,1|I,y,1;I,x,0;D,r", "D,w;W,x,1;W,y,1|I,y,1;W,x,2;I,x,1;D,r"] {
        assert_ordered(text);
        let atomics = by_loom::judge::<Plain>(&parse(text), Creation::XThenY);
        assert_eq!(atomics.verdict, Verdict::Race, "loads and stores: {text}");
    }
}
