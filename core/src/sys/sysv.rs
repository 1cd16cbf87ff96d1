//! System V message queues: msgget(2), msgop(2), msgctl(2), as the kernel has them on 64-bit machines. The C libraries
//! name the fields of the structures differently, so they are written down here.

use std::mem::{MaybeUninit, size_of};

use nix::errno::Errno;

use super::cancel::{self, Flag};
use super::ret;
use crate::error::{Error, Result};

/// The type of a message stands before its text, as a native `long`. What follows is the text.
pub const HEADER: usize = size_of::<libc::c_long>();

/// `struct ipc64_perm`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawPermissions {
    /// As it was given to msgget; 0 for a private object.
    pub key: i32,
    /// The owner.
    pub uid: u32,
    /// The owner's group.
    pub gid: u32,
    /// Who has made it.
    pub creator_uid: u32,
    /// The group of who has made it.
    pub creator_gid: u32,
    /// Permission bits, and others of the kernel's own.
    pub mode: u32,
    sequence: u16,
    padding: u16,
    unused: [u64; 2],
}

/// `struct msqid64_ds`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawQueue {
    /// Who may do what.
    pub permissions: RawPermissions,
    /// Seconds since 1970, 0 for never.
    pub last_send: i64,
    /// Seconds since 1970, 0 for never.
    pub last_receive: i64,
    /// Seconds since 1970.
    pub changed: i64,
    /// In all messages together.
    pub bytes: u64,
    /// How many messages.
    pub messages: u64,
    /// What `bytes` may come to.
    pub max_bytes: u64,
    /// 0 for nobody.
    pub last_sender: i32,
    /// 0 for nobody.
    pub last_receiver: i32,
    unused: [u64; 2],
}

const _: () = assert!(size_of::<RawPermissions>() == 48 && size_of::<RawQueue>() == 120);

/// The kernel's limits in this IPC namespace (IPC_INFO).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message: /proc/sys/kernel/msgmax.
    pub message: usize,
    /// Bytes of a new queue: /proc/sys/kernel/msgmnb.
    pub queue: usize,
    /// Queues: /proc/sys/kernel/msgmni.
    pub queues: usize,
}

/// msgget(2).
pub fn msgget(key: i32, flags: libc::c_int) -> Result<i32> {
    // SAFETY: two integers.
    let id = unsafe { libc::msgget(key, flags) };
    ret(id.into(), "msgget")?;
    Ok(id)
}

/// msgsnd(2) with IPC_NOWAIT. `frame` is header and text.
pub fn msgsnd(id: i32, frame: &[u8]) -> Result<()> {
    let length = text_length(frame, "msgsnd")?;
    // SAFETY: `frame` is readable for a long and `length` bytes more.
    let status = unsafe { libc::msgsnd(id, frame.as_ptr().cast(), length, libc::IPC_NOWAIT) };
    ret(status.into(), "msgsnd")?;
    Ok(())
}

/// msgsnd(2), for as long as it takes or until `flag` is raised. Interrupted, it has done nothing.
pub fn msgsnd_waiting(id: i32, frame: &[u8], flag: &Flag) -> Result<()> {
    let length = text_length(frame, "msgsnd")? as libc::c_long;
    let arguments = [id.into(), frame.as_ptr() as libc::c_long, length, 0, 0, 0];
    // SAFETY: `frame` is readable for a long and `length` bytes more, and outlives the call.
    unsafe { cancel::call(flag, libc::SYS_msgsnd, "msgsnd", arguments) }?;
    Ok(())
}

/// msgrcv(2) with IPC_NOWAIT and `flags`: header and text come into `frame`. The length of the text.
pub fn msgrcv(id: i32, frame: &mut [u8], kind: i64, flags: libc::c_int) -> Result<usize> {
    let room = text_length(frame, "msgrcv")?;
    // SAFETY: `frame` is writable for a long and `room` bytes more.
    let length = unsafe { libc::msgrcv(id, frame.as_mut_ptr().cast(), room, kind, flags | libc::IPC_NOWAIT) };
    ret(length as libc::c_long, "msgrcv")?;
    Ok(length.unsigned_abs())
}

/// msgrcv(2), for as long as it takes or until `flag` is raised. Interrupted, it has taken nothing.
pub fn msgrcv_waiting(id: i32, frame: &mut [u8], kind: i64, flags: libc::c_int, flag: &Flag) -> Result<usize> {
    let room = text_length(frame, "msgrcv")? as libc::c_long;
    let arguments = [id.into(), frame.as_mut_ptr() as libc::c_long, room, kind, flags.into(), 0];
    // SAFETY: `frame` is writable for a long and `room` bytes more, and outlives the call.
    let length = unsafe { cancel::call(flag, libc::SYS_msgrcv, "msgrcv", arguments) }?;
    Ok(length.unsigned_abs() as usize)
}

/// msgctl(2), IPC_STAT.
pub fn stat(id: i32) -> Result<RawQueue> {
    let mut queue = MaybeUninit::<RawQueue>::zeroed();
    // SAFETY: room for what the kernel writes, as the assertion on its size says.
    let status = unsafe { libc::msgctl(id, libc::IPC_STAT, queue.as_mut_ptr().cast()) };
    ret(status.into(), "msgctl")?;
    // SAFETY: zeros are valid, and so is whatever the kernel has written: it is integers all through.
    Ok(unsafe { queue.assume_init() })
}

/// msgctl(2), IPC_SET: owner, group, mode and max_bytes are taken over.
pub fn set(id: i32, mut queue: RawQueue) -> Result<()> {
    // SAFETY: a whole structure, which the call only reads.
    let status = unsafe { libc::msgctl(id, libc::IPC_SET, (&raw mut queue).cast()) };
    ret(status.into(), "msgctl")?;
    Ok(())
}

/// msgctl(2), IPC_RMID.
pub fn remove(id: i32) -> Result<()> {
    // SAFETY: IPC_RMID takes no structure.
    let status = unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    ret(status.into(), "msgctl")?;
    Ok(())
}

/// msgctl(2), IPC_INFO.
pub fn limits() -> Result<Limits> {
    let mut info = MaybeUninit::<libc::msginfo>::zeroed();
    // SAFETY: for IPC_INFO the structure is a msginfo.
    let status = unsafe { libc::msgctl(0, libc::IPC_INFO, info.as_mut_ptr().cast()) };
    ret(status.into(), "msgctl")?;
    // SAFETY: zeros are valid, and so is whatever the kernel has written: it is integers all through.
    let info = unsafe { info.assume_init() };
    let size = |value: libc::c_int| usize::try_from(value).unwrap_or(0);
    Ok(Limits { message: size(info.msgmax), queue: size(info.msgmnb), queues: size(info.msgmni) })
}

fn text_length(frame: &[u8], syscall: &'static str) -> Result<usize> {
    frame.len().checked_sub(HEADER).ok_or(Error::os(Errno::EINVAL, syscall))
}
