//! A socket that others connect to.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{Backlog, listen};

use super::address::Address;
use super::place::{self, OnStale};
use super::socket::{Kind, Socket, bound, look};
use crate::error::{Error, Result};
use crate::sys::socket as sys;
use crate::sys::{Attempt, attempt, fd as sys_fd, slice};

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    kind: Kind,
}

impl Listener {
    /// Listens at an address, with room for `backlog` connections that wait to be accepted. A file gets these permissions,
    /// less the umask, from the start.
    pub fn bind(kind: Kind, address: &Address, mode: u32, backlog: i32, on_stale: OnStale) -> Result<Self> {
        let fd = place::take(address, on_stale, || bound(kind, Some(address), mode))?;
        // Before anybody connects, so that the first message of each says already who has sent it.
        sys::set_option(fd.as_fd(), libc::SO_PASSCRED, 1)?;
        let backlog = Backlog::new(backlog).unwrap_or(Backlog::MAXCONN);
        listen(&fd, backlog).map_err(|errno| Error::os(errno, "listen").at(address.to_string()))?;
        Ok(Self { fd, kind })
    }

    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched.
    pub fn adopt(number: RawFd) -> Result<Self> {
        let (fd, kind) = sys_fd::adopt(number, |fd| match look(fd)? {
            (kind, true) => Ok(kind),
            (_, false) => Err(Error::WrongKind { expected: "a Unix domain socket that listens", path: None }),
        })?;
        sys::set_option(fd.as_fd(), libc::SO_PASSCRED, 1)?;
        Ok(Self { fd, kind })
    }

    /// Takes a connection that waits. accept(2) has no flag against waiting, and another process may take what this one has
    /// seen: so the description, which they share, gets O_NONBLOCK, and is looked at each time.
    pub fn try_accept(&self) -> Result<Attempt<Socket>> {
        if !slice::ready(self.fd.as_fd(), libc::POLLIN)? {
            return Ok(Attempt::WouldBlock);
        }
        let flags = sys_fd::status_flags(self.fd.as_fd())?;
        if !flags.contains(OFlag::O_NONBLOCK) {
            let flags = FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK);
            fcntl(&self.fd, flags).map_err(|errno| Error::os(errno, "fcntl"))?;
        }
        match attempt(|| sys::accept(self.fd.as_fd()))? {
            Attempt::Done(fd) => Socket::from_open(fd, self.kind).map(Attempt::Done),
            Attempt::WouldBlock => Ok(Attempt::WouldBlock),
        }
    }

    /// Blocks for at most `milliseconds` until somebody waits to be accepted. A signal may end it early, or the end of a
    /// slice.
    pub fn block(&self, milliseconds: u8) -> Result<()> {
        slice::wait(self.fd.as_fd(), libc::POLLIN, milliseconds)
    }

    /// Another descriptor of the same listener.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { fd: sys_fd::duplicate(self.fd.as_fd())?, kind: self.kind })
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// What travels through its connections.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it listens.
    pub fn address(&self) -> Result<Option<Address>> {
        sys::name(self.fd.as_fd()).map(|path| Address::from_kernel(&path))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
