//! Every rule, red on its mutants: drivers that break it, twins that do not.
//!
//! A [`Mutant`](judge::Mutant) is a driver by bare registers with one mistake. [`judge`](judge::judge) runs it on every
//! schedule. It breaks its rule, first of all and if there is no other; its replay string brings that back, as a panic
//! too. Collected, it is noted, and what happens is what silicon does; left to silicon, the same happens and nothing is
//! noted. The twin without the mistake is sound.
//!
//! What the rules are from: the numbers are those of the hardware reference, 8.n its list of violations.
//!
//! | from | rule | the mistakes |
//! |---|---|---|
//! | 8.1 | `StartWhileBusy` | START while a transfer runs: IN, OUT, isochronous; each thing that may happen then |
//! | 8.1 | `TaskWhileBusy` | EP0STATUS, EP0RCVOUT while a transfer runs |
//! | 8.2 | `PointerOutsideRam` | PTR in flash, a peripheral, the code-RAM alias; a range that leaves RAM |
//! | 8.2, 3.1 | `PointerNotLent` | PTR in RAM that is not lent, or the other way; a range that leaves what is |
//! | 8.2 | `LengthOverBuffer` | MAXCNT over 64, over 127, which its field cuts off; isochronous: over 512, over 1023 |
//! | 3.2 | `Unaligned` | PTR, or isochronous MAXCNT, not a multiple of 4, where that is asked for |
//! | 8.3, 1.9 | `AccessBeforeReady` | the core before ENABLE=1, before READY, after ENABLE=0 |
//! | 8.3, 1.9 | `AccessInLowPower` | the core in low power: a task, a read |
//! | 8.3, 1.9 | `AccessDuringTransfer` | the core while a transfer runs: SIZE (which reads garbage), EPSTALL |
//! | 8.4 | `StartWhileArmed` | STARTEPIN while the host has not taken the packet: control, bulk, isochronous |
//! | 8.5 | `StartWithoutPacket` | STARTEPOUT while no packet has come: control, bulk, isochronous |
//! | 8.6 | `ArmedTwice` | SIZE.EPOUT written while armed, and over a packet that nobody has seen |
//! | 8.7 | `CpuAccessInFlight` | a buffer is written while the DMA reads it, read or written while the DMA writes it |
//! | 8.8 | `LowPowerDuringTransfer` | LOWPOWER=1 while a transfer runs |
//! | 8.9 | `PowerDownDuringTransfer` | ENABLE=0 while a transfer runs |
//! | 8.9 | `OddBytesAtPowerDown` | ENABLE=0 after an odd number of bytes |
//! | 8.10 | `StatusOnSetAddress` | EP0STATUS on SET_ADDRESS |
//! | 8.11 | `WorkaroundMissing` | no latch of 199 at START, or not until END; no poke of 171, of 187 before ENABLE=1 |
//! | 4 | `WorkaroundMissing` | no poke of 166; SIZE.EPOUT on silicon with erratum 200 |
//! | 8.12 | `EndpointAliased` | EPSTALL, DTOGGLE with endpoint 8 |
//! | 1.6 | `ToggleNotSelected` | DTOGGLE forces what it has not selected |
//! | 1.10, 2.3 | `EnableWithoutVbus` | ENABLE=1 without VBUS |
//! | 1.10, 2.3 | `PullUpBeforePowerReady` | USBPULLUP=1 before the regulator has settled |
//! | 1.10, 2.3 | `PullUpWithoutClock` | USBPULLUP=1 without the crystal |
//! | 2.11 | `DriveBeforeWakeUp` | DPDMDRIVE before USBWUALLOWED |
//! | 3.6 | `Race` | no fence, or one on the wrong side |
//! | 3.6 | `ReleasedTwice`, `AcquiredInFlight` | a buffer is lent twice, or taken back in flight |
//! | 3.6 | `AcquiredWithoutRelease` | a buffer is taken back as another, or twice |
//! | 1.2 | `InterruptStorm` | a handler does not clear its event |
//! | 1.8 | `UnknownRegister`, `NotModelled` | registers that are not there, or not in this simulator |
//!
//! 8.3 is about a group of registers. Each of them, in each of the three windows, is in the chip's own tests
//! (`sim-core/src/device/usbd/tests/access.rs`).

use sim_core::by_hand::nrf52840::SECOND;
use sim_core::device::usbd::{Erratum, Erratum199, OutOfReach, SecondStart};
use sim_core::monitor::Rule;

mod access;
mod endpoints;
mod fences;
mod judge;
mod memory;
mod ownership;
mod power;
mod registers;
mod supply;
mod transfers;

use endpoints::Endpoint;
use judge::judge;

/// A test for each rule, which judges its mutants.
macro_rules! mutants {
    ($($rule:ident $test:ident [$($mutant:expr,)*])*) => {
        $(
            #[test]
            fn $test() {
                $( judge(Rule::$rule, &$mutant); )*
            }
        )*

        /// The rules that have a test, with the number of its mutants.
        const COVERED: &[(Rule, usize)] = &[$( (Rule::$rule, [$( stringify!($mutant) ),*].len()) ),*];
    };
}

mutants! {
    StartWhileBusy start_while_busy [
        transfers::SecondStart(transfers::Second::In, SecondStart::Dropped),
        transfers::SecondStart(transfers::Second::In, SecondStart::Replaces),
        transfers::SecondStart(transfers::Second::In, SecondStart::Corrupts),
        transfers::SecondStart(transfers::Second::Out, SecondStart::Dropped),
        transfers::SecondStart(transfers::Second::Isochronous, SecondStart::Dropped),
    ]
    TaskWhileBusy task_while_busy [
        transfers::StatusWhileBusy,
        transfers::PermissionWhileBusy,
    ]
    StartWhileArmed start_while_armed [
        endpoints::BelievesEnd(Endpoint::Control),
        endpoints::BelievesEnd(Endpoint::Bulk),
        endpoints::BelievesEnd(Endpoint::Isochronous),
    ]
    StartWithoutPacket start_without_packet [
        endpoints::DoesNotLook(Endpoint::Control),
        endpoints::DoesNotLook(Endpoint::Bulk),
        endpoints::DoesNotLook(Endpoint::Isochronous),
    ]
    ArmedTwice armed_twice [
        endpoints::ArmsAfterEnd,
        endpoints::ArmsOverAPacket,
    ]
    PointerOutsideRam pointer_outside_ram [
        memory::Points::to("flash", 0x0001_0000),
        memory::Points::to("the code-RAM alias", 0x0080_0000),
        memory::Points::to("a peripheral", 0x4002_7000),
        memory::Points::to("the end of RAM", 0x2003_FFFC),
        memory::ReceivesIntoFlash,
    ]
    PointerNotLent pointer_not_lent [
        memory::Points::to("somebody else's RAM", 0x2003_0000),
        memory::Points::to("the end of the buffer", SECOND + 60),
        ownership::LendsTheOtherWay,
        ownership::TakesBackBeforeTheStart,
    ]
    LengthOverBuffer length_over_buffer [
        memory::Sends { length: 65 },
        memory::Sends { length: 128 },
        memory::Streams { length: 513 },
        memory::Streams { length: 1024 },
    ]
    Unaligned unaligned [
        memory::Ragged { offset: 1, length: 8 },
        memory::RaggedStream { length: 6 },
    ]
    Race race [
        fences::NoReleaseFence,
        fences::StartBeforeTheFence,
        fences::NoAcquireFence,
        fences::FenceBeforeTheEnd,
    ]
    CpuAccessInFlight cpu_access_in_flight [
        ownership::WritesWhatIsSent,
        ownership::ReadsWhatIsReceived,
        ownership::WritesWhatIsReceived,
    ]
    ReleasedTwice released_twice [
        ownership::LendsAgain,
    ]
    AcquiredInFlight acquired_in_flight [
        ownership::TakesBackInFlight,
    ]
    AcquiredWithoutRelease acquired_without_release [
        ownership::TakesBackLess,
        ownership::TakesBackTwice,
    ]
    AccessBeforeReady access_before_ready [
        access::PullsUpBeforeEnable,
        access::PullsUpBeforeReady,
        access::ReadsAfterPowerDown,
    ]
    AccessInLowPower access_in_low_power [
        access::StartsAsleep,
        access::ReadsAsleep,
    ]
    AccessDuringTransfer access_during_transfer [
        access::ReadsSize(OutOfReach::Core),
        access::ReadsSize(OutOfReach::Sizes),
        access::ReadsIsochronousSize,
        access::StallsInTransfer,
    ]
    EndpointAliased endpoint_aliased [
        registers::StallsEndpointEight,
        registers::ForcesEndpointEight,
    ]
    ToggleNotSelected toggle_not_selected [
        registers::ForcesWithoutSelecting,
    ]
    StatusOnSetAddress status_on_set_address [
        registers::AnswersSetAddress,
    ]
    UnknownRegister unknown_register [
        registers::WaitsForBusState,
    ]
    NotModelled not_modelled [
        registers::AsksTheCore,
        registers::AsksTheEngine,
    ]
    InterruptStorm interrupt_storm [
        registers::ClearsNothing,
    ]
    EnableWithoutVbus enable_without_vbus [
        supply::Without::Vbus,
    ]
    PullUpBeforePowerReady pull_up_before_power_ready [
        supply::Without::Regulator,
    ]
    PullUpWithoutClock pull_up_without_clock [
        supply::Without::Crystal,
    ]
    PowerDownDuringTransfer power_down_during_transfer [
        power::PowersDownInTransfer,
    ]
    OddBytesAtPowerDown odd_bytes_at_power_down [
        power::LeavesOddBytes,
    ]
    LowPowerDuringTransfer low_power_during_transfer [
        power::SleepsInTransfer,
    ]
    DriveBeforeWakeUp drive_before_wake_up [
        power::DrivesAtOnce,
    ]
    WorkaroundMissing workaround_missing [
        power::PowersUpWithout(Erratum::E171),
        power::PowersUpWithout(Erratum::E187),
        power::StartsWithoutLatch(Erratum199::StartLost),
        power::StartsWithoutLatch(Erratum199::TokensLost),
        power::ClearsLatchInTransfer,
        power::StreamsWithout166,
        power::ArmsWithout200,
    ]
}

#[test]
fn every_rule_has_a_test_and_a_mutant() {
    // Those of a cache are broken in `cache`, and in the catalogue; those of addresses in `by_address`, in sim-core.
    let is_elsewhere = |rule: &Rule| [Rule::STM32F103, Rule::CACHE, Rule::BY_ADDRESS].concat().contains(rule);
    for rule in Rule::ALL.iter().filter(|rule| !is_elsewhere(rule)) {
        let tests = COVERED.iter().filter(|(covered, _)| covered == rule).count();
        assert_eq!(tests, 1, "{rule} has {tests} tests in `mutants!`: write a driver that breaks it");
    }
    assert!(COVERED.iter().all(|(_, mutants)| *mutants > 0), "{COVERED:?}");
}
