//! Waits of a tenth of a second at most, over and over, without a timer for each: to set one and take it back costs a good
//! part of what a short wait costs.
//!
//! Each thread that waits has a timer that ticks for as long as somebody looks: an unread timerfd does not run on.

use std::cell::OnceCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::{ret, retry};

/// How long a slice is, in milliseconds.
pub const LENGTH: u8 = 100;

thread_local! {
    /// None where none could be made: then each wait has its own timer after all.
    static TICK: OnceCell<Option<Tick>> = const { OnceCell::new() };
}

/// A timer that ticks once in a slice, for as long as somebody looks.
#[derive(Debug)]
pub struct Tick(OwnedFd);

/// poll(2) for one descriptor: blocks until it has one of `events`, or an error, for at most `milliseconds`. A signal may
/// end it early, and so may the end of a slice.
pub fn wait(fd: BorrowedFd<'_>, events: libc::c_short, milliseconds: u8) -> Result<()> {
    if milliseconds < LENGTH {
        return poll(&mut [pollfd(fd, events)], Some(milliseconds));
    }
    TICK.with(|tick| match tick.get_or_init(|| Tick::new().ok()) {
        Some(tick) => {
            let mut fds = [pollfd(fd, events), pollfd(tick.as_fd(), libc::POLLIN)];
            poll(&mut fds, None)?;
            if fds[1].revents != 0 { tick.rewind() } else { Ok(()) }
        }
        None => poll(&mut [pollfd(fd, events)], Some(milliseconds)),
    })
}

/// The same for many descriptors; tells which of them can be read.
pub fn wait_any(fds: &[BorrowedFd<'_>], milliseconds: u8) -> Result<Vec<bool>> {
    let mut polled: Vec<_> = fds.iter().map(|&fd| pollfd(fd, libc::POLLIN)).collect();
    poll(&mut polled, Some(milliseconds))?;
    Ok(polled.iter().map(|polled| polled.revents != 0).collect())
}

/// Whether `fd` has one of `events` now, or an error.
pub fn ready(fd: BorrowedFd<'_>, events: libc::c_short) -> Result<bool> {
    let mut fds = [pollfd(fd, events)];
    retry(|| poll_once(&mut fds, Some(0)))?;
    Ok(fds[0].revents != 0)
}

fn pollfd(fd: BorrowedFd<'_>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 }
}

/// poll(2), which a signal may end early.
fn poll(fds: &mut [libc::pollfd], milliseconds: Option<u8>) -> Result<()> {
    match poll_once(fds, milliseconds) {
        Err(Error::Os { errno: Errno::EINTR, .. }) => Ok(()),
        other => other,
    }
}

/// Without a time it waits for ever. Not by the C library's wrapper, which is a point of cancellation and pays for that.
fn poll_once(fds: &mut [libc::pollfd], milliseconds: Option<u8>) -> Result<()> {
    let time = milliseconds
        .map(|milliseconds| libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(milliseconds) * 1_000_000 });
    let mut time = time;
    let time = time.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let mask = ptr::null::<libc::sigset_t>();
    // SAFETY: so many pollfds, ours and mutable for the whole call, as is the time; no mask.
    let told = unsafe { libc::syscall(libc::SYS_ppoll, fds.as_mut_ptr(), fds.len(), time, mask, 0_usize) };
    ret(told, "poll").map(drop)
}

impl Tick {
    /// One that runs.
    pub fn new() -> Result<Self> {
        // SAFETY: two integers.
        let number = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        ret(number.into(), "timerfd_create")?;
        // SAFETY: timerfd_create has just made it for us.
        let tick = unsafe { OwnedFd::from_raw_fd(number) };
        let every = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(LENGTH) * 1_000_000 };
        let time = libc::itimerspec { it_interval: every, it_value: every };
        // SAFETY: our timer, and a time that lives until after the call.
        let status = unsafe { libc::timerfd_settime(tick.as_raw_fd(), 0, &raw const time, ptr::null_mut()) };
        ret(status.into(), "timerfd_settime")?;
        Ok(Self(tick))
    }

    /// It has ticked, maybe long ago; from here on it runs again.
    pub fn rewind(&self) -> Result<()> {
        let mut ticks = [0; 8];
        match nix::unistd::read(&self.0, &mut ticks) {
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::os(errno, "read")),
        }
    }
}

impl AsFd for Tick {
    /// To be read by [`rewind`](Self::rewind) alone.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
