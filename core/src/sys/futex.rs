//! futex(2), of words that processes share: the forms that are not private.

use std::time::Duration;

use nix::errno::Errno;

use super::cancel::{self, Flag};
use super::mman::Mapping;
use super::ret;
use crate::error::{Error, Result};

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Somebody has woken us.
    Woken,
    /// The word was another one.
    NotEqual,
    /// The time is over, or a signal came: if it is to go on it has to be asked for again.
    Ended,
}

/// Waits on this thread, at most so long, for as long as the word at `offset` is `expected`.
pub fn wait(mapping: &Mapping, offset: usize, expected: u32, patience: Option<Duration>) -> Result<Waited> {
    let word = mapping.word32(offset)?.as_ptr();
    let patience = patience.map(|patience| libc::timespec {
        tv_sec: libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    });
    let until = patience.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: a word that is mapped for the whole call, and a time or none.
    let status = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, expected, until) };
    match ret(status, "futex") {
        Ok(_) => Ok(Waited::Woken),
        Err(error) => match error.errno() {
            Some(Errno::EAGAIN) => Ok(Waited::NotEqual),
            Some(Errno::ETIMEDOUT | Errno::EINTR) => Ok(Waited::Ended),
            _ => Err(error),
        },
    }
}

/// Waits until it is woken or `flag` is raised; false if the word was not `expected` when the kernel looked. For a
/// waiter thread. A wake that meets a cancel counts as a wake.
pub fn wait_cancellable(mapping: &Mapping, offset: usize, expected: u32, flag: &Flag) -> Result<bool> {
    let word = mapping.word32(offset)?.as_ptr();
    let arguments = [word as libc::c_long, libc::FUTEX_WAIT.into(), expected.into(), 0, 0, 0];
    // SAFETY: a word that is mapped for the whole call; no time.
    match unsafe { cancel::call(flag, libc::SYS_futex, "futex", arguments) } {
        Ok(_) => Ok(true),
        Err(Error::Os { errno: Errno::EAGAIN, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Wakes at most `count` of those who wait on the word at `offset`, and tells how many.
pub fn wake(mapping: &Mapping, offset: usize, count: u32) -> Result<u32> {
    let word = mapping.word32(offset)?.as_ptr();
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    // SAFETY: a word that is mapped for the whole call.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, count) };
    Ok(ret(woken, "futex")? as u32)
}
