//! Litmus tests: what the model shows of the literature's shapes, and what not.
//!
//! A litmus test is a small program with an outcome that no interleaving of its threads has. A memory model says which
//! machine may show it. `tests/loom/litmus.rs` runs these, compares all outcomes, and compares this table.
//!
//! # Registers show the latest value
//!
//! A [`Location`](super::location::Location) stands for a register. None of these outcomes is found on it, with or
//! without fences: its accesses take effect in program order, and a read finds the latest value. For the registers of a
//! device that is right: a Cortex-M keeps the order of its accesses to Device memory (M4, M7), and its buses do not
//! reorder transactions (AN321). It is stronger than the real thing where one master reaches two registers by two bus
//! interfaces, or where bridges buffer writes: bugs can be missed there.
//!
//! It is also why this model is none of *normal memory* that CPUs share: it does not see that store buffering breaks a
//! lock. For that there are loom's relaxed atomics, in the last column.
//!
//! | word | step |
//! |---|---|
//! | `x=1`, `a=x` | a relaxed write of 1 to `x`; a relaxed read of `x`, whose value is called `a` |
//! | `rel`, `acq`, `acqrel`, `sc` | a fence; for ARM each is a DMB |
//! | ‖ | another thread |
//! | `x=2`, in an outcome | `x` is 2 in the end |
//!
//! | shape | program | outcome | C++20 | ARM | registers | loom |
//! |---|---|---|---|---|---|---|
//! | MP | `x=1; y=1 ‖ a=y; b=x` | `a=1 b=0` | allows | allows | never | found |
//! | MP+rel+po | `x=1; rel; y=1 ‖ a=y; b=x` | `a=1 b=0` | allows | allows | never | found |
//! | MP+po+acq | `x=1; y=1 ‖ a=y; acq; b=x` | `a=1 b=0` | allows | allows | never | found |
//! | MP+rel+acq | `x=1; rel; y=1 ‖ a=y; acq; b=x` | `a=1 b=0` | forbids | forbids | never | never |
//! | MP+po-sc+sc | `x=1; y=1; sc ‖ a=y; sc; b=x` | `a=1 b=0` | allows | allows | never | never |
//! | SB | `x=1; a=y ‖ y=1; b=x` | `a=0 b=0` | allows | allows | never | found |
//! | SB+sc+po | `x=1; sc; a=y ‖ y=1; b=x` | `a=0 b=0` | allows | allows | never | found |
//! | SB+acqrels | `x=1; acqrel; a=y ‖ y=1; acqrel; b=x` | `a=0 b=0` | allows | forbids | never | found |
//! | SB+scs | `x=1; sc; a=y ‖ y=1; sc; b=x` | `a=0 b=0` | forbids | forbids | never | never |
//! | LB | `a=x; y=1 ‖ b=y; x=1` | `a=1 b=1` | allows | allows | never | never |
//! | LB+acqrels | `a=x; acqrel; y=1 ‖ b=y; acqrel; x=1` | `a=1 b=1` | forbids | forbids | never | never |
//! | CoRR | `x=1 ‖ a=x; b=x` | `a=1 b=0` | forbids | forbids | never | never |
//! | CoWW | `x=1; x=2 ‖ a=x; b=x` | `a=2 b=1` | forbids | forbids | never | never |
//! | CoWR | `x=1; a=x ‖ x=2` | `a=2 x=1` | forbids | forbids | never | never |
//! | CoRW1 | `a=x; x=1` | `a=1` | forbids | forbids | never | never |
//! | CoRW2 | `a=x; x=1 ‖ x=2` | `a=2 x=2` | forbids | forbids | never | never |
//! | 2+2W | `x=1; y=2 ‖ y=1; x=2` | `x=1 y=1` | allows | allows | never | found |
//! | 2+2W+rels | `x=1; rel; y=2 ‖ y=1; rel; x=2` | `x=1 y=1` | allows | forbids | never | found |
//! | 2+2W+scs | `x=1; sc; y=2 ‖ y=1; sc; x=2` | `x=1 y=1` | forbids | forbids | never | never |
//! | S | `x=2; y=1 ‖ a=y; x=1` | `a=1 x=2` | allows | allows | never | found |
//! | S+rel+po | `x=2; rel; y=1 ‖ a=y; x=1` | `a=1 x=2` | allows | allows | never | found |
//! | S+rel+acq | `x=2; rel; y=1 ‖ a=y; acq; x=1` | `a=1 x=2` | forbids | forbids | never | never |
//! | R | `x=1; y=1 ‖ y=2; a=x` | `a=0 y=2` | allows | allows | never | found |
//! | R+acqrels | `x=1; acqrel; y=1 ‖ y=2; acqrel; a=x` | `a=0 y=2` | allows | forbids | never | found |
//! | R+scs | `x=1; sc; y=1 ‖ y=2; sc; a=x` | `a=0 y=2` | forbids | forbids | never | never |
//! | WRC | `x=1 ‖ a=x; y=1 ‖ b=y; c=x` | `a=1 b=1 c=0` | allows | allows | never | found |
//! | WRC+rel+po | `x=1 ‖ a=x; rel; y=1 ‖ b=y; c=x` | `a=1 b=1 c=0` | allows | allows | never | found |
//! | WRC+rel+acq | `x=1 ‖ a=x; rel; y=1 ‖ b=y; acq; c=x` | `a=1 b=1 c=0` | forbids | forbids | never | never |
//! | IRIW | `x=1 ‖ y=1 ‖ a=x; b=y ‖ c=y; d=x` | `a=1 b=0 c=1 d=0` | allows | allows | never | found |
//! | IRIW+acqs | `x=1 ‖ y=1 ‖ a=x; acq; b=y ‖ c=y; acq; d=x` | `a=1 b=0 c=1 d=0` | allows | forbids | never | found |
//! | IRIW+scs | `x=1 ‖ y=1 ‖ a=x; sc; b=y ‖ c=y; sc; d=x` | `a=1 b=0 c=1 d=0` | forbids | forbids | never | never |
//!
//! - ARM forbids more than C++20 where a DMB orders what the weaker fence need not: `SB+acqrels`, `2+2W+rels`,
//!   `R+acqrels`, `IRIW+acqs`. The driver must not rely on that, and loom shows it.
//! - `LB`: C++20 allows it, RC11 does not, for fear of values out of thin air. loom executes no read of what is written
//!   later. **Missed**: an ignored test.
//! - `MP+po-sc+sc`: the first fence comes too late to order anything. Any two of loom's `sc` fences synchronise, and a
//!   fence is executed at once after the step before it. **Missed** by loom: an ignored test. The fences of this model,
//!   [`fence`](super::fence), do not synchronise like that; the race that it amounts to is found (`tests/oracle`).
//! - `IRIW+scs`: C++11 to C++17 allow it, C++20 does not any more.
//! - CoRR: ARM forbids it, and Cortex-A9s show it (erratum 761319).
//!
//! # Memory is ordered by fences only
//!
//! A buffer's [`Shadow`](super::cell::Shadow) is no register. These are the shapes with `m`, plain memory, in the place
//! of `x`; the second thread accesses it if it has read 1. In C++20 a race is undefined, whatever is read. So load
//! buffering is seen here: as a race.
//!
//! | shape | program | no fence | `rel` only | `acq` only | both |
//! |---|---|---|---|---|---|
//! | MP | `m=1; rel; y=1 ‖ a=y; acq; b=m` | race | race | race | sound |
//! | LB | `b=m; rel; y=1 ‖ a=y; acq; m=1` | race | race | race | sound |
//! | S | `m=2; rel; y=1 ‖ a=y; acq; m=1` | race | race | race | sound |
//!
//! loom's own fences say the same of these. ARM allows the outcome of MP with either DMB missing. It does not allow
//! that of LB and S if `rel` is there: a write waits for the read that its branch depends on. The language has no such
//! rule.
//!
//! A `compiler_fence` orders on a Cortex-M4, and is *no fence* on a machine that reorders, see
//! [`Machine`](crate::machine::Machine).
//!
//! # Who says so
//!
//! C++20, with relaxed atomics and fences:
//!
//! - Lahav, Vafeiadis, Kang, Hur, Dreyer, *Repairing Sequential Consistency in C/C++11*, PLDI 2017: the axioms, RC11.
//!   The column is what they say without the one against thin air; every row was enumerated by them. In herd7 they are
//!   `herd/libdir/rc11.cat`.
//! - Batty, Owens, Sarkar, Sewell, Weber, *Mathematizing C++ Concurrency*, POPL 2011: the model of C++11.
//! - WG21 P0668R5, *Revising the C++ memory model*: what C++20 took over, `IRIW+scs` among it.
//! - WG21 N3786: why relaxed atomics are not kept from LB: ARM and POWER would need more than plain loads and stores.
//! - ISO C++20, `[intro.races]`: the four kinds of coherence.
//!
//! ARM, normal memory:
//!
//! - Alglave, Maranget, Tautschnig, *Herding Cats*, TOPLAS 36(2), 2014: the model of ARMv7, and every shape with and
//!   without DMB; its verdicts are `catalogue/herding-cats/arm/tests/arm.allowed` of herd/herdtools7 5feffe4e8.
//! - Maranget, Sarkar, Sewell, *A Tutorial Introduction to the ARM and POWER Relaxed Memory Models*, 2012: MP (3),
//!   control dependencies (4.2, 4.4), WRC (5), SB (6).
//! - herd/herdtools7 5feffe4e8, `tests/kinds.txt` of `catalogue/aarch64` and `catalogue/aarch64-readers-guide`: ARMv8.
//!   No row that they have differs from ARMv7.
//! - Intel, errata of Cyclone V SX, 761319: CoRR on Cortex-A9.
//!
//! ARM, Device memory and buses:
//!
//! - ARM DUI 0553A (Cortex-M4) §2.2.1 and §2.2.2: order among accesses to Device memory, and none to normal memory.
//! - ARM DUI 0646C (Cortex-M7) §2.2.2: the same, for accesses by one master interface.
//! - ARM DAI 0321A (AN321) §3.6: one bus path, no reordering within the bus, write buffers in bridges.
