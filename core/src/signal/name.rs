//! What signals are called, and which number each has here.

use crate::sys::signal::{max, min};

/// By number, for the 31 that have always been there. The first name of a number is the one that is given out.
const NAMES: [(&str, i32); 34] = [
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGILL", libc::SIGILL),
    ("SIGTRAP", libc::SIGTRAP),
    ("SIGABRT", libc::SIGABRT),
    ("SIGIOT", libc::SIGABRT),
    ("SIGBUS", libc::SIGBUS),
    ("SIGFPE", libc::SIGFPE),
    ("SIGKILL", libc::SIGKILL),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGSEGV", libc::SIGSEGV),
    ("SIGUSR2", libc::SIGUSR2),
    ("SIGPIPE", libc::SIGPIPE),
    ("SIGALRM", libc::SIGALRM),
    ("SIGTERM", libc::SIGTERM),
    ("SIGSTKFLT", libc::SIGSTKFLT),
    ("SIGCHLD", libc::SIGCHLD),
    ("SIGCLD", libc::SIGCHLD),
    ("SIGCONT", libc::SIGCONT),
    ("SIGSTOP", libc::SIGSTOP),
    ("SIGTSTP", libc::SIGTSTP),
    ("SIGTTIN", libc::SIGTTIN),
    ("SIGTTOU", libc::SIGTTOU),
    ("SIGURG", libc::SIGURG),
    ("SIGXCPU", libc::SIGXCPU),
    ("SIGXFSZ", libc::SIGXFSZ),
    ("SIGVTALRM", libc::SIGVTALRM),
    ("SIGPROF", libc::SIGPROF),
    ("SIGWINCH", libc::SIGWINCH),
    ("SIGIO", libc::SIGIO),
    ("SIGPOLL", libc::SIGIO),
    ("SIGPWR", libc::SIGPWR),
    ("SIGSYS", libc::SIGSYS),
];

/// The number of the signal called `name`: one of signal(7), or `SIGRTMIN+n`, `SIGRTMAX-n`. None if there is none.
#[must_use]
pub fn number(name: &str) -> Option<i32> {
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let number = match name {
        "SIGRTMIN" => min(),
        "SIGRTMAX" => max(),
        _ => match (name.strip_prefix("SIGRTMIN+"), name.strip_prefix("SIGRTMAX-")) {
            (Some(steps), _) => min() + count(steps)?,
            (_, Some(steps)) => max() - count(steps)?,
            _ => return None,
        },
    };
    (min()..=max()).contains(&number).then_some(number)
}

/// Digits alone: no sign, and no more of them than a signal's number has.
fn count(digits: &str) -> Option<i32> {
    let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Every name that [`number()`] knows, with its number.
#[must_use]
pub fn all() -> Vec<(String, i32)> {
    let standard = NAMES.iter().map(|(name, number)| ((*name).into(), *number));
    let first = [("SIGRTMIN".into(), min()), ("SIGRTMAX".into(), max())];
    let steps = 0..=max() - min();
    let up = steps.clone().map(|steps| (format!("SIGRTMIN+{steps}"), min() + steps));
    let down = steps.map(|steps| (format!("SIGRTMAX-{steps}"), max() - steps));
    standard.chain(first).chain(up).chain(down).collect()
}

/// What signal `number` is called, as `kill -l` has it: realtime ones count from the nearer end. None for what is no signal
/// or is kept by the C library for itself.
#[must_use]
pub fn name(number: i32) -> Option<String> {
    if let Some((name, _)) = NAMES.iter().find(|(_, known)| *known == number) {
        return Some((*name).into());
    }
    if !(min()..=max()).contains(&number) {
        return None;
    }
    let (above, below) = (number - min(), max() - number);
    Some(match (above, below) {
        (0, _) => "SIGRTMIN".into(),
        (_, 0) => "SIGRTMAX".into(),
        _ if above <= below => format!("SIGRTMIN+{above}"),
        _ => format!("SIGRTMAX-{below}"),
    })
}
