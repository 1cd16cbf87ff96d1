//! Descriptors: adopting numbers, copying, opening anew.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::Mode;

use crate::error::{Error, Result};
use crate::sys::{ret, retry};

/// Runs `check` on a number that somebody claims to be an open descriptor and, if it agrees, takes ownership of it.
/// On failure the number has not been touched. What is adopted is close-on-exec from here on.
pub fn adopt<T>(number: RawFd, check: impl FnOnce(BorrowedFd<'_>) -> Result<T>) -> Result<(OwnedFd, T)> {
    if number < 0 {
        return Err(Error::os(Errno::EBADF, "fcntl"));
    }
    // SAFETY: the borrow ends in this function, and the first thing done with it, fcntl, tells whether it is open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl(borrowed, FcntlArg::F_GETFD).map_err(|errno| Error::os(errno, "fcntl"))?;
    let checked = check(borrowed)?;
    let flags = FdFlag::from_bits_retain(flags) | FdFlag::FD_CLOEXEC;
    fcntl(borrowed, FcntlArg::F_SETFD(flags)).map_err(|errno| Error::os(errno, "fcntl"))?;
    // SAFETY: open, as fcntl said; the caller gives it up by the contract of this function.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    Ok((owned, checked))
}

/// Has a number that was inherited not be inherited any further.
pub fn keep(number: RawFd) -> Result<()> {
    if number < 0 {
        return Err(Error::os(Errno::EBADF, "fcntl"));
    }
    // SAFETY: only fcntl looks at it, and that says EBADF of a number that is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl(borrowed, FcntlArg::F_GETFD).map_err(|errno| Error::os(errno, "fcntl"))?;
    let flags = FdFlag::from_bits_retain(flags) | FdFlag::FD_CLOEXEC;
    fcntl(borrowed, FcntlArg::F_SETFD(flags)).map(drop).map_err(|errno| Error::os(errno, "fcntl"))
}

/// Copies a number that belongs to somebody else, close-on-exec.
pub fn copy_of(number: RawFd) -> Result<OwnedFd> {
    if number < 0 {
        return Err(Error::os(Errno::EBADF, "fcntl"));
    }
    // SAFETY: only fcntl looks at it, and that says EBADF of a number that is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    duplicate(borrowed)
}

/// Lends a number that belongs to somebody else to `body`, which may only ask about it: of one that is not open the kernel
/// says so.
pub fn lend<T>(number: RawFd, body: impl FnOnce(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
    if number < 0 {
        return Err(Error::os(Errno::EBADF, "fcntl"));
    }
    // SAFETY: -1 is excluded; the borrow ends in this function, and the kernel judges whether the number is open.
    body(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Another descriptor of the same open file description, close-on-exec.
pub fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let number = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(|errno| Error::os(errno, "fcntl"))?;
    // SAFETY: fcntl has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// How many descriptors this process may have open: RLIMIT_NOFILE.
#[must_use]
pub fn limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 1024, rlim_max: 1024 };
    // SAFETY: writes one rlimit of ours. It cannot fail for a limit that exists, and then nothing is written.
    let _same = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur
}

/// The status flags and access mode of the open file description.
pub fn status_flags(fd: BorrowedFd<'_>) -> Result<OFlag> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).map_err(|errno| Error::os(errno, "fcntl"))?;
    Ok(OFlag::from_bits_retain(flags))
}

/// A new open file description of what `fd` refers to: its flags are nobody else's. Needs /proc.
pub fn open_anew(fd: BorrowedFd<'_>, flags: OFlag) -> Result<OwnedFd> {
    retry(|| {
        open(self_path(fd).as_str(), flags | OFlag::O_CLOEXEC, Mode::empty()).map_err(|errno| Error::os(errno, "open"))
    })
}

/// Where /proc shows this descriptor.
#[must_use]
pub fn self_path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// What /proc says that this descriptor refers to; nothing where there is no /proc.
#[must_use]
pub fn target_of(fd: BorrowedFd<'_>) -> String {
    std::fs::read_link(self_path(fd)).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// fcntl(2), F_OFD_SETLK: locks or unlocks at once or not at all. A file that lies elsewhere may have to be asked for, and a
/// signal interrupts that.
pub fn set_lock(fd: impl AsFd, lock: &libc::flock) -> nix::Result<()> {
    loop {
        match fcntl(fd.as_fd(), FcntlArg::F_OFD_SETLK(lock)) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

/// flock(2): locks a file or a folder as a whole, alone, or says EAGAIN at once.
pub fn try_flock(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the descriptor is open; nothing else is handed over.
    retry(|| ret(unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }.into(), "flock").map(drop))
}

/// flock(2): gives that up. Closing the last descriptor does the same.
pub fn unflock(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the descriptor is open; nothing else is handed over.
    retry(|| ret(unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_UN) }.into(), "flock").map(drop))
}
