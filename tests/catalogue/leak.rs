//! C.1: leaks, and lifetimes of borrowed buffers.

catalogue! {
    "C.1":
    c001_guard_of_a_borrowed_source_is_forgotten,
    c002_local_payload_is_sent_and_goes,
    c005_borrowed_packet_buffer_is_forgotten,
    c006_half_of_a_split_port_outlives_its_buffer,
    c007_safe_start_returns_with_the_dma_armed,
    c008_rule_never_to_forget_is_broken,
    c009_reborrow_ends_and_the_owner_writes,
    c010_guard_is_leaked_in_a_cycle,
    c011_completion_is_never_dropped,
    c012_enqueue_returns_before_the_device_is_done,
    c013_memory_of_another_is_mapped,
    c014_task_ends_with_a_transfer_on_its_stack,
}
