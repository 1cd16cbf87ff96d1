//! Threads of our own: which signals they see, and how one is told to stop waiting.

use std::os::fd::RawFd;

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

/// tgkill(2): a signal for one thread of this process. A thread that has ended meanwhile is no error.
pub fn signal(thread: Pid, signal: Signal) {
    let process = nix::unistd::getpid();
    let number = libc::SYS_tgkill;
    // SAFETY: three integers; the kernel checks that the thread is one of this process.
    unsafe { libc::syscall(number, process.as_raw(), thread.as_raw(), signal as RawFd) };
}
