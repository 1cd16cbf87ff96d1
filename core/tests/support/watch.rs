//! Time limits: a test that hangs says so and ends, and states are waited for instead of slept for.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Ends the whole process if it is not dropped in time.
pub struct Watchdog(#[expect(dead_code, reason = "its drop is what tells the thread")] Sender<()>);

/// Begins to watch the calling test.
pub fn watchdog(seconds: u64) -> Watchdog {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} still runs after {seconds} s");
            std::process::abort();
        }
    });
    Watchdog(sender)
}

/// Waits until `state` is true, and fails the test if it is not within ten seconds.
pub fn until(what: &str, mut state: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !state() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
