//! System V message queues: what is learned, what is taken, and by whom.

#[cfg(test)]
#[path = "support/task.rs"]
mod task;
#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod sysv_queue {
    use std::ffi::CString;
    use std::fs::File;
    use std::path::Path;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::task;
    use super::watch::{until, watchdog};
    use nix::errno::Errno;
    use os_ipc_core::sys::Attempt;
    use os_ipc_core::sysv::key::{Key, ftok};
    use os_ipc_core::sysv::queue::{Changes, HEADER, Queue, Received, Selector, Subscription, limits};
    use os_ipc_core::{Error, Result};

    /// A private queue that goes with its test.
    struct Own(Queue, Remove);

    struct Remove(i32);

    impl Drop for Remove {
        fn drop(&mut self) {
            // A test may have removed it.
            let _gone = Queue::from_id(self.0).and_then(|queue| queue.remove());
        }
    }

    impl Own {
        fn new() -> Self {
            let queue = Queue::open(Key::Private, true, false, 0o600).unwrap();
            let id = queue.id();
            Self(queue, Remove(id))
        }

        fn send(&self, kind: i64, text: &[u8]) {
            assert_eq!(self.0.try_send(&frame(kind, text)), Ok(Attempt::Done(())));
        }

        /// Type and text of what a receive that does not wait takes.
        fn take(&self, selector: Selector) -> Option<(i64, Vec<u8>)> {
            let mut room = vec![0; HEADER + 8192];
            match self.0.try_receive(selector, &mut room).unwrap() {
                Received::Message(length) => Some((kind_of(&room), room[HEADER..HEADER + length].to_vec())),
                Received::Nothing => None,
                Received::TooLong => panic!("8192 bytes were not enough"),
            }
        }

        fn learn(&self, selector: Selector) -> (Subscription, Receiver<Result<()>>) {
            learn(&self.0, selector)
        }

        /// With a moment between in which this process has no handle of it.
        fn reopened(self) -> Self {
            let Self(queue, remove) = self;
            drop(queue);
            // A thread that has just told something holds what it shares with the handles a little longer.
            until("what was stashed is back", || messages_without_a_handle(remove.0) == Some(1));
            Self(Queue::from_id(remove.0).unwrap(), remove)
        }

        fn messages(&self) -> u64 {
            self.0.stat().unwrap().messages
        }
    }

    fn messages_without_a_handle(id: i32) -> Option<u64> {
        let table = std::fs::read_to_string("/proc/sysvipc/msg").unwrap();
        let mut rows = table.lines().skip(1).map(|row| row.split_ascii_whitespace().collect::<Vec<_>>());
        rows.find(|row| row.get(1) == Some(&id.to_string().as_str()))?.get(4)?.parse().ok()
    }

    fn learn(queue: &Queue, selector: Selector) -> (Subscription, Receiver<Result<()>>) {
        let (sender, told) = channel();
        let subscription = queue.learn(selector, move |result| drop(sender.send(result))).unwrap();
        (subscription, told)
    }

    fn frame(kind: i64, text: &[u8]) -> Vec<u8> {
        [&kind.to_ne_bytes()[..], text].concat()
    }

    fn kind_of(frame: &[u8]) -> i64 {
        i64::from_ne_bytes(*frame.first_chunk().unwrap())
    }

    /// Waits until so many threads of this process stand in msgrcv.
    fn until_waiting(count: usize) {
        until("threads stand in msgrcv", || waiting() >= count);
    }

    /// At times fewer: the kernel's listing passes over some while others end.
    fn waiting() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let numbers = tasks.filter_map(|task| task.unwrap().file_name().to_str()?.parse().ok());
        numbers.filter(|thread| task::waits_in(std::process::id(), *thread, libc::SYS_msgrcv)).count()
    }

    /// The tests count the threads of the whole process.
    fn alone() -> std::sync::MutexGuard<'static, ()> {
        static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let guard = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A thread of the test before may be on its way out still.
        until("nobody waits yet", || waiting() == 0);
        guard
    }

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn ftok_is_what_the_c_library_says() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            let path = folder.path().join(name);
            File::create(&path).unwrap();
            let c_path = CString::new(path.to_str().unwrap()).unwrap();
            for project in [1, 127, 128, 255] {
                // SAFETY: a path that ends with a null byte, and an integer.
                let theirs = unsafe { libc::ftok(c_path.as_ptr(), project.into()) };
                assert_eq!(ftok(&path, project), Ok(theirs));
            }
        }
        let missing = ftok(Path::new("/no/such/file"), 1).unwrap_err();
        assert_eq!(missing.errno(), Some(Errno::ENOENT));
    }

    #[test]
    fn selectors_are_those_of_msgrcv() {
        let queue = Own::new();
        let fill = || [5, 3, 9, 3].iter().for_each(|kind| queue.send(*kind, b"x"));
        for (kind, except, expected) in [
            (0, false, vec![5, 3, 9, 3]),
            (3, false, vec![3, 3]),
            (-5, false, vec![3, 3, 5]),
            (3, true, vec![5, 9]),
            (i64::MIN, false, vec![3, 3, 5, 9]),
            (i64::MAX, true, vec![5, 3, 9, 3]),
            (7, false, vec![]),
        ] {
            fill();
            let mut taken = Vec::new();
            while let Some((kind, _)) = queue.take(Selector::new(kind, except)) {
                taken.push(kind);
            }
            assert_eq!(taken, expected, "{kind} {except}");
            while queue.take(Selector::Any).is_some() {}
        }
    }

    #[test]
    fn a_message_that_is_too_long_for_the_frame_stays() {
        let queue = Own::new();
        queue.send(1, b"longer");
        let mut small = [0; HEADER + 5];
        assert_eq!(queue.0.try_receive(Selector::Any, &mut small), Ok(Received::TooLong));
        assert_eq!(queue.0.peek(0, &mut small), Ok(Received::TooLong));
        assert_eq!(queue.0.receive_here(Selector::Any, &mut small, None), Ok(Received::TooLong));
        assert_eq!(queue.take(Selector::Any), Some((1, b"longer".to_vec())));
        assert!(limits().unwrap().message >= 8192);
    }

    #[test]
    fn what_is_learned_is_not_taken() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let (_any, told) = queue.learn(Selector::Any);
        until_waiting(1);
        assert!(told.try_recv().is_err());
        queue.send(4, b"text");
        assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        assert_eq!(queue.messages(), 1);
        // Once is enough: nobody waits any more.
        assert!(told.recv_timeout(SOON).is_err());
        let (_again, told) = queue.learn(Selector::Type(4));
        assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        assert_eq!(queue.take(Selector::Any), Some((4, b"text".to_vec())));
    }

    #[test]
    fn one_thread_learns_for_all_that_want_the_same() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let other = queue.0.duplicate();
        let all: Vec<_> =
            (0..50).map(|_| [learn(&queue.0, Selector::UpTo(9)), learn(&other, Selector::UpTo(9))]).collect();
        let (_another, _) = queue.learn(Selector::Type(20));
        until_waiting(2);
        thread::sleep(Duration::from_millis(20));
        until("two threads wait", || waiting() == 2);
        queue.send(9, b"x");
        for (_, told) in all.iter().flatten() {
            assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        }
    }

    #[test]
    fn a_subscription_that_is_dropped_takes_its_thread_along() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let (first, told) = queue.learn(Selector::Any);
        let (second, _) = queue.learn(Selector::Any);
        until_waiting(1);
        drop(first);
        assert!(told.recv().is_err(), "it is told nothing");
        until("the thread stays for the other one", || waiting() == 1);
        drop(second);
        // One that is about to end may take the message still: then it comes to the stash, as the tests below prove. And the
        // kernel's listing passes over some, so it is looked several times.
        for _ in 0..20 {
            until("nobody waits", || waiting() == 0);
            thread::sleep(Duration::from_millis(2));
        }
        queue.send(1, b"");
        assert_eq!(queue.messages(), 1);
    }

    /// Each round a message without text comes at about the time at which the wait for it is called off.
    #[test]
    fn an_empty_message_is_neither_lost_nor_overtaken_when_a_wait_is_called_off() {
        let (_alone, _watchdog) = (alone(), watchdog(120));
        let queue = Own::new();
        let (mut stashed, mut left) = (0, 0);
        for round in 0..5_000 {
            let (subscription, told) = queue.learn(Selector::Any);
            if round % 2 == 0 {
                until_waiting(1);
            }
            queue.send(round + 1, b"");
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros((round % 40).unsigned_abs()) {
                std::hint::spin_loop();
            }
            drop(subscription);
            queue.send(1_000_000, b"behind");
            if queue.messages() == 1 {
                stashed += 1;
            } else {
                left += 1;
            }
            assert_eq!(queue.take(Selector::Any), Some((round + 1, Vec::new())));
            assert_eq!(queue.take(Selector::Any), Some((1_000_000, b"behind".to_vec())));
            drop(told);
        }
        println!("{stashed} taken by the thread, {left} left in the queue");
        assert!(stashed > 100);
    }

    #[test]
    fn the_stash_is_for_whoever_selects_it_and_goes_back_with_the_last_handle() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let learned: Vec<_> = [3, 5, 4].map(|kind| queue.learn(Selector::Type(kind))).into();
        until_waiting(3);
        for (kind, (_, told)) in [3, 5, 4].into_iter().zip(&learned) {
            queue.send(kind, b"");
            assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        }
        assert_eq!(queue.messages(), 0);
        let mut room = [0; HEADER];
        assert_eq!(queue.0.peek(1, &mut room), Ok(Received::Message(0)));
        assert_eq!(kind_of(&room), 5);
        assert_eq!(queue.0.peek(3, &mut room), Ok(Received::Nothing));
        assert_eq!(queue.take(Selector::UpTo(2)), None);
        assert_eq!(queue.take(Selector::UpTo(9)), Some((3, Vec::new())), "the lowest, as the kernel has it");
        let (at_once, told) = queue.learn(Selector::Except(4));
        assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        assert_eq!(queue.0.receive_here(Selector::Any, &mut room, None), Ok(Received::Message(0)));
        assert_eq!(kind_of(&room), 5, "the oldest");
        // Neither a subscription nor a handle is left then; the queue itself stays for the one that is opened now.
        drop((learned, at_once));
        let queue = queue.reopened();
        assert_eq!(queue.messages(), 1);
        assert_eq!(queue.take(Selector::Any), Some((4, Vec::new())));
    }

    #[test]
    fn a_thread_that_stands_in_the_queue_itself_is_told_of_the_stash() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let (subscription, told) = queue.learn(Selector::Any);
        until_waiting(1);
        let id = queue.0.id();
        let blocking = thread::spawn(move || {
            let queue = Queue::from_id(id).unwrap();
            let mut room = [0; HEADER + 8];
            loop {
                match queue.receive_here(Selector::Type(6), &mut room, None).unwrap() {
                    Received::Nothing => {}
                    other => return other,
                }
            }
        });
        until_waiting(2);
        queue.send(6, b"");
        assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
        assert_eq!(blocking.join().unwrap(), Received::Message(0));
        drop(subscription);
    }

    #[test]
    fn removal_is_told_to_all_that_wait() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let all: Vec<_> = (1..=20).map(|kind| queue.learn(Selector::Type(kind))).collect();
        let id = queue.0.id();
        let blocking =
            thread::spawn(move || Queue::from_id(id).unwrap().receive_here(Selector::Any, &mut [0; 64], None));
        until_waiting(21);
        queue.0.remove().unwrap();
        let gone = Error::os(Errno::EIDRM, "msgrcv").about(id);
        for (_, told) in &all {
            assert_eq!(told.recv_timeout(SOON), Ok(Err(gone.clone())));
        }
        assert_eq!(blocking.join().unwrap(), Err(gone.clone()));
        let (_late, told) = queue.learn(Selector::Any);
        assert_eq!(told.recv_timeout(SOON), Ok(Err(gone)), "also to those who begin to wait after it");
    }

    #[test]
    fn a_wait_on_the_calling_thread_ends_in_time_and_takes_what_comes_before() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let queue = Own::new();
        let mut room = [0; HEADER + 8];
        for milliseconds in [1, 20, 130] {
            let patience = Duration::from_millis(milliseconds);
            let begun = Instant::now();
            assert_eq!(queue.0.receive_here(Selector::Any, &mut room, Some(patience)), Ok(Received::Nothing));
            assert!(begun.elapsed() >= patience && begun.elapsed() < patience + Duration::from_secs(1));
        }
        let id = queue.0.id();
        let sender = thread::spawn(move || {
            until_waiting(1);
            Queue::from_id(id).unwrap().try_send(&frame(3, b"late")).unwrap()
        });
        assert_eq!(queue.0.receive_here(Selector::Any, &mut room, Some(SOON)), Ok(Received::Message(4)));
        assert_eq!(sender.join().unwrap(), Attempt::Done(()));
        queue.0.set(Changes { max_bytes: Some(4), ..Changes::default() }).unwrap();
        queue.send(1, b"full");
        let begun = Instant::now();
        let waited = queue.0.send_here(&frame(2, b"x"), Some(Duration::from_millis(20)));
        assert_eq!(waited, Ok(Attempt::WouldBlock));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert_eq!(queue.messages(), 1);
    }

    /// Each round a message comes at about the time at which the wait ends.
    #[test]
    fn a_wait_on_the_calling_thread_that_ends_has_taken_nothing() {
        let (_alone, _watchdog) = (alone(), watchdog(120));
        let queue = Own::new();
        let id = queue.0.id();
        let (order, orders) = channel::<u64>();
        let sender = thread::spawn(move || {
            let queue = Queue::from_id(id).unwrap();
            for delay in orders {
                thread::sleep(Duration::from_micros(delay));
                queue.try_send(&frame(1, b"x")).unwrap();
            }
        });
        let mut room = [0; HEADER + 8];
        let (mut taken, mut missed) = (0, 0);
        for round in 0..2_000 {
            order.send(900 + round % 200).unwrap();
            let result = queue.0.receive_here(Selector::Any, &mut room, Some(Duration::from_millis(1))).unwrap();
            match result {
                Received::Message(1) => taken += 1,
                Received::Nothing => {
                    missed += 1;
                    assert_eq!(queue.0.receive_here(Selector::Any, &mut room, Some(SOON)), Ok(Received::Message(1)));
                }
                other => panic!("{other:?}"),
            }
        }
        drop(order);
        sender.join().unwrap();
        println!("{taken} taken, {missed} missed");
        assert_eq!(queue.messages(), 0);
        assert!(taken > 20 && missed > 20, "else it was no race");
    }
}
