//! The unsound APIs from which the community has learned what a sound one needs, stage by stage.
//!
//! Their names are those of the files of the embedonomicon's chapter on DMA, `one` to `eight`; the others are from the
//! blog post before it, and from embedded2020. Where a stage is broken by what its types allow, its types are here, in
//! our words: what is safe there is safe here. Where it is broken by what its body lacks, a fence or a wait, the body
//! is. Each program is what its stage was given up for.
//!
//! | stage | its API | what breaks it |
//! |---|---|---|
//! | primitives | safe setters of address and length; a status that is nobody's | any address; another's end |
//! | one | `read_exact(&mut self, &'a mut [u8]) -> Transfer<&'a mut [u8]>` | forget, drop |
//! | two | `&'static mut [u8]` | a second transfer |
//! | three | takes `self`, gives it back | no fence |
//! | four | with compiler fences | a core that reorders |
//! | five | any `AsMutSlice` | an array by value |
//! | six | in a `Pin` | a pin on the stack, forgotten |
//! | seven | `'static` | an array inside a smart pointer; drop |
//! | eight | with a destructor | it does not wait; a safe trait; an error |
//! | blog | `Transfer<'a>` with a destructor | forget |
//! | closure | a scope, and no guard | a panic |
//! | async | a future that borrows | a future that is dropped, or forgotten |

use super::{Case, Caught, Hazard, Serial, peers};
use crate::machine::{Fences, Machine, Strength};
use crate::monitor::Rule;
use crate::soc::Config;

mod early;
mod late;

use early::{
    s000_address_is_set_by_a_safe_method, s000_status_is_of_another_channel, s001_transfer_of_a_stack_array_is_dropped,
    s001_transfer_of_a_stack_array_is_forgotten, s002_second_transfer_is_started_over_the_first,
    s003_buffer_is_filled_without_fence, s003_buffer_is_read_without_fence,
    s004_compiler_fence_on_a_core_that_reorders,
};
use late::{
    s005_array_by_value_is_moved_in_flight, s006_pinned_stack_array_is_forgotten, s007_pin_of_an_inline_array_is_moved,
    s007_transfer_of_a_box_is_dropped, s008_buffer_is_asked_twice, s008_destructor_does_not_drain,
    s008_error_is_waited_through, s009_borrowing_transfer_with_destructor_is_forgotten, s009_channels_are_swapped,
    s010_closure_panics_past_the_end, s011_future_is_dropped_after_a_poll, s011_future_is_forgotten_after_a_poll,
};

/// USART1 and the channel that receives: what the stages' drivers are made of.
struct Port<'h>(&'h Serial);

impl Port<'_> {
    /// Starts to receive into two bytes.
    #[track_caller]
    fn start(&self, address: u32) {
        super::steps::receive(self.0, address, super::buffers::LENGTH);
    }
}

/// A Cortex-M7; the broken program's fences are a compiler's.
fn cortex_m7(is_broken: bool) -> Config {
    let right = Fences::right(Machine::CortexM7);
    let fences = if is_broken { Fences { start: Strength::Compiler, end: Strength::Compiler, ..right } } else { right };
    Config { fences, ..super::usart(is_broken) }
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);
const RACE: Caught = Caught::Rule(Rule::Race);

pub(super) const CASES: &[Case] = &[
    serial!(
        s000_address_is_set_by_a_safe_method,
        H3,
        "embedonomicon ci/dma/src/lib.rs; stm32f3xx-hal d55c2e4",
        Caught::Rule(Rule::PointerNotLent),
        peers::sends_two
    ),
    serial!(s000_status_is_of_another_channel, H8, "embedonomicon ci/dma/src/lib.rs", IN_FLIGHT, peers::sends_two),
    serial!(s001_transfer_of_a_stack_array_is_forgotten, H1, "embedonomicon one.rs", IN_FLIGHT, peers::offers_two),
    serial!(s001_transfer_of_a_stack_array_is_dropped, H2, "embedonomicon one.rs", IN_FLIGHT, peers::offers_two),
    serial!(
        s002_second_transfer_is_started_over_the_first,
        H7,
        "embedonomicon two.rs",
        Caught::Rule(Rule::WrittenWhileEnabled),
        peers::offers_two
    ),
    serial!(s003_buffer_is_read_without_fence, H5, "embedonomicon three.rs", RACE, peers::sends_two)
        .with_loom(s003_buffer_is_read_without_fence),
    serial!(s003_buffer_is_filled_without_fence, H5, "embedonomicon three.rs", RACE, peers::sends_two)
        .with_loom(s003_buffer_is_filled_without_fence),
    serial!(s004_compiler_fence_on_a_core_that_reorders, H5, "embedonomicon four.rs, #98", RACE, peers::sends_two)
        .on(cortex_m7)
        .with_loom(s004_compiler_fence_on_a_core_that_reorders),
    serial!(s005_array_by_value_is_moved_in_flight, H3, "embedonomicon five.rs", IN_FLIGHT, peers::sends_two),
    serial!(s006_pinned_stack_array_is_forgotten, H1, "embedonomicon six.rs", IN_FLIGHT, peers::offers_two),
    serial!(s007_pin_of_an_inline_array_is_moved, H3, "embedonomicon seven.rs, #64", IN_FLIGHT, peers::sends_two),
    serial!(s007_transfer_of_a_box_is_dropped, H2, "embedonomicon seven.rs", IN_FLIGHT, peers::offers_two),
    serial!(s008_destructor_does_not_drain, H8, "embedonomicon eight.rs", IN_FLIGHT, peers::offers_two),
    serial!(s008_buffer_is_asked_twice, H4, "dma-poc README, requirement 2; as-slice", IN_FLIGHT, peers::sends_two),
    serial!(s008_error_is_waited_through, H8, "embedonomicon eight.rs", Caught::Hangs("DMA1.ISR"), peers::offers_two),
    serial!(
        s009_borrowing_transfer_with_destructor_is_forgotten,
        H1,
        "blog.japaric.io, safe-dma: Transfer<'a>",
        IN_FLIGHT,
        peers::offers_two
    ),
    serial!(
        s009_channels_are_swapped,
        H7,
        "blog.japaric.io, safe-dma",
        Caught::Rule(Rule::RequestOfAnother),
        peers::offers_two
    ),
    serial!(s010_closure_panics_past_the_end, H2, "blog.japaric.io, safe-dma: closures", IN_FLIGHT, peers::offers_two),
    serial!(s011_future_is_dropped_after_a_poll, H2, "embedded2020, async", IN_FLIGHT, peers::offers_two),
    serial!(s011_future_is_forgotten_after_a_poll, H1, "embedded2020, async", IN_FLIGHT, peers::offers_two),
];
