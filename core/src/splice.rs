//! Moving bytes from one descriptor to another inside the kernel, one of which is a pipe. See splice(2).
//!
//! It runs on a waiter thread: SPLICE_F_NONBLOCK says nothing about the side that is not a pipe, and a file or a socket
//! may well wait.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::{blocking, fd as sys_fd};

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
        blocking::splice(self.source.as_fd(), self.target.as_fd(), wanted, flag)
    }

    /// A description with O_NONBLOCK on (a socket of Node's) says EAGAIN: wait for it here.
    fn until_ready(&self, flag: &Flag) -> Result<()> {
        blocking::poll(self.source.as_fd(), libc::POLLIN, flag)?;
        blocking::poll(self.target.as_fd(), libc::POLLOUT, flag)
    }
}
