//! C.6: double start, shared channels and buffers.

catalogue! {
    "C.6":
    c065_two_transfers_have_one_target,
    c066_busy_is_checked_and_then_set,
    c067_size_is_read_while_the_engine_runs,
    c068_endpoint_is_armed_twice,
    c070_buffer_of_a_pending_packet_is_reused,
    c071_static_buffer_has_two_users,
}
