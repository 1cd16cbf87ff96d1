//! Waiting for room in somebody else's queue of datagrams.
//!
//! A datagram socket that is not connected is always told to be writable, however full the receiver's queue is: a wait
//! for that would be a busy loop. One that is connected to the receiver is told the truth. So a socket of our own is
//! connected there, which never sends.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::SockFlag;

use super::address::Address;
use super::socket::{Kind, open};
use crate::error::Result;
use crate::sys::socket as sys;

/// Writable when the receiver has room.
#[derive(Debug)]
pub struct RoomWatch(OwnedFd);

impl RoomWatch {
    /// Looks at who is at that address now.
    pub fn new(to: &Address) -> Result<Self> {
        let fd = open(Kind::Datagram, SockFlag::empty())?;
        sys::connect(fd.as_fd(), to.bytes()).map_err(|error| error.at(to.to_string()))?;
        Ok(Self(fd))
    }
}

impl AsFd for RoomWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
