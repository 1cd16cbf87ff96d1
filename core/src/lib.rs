//! Every interprocess communication primitive of the Linux kernel, in Rust.
//!
//! The crate knows nothing of Node: the addon beside it only converts arguments and calls in here. Nothing blocks
//! unless its name says so; what has to block runs on a [`waiter`] thread, where it can be cancelled.

#![warn(missing_docs, unreachable_pub)]

pub mod error;
pub mod fault;
pub mod fifo;
pub mod file_lock;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod lock;
pub mod pipe;
pub mod posix;
pub mod process;
pub mod registry;
pub mod ring;
pub mod shm;
pub mod signal;
pub mod splice;
pub mod sys;
pub mod sysv;
pub mod topic;
pub mod unix_socket;
pub mod waiter;

pub use error::{Error, Object, Result};
