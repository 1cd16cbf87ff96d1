//! epoll(7), edge-triggered: one descriptor that tells of many.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll as Raw, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::error::{Error, Result};
use crate::sys::{ret, retry};

/// What is watched for. Hang-ups and errors are told always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something can be read.
    Read,
    /// Something can be written.
    Write,
    /// Either.
    Both,
}

/// In the events told: reading will not wait (there is data, an end or an error).
pub const READABLE: u32 = 1;
/// In the events told: writing will not wait (there is room, or an error).
pub const WRITABLE: u32 = 2;
/// In the events told: the other side is gone, or has said that it sends no more. Told once, so to be remembered.
pub const HANGUP: u32 = 8;

/// One epoll instance. An event tells that something *may* be done; it is told once for each change, so whoever
/// hears of it tries until the kernel says EAGAIN, or remembers that there may be more.
#[derive(Debug)]
pub struct Epoll(Raw);

impl Epoll {
    /// epoll_create1(2), close-on-exec.
    pub fn new() -> Result<Self> {
        let raw = Raw::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| Error::os(errno, "epoll_create1"))?;
        Ok(Self(raw))
    }

    /// Tells of `fd` under the number `token` from now on, beginning with what is true already.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u32, interest: Interest) -> Result<()> {
        self.0.add(fd, event(token, interest)).map_err(|errno| Error::os(errno, "epoll_ctl"))
    }

    /// Tells of something else of a `fd` that was added, beginning with what is true already.
    pub fn change(&self, fd: BorrowedFd<'_>, token: u32, interest: Interest) -> Result<()> {
        self.0.modify(fd, &mut event(token, interest)).map_err(|errno| Error::os(errno, "epoll_ctl"))
    }

    /// Tells of `fd` no more. To be called before it is closed: a description that another process shares would go
    /// on telling.
    pub fn remove(&self, fd: BorrowedFd<'_>) {
        // ENOENT: it was never added. There is nothing that a caller could do about anything else.
        let _not_there = self.0.delete(fd);
    }

    /// Collects what has happened, without waiting, as pairs of token and events; gives the number of pairs.
    pub fn harvest(&self, pairs: &mut [u32]) -> Result<usize> {
        let mut events = [EpollEvent::empty(); 128];
        let room = events.len().min(pairs.len() / 2);
        if room == 0 {
            return Ok(0);
        }
        // Interrupted, it has told nothing, and might never tell again: edges are told once.
        let count = retry(|| {
            let told = self.0.wait(&mut events[..room], EpollTimeout::ZERO);
            told.map_err(|errno| Error::os(errno, "epoll_wait"))
        })?;
        for (pair, event) in pairs.chunks_exact_mut(2).zip(&events[..count]) {
            if let [token, told] = pair {
                // Only tokens of 32 bits are ever added.
                *token = event.data() as u32;
                *told = told_by(event.events());
            }
        }
        Ok(count)
    }
}

impl Epoll {
    /// Blocks until something has happened, and gives it as [`harvest`](Self::harvest) does. A signal may end it early:
    /// then it gives nothing.
    pub fn wait(&self, pairs: &mut [u32]) -> Result<usize> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        let room = events.len().min(pairs.len() / 2);
        let (number, epoll) = (libc::SYS_epoll_pwait, self.as_fd().as_raw_fd());
        let mask = ptr::null::<libc::sigset_t>();
        // Not by the C library's wrapper, which is a point of cancellation and pays for that.
        // SAFETY: room for so many events, ours and mutable for the whole call; no time, no mask.
        let told = unsafe { libc::syscall(number, epoll, events.as_mut_ptr(), room, -1, mask, 0_usize) };
        let count = match ret(told, "epoll_wait") {
            Err(Error::Os { errno: Errno::EINTR, .. }) => 0,
            told => usize::try_from(told?).unwrap_or(0),
        };
        for (pair, event) in pairs.chunks_exact_mut(2).zip(&events[..count.min(room)]) {
            let (token, flags) = (event.u64, event.events);
            if let [first, second] = pair {
                *first = token as u32;
                *second = told_by(EpollFlags::from_bits_retain(flags.cast_signed()));
            }
        }
        Ok(count)
    }
}

/// Has an epoll instance of somebody else's tell of `fd` under the number `data`, at its edges, beginning with what is true
/// already.
pub fn enter(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>, data: RawFd) -> Result<()> {
    let flags = libc::EPOLLIN | libc::EPOLLET;
    // As C programs have it, which look at no more than the number.
    let mut event = libc::epoll_event { events: flags.cast_unsigned(), u64: u64::from(data.cast_unsigned()) };
    // SAFETY: two descriptors that are open for the whole call, and an event of ours.
    let status = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event) };
    ret(status.into(), "epoll_ctl").map(drop)
}

/// Has it tell of `fd` no more.
pub fn leave(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: two descriptors that are open for the whole call; this operation looks at no event.
    let status = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_DEL, fd.as_raw_fd(), ptr::null_mut()) };
    ret(status.into(), "epoll_ctl").map(drop)
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

fn event(token: u32, interest: Interest) -> EpollEvent {
    let flags = match interest {
        Interest::Read => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP,
        Interest::Write => EpollFlags::EPOLLOUT,
        Interest::Both => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLOUT,
    };
    EpollEvent::new(flags | EpollFlags::EPOLLET, token.into())
}

fn told_by(flags: EpollFlags) -> u32 {
    let broken = flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
    let ended = broken || flags.contains(EpollFlags::EPOLLRDHUP);
    let readable = ended || flags.contains(EpollFlags::EPOLLIN);
    let writable = broken || flags.contains(EpollFlags::EPOLLOUT);
    (if readable { READABLE } else { 0 }) | (if writable { WRITABLE } else { 0 }) | (if ended { HANGUP } else { 0 })
}
