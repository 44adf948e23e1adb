//! The crate in `codegen/`, compiled to assembly.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

use crate::listing::{Function, Machine};

/// The chip's, for rustc.
const THUMB: &str = "thumbv7em-none-eabihf";

/// How the crate is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    pub machine: Machine,
    /// Of `codegen/Cargo.toml`.
    pub profile: &'static str,
    /// Arguments for rustc.
    pub flags: &'static [&'static str],
}

/// An assembly file.
pub struct Assembly {
    machine: Machine,
    pub text: String,
}

impl Assembly {
    /// The function of this name.
    pub fn function(&self, name: &str) -> Function {
        Function::find(self.machine, &self.text, name).unwrap_or_else(|| panic!("{name} is not in the assembly"))
    }
}

impl Build {
    /// Compiles. The assembly has this name.
    pub fn run(self, name: &str) -> Assembly {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("codegen");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codegen");
        let assembly = directory.join(format!("{name}.s"));
        fs::create_dir_all(&directory).expect("the directory is this suite's own");
        if assembly.exists() {
            fs::remove_file(&assembly).expect("the file is this test's own");
        }
        // Where cargo finds its work done, it does nothing, and there would be no assembly. With an argument that it
        // has not seen it compiles this crate again, and no other.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
        let again = format!("--cfg=at_{}", now.as_nanos());
        let mut cargo = match self.machine {
            Machine::Thumb => cargo_for_the_chip(&package),
            Machine::X86 => inner("cargo", &package),
        };
        cargo.args(["rustc", "--lib", "--locked", "--profile", self.profile, "--quiet", "--target-dir"]);
        cargo.arg(&directory);
        if self.machine == Machine::Thumb {
            cargo.args(["--target", THUMB]);
        }
        cargo.arg("--").args(self.flags).arg(again).arg("--emit").arg(format!("asm={}", assembly.display()));
        let status = cargo.status().unwrap_or_else(|error| panic!("cannot run {cargo:?}: {error}"));
        assert!(status.success(), "{cargo:?} failed: {status}");
        let text = fs::read_to_string(&assembly);
        let text = text.unwrap_or_else(|error| panic!("cannot read {}: {error}", assembly.display()));
        Assembly { machine: self.machine, text }
    }
}

/// A cargo that can build `core` for the chip, or has it.
///
/// Either the toolchain of the project with the target added, or Debian's packages, which have no such target but the
/// sources to build it from.
fn cargo_for_the_chip(package: &Path) -> Command {
    if sysroot("rustc", package).is_some_and(|sysroot| sysroot.join("lib/rustlib").join(THUMB).is_dir()) {
        return inner("cargo", package);
    }
    let sources = "lib/rustlib/src/rust/library/core";
    if sysroot("/usr/bin/rustc", package).is_some_and(|sysroot| sysroot.join(sources).is_dir()) {
        let mut cargo = inner("/usr/bin/cargo", package);
        cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core");
        return cargo;
    }
    panic!(
        "no toolchain for {THUMB}. With rustup: `rustup target add {THUMB}`. On Debian: the packages rustc-web, \
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
