//! Unsound APIs, stage by stage.

catalogue! {
    "specimens":
    s000_address_is_set_by_a_safe_method,
    s000_status_is_of_another_channel,
    s001_transfer_of_a_stack_array_is_forgotten,
    s001_transfer_of_a_stack_array_is_dropped,
    s002_second_transfer_is_started_over_the_first,
    s003_buffer_is_read_without_fence,
    s003_buffer_is_filled_without_fence,
    s004_compiler_fence_on_a_core_that_reorders,
    s005_array_by_value_is_moved_in_flight,
    s006_pinned_stack_array_is_forgotten,
    s007_pin_of_an_inline_array_is_moved,
    s007_transfer_of_a_box_is_dropped,
    s008_destructor_does_not_drain,
    s008_buffer_is_asked_twice,
    s008_error_is_waited_through,
    s009_borrowing_transfer_with_destructor_is_forgotten,
    s009_channels_are_swapped,
    s010_closure_panics_past_the_end,
    s011_future_is_dropped_after_a_poll,
    s011_future_is_forgotten_after_a_poll,
}
