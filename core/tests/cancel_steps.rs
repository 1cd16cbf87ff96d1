//! A cancel that comes before any instruction of a cancellable call: the caller is a process of its own, which this one
//! lets run step by step.

#[cfg(test)]
#[path = "support/task.rs"]
mod task;
#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod steps {
    use std::fs::{File, OpenOptions};
    use std::io::{BufRead, BufReader, PipeReader, Write, pipe, stdin};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::FileExt;
    use std::process::{Child, Command, Stdio};
    use std::ptr::null_mut;

    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::Pid;
    use os_ipc_core::Error;
    use os_ipc_core::sys::cancel::{self, Flag};
    use os_ipc_core::sys::thread as sys_thread;

    use super::task::waits_in;
    use super::watch::{until, watchdog};

    /// A round is: stop, then wait in a read that only a cancel can end.
    #[test]
    #[ignore = "the process that the test below starts"]
    fn caller() {
        sys_thread::mask_all_but(cancel::SIGNAL);
        cancel::ensure_handler().unwrap();
        let (reader, _writer): (PipeReader, _) = pipe().unwrap();
        let flag = Box::leak(Box::new(Flag::default()));
        let (process, thread) = (std::process::id(), sys_thread::current().as_raw());
        println!("\n{thread} {}", &raw const *flag as usize);
        stdin().read_line(&mut String::new()).unwrap();
        let mut target = [0; 8];
        let arguments = [reader.as_raw_fd().into(), target.as_mut_ptr() as libc::c_long, 8, 0, 0, 0];
        loop {
            // SAFETY: three integers: stops this thread, whose tracer sets it going.
            unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGSTOP) };
            // SAFETY: read's arguments; the target outlives the call.
            let result = unsafe { cancel::call(flag, libc::SYS_read, "read", arguments) };
            assert_eq!(result, Err(Error::Cancelled));
        }
    }

    struct Traced {
        process: Child,
        thread: Pid,
        memory: File,
        flag: u64,
    }

    impl Traced {
        fn start() -> Self {
            let me = std::env::current_exe().unwrap();
            let mut command = Command::new(me);
            command.args(["--ignored", "--exact", "--nocapture", "steps::caller"]);
            let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            let (thread, flag) = lines
                .find_map(|line| {
                    let line = line.unwrap();
                    let (thread, flag) = line.split_once(' ')?;
                    Some((thread.parse().ok()?, flag.parse().ok()?))
                })
                .unwrap();
            let memory = OpenOptions::new().write(true).open(format!("/proc/{}/mem", process.id())).unwrap();
            let mut traced = Self { process, thread: Pid::from_raw(thread), memory, flag };
            traced.request(libc::PTRACE_SEIZE, libc::PTRACE_O_EXITKILL);
            // Not before this does it stop for the first time.
            traced.process.stdin.take().unwrap().write_all(b"\n").unwrap();
            traced
        }

        fn request(&self, request: libc::c_uint, data: libc::c_int) {
            let data = libc::c_long::from(data);
            // SAFETY: it acts on a process that this test has started, and touches no memory of ours.
            let status = unsafe { libc::ptrace(request, self.thread.as_raw(), null_mut::<()>(), data) };
            assert_eq!(status, 0, "ptrace {request}: {}", std::io::Error::last_os_error());
        }

        fn set_flag(&self, value: i32) {
            self.memory.write_all_at(&value.to_ne_bytes(), self.flag).unwrap();
        }

        fn next_stop(&self) -> Signal {
            loop {
                match waitpid(self.thread, Some(WaitPidFlag::__WALL)).unwrap() {
                    WaitStatus::Stopped(_, signal) => return signal,
                    WaitStatus::PtraceEvent(..) => self.request(libc::PTRACE_CONT, 0),
                    other => panic!("{other:?}"),
                }
            }
        }

        /// Runs one instruction; false if that waits in the kernel.
        fn step(&self) -> bool {
            self.request(libc::PTRACE_SINGLESTEP, 0);
            let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
            let mut waits = false;
            until("the step ends or waits", || match waitpid(self.thread, Some(flags)).unwrap() {
                WaitStatus::StillAlive => {
                    waits = waits_in(self.process.id(), self.thread.as_raw(), libc::SYS_read);
                    waits
                }
                WaitStatus::Stopped(_, Signal::SIGTRAP) => true,
                other => panic!("{other:?}"),
            });
            !waits
        }
    }

    /// What this module's own cancel does, from the outside.
    fn cancel(traced: &Traced) {
        traced.set_flag(1);
        let process = traced.process.id() as libc::pid_t;
        // SAFETY: three integers.
        unsafe { libc::syscall(libc::SYS_tgkill, process, traced.thread.as_raw(), libc::SIGURG) };
    }

    impl Drop for Traced {
        fn drop(&mut self) {
            drop(self.process.kill());
            // A traced thread is its tracer's to bury, and the process waits for that.
            while let Ok(WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)) =
                waitpid(self.thread, Some(WaitPidFlag::__WALL))
            {}
            drop(self.process.wait());
        }
    }

    #[test]
    fn before_whichever_instruction_a_cancel_comes_it_ends_the_call() {
        let _watchdog = watchdog(60);
        let traced = Traced::start();
        let mut steps = 0;
        let mut stop = traced.next_stop();
        loop {
            assert_eq!(stop, Signal::SIGSTOP, "a new round begins; after step {steps} it did not");
            traced.set_flag(0);
            let mut waits = false;
            for _ in 0..steps {
                if !traced.step() {
                    waits = true;
                    break;
                }
            }
            cancel(&traced);
            if !waits {
                traced.request(libc::PTRACE_CONT, 0);
            }
            let mut signal = traced.next_stop();
            if waits && signal == Signal::SIGTRAP {
                // The step ends with the call.
                traced.request(libc::PTRACE_CONT, 0);
                signal = traced.next_stop();
            }
            assert_eq!(signal, Signal::SIGURG);
            traced.request(libc::PTRACE_CONT, libc::SIGURG);
            stop = traced.next_stop();
            if waits {
                break;
            }
            steps += 1;
        }
        println!("{steps} instructions");
        assert!(steps > 10);
    }
}
