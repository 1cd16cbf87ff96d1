//! fsopen(2), fsconfig(2), fsmount(2): a file system that is mounted nowhere. It stands in no mount namespace, so nobody
//! else sees it, and it goes with its descriptor. Linux 5.2.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::error::Result;
use crate::sys::ret;

const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
/// MOUNT_ATTR_RDONLY, NOSUID, NODEV and NOEXEC.
const HARMLESS: libc::c_uint = 1 | 2 | 4 | 8;

/// The root of a new mount of that type, read-only. EPERM without CAP_SYS_ADMIN.
pub fn detached(kind: &CStr) -> Result<OwnedFd> {
    // SAFETY: a null-terminated name and a flag.
    let number = unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) };
    let number = ret(number, "fsopen")? as libc::c_int;
    // SAFETY: fsopen has just made it for us; the kernel's descriptors are ints.
    let context = unsafe { OwnedFd::from_raw_fd(number) };
    let (null, command) = (ptr::null::<libc::c_void>(), FSCONFIG_CMD_CREATE);
    // SAFETY: this command takes no pointers.
    let status = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, null, null, 0) };
    ret(status, "fsconfig")?;
    // SAFETY: integers.
    let number = unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, HARMLESS) };
    let number = ret(number, "fsmount")? as libc::c_int;
    // SAFETY: fsmount has just made it for us; the kernel's descriptors are ints.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
