//! Litmus tests: the literature's shapes, on registers and on loom's atomics.
//!
//! A row of [`shapes`] has an outcome that no interleaving has. On the model's registers it is never found, whatever
//! the fences are: a bus shows the latest value. On loom's relaxed atomics it is found wherever C++20 allows it, but
//! for two holes, which have an ignored test each. All outcomes are compared, not only that one.
//!
//! A buffer is no register: [`hand_over`] has the shapes in which the fences count. And random programs, whose verdict
//! is known, are the oracle's: `cargo test -p tests --test oracle`.

use std::collections::BTreeSet;

use memory::{Atomics, Memory, Registers, outcomes};
use program::Program;
use shapes::{Found, Row, Says};

mod hand_over;
mod memory;
mod program;
mod shapes;

/// The chapter with the table.
const DOCS: &str = include_str!("../../sim-core/src/explore/model/litmus.rs");

/// The digits of the outcome that no interleaving has.
fn weak(row: &Row) -> String {
    row.weak.chars().filter(char::is_ascii_digit).collect()
}

/// All outcomes of a row on `M`.
fn found<M: Memory>(row: &Row) -> BTreeSet<String> {
    let program = Program::parse(row.program, row.weak).unwrap_or_else(|problem| panic!("{}: {problem}", row.name));
    let (found, executions) = outcomes::<M>(program);
    println!("{}, {}: {} outcomes in {executions} executions", row.name, M::NAME, found.len());
    found
}

/// Every row has the outcomes that it says, on both.
fn check(rows: &[Row]) {
    for row in rows {
        let mut expected: BTreeSet<String> = row.others.split(' ').map(str::to_owned).collect();
        assert_eq!(found::<Registers>(row), expected, "{}, registers", row.name);
        if row.atomics == Found::Yes {
            expected.insert(weak(row));
        }
        assert_eq!(found::<Atomics>(row), expected, "{}, atomics", row.name);
    }
}

#[test]
fn mp() {
    check(shapes::MP);
}

#[test]
fn sb() {
    check(shapes::SB);
}

#[test]
fn lb() {
    check(shapes::LB);
}

#[test]
fn corr_coww_cowr_corw() {
    check(shapes::COHERENCE);
}

#[test]
fn two_plus_two_w() {
    check(shapes::TWO_PLUS_TWO_W);
}

#[test]
fn s() {
    check(shapes::S);
}

#[test]
fn r() {
    check(shapes::R);
}

#[test]
fn wrc() {
    check(shapes::WRC);
}

#[test]
fn iriw() {
    check(shapes::IRIW);
}

/// The outcome that no interleaving has is found on loom's atomics.
fn assert_found(rows: &[Row], name: &str) {
    let row = rows.iter().find(|row| row.name == name).expect("a row of this name");
    assert!(found::<Atomics>(row).contains(&weak(row)), "{name}: `{}` is allowed, and not found", row.weak);
}

#[test]
#[ignore = "loom executes no read of what is written later: load buffering is not seen"]
fn lb_without_fences_is_found_where_cpp_and_arm_allow_it() {
    assert_found(shapes::LB, "LB");
}

#[test]
#[ignore = "any two of loom's sequentially consistent fences synchronise, which they do not in C++20"]
fn mp_with_a_sequentially_consistent_fence_that_comes_too_late_is_found_where_cpp_and_arm_allow_it() {
    assert_found(shapes::MP, "MP+po-sc+sc");
}

/// What is known to be missed.
const HOLES: [&str; 2] = ["LB", "MP+po-sc+sc"];

#[test]
fn outcome_that_cpp_forbids_is_never_found_and_one_that_it_allows_is_unless_it_is_a_hole() {
    for row in shapes::ALL.into_iter().flatten() {
        let expected = if row.cpp == Says::Allowed && !HOLES.contains(&row.name) { Found::Yes } else { Found::Never };
        assert_eq!(row.atomics, expected, "{}", row.name);
    }
}

/// ARM's DMB is never weaker than the fence that it stands for, or the code that is emitted were wrong.
#[test]
fn outcome_that_cpp_forbids_is_forbidden_by_arm() {
    for row in shapes::ALL.into_iter().flatten() {
        assert!(row.cpp == Says::Allowed || row.arm == Says::Forbidden, "{}", row.name);
    }
}

#[test]
fn table_in_the_docs_has_these_rows() {
    let lines: Vec<_> = shapes::ALL.into_iter().flatten().map(Row::line).collect();
    let table = DOCS.lines().skip_while(|line| !line.starts_with("//! | shape |")).skip(2);
    let in_docs: Vec<_> =
        table.map_while(|line| line.strip_prefix("//! ").filter(|row| row.starts_with('|'))).collect();
    assert_eq!(in_docs, lines);
}
