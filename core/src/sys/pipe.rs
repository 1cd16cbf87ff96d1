//! pipe(7): transfers that never wait, whatever the flags of the open file description say.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::error::Result;
use crate::sys::ret;

/// As wide as a register: it stands on the stack, and the kernel takes all of it.
const NOWAIT: libc::c_long = libc::RWF_NOWAIT as libc::c_long;

/// preadv2(2) with RWF_NOWAIT: EAGAIN instead of waiting, EOPNOTSUPP where the description cannot promise that.
pub fn read_nowait(fd: BorrowedFd<'_>, target: &mut [u8]) -> Result<usize> {
    let iov = libc::iovec { iov_base: target.as_mut_ptr().cast(), iov_len: target.len() };
    let number = libc::SYS_preadv2;
    // SAFETY: one iovec over `target`, which is ours and mutable for the whole call; offset -1 is "as read(2)".
    let got = unsafe { libc::syscall(number, fd.as_raw_fd(), &raw const iov, 1_usize, -1_i64, -1_i64, NOWAIT) };
    Ok(ret(got, "read")?.cast_unsigned().try_into().unwrap_or(usize::MAX))
}

/// pwritev2(2) with RWF_NOWAIT. The same errors; SIGPIPE is ignored in every Node process, so EPIPE is an error here.
pub fn write_nowait(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize> {
    let iov = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let number = libc::SYS_pwritev2;
    // SAFETY: one iovec over `data`, which the call only reads; offset -1 is "as write(2)".
    let put = unsafe { libc::syscall(number, fd.as_raw_fd(), &raw const iov, 1_usize, -1_i64, -1_i64, NOWAIT) };
    Ok(ret(put, "write")?.cast_unsigned().try_into().unwrap_or(usize::MAX))
}

/// FIONREAD: the bytes that a read would find now.
pub fn pending(fd: BorrowedFd<'_>) -> Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, and `bytes` is one.
    let status = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    ret(status.into(), "ioctl")?;
    Ok(bytes.unsigned_abs() as usize)
}
