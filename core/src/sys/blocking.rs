//! Calls that wait in the kernel, for waiter threads: each ends early when its flag is raised.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::cancel::{self, Flag};
use crate::error::Result;

/// open(2) with these flags, and O_CLOEXEC.
pub fn open(path: &CStr, flags: libc::c_int, flag: &Flag) -> Result<OwnedFd> {
    let flags = (flags | libc::O_CLOEXEC).into();
    let arguments = [libc::AT_FDCWD.into(), path.as_ptr() as libc::c_long, flags, 0, 0, 0];
    // SAFETY: openat's arguments; the path outlives the call.
    let number = unsafe { cancel::call(flag, libc::SYS_openat, "open", arguments) }?;
    // The kernel's descriptors are ints.
    let number = number as libc::c_int;
    // SAFETY: openat has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// splice(2) of at most `length` bytes, each side at its own position. With `nowait` EAGAIN where it would wait for a pipe.
pub fn splice(source: BorrowedFd<'_>, target: BorrowedFd<'_>, length: u64, nowait: bool, flag: &Flag) -> Result<u64> {
    let length = libc::c_long::try_from(length).unwrap_or(libc::c_long::MAX);
    let more = if nowait { libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK } else { libc::SPLICE_F_MOVE }.into();
    let arguments = [source.as_raw_fd().into(), 0, target.as_raw_fd().into(), 0, length, more];
    // SAFETY: splice's arguments; null offsets mean the descriptions' own.
    let moved = unsafe { cancel::call(flag, libc::SYS_splice, "splice", arguments) }?;
    Ok(moved.unsigned_abs())
}

/// poll(2) of one descriptor, for as long as it takes. Gives what it is ready for.
pub fn poll(fd: BorrowedFd<'_>, events: libc::c_short, flag: &Flag) -> Result<libc::c_short> {
    let mut wanted = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let arguments = [(&raw mut wanted) as libc::c_long, 1, 0, 0, 0, 0];
    // SAFETY: ppoll's arguments: one pollfd of ours that outlives the call, no timeout, no mask.
    unsafe { cancel::call(flag, libc::SYS_ppoll, "poll", arguments) }?;
    Ok(wanted.revents)
}

/// fcntl(2), F_OFD_SETLKW: waits until the lock is granted. Interrupted, it has not been.
pub fn lock_range(fd: BorrowedFd<'_>, range: &libc::flock, flag: &Flag) -> Result<()> {
    let pointer = std::ptr::from_ref(range) as libc::c_long;
    let arguments = [fd.as_raw_fd().into(), libc::F_OFD_SETLKW.into(), pointer, 0, 0, 0];
    // SAFETY: fcntl's arguments; the struct is the kernel's own on 64-bit machines, and outlives the call.
    unsafe { cancel::call(flag, libc::SYS_fcntl, "F_OFD_SETLKW", arguments) }?;
    Ok(())
}
