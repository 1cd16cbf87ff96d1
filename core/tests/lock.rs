//! Locks, conditions and barriers between processes: who is alone, who is next, and what a death leaves.
//!
//! The other processes are this program again, with a job in their environment (see [`lock::another_process`]).

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod lock {
    use std::fs;
    use std::io::{BufRead, BufReader, Lines};
    use std::path::{Path, PathBuf};
    use std::process::{Child, ChildStdout, Command, Stdio};
    use std::thread;
    use std::time::Duration;

    use super::watch::{until, watchdog};
    use os_ipc_core::lock::{Arrived, Barrier, Condition, Hold, Kind, Lock, Name, Options, unlink};
    use os_ipc_core::sys::Attempt;

    const OPTIONS: Options = Options { mode: 0o600, any_owner: false, parties: 0 };
    const PARTIES: Options = Options { parties: 2, ..OPTIONS };
    /// Longer than anything here takes.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));
    /// Takes of each process that counts.
    const ROUNDS: u64 = 100;

    /// A name that goes with its test.
    struct Own {
        kind: Kind,
        text: String,
    }

    impl Own {
        fn new(kind: Kind, test: &str) -> Self {
            let own = Self { kind, text: format!("test-{}-{test}", std::process::id()) };
            drop(unlink(&own.name()));
            own
        }

        fn name(&self) -> Name {
            Name::new(self.kind, &self.text).unwrap()
        }

        fn lock(&self) -> Lock {
            Lock::open(self.name(), OPTIONS).unwrap()
        }
    }

    impl Drop for Own {
        fn drop(&mut self) {
            drop(unlink(&self.name()));
        }
    }

    /// Another process, which dies with its test.
    struct Other {
        process: Child,
        lines: Lines<BufReader<ChildStdout>>,
    }

    impl Other {
        fn start(job: &str, name: &str, file: &Path) -> Self {
            let mut process = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "lock::another_process", "--nocapture"])
                .env("OS_IPC_LOCK_JOB", job)
                .env("OS_IPC_LOCK_NAME", name)
                .env("OS_IPC_LOCK_FILE", file)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(process.stdout.take().unwrap()).lines();
            Self { process, lines }
        }

        /// Reads until it has said this.
        fn says(&mut self, word: &str) {
            assert!(self.lines.by_ref().any(|line| line.unwrap().contains(word)), "it has ended without saying {word}");
        }

        /// It has said that it waits, and all of its threads sleep.
        fn waits(&mut self) {
            self.says("waits");
            let tasks = PathBuf::from(format!("/proc/{}/task", self.process.id()));
            let sleeps = |task: fs::DirEntry| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
            };
            until("it sleeps", || fs::read_dir(&tasks).unwrap().all(|task| sleeps(task.unwrap())));
        }

        fn kill(&mut self) {
            self.process.kill().unwrap();
            self.process.wait().unwrap();
        }

        fn succeeds(mut self) {
            assert!(self.process.wait().unwrap().success());
        }
    }

    impl Drop for Other {
        fn drop(&mut self) {
            // It has ended already, most often.
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }

    fn take(lock: &Lock, hold: Hold) -> bool {
        assert_eq!(lock.take_here(hold, PATIENCE), Ok(Attempt::Done(())));
        lock.enter(hold).unwrap()
    }

    /// Read, let others run, write: whoever is not alone loses what another has added.
    fn add(file: &Path, text: &str) {
        let before = fs::read_to_string(file).unwrap();
        thread::yield_now();
        fs::write(file, before + text).unwrap();
    }

    /// What the other processes of these tests do.
    #[test]
    #[ignore = "the others run it, in processes of their own"]
    fn another_process() {
        let _watchdog = watchdog(60);
        let [job, name, file] =
            ["JOB", "NAME", "FILE"].map(|word| std::env::var(format!("OS_IPC_LOCK_{word}")).unwrap());
        let (job, word) = job.split_once(' ').unwrap_or((&job, ""));
        let file = Path::new(&file);
        let lock = |kind| Lock::open(Name::new(kind, &name).unwrap(), OPTIONS).unwrap();
        let hold = |kind, how| {
            let lock = lock(kind);
            println!("waits");
            take(&lock, how);
            println!("holds");
            thread::sleep(Duration::from_secs(60));
        };
        match job {
            "count" => {
                let lock = lock(Kind::Mutex);
                for _ in 0..ROUNDS {
                    assert!(!take(&lock, Hold::Alone));
                    let count: u64 = fs::read_to_string(file).unwrap().parse().unwrap();
                    thread::yield_now();
                    fs::write(file, (count + 1).to_string()).unwrap();
                    lock.leave(Hold::Alone).unwrap();
                }
            }
            "queue" => {
                let kind = if word.ends_with('m') { Kind::Mutex } else { Kind::RwLock };
                let how = match word.as_bytes().last() {
                    Some(b'm') => Hold::Alone,
                    Some(b'r') => Hold::Read,
                    _ => Hold::Write,
                };
                let lock = lock(kind);
                println!("waits");
                take(&lock, how);
                if how == Hold::Read {
                    // Readers are many at once: what they write needs no turn.
                    println!("reads");
                } else {
                    add(file, &format!("{word} "));
                }
                lock.leave(how).unwrap();
            }
            "hold" => hold(Kind::Mutex, Hold::Alone),
            "read" => hold(Kind::RwLock, Hold::Read),
            "write" => hold(Kind::RwLock, Hold::Write),
            "condition" => {
                let condition = Condition::open(Name::new(Kind::Condition, &name).unwrap(), OPTIONS).unwrap();
                let mut waiting = condition.begin().unwrap();
                println!("waits");
                assert_eq!(waiting.wait_here(PATIENCE), Ok(Attempt::Done(())));
                println!("woken");
            }
            "barrier" => {
                let barrier = Barrier::open(Name::new(Kind::Barrier, &name).unwrap(), PARTIES).unwrap();
                if let Arrived::Waiting(mut arrival) = barrier.arrive().unwrap() {
                    println!("waits");
                    while arrival.wait_here(Duration::from_secs(20)).unwrap() == Attempt::WouldBlock {}
                }
                println!("through");
            }
            other => panic!("no such job: {other}"),
        }
    }

    fn file() -> tempfile::NamedTempFile {
        tempfile::NamedTempFile::new().unwrap()
    }

    #[test]
    fn one_process_at_a_time_is_inside() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::Mutex, "one");
        let file = file();
        fs::write(file.path(), "0").unwrap();
        let others: Vec<_> = (0..4).map(|_| Other::start("count", &own.text, file.path())).collect();
        others.into_iter().for_each(Other::succeeds);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), (4 * ROUNDS).to_string());
    }

    #[test]
    fn who_waits_is_served_in_the_order_of_coming() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::Mutex, "order");
        let (lock, file) = (own.lock(), file());
        take(&lock, Hold::Alone);
        let mut others = Vec::new();
        for number in 0..4 {
            others.push(Other::start(&format!("queue {number}m"), &own.text, file.path()));
            others.last_mut().unwrap().waits();
        }
        lock.leave(Hold::Alone).unwrap();
        // Whoever gives it back does not get it again before those who wait.
        take(&lock, Hold::Alone);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "0m 1m 2m 3m ");
        lock.leave(Hold::Alone).unwrap();
        others.into_iter().for_each(Other::succeeds);
    }

    #[test]
    fn a_reader_who_comes_after_a_writer_waits_behind_it() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::RwLock, "behind");
        let (lock, file) = (own.lock(), file());
        take(&lock, Hold::Read);
        let mut writer = Other::start("queue w", &own.text, file.path());
        writer.waits();
        let mut reader = Other::start("queue r", &own.text, file.path());
        reader.waits();
        assert_eq!(lock.try_take(Hold::Read), Ok(Attempt::WouldBlock));
        lock.leave(Hold::Read).unwrap();
        reader.says("reads");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "w ");
        writer.succeeds();
        reader.succeeds();
    }

    #[test]
    fn the_death_of_whoever_holds_alone_is_told_once_to_the_next_one() {
        let _watchdog = watchdog(60);
        for (kind, job, next) in [
            (Kind::Mutex, "hold", Hold::Alone),
            (Kind::RwLock, "write", Hold::Write),
            (Kind::RwLock, "write", Hold::Read),
        ] {
            let own = Own::new(kind, "death");
            let (lock, file) = (own.lock(), file());
            let mut holder = Other::start(job, &own.text, file.path());
            holder.says("holds");
            assert_eq!(lock.take_here(next, Some(Duration::from_millis(20))), Ok(Attempt::WouldBlock));
            holder.kill();
            assert!(take(&lock, next), "{kind:?}, {next:?}");
            lock.leave(next).unwrap();
            if next != Hold::Read {
                assert!(!take(&lock, next), "{kind:?}, {next:?}");
                lock.leave(next).unwrap();
            }
        }
    }

    #[test]
    fn the_death_of_a_reader_lets_a_writer_in_without_a_word() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::RwLock, "reader");
        let (lock, file) = (own.lock(), file());
        let mut reader = Other::start("read", &own.text, file.path());
        reader.says("holds");
        assert_eq!(lock.try_take(Hold::Write), Ok(Attempt::WouldBlock));
        reader.kill();
        assert!(!take(&lock, Hold::Write));
        lock.leave(Hold::Write).unwrap();
    }

    #[test]
    fn the_death_of_whoever_waits_lets_those_behind_go_on() {
        let _watchdog = watchdog(60);
        for (kind, job, held, next) in [
            (Kind::Mutex, "hold", Hold::Alone, Hold::Alone),
            // It has its turn, and waits for the reader.
            (Kind::RwLock, "write", Hold::Read, Hold::Read),
            (Kind::RwLock, "write", Hold::Write, Hold::Write),
        ] {
            let own = Own::new(kind, "waiter");
            let (lock, other, file) = (own.lock(), own.lock(), file());
            take(&lock, held);
            let mut waiter = Other::start(job, &own.text, file.path());
            waiter.waits();
            assert_eq!(other.try_take(next), Ok(Attempt::WouldBlock), "{kind:?}");
            waiter.kill();
            if held != Hold::Read {
                lock.leave(held).unwrap();
            }
            assert!(!take(&other, next), "{kind:?}");
            other.leave(next).unwrap();
            if held == Hold::Read {
                lock.leave(held).unwrap();
            }
            assert!(!take(&lock, held), "{kind:?}");
            lock.leave(held).unwrap();
        }
    }

    #[test]
    fn a_wait_that_was_too_short_has_taken_nothing() {
        let own = Own::new(Kind::Mutex, "short");
        let (lock, other) = (own.lock(), own.lock());
        take(&lock, Hold::Alone);
        for _ in 0..100 {
            assert_eq!(other.take_here(Hold::Alone, Some(Duration::from_micros(50))), Ok(Attempt::WouldBlock));
        }
        lock.leave(Hold::Alone).unwrap();
        assert_eq!(lock.is_locked(), Ok(false));
        assert!(!take(&other, Hold::Alone));
        other.leave(Hold::Alone).unwrap();
    }

    #[test]
    fn what_a_thread_holds_is_given_back_with_its_handle() {
        let own = Own::new(Kind::Mutex, "handle");
        let (lock, other) = (own.lock(), own.lock());
        take(&lock, Hold::Alone);
        drop(lock);
        assert!(take(&other, Hold::Alone), "it was not left, so it is told");
        other.leave(Hold::Alone).unwrap();
    }

    #[test]
    fn the_dead_have_no_notices() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::Condition, "notices");
        let condition = Condition::open(own.name(), OPTIONS).unwrap();
        let file = file();
        let mut others: Vec<_> = (0..3).map(|_| Other::start("condition", &own.text, file.path())).collect();
        others.iter_mut().for_each(Other::waits);
        others[0].kill();
        // Two wait, and each of them has one.
        assert_eq!(condition.notify(1), Ok(1));
        assert_eq!(condition.notify(10), Ok(1));
        assert_eq!(condition.notify(10), Ok(0));
        for mut other in others.drain(1..) {
            other.says("woken");
            other.succeeds();
        }
    }

    #[test]
    fn a_notice_that_its_receiver_has_not_taken_is_not_for_whoever_comes_later() {
        let own = Own::new(Kind::Condition, "later");
        let condition = Condition::open(own.name(), OPTIONS).unwrap();
        let early = condition.begin().unwrap();
        assert_eq!(condition.notify(1), Ok(1));
        drop(early);
        let mut late = condition.begin().unwrap();
        assert_eq!(late.wait_here(Some(Duration::from_millis(20))), Ok(Attempt::WouldBlock));
        assert_eq!(condition.notify(1), Ok(1));
        assert_eq!(late.wait_here(PATIENCE), Ok(Attempt::Done(())));
    }

    #[test]
    fn a_party_that_dies_has_not_arrived() {
        let _watchdog = watchdog(60);
        let own = Own::new(Kind::Barrier, "party");
        let barrier = Barrier::open(own.name(), PARTIES).unwrap();
        let file = file();
        for _ in 0..3 {
            let mut dead = Other::start("barrier", &own.text, file.path());
            dead.waits();
            dead.kill();
            let Arrived::Waiting(mut arrival) = barrier.arrive().unwrap() else { panic!("a dead one is counted") };
            assert_eq!(arrival.wait_here(Duration::from_millis(5)), Ok(Attempt::WouldBlock));
            let mut living = Other::start("barrier", &own.text, file.path());
            living.says("through");
            living.succeeds();
            assert_eq!(arrival.wait_here(Duration::from_secs(20)), Ok(Attempt::Done(())));
        }
    }
}
