//! C.3: wrong or moving address.

catalogue! {
    "C.3":
    c031_address_of_a_temporary_is_taken,
    c032_driver_is_moved_with_its_inline_buffer,
    c034_inline_collection_is_moved_in_flight,
    c036_header_lives_in_the_submitting_frame,
    c037_function_returns_early_from_its_stack_buffer,
}
