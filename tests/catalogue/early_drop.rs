//! C.2: early drop, cancellation, error paths.

catalogue! {
    "C.2":
    c015_box_is_freed_while_it_is_filled,
    c016_dropped_transfer_frees_live_target,
    c017_cancelled_read_leaves_the_channel_enabled,
    c018_cancelled_read_writes_the_callers_array,
    c019_error_of_the_line_returns_with_the_dma_armed,
    c020_cancelled_write_frees_its_source,
    c021_dropped_future_tramples_reallocated_memory,
    c022_transfer_goes_on_when_the_line_is_released,
    c023_transfer_is_stopped_by_a_handle_dropped_too_soon,
    c025_stop_clears_the_flag_that_it_waits_for,
    c027_failed_exchange_leaves_a_channel_armed,
    c029_error_of_wait_drops_buffers_in_flight,
}
