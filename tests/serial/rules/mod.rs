//! Every rule that an STM32F103 adds, red on its mutants.
//!
//! And what the other rules say of its DMA.
//!
//! As for USBD (`tests/usb/rules`), a mutant is a driver by bare registers with one mistake;
//! [`judge`](tests::judge::judge) says what is asserted of each.
//!
//! | from | rule | the mistakes |
//! |---|---|---|
//! | 7.2 | `WrittenWhileEnabled` | CNDTR, CMAR, CPAR, the mode of a channel with EN=1 |
//! | 7.2 | `TransferErrorIgnored` | a channel is enabled again with TEIF set |
//! | 7.2 | `ChannelMode` | MEM2MEM with CIRC; a reserved width |
//! | 7.2 | `EmptyTransfer` | a start with CNDTR=0; a second start that does not reload CNDTR |
//! | 7.2 | `Unaligned` | CMAR is odd for half-words |
//! | 7.3 | `ChannelShared` | another peripheral's request is on |
//! | 7.3 | `RequestOfAnother` | the channels for TX and RX swapped; the channel of another USART |
//! | 7.4 | `DisabledWhileSending` | TE=0 after TCIF, before TC |
//! | 7.2 | `PointerNotLent` | CMAR is beside the buffer |
//! | 7.2 | `AcquiredInFlight` | EN=0, and the buffer is taken back before the item in flight has ended |
//! | 7.2 | `CpuAccessInFlight` | a buffer is read while it is filled, written while it is sent |
//! | 7.2 | `Race` | no fence before EN=1, none after TCIF, none before a snapshot is used |
//! | 7.1 | `UnknownRegister` | channel 6 of DMA2 |
//! | 7.1 | `InterruptStorm` | a handler that clears no flag |

use sim_core::monitor::Rule;

mod channels;
mod judge;
mod memory;
mod registers;

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
    WrittenWhileEnabled written_while_enabled [
        registers::WritesWhileEnabled::Cndtr,
        registers::WritesWhileEnabled::Cmar,
        registers::WritesWhileEnabled::Cpar,
        registers::WritesWhileEnabled::Mode,
    ]
    TransferErrorIgnored transfer_error_ignored [
        registers::IgnoresError,
    ]
    ChannelMode channel_mode [
        registers::Mode::CircularCopy,
        registers::Mode::ReservedWidth,
    ]
    EmptyTransfer empty_transfer [
        registers::Empty::AtOnce,
        registers::Empty::TheSecondTime,
    ]
    Unaligned unaligned [
        registers::OddHalfWords,
    ]
    ChannelShared channel_shared [
        channels::Shared,
    ]
    RequestOfAnother request_of_another [
        channels::Wrong::Swapped,
        channels::Wrong::OtherUsart,
    ]
    DisabledWhileSending disabled_while_sending [
        registers::BelievesTcif,
    ]
    PointerNotLent pointer_not_lent [
        memory::BesideTheBuffer,
    ]
    AcquiredInFlight acquired_in_flight [
        memory::TakesBack::WithoutStopping,
        memory::TakesBack::WithoutDraining,
    ]
    CpuAccessInFlight cpu_access_in_flight [
        memory::Touches::WhatIsReceived,
        memory::Touches::WhatIsSent,
    ]
    Race race [
        memory::NoFence::BeforeTheStart,
        memory::NoFence::AfterTheEnd,
        memory::NoFence::BeforeTheFlagIsRead,
    ]
    UnknownRegister unknown_register [
        registers::ChannelSixOfDma2,
    ]
    InterruptStorm interrupt_storm [
        registers::ClearsNothing,
    ]
}

#[test]
fn every_rule_of_the_chip_has_a_test_and_a_mutant() {
    for rule in Rule::STM32F103 {
        let tests = COVERED.iter().filter(|(covered, _)| covered == rule).count();
        assert_eq!(tests, 1, "{rule} has {tests} tests in `mutants!`: write a driver that breaks it");
    }
    assert!(COVERED.iter().all(|(_, mutants)| *mutants > 0), "{COVERED:?}");
}
