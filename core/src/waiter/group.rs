//! The waits of one owner, by token, with one descriptor that tells when some have ended.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::waiter::{Outcomes, Wait};

/// How long the end of an owner waits for its threads. Each has been cancelled by then and is about to go.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits under way, and outcomes that nobody has collected yet.
#[derive(Debug)]
pub struct Group<T> {
    shared: Arc<Shared<T>>,
}

/// Tells a [`Group`] outcomes of what does not go on in its own threads.
#[derive(Debug)]
pub struct Teller<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    bell: EventFd,
    state: Mutex<Outcomes<T, Wait>>,
    ended: Condvar,
}

impl<T: Send + 'static> Group<T> {
    /// No waits yet.
    pub fn new() -> Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = EventFd::from_flags(flags).map_err(|errno| Error::os(errno, "eventfd"))?;
        Ok(Self { shared: Arc::new(Shared { bell, state: Mutex::default(), ended: Condvar::new() }) })
    }

    /// Readable when there are outcomes to collect.
    #[must_use]
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.shared.bell.as_fd()
    }

    /// Runs `job` on a thread of its own; what `finish` makes of its result, on that thread, is the outcome. No other wait
    /// may be under way under `token`.
    pub fn start<R: Send + 'static>(
        &self,
        token: u32,
        job: impl FnOnce(&Flag) -> Result<R> + Send + 'static,
        finish: impl FnOnce(Result<R>) -> T + Send + 'static,
    ) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        // The job's end waits for this lock, so that it finds the token; and a cancel or a close finds the wait.
        let mut state = self.shared.lock();
        if state.is_closed() {
            return Err(Error::Closed);
        }
        let wait = Wait::start(job, move |result| shared.end(token, finish(result)))?;
        state.begin(token, wait);
        Ok(())
    }

    /// For outcomes that come from elsewhere.
    #[must_use]
    pub fn teller(&self) -> Teller<T> {
        Teller(Arc::clone(&self.shared))
    }

    /// Ends the wait under `token`, if it is still under way. Its outcome comes all the same.
    pub fn cancel(&self, token: u32) {
        let wait = self.shared.lock().under_way(token).cloned();
        if let Some(wait) = wait {
            wait.cancel();
        }
    }

    /// Blocks this thread until there are outcomes to collect, for at most `milliseconds`. A signal may end it early.
    pub fn block(&self, milliseconds: u8) -> Result<()> {
        let mut fds = [PollFd::new(self.bell(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::os(errno, "poll")),
        }
    }

    /// Silences the bell and gives at most `most` outcomes, oldest first; if more are left it rings again.
    pub fn collect(&self, most: usize) -> Vec<(u32, T)> {
        // EAGAIN: somebody collected since it rang.
        let _silent = self.shared.bell.read();
        let mut state = self.shared.lock();
        let collected = state.collect(most);
        if state.is_waiting() {
            self.shared.ring();
        }
        collected
    }

    /// Blocks this thread until the wait under `token` has ended, for at most `patience`, and gives its outcome: for a
    /// blocking form whose place is kept by a thread. None if it goes on, or somebody has collected it.
    pub fn claim(&self, token: u32, patience: Duration) -> Option<T> {
        let state = self.shared.lock();
        let ended = self.shared.ended.wait_timeout_while(state, patience, |state| state.under_way(token).is_some());
        // The bell may ring for nothing, then.
        ended.unwrap_or_else(PoisonError::into_inner).0.claim(token)
    }

    /// Ends all waits and sees their threads out. Outcomes that nobody has collected are dropped.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.close();
        let waits = state.all_under_way();
        drop(state);
        for wait in waits {
            wait.cancel();
        }
        let state = self.shared.lock();
        let gone = self.shared.ended.wait_timeout_while(state, PATIENCE, |state| !state.is_idle());
        let unwanted = gone.unwrap_or_else(PoisonError::into_inner).0.collect(usize::MAX);
        drop(unwanted);
    }
}

impl<T> Teller<T> {
    /// The outcome of whatever has this token. Of a group that is closed nobody hears it.
    pub fn tell(&self, token: u32, outcome: T) {
        self.0.end(token, outcome);
    }
}

impl<T> Drop for Group<T> {
    fn drop(&mut self) {
        let waits = self.shared.lock().all_under_way();
        for wait in waits {
            wait.cancel();
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Outcomes<T, Wait>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // Any other error, EAGAIN, says that the counter is full, so the bell rings already.
        while self.bell.write(1) == Err(Errno::EINTR) {}
    }

    fn end(&self, token: u32, outcome: T) {
        let mut state = self.lock();
        let unwanted = state.end(token, outcome);
        if unwanted.is_none() {
            self.ring();
        }
        self.ended.notify_all();
        drop(state);
        drop(unwanted);
    }
}
