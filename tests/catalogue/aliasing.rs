//! C.5: aliasing.

catalogue! {
    "C.5":
    c057_kept_reference_is_read_in_flight,
    c058_shared_memory_is_cleared_in_flight,
    c059_buffer_is_polled_for_a_change,
    c061_owned_source_is_written_through_a_second_reference,
    c062_peek_looks_at_the_whole_buffer,
    c063_caller_changes_a_sequence_that_is_played,
}
