//! Takes what every thread holds back and nobody receives (any more), and delivers it as ever: a handler of the program is
//! called, or what the signal does by default is done. One thread for the process, which sleeps for as long as there is no
//! such signal.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::office::{Asking, Left};
use super::{hub, office};
use crate::error::{Error, Result};
use crate::sys::signal::{Set, SignalFd};
use crate::sys::thread as sys_thread;

/// Handlers of the program run on it.
const STACK_SIZE: usize = 256 * 1024;
/// While a receiver is behind.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) signals: SignalFd,
    /// Has the thread look at `watched` while it waits for signals.
    changed: EventFd,
    watched: Mutex<Set>,
    wanted: Condvar,
}

impl Dispatcher {
    pub(super) fn start() -> Result<Arc<Self>> {
        let dispatcher = Arc::new(Self {
            signals: SignalFd::new()?,
            changed: hub::bell()?,
            watched: Mutex::new(Set::EMPTY),
            wanted: Condvar::new(),
        });
        let running = Arc::clone(&dispatcher);
        thread::Builder::new()
            .name("os-ipc-signals".into())
            .stack_size(STACK_SIZE)
            .spawn(move || running.run())
            .map_err(|error| Error::io(&error, "clone"))?;
        Ok(dispatcher)
    }

    /// These are for it from now on.
    pub(super) fn watch(&self, set: Set) -> Result<()> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if *watched == set {
            return Ok(());
        }
        self.signals.watch(set)?;
        *watched = set;
        self.wanted.notify_one();
        // EAGAIN says that the counter is full, so it is told already.
        let _told_already = self.changed.write(1);
        Ok(())
    }

    fn run(&self) {
        sys_thread::mask_all();
        loop {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits on such a descriptor is woken by every signal of the process.
            drop(self.wanted.wait_while(watched, |watched| *watched == Set::EMPTY));
            let mut fds = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.changed.as_fd(), PollFlags::POLLIN),
            ];
            // It cannot fail but for want of memory in the kernel: then it is tried again.
            let _again = poll(&mut fds, PollTimeout::NONE);
            // EAGAIN: nothing has changed.
            let _nothing = self.changed.read();
            // The descriptor is what it has been made.
            let left = office::with(|office| office.take(&self.signals, Some(&Asking::Dispatcher)));
            if left == Ok(Left::Later) {
                thread::sleep(PAUSE);
            }
        }
    }
}
