//! Descriptions of a file that locks are taken through, one for each lock.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Range;
use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::fd::set_lock;
use crate::sys::{Attempt, attempt, blocking};

/// A description that nothing is locked through, kept for the next lock: to open one costs more than to lock.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Option<OwnedFd>>);

/// One that nothing is locked through yet. It ends as the file's spare one, or by being closed.
#[derive(Debug)]
pub struct Description {
    fd: Option<OwnedFd>,
    spare: Weak<Spare>,
}

/// A lock that has been granted. It ends with this.
#[derive(Debug)]
pub struct Held(Description);

impl Spare {
    pub(super) fn take(&self) -> Option<OwnedFd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps `fd`, if there is none yet.
    fn keep(&self, fd: OwnedFd) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fd);
    }
}

impl Description {
    pub(super) fn new(fd: OwnedFd, spare: &Arc<Spare>) -> Self {
        Self { fd: Some(fd), spare: Arc::downgrade(spare) }
    }

    /// Locks the range if nobody holds what would conflict.
    pub fn try_lock(self, range: Range) -> Result<Attempt<Held>> {
        let wanted = request(range);
        match attempt(|| self.set(&wanted))? {
            Attempt::Done(()) => Ok(Attempt::Done(Held(self))),
            Attempt::WouldBlock => Ok(Attempt::WouldBlock),
        }
    }

    /// Waits until the range is locked. For a waiter thread.
    pub fn lock(self, range: Range, flag: &Flag) -> Result<Held> {
        let Some(fd) = &self.fd else { return Err(Error::Closed) };
        blocking::lock_range(fd.as_fd(), &request(range), flag)?;
        Ok(Held(self))
    }

    fn set(&self, wanted: &libc::flock) -> Result<()> {
        let Some(fd) = &self.fd else { return Err(Error::Closed) };
        set_lock(fd, wanted).map_err(|errno| Error::os(errno, "F_OFD_SETLK"))?;
        Ok(())
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        if let (Some(fd), Some(spare)) = (self.fd.take(), self.spare.upgrade()) {
            spare.keep(fd);
        }
    }
}

impl Drop for Held {
    /// Not by the close alone: a child that is about to execute another program may have a copy until then.
    fn drop(&mut self) {
        let everything =
            libc::flock { l_type: libc::F_UNLCK as _, ..request(Range { shared: false, start: 0, length: 0 }) };
        if self.0.set(&everything).is_err() {
            // Then the close has to do. It is not to be locked through again.
            self.0.fd = None;
        }
    }
}

fn request(Range { shared, start, length }: Range) -> libc::flock {
    let kind = if shared { libc::F_RDLCK } else { libc::F_WRLCK };
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: start, l_len: length, l_pid: 0 }
}
