//! C.12: initialisation and validity.

catalogue! {
    "C.12":
    c128_packet_is_longer_than_what_was_filled,
    c129_short_transfer_is_claimed_as_a_whole,
}
