//! Where one thread of JavaScript takes signals for the receivers that it has: a descriptor that tells of signals, for the
//! process or for this thread, and a bell that others ring who have taken some for it.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::office::{self, Asking, Left};
use crate::error::{Error, Result};
use crate::sys::signal::SignalFd;

/// Belongs to one thread. Dropped, it closes all receivers of this thread.
#[derive(Debug)]
pub struct Hub(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) number: u64,
    pub(super) is_main: bool,
    pub(super) signals: SignalFd,
    bell: EventFd,
    rung: AtomicBool,
}

impl Hub {
    /// For the calling thread; `is_main` where handlers of the program are told on this thread too.
    pub fn new(is_main: bool) -> Result<Self> {
        let signals = SignalFd::new()?;
        let bell = bell()?;
        office::with(|office| {
            let number = office.next_number();
            let shared = Arc::new(Shared { number, is_main, signals, bell, rung: AtomicBool::new(false) });
            office.enter(Arc::clone(&shared))?;
            Ok(Self(shared))
        })
    }

    /// Readable when there are signals to be taken. Only as this thread sees it.
    #[must_use]
    pub fn signals(&self) -> BorrowedFd<'_> {
        self.0.signals.as_fd()
    }

    /// Readable when somebody else has taken some for a receiver here.
    #[must_use]
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.0.bell.as_fd()
    }

    /// Takes what is there, for all receivers.
    pub fn take(&self) -> Result<Left> {
        self.0.silence();
        office::with(|office| office.take(&self.0.signals, Some(&Asking::Hub(self.0.number))))
    }

    /// Blocks this thread until there is something to be taken, for at most `milliseconds`. A signal may end it early.
    pub fn block(&self, milliseconds: u8) -> Result<()> {
        let mut fds = [PollFd::new(self.signals(), PollFlags::POLLIN), PollFd::new(self.bell(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::os(errno, "poll")),
        }
        // Or it would ring for ever on behalf of another receiver. Whoever blocks looks after these later.
        self.0.silence();
        Ok(())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Nobody is there to hear of it. What fails is to tell others what they may take: they take less than they could.
        drop(office::with(|office| office.leave(self.0.number)));
    }
}

impl Shared {
    /// Tells the hub's thread that there is something for it.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            // Any other error, EAGAIN, says that the counter is full, so the bell rings already.
            while self.bell.write(1) == Err(Errno::EINTR) {}
        }
    }

    /// Before the look, so that what comes after it rings anew.
    pub(super) fn silence(&self) {
        if self.rung.swap(false, Ordering::SeqCst) {
            // EAGAIN: whoever rings has not come to that yet, and will do so for nothing.
            let _silent = self.bell.read();
        }
    }
}

/// An eventfd that never waits.
pub(super) fn bell() -> Result<EventFd> {
    let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
    EventFd::from_flags(flags).map_err(|errno| Error::os(errno, "eventfd"))
}
