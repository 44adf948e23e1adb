//! C.8: stop, drain, completion.

catalogue! {
    "C.8":
    c084_stopped_channel_is_waited_for,
    c087_next_transfer_overtakes_a_disable,
    c088_amount_is_read_before_the_end,
    c089_dropped_receiver_is_not_stopped,
    c091_half_of_a_transfer_is_taken_for_its_end,
    c092_flags_are_cleared_after_the_start,
    c095_handler_hides_the_end,
    c096_error_interrupt_is_not_enabled,
    c097_disabled_channel_is_not_waited_for,
    c099_flag_of_an_aborted_transfer_is_believed,
}
