//! Waiter threads: how many, how long they stay, what they survive, and how the waits of one owner end.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod waiter {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::{PipeReader, PipeWriter, pipe};
    use std::os::fd::{AsFd, BorrowedFd};
    use std::panic::resume_unwind;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use os_ipc_core::sys::blocking;
    use os_ipc_core::sys::cancel::Flag;
    use os_ipc_core::waiter::{CAPACITY, Group, Wait};
    use os_ipc_core::{Error, Result};

    use super::watch::{until, watchdog};

    /// The threads and their number are the whole process's.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At times fewer: the kernel's listing passes over some while others end.
    fn threads() -> BTreeSet<String> {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        // One that ends meanwhile has no name any more.
        let ours =
            tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "os-ipc-waiter\n"));
        ours.map(|task| task.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    /// A wait for bytes in a pipe, which the returned receiver tells the result of.
    fn wait_for(reader: &Arc<PipeReader>) -> Result<(Wait, Receiver<Result<()>>)> {
        let (told, result) = channel();
        Ok((Wait::start(readable(reader), move |outcome| told.send(outcome).unwrap())?, result))
    }

    fn readable(reader: &Arc<PipeReader>) -> impl FnOnce(&Flag) -> Result<()> + Send + 'static {
        let reader = Arc::clone(reader);
        move |flag| blocking::poll(reader.as_fd(), libc::POLLIN, flag).map(drop)
    }

    fn silent_pipe() -> (Arc<PipeReader>, PipeWriter) {
        let (reader, writer) = pipe().unwrap();
        (Arc::new(reader), writer)
    }

    #[test]
    fn as_many_waits_as_the_capacity_go_on_at_once_and_one_more_is_refused() {
        let (_watchdog, _alone) = (watchdog(120), alone());
        let (reader, _writer) = silent_pipe();
        let waits: Vec<_> = (0..CAPACITY).map(|_| wait_for(&reader).unwrap()).collect();
        assert!(matches!(wait_for(&reader), Err(Error::TooManyWaiters)));
        until("each has a thread", || threads().len() == CAPACITY);
        for (wait, result) in &waits {
            wait.cancel();
            assert_eq!(result.recv().unwrap(), Err(Error::Cancelled));
        }
        until("there is room again", || wait_for(&reader).map(|(wait, _)| wait.cancel()).is_ok());
    }

    #[test]
    fn a_thread_is_used_again_and_ends_when_it_has_been_idle() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        until("the threads of the test before have ended", || threads().is_empty());
        let mut used = BTreeSet::new();
        for _ in 0..50 {
            let (told, result) = channel();
            Wait::start(|_| Ok(()), move |outcome| told.send(outcome).unwrap()).unwrap();
            result.recv().unwrap().unwrap();
            used.append(&mut threads());
            // It is idle when it sleeps: what it has told of ends before.
            until("it is idle", || {
                let mut sleeping = threads().into_iter().map(|thread| {
                    fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default().contains(") S ")
                });
                sleeping.all(|sleeps| sleeps)
            });
        }
        assert!(used.len() <= 3, "{used:?}");
        let since = Instant::now();
        until("idle threads end", || threads().is_empty());
        assert!(since.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_cancel_before_the_job_has_begun_is_not_lost() {
        let (_watchdog, _alone) = (watchdog(120), alone());
        let (reader, _writer) = silent_pipe();
        for _ in 0..20_000 {
            let (wait, result) = wait_for(&reader).unwrap();
            wait.cancel();
            assert_eq!(result.recv().unwrap(), Err(Error::Cancelled));
        }
    }

    /// Two waits at a time, on threads that are used again and again: a late cancel must never end the wait of another.
    #[test]
    fn a_cancel_after_the_end_of_its_wait_ends_no_other_wait() {
        let (_watchdog, _alone) = (watchdog(120), alone());
        let (silent, _writer) = silent_pipe();
        let (told, _told) = pipe().map(|(reader, writer)| (Arc::new(reader), writer)).unwrap();
        drop(_told);
        for _ in 0..20_000 {
            let (short, ended) = wait_for(&told).unwrap();
            assert_eq!(ended.recv().unwrap(), Ok(()));
            let (long, result) = wait_for(&silent).unwrap();
            short.cancel();
            assert!(result.try_recv().is_err(), "the other wait goes on");
            long.cancel();
            assert_eq!(result.recv().unwrap(), Err(Error::Cancelled));
        }
    }

    #[test]
    fn a_panic_is_the_result_of_its_wait_and_costs_no_room() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        for round in 0..2 * CAPACITY {
            let (told, result) = channel::<Result<()>>();
            // Unlike panic!, this prints nothing.
            let job = move |_: &Flag| {
                resume_unwind(if round % 2 == 0 { Box::new("static") } else { Box::new(String::from("made")) })
            };
            // The end of a wait may panic too.
            Wait::start(job, move |outcome| {
                told.send(outcome).unwrap();
                resume_unwind(Box::new("the end"));
            })
            .unwrap();
            let expected = if round % 2 == 0 { "static" } else { "made" };
            assert_eq!(result.recv().unwrap(), Err(Error::Panicked(expected.into())));
        }
        until("no thread is left", || threads().is_empty());
    }

    fn rings(bell: BorrowedFd<'_>) -> bool {
        let mut fds = [PollFd::new(bell, PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn a_groups_bell_rings_while_there_are_outcomes_to_collect() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        let group = Group::new().unwrap();
        assert!(!rings(group.bell()));
        assert_eq!(group.collect(10), []);
        let all_begun = Arc::new(Barrier::new(3));
        for token in 1..=3 {
            let all_begun = Arc::clone(&all_begun);
            let job = move |_: &Flag| {
                all_begun.wait();
                Ok(token * 10)
            };
            group.start(token, job, |outcome| outcome.unwrap()).unwrap();
        }
        let mut collected = Vec::new();
        while collected.len() < 3 {
            until("the bell rings", || rings(group.bell()));
            let some = group.collect(1);
            assert_eq!(some.len(), 1, "it rings again for what is left");
            collected.extend(some);
        }
        assert!(!rings(group.bell()));
        collected.sort_unstable();
        assert_eq!(collected, [(1, 10), (2, 20), (3, 30)]);
    }

    #[test]
    fn a_group_cancels_by_token_and_tells_of_it() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        let (reader, _writer) = silent_pipe();
        let group = Group::new().unwrap();
        group.start(1, readable(&reader), |outcome| outcome).unwrap();
        group.start(2, readable(&reader), |outcome| outcome).unwrap();
        group.cancel(3);
        group.cancel(2);
        until("the bell rings", || rings(group.bell()));
        assert_eq!(group.collect(10), [(2, Err(Error::Cancelled))]);
        group.cancel(1);
        until("the bell rings", || rings(group.bell()));
        assert_eq!(group.collect(10), [(1, Err(Error::Cancelled))]);
    }

    struct Told(Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }

    #[test]
    fn close_sees_every_wait_out_and_drops_what_nobody_has_collected() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        let (reader, _writer) = silent_pipe();
        let group = Group::new().unwrap();
        let (dropped, drops) = channel();
        let outcome = |dropped: &Sender<()>| {
            let told = Told(dropped.clone());
            move |_: Result<()>| told
        };
        group.start(1, |_| Ok(()), outcome(&dropped)).unwrap();
        until("the first one has ended", || rings(group.bell()));
        for token in 2..100 {
            group.start(token, readable(&reader), outcome(&dropped)).unwrap();
        }
        group.close();
        assert_eq!(drops.try_iter().count(), 99, "each outcome has been dropped when close comes back");
        assert_eq!(Arc::strong_count(&reader), 1, "no job goes on");
        assert_eq!(group.collect(10).len(), 0);
        let refused = group.start(100, |_| Ok(()), outcome(&dropped));
        assert_eq!(refused, Err(Error::Closed));
    }

    #[test]
    fn close_does_not_wait_for_ever_for_a_job_that_cannot_be_cancelled() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        let group = Group::new().unwrap();
        let (go, wait) = channel::<()>();
        group.start(1, move |_| Ok(wait.recv().is_ok()), |outcome| outcome).unwrap();
        let since = Instant::now();
        group.close();
        assert!((Duration::from_millis(500)..Duration::from_secs(5)).contains(&since.elapsed()));
        drop(go);
    }

    #[test]
    fn a_dropped_group_cancels_its_waits() {
        let (_watchdog, _alone) = (watchdog(60), alone());
        let (reader, _writer) = silent_pipe();
        let (told, result) = channel();
        let group = Group::new().unwrap();
        group.start(1, readable(&reader), move |outcome| told.send(outcome).unwrap()).unwrap();
        drop(group);
        assert_eq!(result.recv().unwrap(), Err(Error::Cancelled));
    }

    #[test]
    fn waits_of_many_threads_share_the_pool() {
        let (_watchdog, _alone) = (watchdog(120), alone());
        let (reader, _writer) = silent_pipe();
        let starters: Vec<_> = (0..8)
            .map(|_| {
                let reader = Arc::clone(&reader);
                thread::spawn(move || {
                    let group = Group::new().unwrap();
                    for token in 1..=500 {
                        group.start(token, readable(&reader), |outcome| outcome).unwrap();
                        group.cancel(token);
                        until("it has ended", || group.collect(1) == [(token, Err(Error::Cancelled))]);
                    }
                })
            })
            .collect();
        for starter in starters {
            starter.join().unwrap();
        }
    }
}
