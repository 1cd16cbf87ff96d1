//! Sending: kill(2), sigqueue(3), tgkill(2).

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::signal as sys;

/// Sends signal `number` to the process `pid`, with `value` if there is one, and to its thread `thread` alone if that is
/// given. 0 sends nothing: it only asks whether the process is there.
pub fn send(pid: i32, number: i32, value: Option<i32>, thread: Option<i32>) -> Result<()> {
    // What lies below means groups, or everybody.
    if pid < 1 {
        return Err(Error::os(Errno::EINVAL, "kill"));
    }
    match (value, thread) {
        (None, None) => sys::kill(pid, number),
        (None, Some(thread)) => sys::tgkill(pid, thread, number),
        (Some(value), None) => sys::queue(pid, &sys::Info::queued(number, value)),
        (Some(value), Some(thread)) => sys::queue_to_thread(pid, thread, &sys::Info::queued(number, value)),
    }
}

/// Sends signal `number` to every process of the group `pgid`; 0 means this process's own group.
pub fn send_to_group(pgid: i32, number: i32) -> Result<()> {
    let own = pgid == 0 || pgid == nix::unistd::getpgrp().as_raw();
    match pgid {
        _ if own => sys::kill(0, number),
        // To kill(2), -1 is everybody.
        1 => Err(Error::NotSupported("kill(2) cannot name the process group 1 but from inside it")),
        _ if pgid < 0 => Err(Error::os(Errno::EINVAL, "kill")),
        _ => sys::kill(-pgid, number),
    }
}
