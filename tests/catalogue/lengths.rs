//! C.7: lengths and units.

catalogue! {
    "C.7":
    c072_length_is_cut_to_sixteen_bits,
    c073_bytes_are_counted_where_items_are_due,
    c075_size_of_another_endpoint_is_checked,
    c076_length_is_that_of_another_chip,
    c077_transfer_is_not_split,
    c078_width_of_memory_is_not_that_of_the_buffer,
    c080_length_is_the_peers,
    c081_count_of_bytes_wraps,
    c083_word_is_wider_than_the_engine,
    b009_empty_buffer_is_started,
}
