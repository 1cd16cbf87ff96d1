//! The system calls: one expression each, owned and borrowed descriptors in and out. With the ring this is the only
//! place with unsafe code. Where nix has a safe wrapper, the callers use that and nothing stands here.

pub mod blocking;
pub mod bus;
pub mod cancel;
pub mod control;
pub mod dl;
pub mod epoll;
pub mod fd;
pub mod futex;
pub mod heap;
pub mod mask;
pub mod mman;
pub mod mount;
pub mod mq;
pub mod pidfd;
pub mod pipe;
pub mod random;
pub mod segment;
pub mod semaphore;
pub mod semaphore_set;
pub mod signal;
pub mod slice;
pub mod socket;
pub mod sysv;
pub mod tails;
pub mod thread;

use nix::errno::Errno;

use crate::error::{Error, Result};

/// The C convention: -1 and errno.
fn ret(value: libc::c_long, syscall: &'static str) -> Result<libc::c_long> {
    if value < 0 { Err(Error::os(Errno::last(), syscall)) } else { Ok(value) }
}

/// Runs a call again for as long as a signal interrupts it before it has done anything.
pub fn retry<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Error::Os { errno: Errno::EINTR, .. }) => {}
            other => return other,
        }
    }
}

/// What a call that must not wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt<T> {
    /// It was done.
    Done(T),
    /// It would have had to wait; nothing happened.
    WouldBlock,
}

impl<T> Attempt<T> {
    /// Whether it was.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Turns EAGAIN into [`Attempt::WouldBlock`] and runs interrupted calls again.
pub fn attempt<T>(call: impl FnMut() -> Result<T>) -> Result<Attempt<T>> {
    match retry(call) {
        Ok(value) => Ok(Attempt::Done(value)),
        Err(Error::Os { errno: Errno::EAGAIN, .. }) => Ok(Attempt::WouldBlock),
        Err(error) => Err(error),
    }
}
