//! System V shared memory: shmget(2), shmctl(2), as the kernel has them on 64-bit machines. Attaching is in
//! [`super::mman`].

use std::mem::MaybeUninit;

use super::ret;
use super::sysv::RawPermissions;
use crate::error::Result;

/// `struct shmid64_ds`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawSegment {
    /// Who may do what.
    pub permissions: RawPermissions,
    /// In bytes, as it was asked for.
    pub size: u64,
    /// Seconds since 1970, 0 for never.
    pub last_attach: i64,
    /// Seconds since 1970, 0 for never.
    pub last_detach: i64,
    /// Seconds since 1970.
    pub changed: i64,
    /// Who has made it.
    pub creator: i32,
    /// Who attached or detached last; 0 for nobody.
    pub last: i32,
    /// How often it is attached.
    pub attached: u64,
    unused: [u64; 2],
}

const _: () = assert!(size_of::<RawSegment>() == 112);

/// shmget(2).
pub fn get(key: i32, size: usize, flags: libc::c_int) -> Result<i32> {
    // SAFETY: three integers.
    let id = unsafe { libc::shmget(key, size, flags) };
    ret(id.into(), "shmget")?;
    Ok(id)
}

/// shmctl(2), IPC_STAT.
pub fn stat(id: i32) -> Result<RawSegment> {
    let mut segment = MaybeUninit::<RawSegment>::zeroed();
    // SAFETY: room for what the kernel writes, as the assertion on its size says.
    let status = unsafe { libc::shmctl(id, libc::IPC_STAT, segment.as_mut_ptr().cast()) };
    ret(status.into(), "shmctl")?;
    // SAFETY: zeros are valid, and so is whatever the kernel has written: it is integers all through.
    Ok(unsafe { segment.assume_init() })
}

/// shmctl(2), IPC_SET: owner, group and mode are taken over.
pub fn set(id: i32, mut segment: RawSegment) -> Result<()> {
    // SAFETY: a whole structure, which the call only reads.
    let status = unsafe { libc::shmctl(id, libc::IPC_SET, (&raw mut segment).cast()) };
    ret(status.into(), "shmctl").map(drop)
}

/// shmctl(2), IPC_RMID.
pub fn remove(id: i32) -> Result<()> {
    // SAFETY: IPC_RMID takes no structure.
    let status = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    ret(status.into(), "shmctl").map(drop)
}
