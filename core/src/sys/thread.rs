//! Threads of our own, and which signals they see.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::unistd::Pid;

/// Keeps every signal but `except` away from the calling thread, so that handlers of the program never run on its
/// small stack.
pub fn mask_all_but(except: Signal) {
    let mut set = SigSet::all();
    set.remove(except);
    // It fails for an unknown `how` only.
    let _unknown_how = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&set), None);
}

/// Keeps every signal away from the calling thread.
pub fn mask_all() {
    let _unknown_how = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
}

/// The kernel's number of the calling thread.
#[must_use]
pub fn current() -> Pid {
    nix::unistd::gettid()
}
