//! What must not compile, and a twin of each that differs in one line, compiles and runs.
//!
//! `fail/` has a program for each rule that the compiler enforces: its first line says what the program does wrong, and
//! the last line of its head the error and the hazard. The hazards, which a program without the rule would meet:
//!
//! | hazard | what goes wrong |
//! |---|---|
//! | H1 | a borrow is leaked: the memory is used again while the DMA has it |
//! | H3 | the DMA has an address that the buffer has left |
//! | H4 | a promise that memory depends on was made by safe code |
//! | H5 | a fence is missing, or another machine's |
//! | H6 | CPU and DMA, or two threads, touch the same memory |
//! | H7 | a channel or an engine is started twice, or another peripheral's is |
//! | H8 | a transfer that has not ended is taken for one that has, or never ends |
//! | H9 | words of another width |
//! | H13 | memory that has no value, or one that is none of its type |
//!
//! `pass/` has the twins. They are modules of this suite, so that each is run; and no program is rejected for a reason
//! that its twin shares.
//!
//! After a change of the API or the compiler, `TRYBUILD=overwrite cargo test -p tests --test ui` writes what the
//! compiler says now. Read it: the error has to be the one that the program names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[expect(clippy::drop_non_drop, reason = "to use a value is all that some of the programs want")]
mod pass;

/// A file of this suite.
fn path(folder: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui").join(folder).join(file)
}

fn text(folder: &str, file: &str) -> String {
    fs::read_to_string(path(folder, file)).unwrap_or_else(|error| panic!("{folder}/{file}: {error}"))
}

/// The names of the files with this extension.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(path(folder, "")).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let found = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    found.map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned()).collect()
}

/// The lines after the head, numbered.
fn program(text: &str) -> Vec<&str> {
    text.lines().skip_while(|line| line.starts_with("//!")).collect()
}

/// The error that a program which fails says that it is about: `//! E0382, H6: ...`.
fn named(text: &str) -> Option<(&str, &str)> {
    let head = text.lines().take_while(|line| line.starts_with("//!")).last()?;
    let (code, rest) = head.strip_prefix("//! ")?.split_once(", ")?;
    Some((code, rest.split_once(": ")?.0))
}

/// The codes of the errors that the compiler has reported.
fn reported(stderr: &str) -> BTreeSet<&str> {
    let errors = stderr.lines().filter(|line| line.starts_with("error"));
    errors
        .map(|line| line.strip_prefix("error[").and_then(|rest| rest.split_once(']')).map_or(line, |(code, _)| code))
        .collect()
}

#[test]
fn programs_that_break_a_rule_do_not_compile() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn twins_run() {
    for (name, run) in pass::PROGRAMS {
        println!("{name}");
        run();
    }
}

#[test]
fn each_program_has_its_twin_and_each_is_listed() {
    let listed: BTreeSet<String> = pass::PROGRAMS.iter().map(|(name, _)| name.to_string()).collect();
    let mut twins = names("pass", "rs");
    assert!(twins.remove("mod"));
    assert_eq!(twins, listed, "a twin that is not listed is not compiled");
    assert_eq!(names("fail", "rs"), listed);
    assert_eq!(names("fail", "stderr"), listed);
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("each of {} programs", listed.len())), "README.md counts them");
}

#[test]
fn twins_differ_in_one_line() {
    for (name, _) in pass::PROGRAMS {
        let file = format!("{name}.rs");
        let (fails, passes) = (text("fail", &file), text("pass", &file));
        let (fails, passes) = (program(&fails), program(&passes));
        assert_eq!(fails.len(), passes.len(), "{name}");
        let differ = fails.iter().zip(&passes).filter(|(fails, passes)| fails != passes).count();
        assert_eq!(differ, 1, "{name}");
    }
}

#[test]
fn programs_are_rejected_for_the_error_that_they_name_and_no_other() {
    for (name, _) in pass::PROGRAMS {
        let text = text("fail", &format!("{name}.rs"));
        let (code, hazard) = named(&text).unwrap_or_else(|| panic!("{name} names no error and hazard"));
        assert!(
            hazard.strip_prefix('H').is_some_and(|number| (1..=14).contains(&number.parse().unwrap_or(0))),
            "{name}"
        );
        let stderr = self::text("fail", &format!("{name}.stderr"));
        assert_eq!(reported(&stderr), BTreeSet::from([code]), "{name}");
        assert!(!stderr.contains("warning"), "{name}");
    }
}
