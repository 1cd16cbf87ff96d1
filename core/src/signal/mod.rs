//! Signals with who sent them and a value: signal(7), sigqueue(3), sigwaitinfo(2).
//!
//! Not for data: a signal carries one integer, and the standard ones merge while they are pending.

pub mod name;
pub mod refusal;
pub mod send;
