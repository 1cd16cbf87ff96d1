//! Processes by pidfd: their end, their facts, their signals.

#[cfg(test)]
mod processes {
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::process::{Child, Command, Stdio};

    use nix::errno::Errno;
    use os_ipc_core::error::Error;
    use os_ipc_core::process::{Process, Status};
    use os_ipc_core::sys::Attempt;

    /// A child that ends by this once its input ends.
    fn child(end: &str) -> Child {
        Command::new("sh").args(["-c", &format!("read line; {end}")]).stdin(Stdio::piped()).spawn().unwrap()
    }

    fn open(child: &Child) -> Process {
        Process::open(child.id().cast_signed()).unwrap()
    }

    fn wait(process: &Process) -> Option<Status> {
        loop {
            match process.look().unwrap() {
                Attempt::Done(status) => return status,
                Attempt::WouldBlock => process.block(100).unwrap(),
            }
        }
    }

    #[test]
    fn a_look_tells_the_status_and_leaves_the_child_to_its_parent() {
        for (end, status) in [("exit 3", 3 << 8), ("kill -TERM $$", libc::SIGTERM)] {
            let mut child = child(end);
            let process = open(&child);
            assert_eq!(process.look().unwrap(), Attempt::WouldBlock);
            drop(child.stdin.take());
            assert_eq!(wait(&process), Some(Status(status)));
            assert_eq!(wait(&process), Some(Status(status)));
            assert_eq!(child.wait().unwrap().code(), (status > 0xff).then_some(status >> 8));
            // From here on it depends on the kernel, but nothing else is told.
            assert!(wait(&process).is_none_or(|told| told == Status(status)));
        }
    }

    #[test]
    fn facts_are_those_of_this_very_process_and_end_with_it() {
        let mut child = child("exit 0");
        let process = open(&child);
        let facts = process.facts().unwrap();
        assert_eq!(facts.parent, std::process::id().cast_signed());
        assert_eq!(process.duplicate().unwrap().facts(), Some(facts));
        drop(child.stdin.take());
        wait(&process);
        assert_eq!(process.facts(), Some(facts), "a zombie is still there");
        assert_eq!(process.send(0, None).unwrap_err().errno(), Some(Errno::ESRCH));
        child.wait().unwrap();
        assert_eq!(process.facts(), None);
        assert_eq!(process.send(0, Some(1)).unwrap_err().errno(), Some(Errno::ESRCH));
    }

    #[test]
    fn what_is_adopted_is_a_pidfd() {
        let mut child = child("exit 0");
        let number = open(&child).into_fd().into_raw_fd();
        let process = Process::adopt(number, None).unwrap();
        assert_eq!(process.pid(), child.id().cast_signed());
        drop(child.stdin.take());
        child.wait().unwrap();
        let again = Process::adopt(process.duplicate().unwrap().into_fd().into_raw_fd(), Some(17)).unwrap();
        assert_eq!(again.pid(), 17, "who has been reaped has no number any more");
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(matches!(Process::adopt(file.as_raw_fd(), None), Err(Error::WrongKind { .. })));
    }
}
