//! mq_overview(7): the calls that the C library wraps, made directly. Where a call is not to wait, it does not, whatever the
//! flags of the open file description say: a wait ends at a time, and that time is 1970.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::error::{Error, Result};
use crate::sys::ret;

/// What the kernel calls mq_attr.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes {
    flags: libc::c_long,
    /// How many messages fit.
    pub max_messages: libc::c_long,
    /// How long each may be.
    pub max_message_size: libc::c_long,
    /// How many are in it.
    pub messages: libc::c_long,
    reserved: [libc::c_long; 4],
}

/// The length of the cookie that the kernel gives back with a notification.
pub const COOKIE_SIZE: usize = 32;
/// The cookie's last byte: a message has come to the empty queue.
pub const WOKEN_UP: u8 = 1;
/// The cookie's last byte: the registration has been removed.
pub const REMOVED: u8 = 2;

/// What the kernel calls sigevent, for SIGEV_THREAD.
#[repr(C)]
struct Event {
    cookie: *const u8,
    socket: libc::c_int,
    notify: libc::c_int,
    rest: [libc::c_int; 12],
}

/// In the past whatever the clock says; the kernel does not even start a timer for it.
static AT_ONCE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

/// mq_open(3). `word` is the name without its slash, as the kernel wants it. It is close-on-exec.
pub fn open(word: &CStr, flags: OFlag, mode: u32, sizes: Option<(libc::c_long, libc::c_long)>) -> Result<OwnedFd> {
    let attributes = sizes.map(|(max_messages, max_message_size)| Attributes {
        max_messages,
        max_message_size,
        ..Attributes::default()
    });
    let attributes = attributes.as_ref().map_or(ptr::null(), ptr::from_ref);
    let flags = (flags | OFlag::O_CLOEXEC).bits();
    // SAFETY: a null-terminated name, and attributes that live until after the call, or none.
    let number = unsafe { libc::syscall(libc::SYS_mq_open, word.as_ptr(), flags, mode, attributes) };
    // The kernel's descriptors are ints.
    let number = ret(number, "mq_open")? as libc::c_int;
    // SAFETY: mq_open has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// mq_unlink(3), of a name without its slash.
pub fn unlink(word: &CStr) -> Result<()> {
    // SAFETY: a null-terminated name.
    let status = unsafe { libc::syscall(libc::SYS_mq_unlink, word.as_ptr()) };
    ret(status, "mq_unlink").map(drop)
}

/// mq_getattr(3). EBADF for whatever is no queue.
pub fn attributes(fd: BorrowedFd<'_>) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    let nothing = ptr::null::<Attributes>();
    let number = libc::SYS_mq_getsetattr;
    // SAFETY: changes nothing, and writes one mq_attr into `attributes`, which is one.
    let status = unsafe { libc::syscall(number, fd.as_raw_fd(), nothing, &raw mut attributes) };
    ret(status, "mq_getattr")?;
    Ok(attributes)
}

/// mq_send(3) without waiting: EAGAIN if the queue is full.
pub fn send(fd: BorrowedFd<'_>, data: &[u8], priority: u32) -> Result<()> {
    let number = libc::SYS_mq_timedsend;
    let status =
        // SAFETY: `data` is only read, for its length; the time lives for ever.
        unsafe { libc::syscall(number, fd.as_raw_fd(), data.as_ptr(), data.len(), priority, &raw const AT_ONCE) };
    ret(status, "mq_send").map(drop).map_err(would_block)
}

/// mq_receive(3) without waiting: the length and the priority, EAGAIN if the queue is empty. EMSGSIZE unless `target`
/// has room for the longest message of this queue.
pub fn receive(fd: BorrowedFd<'_>, target: &mut [u8]) -> Result<(usize, u32)> {
    receive_until(fd, target, &raw const AT_ONCE).map_err(would_block)
}

/// mq_receive(3). It waits for ever, and for nothing where the description has O_NONBLOCK: EAGAIN then.
pub fn receive_waiting(fd: BorrowedFd<'_>, target: &mut [u8]) -> Result<(usize, u32)> {
    receive_until(fd, target, ptr::null())
}

fn receive_until(fd: BorrowedFd<'_>, target: &mut [u8], time: *const libc::timespec) -> Result<(usize, u32)> {
    let mut priority = 0_u32;
    let number = libc::SYS_mq_timedreceive;
    let length =
        // SAFETY: `target` is ours and mutable for the whole call, and so is the priority; the time, if any, is AT_ONCE.
        unsafe { libc::syscall(number, fd.as_raw_fd(), target.as_mut_ptr(), target.len(), &raw mut priority, time) };
    let length = ret(length, "mq_receive")?;
    Ok((length.cast_unsigned().try_into().unwrap_or(usize::MAX), priority))
}

/// mq_notify(3) in the form that the C library builds SIGEV_THREAD of: the kernel puts a cookie into the netlink socket,
/// which can be watched, where other forms send a signal.
pub fn notify(fd: BorrowedFd<'_>, socket: BorrowedFd<'_>) -> Result<()> {
    let cookie = [0_u8; COOKIE_SIZE];
    let event =
        Event { cookie: cookie.as_ptr(), socket: socket.as_raw_fd(), notify: libc::SIGEV_THREAD, rest: [0; 12] };
    // SAFETY: the event and the cookie that it points to live until after the call, which copies both.
    let status = unsafe { libc::syscall(libc::SYS_mq_notify, fd.as_raw_fd(), &raw const event) };
    ret(status, "mq_notify").map(drop)
}

fn would_block(error: Error) -> Error {
    match error {
        Error::Os { errno: Errno::ETIMEDOUT, syscall, object } => Error::Os { errno: Errno::EAGAIN, syscall, object },
        other => other,
    }
}
