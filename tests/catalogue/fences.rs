//! C.4: fences and ordering.

catalogue! {
    "C.4":
    c039_received_packet_is_read_without_fence,
    c040_error_return_comes_before_the_fence,
    c041_packet_is_sent_without_fence,
    c042_buffer_is_cleared_without_fence,
    c043_compiler_fence_leaves_the_store_buffer,
    c044_fence_is_in_one_arm_of_two,
    c046_transfer_in_place_has_one_fence_for_two,
    c048_payload_is_stored_behind_the_fence,
    c049_received_frame_is_read_ahead,
    c051_second_fence_is_too_weak,
    c052_other_master_sees_the_start_first,
    c056_stop_gives_back_without_fence,
    c056_fence_comes_before_the_status_is_read,
}
