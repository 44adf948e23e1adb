//! What does not compile on dma-api: the mistake cannot be written down.
//!
//! Nothing is run here. Each has a file in `tests/ui/fail`, which the compiler refuses for the reason that it names.
//! Many of them are a case as well: the same mistake by bare registers, where no type is in its way.

use super::Hazard;

/// A mistake that dma-api's types refuse.
///
/// ```
/// # use sim_core::catalogue::refused::REFUSED;
/// assert!(REFUSED.iter().all(|refused| refused.id().len() < refused.title().len()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The id, and the mistake.
    pub name: &'static str,
    /// The class.
    pub hazard: Hazard,
    /// Where it was seen.
    pub source: &'static str,
    /// The file in `tests/ui/fail`, without its extension.
    pub file: &'static str,
}

impl Refused {
    const fn new(name: &'static str, hazard: Hazard, source: &'static str, file: &'static str) -> Self {
        Self { name, hazard, source, file }
    }

    /// What it is called in its source: `c003`.
    pub fn id(&self) -> &'static str {
        super::id_of(self.name)
    }

    /// The mistake, in words.
    pub fn title(&self) -> String {
        super::title_of(self.name)
    }
}

/// All of them.
pub const REFUSED: &[Refused] = &[
    Refused::new("s001_stack_array_is_borrowed", Hazard::H1, "embedonomicon one.rs", "borrow_forgotten"),
    Refused::new("s002_second_transfer_is_started", Hazard::H7, "embedonomicon two.rs", "second_transfer_of_a_sender"),
    Refused::new("s005_array_is_given_by_value", Hazard::H3, "embedonomicon five.rs", "array_by_value"),
    Refused::new("s006_array_is_pinned_to_the_stack", Hazard::H1, "embedonomicon six.rs", "array_pinned_to_the_stack"),
    Refused::new(
        "s007_array_is_inside_a_smart_pointer",
        Hazard::H3,
        "embedonomicon seven.rs, #64",
        "inline_array_behind_a_deref",
    ),
    Refused::new(
        "s010_transfer_outlives_its_closure",
        Hazard::H1,
        "blog.japaric.io, safe-dma: closures",
        "running_transfer_kept_past_its_scope",
    ),
    Refused::new("s011_future_borrows_its_buffer", Hazard::H1, "embedded2020, async", "borrow_in_a_future"),
    Refused::new("c001_source_is_borrowed", Hazard::H1, "imxrt-rs/imxrt-hal#137", "borrow_sent_and_forgotten"),
    Refused::new(
        "c003_marker_trait_is_safe_to_implement",
        Hazard::H4,
        "stm32-rs/stm32f1xx-hal#270",
        "buffers_target_by_safe_code",
    ),
    Refused::new(
        "c004_bound_is_dropped_for_stack_buffers",
        Hazard::H1,
        "stm32-rs/stm32h7xx-hal#271",
        "borrow_leaked_in_a_box",
    ),
    Refused::new("c005_packet_buffer_is_borrowed", Hazard::H1, "nrf-rs/nrf-hal#237", "borrow_given_to_an_out_endpoint"),
    Refused::new("c006_buffer_of_a_half_is_borrowed", Hazard::H1, "nrf-hal 2ab223a", "buffer_of_any_lifetime_received"),
    Refused::new(
        "c009_buffer_is_a_reborrow",
        Hazard::H4,
        "esp-rs/esp-hal#2216",
        "borrow_in_a_buffer_of_ones_own_written",
    ),
    Refused::new("c010_guard_is_leaked_in_a_cycle", Hazard::H1, "embassy-rs/embassy#39", "borrow_in_an_rc_cycle"),
    Refused::new(
        "c011_completion_is_never_dropped",
        Hazard::H1,
        "spacejam/rio#11, rustsec/advisory-db#293",
        "borrow_in_manually_drop",
    ),
    Refused::new(
        "c033_pin_is_taken_for_an_address",
        Hazard::H3,
        "stm32l4xx-hal#100; nrf-hal e020ccc",
        "inline_array_pinned",
    ),
    Refused::new("c057_buffer_is_read_in_flight", Hazard::H6, "tock/tock#2637, #4702", "buffer_read_while_in_flight"),
    Refused::new(
        "c063_buffer_is_written_in_flight",
        Hazard::H6,
        "embassy-rs/embassy#483, #484",
        "buffer_written_while_in_flight",
    ),
    Refused::new(
        "c065_buffer_trait_is_safe_to_implement",
        Hazard::H4,
        "rp-rs/rp-hal#620, #621",
        "buffer_written_by_safe_code",
    ),
    Refused::new("c066_two_endpoints_start_at_once", Hazard::H7, "hathach/tinyusb#1208", "two_endpoints_at_once"),
    Refused::new("c083_word_has_sixty_four_bits", Hazard::H9, "rp-rs/rp-hal#457", "words_of_64_bits_received"),
    Refused::new(
        "c118_half_is_kept_past_its_turn",
        Hazard::H12,
        "stm32f4xx-hal#186; embassy#648, #702",
        "half_kept_past_its_turn",
    ),
    Refused::new("c127_bit_patterns_are_no_values", Hazard::H13, "dma-poc, requirement 4", "bools_received"),
];
