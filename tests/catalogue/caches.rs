//! C.9: data caches.

catalogue! {
    "C.9, caches":
    c107_line_is_invalidated_before_the_transfer_only,
    c109_neighbour_of_a_buffer_is_stored_in_flight,
    c110_variable_shares_a_line_with_a_buffer,
    c111_buffer_is_sent_that_was_never_cleaned,
}
