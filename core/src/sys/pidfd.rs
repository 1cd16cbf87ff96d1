//! pidfd_open(2) and what can be done with such a descriptor: it stands for one process, whatever becomes of its number.

use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::ret;
use crate::sys::signal::Info;

/// What the kernel calls pidfd_info, in its first version.
#[repr(C)]
#[derive(Default)]
struct Told {
    mask: u64,
    cgroup: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    ids: [u32; 8],
    exit_code: i32,
}

/// PIDFD_GET_INFO: read and write, of that size, of the kind 0xff, number 11.
const GET_INFO: libc::Ioctl = (0xc000_0000_u32 | (size_of::<Told>() as u32) << 16 | 0xff0b) as libc::Ioctl;
/// PIDFD_INFO_EXIT.
const INFO_EXIT: u64 = 1 << 3;

/// pidfd_open(2), close-on-exec. ESRCH for the number of a thread too.
pub fn open(pid: libc::pid_t) -> Result<OwnedFd> {
    // SAFETY: two integers.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let number = ret(number, "pidfd_open").map_err(|error| match error {
        // A thread: older kernels say the one, newer ones the other.
        Error::Os { errno: Errno::EINVAL | Errno::ENOENT, syscall, object } => {
            Error::Os { errno: Errno::ESRCH, syscall, object }
        }
        other => other,
    })?;
    // SAFETY: pidfd_open has just made it for us; the kernel's descriptors are ints.
    Ok(unsafe { OwnedFd::from_raw_fd(number as libc::c_int) })
}

/// pidfd_send_signal(2), in the manner of kill(2), or of sigqueue(3) where there is a value.
pub fn send_signal(fd: BorrowedFd<'_>, signal: libc::c_int, value: Option<libc::c_int>) -> Result<()> {
    let queued = value.map(|value| Info::queued(signal, value));
    let info = queued.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: a siginfo that lives until after the call, which copies it, or none.
    let status = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal, info, 0) };
    ret(status, "pidfd_send_signal").map(drop)
}

/// waitid(2) that reaps nobody: the status of a child that has ended and that its parent, this process, has not asked after
/// yet. In the form of wait(2); None while it runs. ECHILD for whoever is no child any more, or never was.
pub fn peek_status(fd: BorrowedFd<'_>) -> Result<Option<i32>> {
    // SAFETY: integers and a pointer, for which zeros are a value.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    // The kernel's descriptors are not negative.
    let number = fd.as_raw_fd().cast_unsigned();
    let flags = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
    // SAFETY: writes one siginfo, which is ours.
    let status = unsafe { libc::waitid(libc::P_PIDFD, number, &raw mut info, flags) };
    ret(status.into(), "waitid")?;
    // SAFETY: all zeros, or what waitid has written.
    let (code, status) = (info.si_code, unsafe { info.si_status() });
    Ok(match code {
        libc::CLD_EXITED => Some(status << 8),
        libc::CLD_KILLED | libc::CLD_DUMPED => Some(status),
        _ => None,
    })
}

/// PIDFD_GET_INFO: the status of whoever has ended and been reaped, in the form of wait(2). None where the kernel does not
/// tell: before that, and before Linux 6.15.
#[must_use]
pub fn reaped_status(fd: BorrowedFd<'_>) -> Option<i32> {
    let mut told = Told { mask: INFO_EXIT, ..Told::default() };
    // SAFETY: an ioctl that writes one pidfd_info of this size, which is ours; elsewhere than on a pidfd it is unknown.
    let status = unsafe { libc::ioctl(fd.as_raw_fd(), GET_INFO, &raw mut told) };
    (status == 0 && told.mask & INFO_EXIT != 0).then_some(told.exit_code)
}
