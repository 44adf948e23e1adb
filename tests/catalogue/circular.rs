//! C.10: circular and double buffers.

catalogue! {
    "C.10":
    c112_position_and_lap_are_of_two_moments,
    c114_lap_is_not_counted,
    c115_half_flag_masks_the_other,
    c115_index_is_advanced_before_the_copy,
    c116_position_is_reset_by_an_overrun,
    c118_closure_is_longer_than_a_swap,
    c121_length_underflows_at_the_wrap,
    c122_other_half_is_handed_out,
}
