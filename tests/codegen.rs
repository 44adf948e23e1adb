//! What `Ep0In` costs on the chip, in instructions, against code by hand.
//!
//! The crate in `codegen/` has `start` and `end` three times: by `Ep0In`, by hand and `unsafe` with the same checks,
//! and as bare register writes. This test compiles it for the Cortex-M4F, once with LTO and once without, and reads
//! the assembly. It holds `Ep0In` to four things:
//!
//! - It has as many instructions as the code by hand, but for a margin that is argued below.
//! - It accesses the same registers in the same order, on every path: so neither column of the table cheats.
//! - It calls nothing but the copy: the assertions of the register layer are decided at compile time.
//! - The fences are where they belong, and nothing has crossed them: see [`order`].
//!
//! The counts, all six of them: `cargo test -p tests --test codegen -- --ignored --nocapture`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use listing::paths::{self, paths};
use listing::{Function, order};

mod listing;

/// How many instructions `Ep0In::start` may have more than the code by hand.
///
/// Measured: 1. It keeps the length of what it has lent, because `acquire` is given it: a fence that maintains a cache
/// needs it. The twin knows that this chip has no cache. Neither a check nor an access to the peripheral.
const START_MARGIN: usize = 1;

/// How many instructions `Ep0In::end` may have more than the code by hand. Measured: 0.
const END_MARGIN: usize = 0;

const TARGET: &str = "thumbv7em-none-eabihf";

/// Of `codegen/Cargo.toml`.
const PROFILES: [&str; 2] = ["release", "without-lto"];

/// `start` and `end`, in the columns of the table.
const FUNCTIONS: [[&str; 3]; 2] =
    [["ep0in_start", "handwritten_start", "bare_start"], ["ep0in_end", "handwritten_end", "bare_end"]];

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn ep0in_costs_what_the_code_by_hand_costs() {
    println!("{:12} {:6} {:>6} {:>8} {:>5}", "profile", "", "Ep0In", "by hand", "bare");
    for profile in PROFILES {
        let assembly = assembly_of(profile, &Path::new(env!("CARGO_TARGET_TMPDIR")).join(profile));
        let functions = FUNCTIONS.map(|row| row.map(|name| function(&assembly, name)));
        let counts = functions.each_ref().map(|row| row.each_ref().map(|function| function.count()));
        for (name, [ep0in, handwritten, bare]) in ["start", "end"].iter().zip(counts) {
            println!("{profile:12} {name:6} {ep0in:>6} {handwritten:>8} {bare:>5}");
        }

        let [[start, handwritten_start, bare_start], [end, handwritten_end, _]] = &functions;
        assert_eq!(start.calls(), bare_start.calls(), "{profile}: `Ep0In::start` calls more than the copy");
        assert!(end.calls().is_empty(), "{profile}: `Ep0In::end` calls {:?}", end.calls());
        assert_eq!(order::released_before_start(start), Ok(()), "{profile}, `start`");
        assert_eq!(order::acquired_after_end(start), Ok(()), "{profile}, `start`");
        assert_eq!(order::acquired_after_end(end), Ok(()), "{profile}, `end`");
        assert_eq!(all_paths(start), all_paths(handwritten_start), "{profile}: the accesses of `start` differ");
        assert_eq!(all_paths(end), all_paths(handwritten_end), "{profile}: the accesses of `end` differ");
        assert!(all_paths(start).is_superset(&all_paths(bare_start)), "{profile}: `start` from idle is not bare");
        for ([ep0in, handwritten, _], margin) in counts.iter().zip([START_MARGIN, END_MARGIN]) {
            assert!(*ep0in <= handwritten + margin, "{profile}: {ep0in} instructions, {handwritten} by hand");
        }
    }
}

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn barrier_is_an_instruction_where_the_order_needs_it() {
    let assembly = assembly_of("release", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("barrier"));
    // What binds the compiler only does not count here.
    let without_comments = assembly.replace(listing::FENCE, "");
    let [start, end] = ["barrier_start", "barrier_end"].map(|name| function(&without_comments, name));
    assert_eq!(order::released_before_start(&start), Ok(()));
    assert_eq!(order::acquired_after_end(&start), Ok(()));
    assert_eq!(order::acquired_after_end(&end), Ok(()));
    let in_order = order::released_before_start(&function(&without_comments, "ep0in_start"));
    assert!(in_order.is_err_and(|reason| reason.starts_with("no fence")), "an in-order core needs no instruction");
}

fn function(assembly: &str, name: &str) -> Function {
    Function::find(assembly, name).unwrap_or_else(|| panic!("{name} is not in the assembly"))
}

fn all_paths(function: &Function) -> BTreeSet<paths::Path> {
    paths(function).unwrap_or_else(|reason| panic!("the listing cannot be followed: {reason}"))
}

/// The assembly of the crate in `codegen/`, compiled for the chip. The directory is the caller's own.
fn assembly_of(profile: &str, target_directory: &Path) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("codegen");
    // Where cargo finds its work done, it would leave the assembly of the last run, and maybe of another compiler.
    if target_directory.exists() {
        fs::remove_dir_all(target_directory).expect("the directory is this test's own");
    }
    let assembly = target_directory.join(format!("{profile}.s"));
    let mut cargo = cargo_for_the_chip(&package);
    cargo.args(["rustc", "--lib", "--locked", "--target", TARGET, "--profile", profile, "--quiet", "--target-dir"]);
    cargo.arg(target_directory).args(["--", "--emit"]).arg(format!("asm={}", assembly.display()));
    let status = cargo.status().unwrap_or_else(|error| panic!("cannot run {cargo:?}: {error}"));
    assert!(status.success(), "{cargo:?} failed: {status}");
    fs::read_to_string(&assembly).unwrap_or_else(|error| panic!("cannot read {}: {error}", assembly.display()))
}

/// A cargo that can build `core` for the chip, or has it.
///
/// Either the toolchain of the project with the target added, or Debian's packages, which have no such target but the
/// sources to build it from.
fn cargo_for_the_chip(package: &Path) -> Command {
    if sysroot("rustc", package).is_some_and(|sysroot| sysroot.join("lib/rustlib").join(TARGET).is_dir()) {
        return inner("cargo", package);
    }
    let sources = "lib/rustlib/src/rust/library/core";
    if sysroot("/usr/bin/rustc", package).is_some_and(|sysroot| sysroot.join(sources).is_dir()) {
        let mut cargo = inner("/usr/bin/cargo", package);
        cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core");
        return cargo;
    }
    panic!(
        "no toolchain for {TARGET}. With rustup: `rustup target add {TARGET}`. On Debian: the packages rustc-web, \
         cargo-web and rust-web-src"
    )
}

fn sysroot(rustc: &str, package: &Path) -> Option<PathBuf> {
    let output = inner(rustc, package).args(["--print", "sysroot"]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

/// A command in `package`, without what the cargo that runs this test has put into the environment.
fn inner(program: &str, package: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(package);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_the_outer_build)) {
        command.env_remove(name);
    }
    command
}

/// Whether the variable chooses a toolchain, flags or a profile. Where to download from is the inner build's, too.
fn is_of_the_outer_build(name: &str) -> bool {
    let kept = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR"];
    let removed = ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"];
    let begins = |prefix: &&str| name.starts_with(*prefix);
    removed.iter().any(begins) && !kept.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_of_the_outer_build_is_not_inherited() {
        let of_the_outer_build =
            ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "RUSTC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"];
        assert!(of_the_outer_build.into_iter().all(is_of_the_outer_build));
        let inherited = ["PATH", "CARGO_HOME", "RUSTUP_HOME", "CARGO_NET_OFFLINE", "RUST_BACKTRACE"];
        assert!(!inherited.into_iter().any(is_of_the_outer_build));
    }
}
