//! What the kernel says of a thread.

use std::fs;

/// Whether thread `thread` of process `process` waits in the kernel, in the system call of that number.
pub fn waits_in(process: u32, thread: i32, number: i64) -> bool {
    let folder = format!("/proc/{process}/task/{thread}");
    let stat = fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
    let sleeps = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'));
    let call = fs::read_to_string(format!("{folder}/syscall")).unwrap_or_default();
    sleeps && call.split(' ').next() == Some(number.to_string().as_str())
}
