//! Signals with who sent them and a value: signal(7), sigqueue(3), signalfd(2).
//!
//! Not for data: a signal carries one integer, and the standard ones merge while they are pending.
//!
//! A signal that somebody receives is held back by every thread of the process ([`crate::sys::mask`]), so it stays in the
//! kernel's queue until it is taken. It is taken by a thread that receives: see [`hub`]; what has no receiver here (any
//! more) is taken by the [`dispatcher`] and delivered as ever. What stands for the signal is left as it is, and asked when
//! it is taken: so handlers of the program may come and go. The state is in one place: [`office`].

pub mod dispatcher;
pub mod hub;
pub mod name;
mod office;
pub mod receiver;
pub mod refusal;
pub mod send;

pub use office::{Left, block, dispose, end, learn, pending, spare, unblock};
