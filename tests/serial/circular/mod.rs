//! Going round a buffer for ever: halves are whole, in order, and what is lost is told.

mod receive;
mod send;
