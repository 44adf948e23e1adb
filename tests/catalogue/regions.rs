//! C.9: memory region and alignment.

catalogue! {
    "C.9":
    c100_constant_in_flash_is_sent,
    c103_bounce_buffer_is_not_copied_back,
    c104_core_coupled_memory_is_not_filled,
    c105_packed_field_is_at_an_odd_address,
    c106_bytes_are_moved_as_words,
}
