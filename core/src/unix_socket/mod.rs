//! Unix domain sockets: messages or bytes between processes of one machine, with open descriptors beside them and the
//! kernel's word on who is at the other end. See unix(7).
//!
//! `stream` is a connection of bytes, `seqpacket` one of whole messages, `datagram` sends messages to whoever has an
//! address. Not for gigabytes between two processes that trust each other: shared memory needs no copies.
//!
//! Nothing here waits unless its name says so, and no transfer relies on O_NONBLOCK, a flag of an open file description
//! that others may share.

pub mod address;
pub mod catalog;
pub mod listener;
pub mod notify;
pub mod place;
pub mod room;
pub mod socket;

pub use address::Address;
pub use listener::Listener;
pub use place::OnStale;
pub use room::RoomWatch;
pub use socket::{Kind, Socket};

pub use nix::sys::socket::Shutdown;

pub use crate::sys::control::{Control, Credentials, MOST_FDS};
pub use crate::sys::socket::{Arrival, BATCH, Inbox};
