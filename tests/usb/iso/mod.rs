//! The isochronous endpoints: frames, lengths, late and corrupted packets, every schedule.

mod from_host;
mod refusals;
mod stream;
mod to_host;
