//! Moving bytes from one descriptor to another inside the kernel, one of which is a pipe. See splice(2).
//!
//! It runs on a waiter thread: SPLICE_F_NONBLOCK says nothing about the side that is not a pipe, and a file or a socket
//! may well wait.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::cancel::{self, Flag};
use crate::sys::fd as sys_fd;

/// One call moves at most this much, so that progress is counted.
const CHUNK: u64 = 1 << 20;

/// A splice ready to run. It holds copies of both descriptors, so neither number can be reused under it.
#[derive(Debug)]
pub struct Splice {
    source: OwnedFd,
    target: OwnedFd,
}

/// What a splice came to.
#[derive(Debug)]
pub struct Moved {
    /// How many bytes were moved.
    pub bytes: u64,
    /// Why it ended before the end of the source or the number asked for.
    pub error: Option<Error>,
}

impl Splice {
    /// From `source`, which stays open, to `target`, likewise.
    pub fn new(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self { source: sys_fd::duplicate(source)?, target: sys_fd::duplicate(target)? })
    }

    /// The same with a number of somebody else's as the source.
    pub fn from_number(source: RawFd, target: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self { source: sys_fd::copy_of(source)?, target: sys_fd::duplicate(target)? })
    }

    /// The same with a number of somebody else's as the target.
    pub fn to_number(source: BorrowedFd<'_>, target: RawFd) -> Result<Self> {
        Ok(Self { source: sys_fd::duplicate(source)?, target: sys_fd::copy_of(target)? })
    }

    /// Moves `limit` bytes, or all to the end of the source.
    #[must_use]
    pub fn run(self, limit: Option<u64>, flag: &Flag) -> Moved {
        let mut bytes = 0;
        let error = loop {
            let wanted = limit.map_or(CHUNK, |limit| CHUNK.min(limit - bytes));
            if wanted == 0 {
                break None;
            }
            match self.step(wanted, flag) {
                Ok(0) => break None,
                Ok(moved) => bytes += moved,
                Err(Error::Os { errno: Errno::EAGAIN, .. }) => {
                    if let Err(error) = self.until_ready(flag) {
                        break Some(error);
                    }
                }
                Err(error) => break Some(error),
            }
        };
        Moved { bytes, error }
    }

    fn step(&self, wanted: u64, flag: &Flag) -> Result<u64> {
        let length = libc::c_long::try_from(wanted).unwrap_or(libc::c_long::MAX);
        let more = libc::SPLICE_F_MOVE.into();
        let arguments = [self.source.as_raw_fd().into(), 0, self.target.as_raw_fd().into(), 0, length, more];
        // SAFETY: splice's arguments; null offsets mean the descriptions' own.
        let moved = unsafe { cancel::call(flag, libc::SYS_splice, "splice", arguments) }?;
        Ok(moved.unsigned_abs())
    }

    /// A description with O_NONBLOCK on (a socket of Node's) says EAGAIN: wait for it here.
    fn until_ready(&self, flag: &Flag) -> Result<()> {
        for (fd, events) in [(self.source.as_fd(), libc::POLLIN), (self.target.as_fd(), libc::POLLOUT)] {
            let mut wanted = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
            let arguments = [(&raw mut wanted) as libc::c_long, 1, 0, 0, 0, 0];
            // SAFETY: ppoll's arguments: one pollfd of ours that outlives the call, no timeout, no mask.
            unsafe { cancel::call(flag, libc::SYS_ppoll, "poll", arguments) }?;
        }
        Ok(())
    }
}
