//! What the compiler makes of a buffer that changes hands.
//!
//! The firmware of `codegen/src/order` fills a buffer, sends it or has it filled, waits, and uses it again, all in one
//! function: inlining is forced, at opt-level z as well, where it would hide the one half of a function from the other.
//! On a Cortex-M4F and on x86-64, at opt-level 3 and z, each of these functions must have the buffer's stores before
//! START, its loads after END, and the fences between them.
//!
//! Its twin is the same driver, with a fence that does nothing. Here is what becomes of it, the same on both machines
//! and at both levels (rustc 1.95 and 1.96, LLVM 22):
//!
//! | | registers at fixed addresses | registers that the linker places |
//! |---|---|---|
//! | `serial_main`, `serial_send`, `ep0in_send`, `epin_send` | in order, by chance | the stores are **deleted** |
//! | `serial_receive`, `epout_receive` | in order, by chance | the load is **folded** to what the CPU had written |
//!
//! The chance, as far as the emitted code tells: LLVM takes a number for an address that may lie in the buffer, once
//! the buffer's own address was made a number, too. So a read of a register may see the buffer, and a write may change
//! it. Of a register that has a name it does not think so. (`serial_main` sends from the stack of a function that never
//! returns. Before its driver read BRR back, it read no register after the stores, and they were deleted there, too.)
//!
//! So of twelve twins six are broken, and six are not: which is asserted, too, to be told when that changes.

use crate::build::{Assembly, Build};
use crate::listing::handover::{Transfer, received, sent};
use crate::listing::{Function, Machine};

/// A function of `codegen/src/order`.
struct Scenario {
    name: &'static str,
    check: fn(&Function, Transfer) -> Result<(), String>,
    transfer: Transfer,
    /// How a complaint about the broken twin begins.
    broken: &'static str,
}

/// The buffer's length.
const BYTES: i64 = 16;
const DELETED: &str = "0 of 16 bytes are stored before START";
const FOLDED: &str = "the buffer is not loaded after START";

/// CCR4 and ISR.
const SENDER: Transfer = Transfer { start: 0x4002_0044, end: 0x4002_0000, bytes: BYTES };
/// CCR5 and ISR.
const RECEIVER: Transfer = Transfer { start: 0x4002_0058, end: 0x4002_0000, bytes: BYTES };
/// TASKS_STARTEPIN\[0\] and EVENTS_ENDEPIN\[0\].
const EP0IN: Transfer = Transfer { start: 0x4002_7004, end: 0x4002_7108, bytes: BYTES };
/// TASKS_STARTEPIN\[1\] and EVENTS_ENDEPIN\[1\].
const EPIN: Transfer = Transfer { start: 0x4002_7008, end: 0x4002_710C, bytes: BYTES };
/// TASKS_STARTEPOUT\[1\] and EVENTS_ENDEPOUT\[1\].
const EPOUT: Transfer = Transfer { start: 0x4002_702C, end: 0x4002_7134, bytes: BYTES };

const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "serial_main", check: sent, transfer: SENDER, broken: DELETED },
    Scenario { name: "serial_send", check: sent, transfer: SENDER, broken: DELETED },
    Scenario { name: "serial_receive", check: received, transfer: RECEIVER, broken: FOLDED },
    Scenario { name: "ep0in_send", check: sent, transfer: EP0IN, broken: DELETED },
    Scenario { name: "epin_send", check: sent, transfer: EPIN, broken: DELETED },
    Scenario { name: "epout_receive", check: received, transfer: EPOUT, broken: FOLDED },
];

/// opt-level 3 and z, in `codegen/Cargo.toml`.
const PROFILES: [&str; 2] = ["release", "size"];

const INLINE: &str = "-Cllvm-args=-inline-threshold=10000";
/// It would put equal instructions of several functions into one.
const NO_OUTLINER: &str = "-Cllvm-args=-enable-machine-outliner=never";
/// An object that the linker places is where it is, without a table.
const STATIC: &str = "-Crelocation-model=static";

#[test]
#[ignore = "needs a thumbv7em toolchain: .ci/run installs one; or rustup target add thumbv7em-none-eabihf"]
fn buffer_is_handed_over_in_order_on_a_cortex_m4f() {
    for profile in PROFILES {
        let build = Build { machine: Machine::Thumb, profile, flags: &[INLINE, NO_OUTLINER] };
        check(profile, &build.run(&format!("handover-thumb-{profile}")));
    }
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "reads the assembly of x86-64, as on Linux")]
fn buffer_is_handed_over_in_order_on_x86_64() {
    for profile in PROFILES {
        let build = Build { machine: Machine::X86, profile, flags: &[INLINE, STATIC] };
        check(profile, &build.run(&format!("handover-x86-{profile}")));
    }
}

fn check(profile: &str, assembly: &Assembly) {
    for Scenario { name, check, transfer, broken } in &SCENARIOS {
        for registers in ["fixed", "linked"] {
            let fenced = format!("{name}_{registers}");
            assert_eq!(check(&assembly.function(&fenced), *transfer), Ok(()), "{profile}: {fenced}");

            let twin = format!("{name}_{registers}_unfenced");
            let complaint = check(&assembly.function(&twin), *transfer).expect_err("it has no fence");
            // In order, but by chance: nothing else is missing than the fence.
            let expected = if registers == "linked" { broken } else { "no fence between" };
            assert!(complaint.starts_with(expected), "{profile}: {twin}: {complaint}");
        }
    }
}
