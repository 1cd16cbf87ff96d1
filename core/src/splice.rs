//! Moving bytes from one descriptor to another inside the kernel, one of which is a pipe. See splice(2).
//!
//! It runs on a waiter thread: SPLICE_F_NONBLOCK says nothing about the side that is not a pipe, and a file or a socket
//! may well wait.
//!
//! A splice between a pipe and a socket that has to wait for the socket keeps the pipe's lock meanwhile, and whoever reads
//! or writes that pipe then waits too, in a way that no signal ends. So it is not asked for before the socket is ready, and
//! what goes to a socket goes through a pipe of its own, which nobody else can get hold of.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::{blocking, fd as sys_fd, pipe as sys_pipe, socket as sys_socket};

/// One call moves at most this much, so that progress is counted.
const CHUNK: u64 = 1 << 20;

/// The same for a socket: what a pipe holds that was not asked to hold more.
const PIECE: u64 = 64 * 1024;

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
    /// What was taken and has not been moved: only where others fill the same socket, or its other side went just then.
    pub taken: Vec<u8>,
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
        // Sockets have a type, and nothing else has.
        match sys_socket::option(self.target.as_fd(), libc::SO_SNDBUF) {
            Ok(room) => match Relay::new(&self, room.unsigned_abs().into()) {
                Ok(relay) => relay.run(limit, flag),
                Err(error) => Moved { bytes: 0, error: Some(error), taken: Vec::new() },
            },
            Err(_) => self.move_bytes(limit, flag),
        }
    }

    fn move_bytes(&self, limit: Option<u64>, flag: &Flag) -> Moved {
        let from_socket = sys_socket::option(self.source.as_fd(), libc::SO_TYPE).is_ok();
        let (bytes, error) = repeat(CHUNK, limit, |wanted| {
            if from_socket {
                self.until_ready(flag)?;
            }
            match blocking::splice(self.source.as_fd(), self.target.as_fd(), wanted, from_socket, flag) {
                Err(Error::Os { errno: Errno::EAGAIN, .. }) => self.until_ready(flag).map(|()| None),
                moved => moved.map(Some),
            }
        });
        Moved { bytes, error, taken: Vec::new() }
    }

    /// A description with O_NONBLOCK on (a socket of Node's) says EAGAIN: wait for it here.
    fn until_ready(&self, flag: &Flag) -> Result<()> {
        blocking::poll(self.source.as_fd(), libc::POLLIN, flag)?;
        blocking::poll(self.target.as_fd(), libc::POLLOUT, flag).map(drop)
    }
}

/// From a pipe to a socket.
struct Relay<'a> {
    splice: &'a Splice,
    /// As much as a socket takes for certain that is told to have room: a third of it is free at least.
    piece: u64,
    reader: OwnedFd,
    writer: OwnedFd,
}

impl<'a> Relay<'a> {
    fn new(splice: &'a Splice, room: u64) -> Result<Self> {
        let made = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC);
        let (reader, writer) = made.map_err(|errno| Error::os(errno, "pipe2"))?;
        Ok(Self { splice, piece: (room / 4).clamp(1, PIECE), reader, writer })
    }

    fn run(&self, limit: Option<u64>, flag: &Flag) -> Moved {
        let mut bytes = 0;
        let (_, error) = repeat(self.piece, limit, |wanted| {
            let whole = self.take(wanted, flag)?;
            let mut left = whole;
            while left > 0 {
                let put = self.put(left, flag)?;
                bytes += put;
                left -= put;
            }
            Ok(Some(whole))
        });
        let mut taken = if error.is_some() { self.left() } else { Vec::new() };
        // Called off between taking and putting: what there is room for goes on, without waiting.
        if error == Some(Error::Cancelled) && !taken.is_empty() {
            let put = sys_socket::send(self.splice.target.as_fd(), &taken, &[], &[]).unwrap_or(0);
            taken.drain(..put.min(taken.len()));
            bytes += put as u64;
        }
        Moved { bytes, error, taken }
    }

    /// Takes what comes next out of the source, once there is room for it.
    fn take(&self, wanted: u64, flag: &Flag) -> Result<u64> {
        let Splice { source, target } = self.splice;
        loop {
            blocking::poll(source.as_fd(), libc::POLLIN, flag)?;
            let ready = blocking::poll(target.as_fd(), libc::POLLOUT, flag)?;
            // Fails at once, and leaves everything in the source.
            let gone = ready & (libc::POLLERR | libc::POLLHUP) != 0;
            let into = if gone { target.as_fd() } else { self.writer.as_fd() };
            match blocking::splice(source.as_fd(), into, wanted, true, flag) {
                Err(Error::Os { errno: Errno::EAGAIN, .. }) => {}
                Ok(moved) if gone && moved > 0 => return Err(Error::os(Errno::EPIPE, "splice")),
                done => return done,
            }
        }
    }

    fn put(&self, wanted: u64, flag: &Flag) -> Result<u64> {
        let target = self.splice.target.as_fd();
        loop {
            match blocking::splice(self.reader.as_fd(), target, wanted, false, flag) {
                Err(Error::Os { errno: Errno::EAGAIN, .. }) => blocking::poll(target, libc::POLLOUT, flag).map(drop)?,
                done => return done,
            }
        }
    }

    fn left(&self) -> Vec<u8> {
        let mut bytes = vec![0; sys_pipe::pending(self.reader.as_fd()).unwrap_or(0)];
        let count = if bytes.is_empty() { 0 } else { nix::unistd::read(&self.reader, &mut bytes).unwrap_or(0) };
        bytes.truncate(count);
        bytes
    }
}

/// Moves pieces until one is empty. A step that gives none is made again.
fn repeat(most: u64, limit: Option<u64>, mut step: impl FnMut(u64) -> Result<Option<u64>>) -> (u64, Option<Error>) {
    let mut bytes = 0;
    loop {
        let wanted = limit.map_or(most, |limit| most.min(limit - bytes));
        if wanted == 0 {
            return (bytes, None);
        }
        match step(wanted) {
            Ok(Some(0)) => return (bytes, None),
            Ok(moved) => bytes += moved.unwrap_or(0),
            Err(error) => return (bytes, Some(error)),
        }
    }
}
