//! The isochronous endpoints: frames, lengths, late and corrupted packets, every schedule.

#[path = "usb_iso/from_host.rs"]
mod from_host;
#[path = "usb_iso/refusals.rs"]
mod refusals;
#[path = "usb_iso/stream.rs"]
mod stream;
#[path = "usb_iso/to_host.rs"]
mod to_host;
