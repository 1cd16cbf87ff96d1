//! Signals that a program must leave alone, and why.

use crate::sys::signal::{max, min};

/// What somebody wants to do about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Receive it.
    Receive,
    /// Have it held back.
    Hold,
    /// Have it ignored, or do what it does by default.
    Dispose,
}

/// Why nobody may do this to signal `number`, as the end of a sentence; None if he may.
#[must_use]
pub fn refusal(number: i32, purpose: Purpose) -> Option<&'static str> {
    match number {
        libc::SIGKILL | libc::SIGSTOP => Some("is the kernel's own: nobody can catch, ignore or hold it"),
        libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP | libc::SIGSYS => {
            Some("tells a thread of its own fault, at the very instruction: taken away from there it ends the process")
        }
        libc::SIGPROF => Some("is what the profiler of the JavaScript engine interrupts threads with"),
        libc::SIGURG => Some("is what this package ends its own waits with"),
        libc::SIGCHLD if purpose != Purpose::Receive => {
            Some("is how the runtime learns that its child processes have ended")
        }
        _ if (32..min()).contains(&number) => Some("is what the C library uses between threads"),
        _ if (1..=max()).contains(&number) => None,
        _ => Some("is no signal"),
    }
}
