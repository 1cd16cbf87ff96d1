//! Calls that another thread ends: exactly, by one signal, whoever else uses that signal.

#[cfg(test)]
#[path = "support/task.rs"]
mod task;
#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod cancel {
    use std::ffi::{CString, c_int};
    use std::fs::{File, OpenOptions};
    use std::hint::spin_loop;
    use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::{Command, id};
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread::{self, JoinHandle};

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use os_ipc_core::Error;
    use os_ipc_core::sys::cancel::{self, Flag};
    use os_ipc_core::sys::thread as sys_thread;

    use super::task::waits_in;
    use super::watch::{until, watchdog};

    /// OS_IPC_ROUNDS asks for more.
    fn rounds() -> usize {
        std::env::var("OS_IPC_ROUNDS").map_or(40_000, |rounds| rounds.parse().unwrap())
    }

    /// Who handles SIGURG is one for the whole process.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    type Arguments = [libc::c_long; 6];

    struct Order {
        flag: Arc<Flag>,
        number: libc::c_long,
        arguments: Arguments,
    }

    /// A thread that makes the calls it is told to, each under a flag.
    struct Caller {
        thread: i32,
        orders: Sender<Order>,
        results: Receiver<Result<i64, Error>>,
        begun: Arc<AtomicI32>,
        running: JoinHandle<()>,
    }

    impl Caller {
        fn start() -> Self {
            cancel::ensure_handler().unwrap();
            let (orders, taken) = channel::<Order>();
            let (told, results) = channel();
            let (number, thread) = channel();
            let begun = Arc::new(AtomicI32::new(0));
            let begin = Arc::clone(&begun);
            let running = thread::spawn(move || {
                sys_thread::mask_all_but(cancel::SIGNAL);
                number.send(sys_thread::current().as_raw()).unwrap();
                for order in taken {
                    begin.fetch_add(1, Ordering::SeqCst);
                    // SAFETY: whoever gives the order sees to its arguments, and waits for the result.
                    let result = unsafe { cancel::call(&order.flag, order.number, "call", order.arguments) };
                    told.send(result).unwrap();
                }
            });
            Self { thread: thread.recv().unwrap(), orders, results, begun, running }
        }

        /// Gives the order.
        fn order_soon(&self, number: libc::c_long, arguments: Arguments) -> Arc<Flag> {
            let flag = Arc::new(Flag::default());
            self.orders.send(Order { flag: Arc::clone(&flag), number, arguments }).unwrap();
            flag
        }

        /// The same, and comes back when the thread is about to make the call.
        fn order(&self, number: libc::c_long, arguments: Arguments) -> Arc<Flag> {
            let before = self.begun.load(Ordering::SeqCst);
            let flag = self.order_soon(number, arguments);
            while self.begun.load(Ordering::SeqCst) == before {
                spin_loop();
            }
            flag
        }

        fn cancel(&self, flag: &Flag) {
            flag.raise();
            cancel::interrupt(nix::unistd::Pid::from_raw(self.thread));
        }

        fn result(&self) -> Result<i64, Error> {
            self.results.recv().unwrap()
        }

        fn end(self) {
            drop(self.orders);
            self.running.join().unwrap();
        }
    }

    /// Delays of every length from nothing to some microseconds, the same ones in each run.
    struct Delays(u64);

    impl Delays {
        fn next(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % most
        }

        /// As often next to nothing as a little or a lot: what races lies close together.
        fn pass(&mut self) {
            let most = 10_u64.pow(self.next(4) as u32);
            for _ in 0..self.next(most) {
                spin_loop();
            }
        }
    }

    fn read_call(reader: &PipeReader, target: &mut [u8]) -> (libc::c_long, Arguments) {
        (libc::SYS_read, [number(reader), target.as_mut_ptr() as libc::c_long, target.len() as libc::c_long, 0, 0, 0])
    }

    fn number(object: &impl AsRawFd) -> libc::c_long {
        object.as_raw_fd().into()
    }

    fn small_pipe() -> (PipeReader, PipeWriter) {
        let (reader, writer) = pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        (reader, writer)
    }

    #[test]
    fn a_call_that_waits_ends_by_one_signal() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let caller = Caller::start();
        let (reader, _writer) = pipe().unwrap();
        let mut target = [0; 8];
        let (read, arguments) = read_call(&reader, &mut target);
        let flag = caller.order(read, arguments);
        until("it waits", || waits_in(id(), caller.thread, read));
        caller.cancel(&flag);
        assert_eq!(caller.result(), Err(Error::Cancelled));
        caller.end();
    }

    #[test]
    fn under_a_raised_flag_no_call_is_made() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let (mut reader, writer) = pipe().unwrap();
        let flag = Flag::default();
        flag.raise();
        assert!(flag.is_raised());
        let arguments = [number(&writer), b"x".as_ptr() as libc::c_long, 1, 0, 0, 0];
        // SAFETY: write's arguments: one byte that is static.
        let result = unsafe { cancel::call(&flag, libc::SYS_write, "write", arguments) };
        assert_eq!(result, Err(Error::Cancelled));
        drop(writer);
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn a_failed_call_gives_its_own_error() {
        let _watchdog = watchdog(60);
        // SAFETY: close takes an integer, and -1 is never open.
        let result = unsafe { cancel::call(&Flag::default(), libc::SYS_close, "close", [-1, 0, 0, 0, 0, 0]) };
        assert_eq!(result, Err(Error::os(Errno::EBADF, "close")));
    }

    #[test]
    fn all_six_arguments_arrive() {
        let _watchdog = watchdog(60);
        let (mut reader, writer) = pipe().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let mut offset: libc::loff_t = 4;
        // splice(file, &offset, pipe, null, 3, SPLICE_F_NONBLOCK): each argument changes what comes out.
        let arguments = [number(&file), (&raw mut offset) as libc::c_long, number(&writer), 0, 3, 2];
        // SAFETY: splice's arguments; the offset outlives the call.
        let moved = unsafe { cancel::call(&Flag::default(), libc::SYS_splice, "splice", arguments) };
        assert_eq!(moved, Ok(3));
        assert_eq!(offset, 7);
        // A mapping of the second page of the file, which only the sixth argument names.
        file.set_len(8192).unwrap();
        use std::os::unix::fs::FileExt;
        file.write_all_at(b"second", 4096).unwrap();
        let arguments = [0, 4096, libc::PROT_READ.into(), libc::MAP_SHARED.into(), number(&file), 4096];
        // SAFETY: mmap's arguments: a new mapping wherever there is room.
        let address = unsafe { cancel::call(&Flag::default(), libc::SYS_mmap, "mmap", arguments) }.unwrap();
        // SAFETY: the mapping just made, of 4096 bytes.
        let seen = unsafe { std::slice::from_raw_parts(address as *const u8, 6) };
        assert_eq!(seen, b"second");
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "456");
    }

    /// Whether there is room from the start, is some only after the cancel, or never: the three kinds of rounds.
    #[test]
    fn a_write_that_races_with_its_cancel_happens_whole_or_not_at_all() {
        let (_alone, _watchdog) = (alone(), watchdog(600));
        let caller = Caller::start();
        let (mut reader, mut writer) = small_pipe();
        let page = vec![7; 4096];
        let mut drained = vec![0; 4096];
        let mut delays = Delays(1);
        let mut outcomes = [[0, 0]; 3];
        writer.write_all(&page).unwrap();
        for round in 0..3 * rounds() {
            let kind = round % 3;
            if kind == 0 {
                reader.read_exact(&mut drained).unwrap();
            }
            let arguments = [number(&writer), page.as_ptr() as libc::c_long, page.len() as libc::c_long, 0, 0, 0];
            // At times the cancel may even come before the thread has woken up.
            let order = if round % 8 == 0 { Caller::order_soon } else { Caller::order };
            let flag = order(&caller, libc::SYS_write, arguments);
            delays.pass();
            caller.cancel(&flag);
            if kind == 1 {
                reader.read_exact(&mut drained).unwrap();
            }
            let result = caller.result();
            let mut held: libc::c_int = 0;
            // SAFETY: FIONREAD writes one int, and `held` is one.
            unsafe { libc::ioctl(reader.as_raw_fd(), libc::FIONREAD, &raw mut held) };
            match result {
                Ok(4096) => assert_eq!((held, kind < 2), (4096, true), "a write that says it happened has"),
                Err(Error::Cancelled) if kind == 2 => assert_eq!(held, 4096),
                Err(Error::Cancelled) => {
                    assert_eq!(held, 0, "a cancelled write has not happened");
                    writer.write_all(&page).unwrap();
                }
                ref other => panic!("{other:?}"),
            }
            outcomes[kind][usize::from(result.is_ok())] += 1;
        }
        println!("[cancelled, done] with room, with room after the cancel, without room: {outcomes:?}");
        assert!(outcomes[0][0] > 0 && outcomes[0][1] > 0, "else it was no race");
        caller.end();
    }

    /// Each round: a reader waits for a writer, who comes at about the time at which the reader is cancelled.
    #[test]
    fn an_open_that_races_with_its_cancel_is_seen_alike_by_both_sides() {
        let (_alone, _watchdog) = (alone(), watchdog(600));
        let caller = Caller::start();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let mut delays = Delays(2);
        let (mut late_cancels, mut early_cancels) = ([0, 0], [0, 0]);
        let come = || OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        for round in 0..rounds() {
            let flags: libc::c_long = (libc::O_RDONLY | libc::O_CLOEXEC).into();
            let arguments = [libc::AT_FDCWD.into(), name.as_ptr() as libc::c_long, flags, 0, 0, 0];
            let order = if round % 16 < 2 { Caller::order_soon } else { Caller::order };
            let flag = order(&caller, libc::SYS_openat, arguments);
            delays.pass();
            let writer: Result<File, _> = if round % 2 == 0 {
                let writer = come();
                delays.pass();
                caller.cancel(&flag);
                writer
            } else {
                caller.cancel(&flag);
                delays.pass();
                come()
            };
            let result = caller.result();
            let counts = if round % 2 == 0 { &mut late_cancels } else { &mut early_cancels };
            counts[usize::from(result.is_ok())] += 1;
            match (result, writer) {
                (Ok(opened), Ok(_writer)) => {
                    // SAFETY: openat has just made it.
                    drop(unsafe { OwnedFd::from_raw_fd(opened as RawFd) });
                }
                (Err(Error::Cancelled), Err(error)) if error.raw_os_error() == Some(libc::ENXIO) => {}
                (reader, writer) => panic!("round {round}: reader {reader:?}, writer {writer:?}"),
            }
        }
        println!("[cancelled, met]: {late_cancels:?} with the writer first, {early_cancels:?} with the cancel first");
        assert!(late_cancels[0] > 0 && late_cancels[1] > 0 && early_cancels[0] > 0 && early_cancels[1] > 0);
        caller.end();
    }

    #[test]
    fn sigurg_from_outside_cancels_nothing() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let caller = Caller::start();
        let (reader, mut writer) = pipe().unwrap();
        let mut target = [0; 8];
        let (read, arguments) = read_call(&reader, &mut target);
        let _flag = caller.order(read, arguments);
        until("it waits", || waits_in(id(), caller.thread, read));
        // A thread's number names it for kill(1) too, but what is sent so may go to any thread of the process.
        let script = format!("i=0; while [ $i -lt 500 ]; do kill -URG {}; i=$((i+1)); done", id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        for _ in 0..1_000 {
            cancel::interrupt(nix::unistd::Pid::from_raw(caller.thread));
        }
        until("it waits again", || waits_in(id(), caller.thread, read));
        writer.write_all(b"data").unwrap();
        assert_eq!(caller.result(), Ok(4));
        assert_eq!(&target[..4], b"data");
        caller.end();
    }

    static HEARD: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn hear(_signal: c_int) {
        HEARD.fetch_add(1, Ordering::SeqCst);
    }

    extern "C" fn hear_with_info(_signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the kernel's siginfo, handed on.
        let signal = unsafe { (*info).si_signo };
        HEARD.fetch_add(usize::from(signal == libc::SIGURG && !context.is_null()), Ordering::SeqCst);
    }

    /// Puts a handler there as a program would, and gives the one that stood there.
    fn install(handler: SigHandler, flags: SaFlags) -> SigAction {
        // SAFETY: the handlers of these tests only count.
        unsafe { sigaction(Signal::SIGURG, &SigAction::new(handler, flags, SigSet::empty())) }.unwrap()
    }

    fn send_to_self() {
        let before = HEARD.load(Ordering::SeqCst);
        assert!(Command::new("kill").args(["-URG", &id().to_string()]).status().unwrap().success());
        until("the handler has heard", || HEARD.load(Ordering::SeqCst) > before);
        assert_eq!(HEARD.load(Ordering::SeqCst), before + 1, "once for each signal");
    }

    #[test]
    fn a_handler_that_was_put_in_place_of_ours_is_called_by_it_and_cancels_work() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let caller = Caller::start();
        let (reader, _writer) = pipe().unwrap();
        let mut target = [0; 8];
        for (handler, flags) in [
            (SigHandler::Handler(hear), SaFlags::SA_RESTART),
            (SigHandler::SigAction(hear_with_info), SaFlags::SA_RESTART | SaFlags::SA_SIGINFO),
        ] {
            let (read, arguments) = read_call(&reader, &mut target);
            let flag = caller.order(read, arguments);
            until("it waits", || waits_in(id(), caller.thread, read));
            install(handler, flags);
            send_to_self();
            // What Wait::cancel does first.
            cancel::ensure_handler().unwrap();
            send_to_self();
            let before = HEARD.load(Ordering::SeqCst);
            caller.cancel(&flag);
            assert_eq!(caller.result(), Err(Error::Cancelled));
            assert_eq!(HEARD.load(Ordering::SeqCst), before, "our own signal is nobody else's business");
        }
        for ignoring in [SigHandler::SigIgn, SigHandler::SigDfl] {
            let (read, arguments) = read_call(&reader, &mut target);
            let flag = caller.order(read, arguments);
            install(ignoring, SaFlags::empty());
            cancel::ensure_handler().unwrap();
            caller.cancel(&flag);
            assert_eq!(caller.result(), Err(Error::Cancelled));
        }
        caller.end();
    }

    static BEFORE: AtomicUsize = AtomicUsize::new(0);

    /// As polite programs do: they call on whom they have replaced.
    extern "C" fn hear_and_pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        hear(signal);
        let before: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            // SAFETY: the address of our handler, as sigaction gave it, which has that signature.
            unsafe { std::mem::transmute(BEFORE.load(Ordering::SeqCst)) };
        before(signal, info, context);
    }

    #[test]
    fn a_handler_that_passes_on_to_ours_is_called_once() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        let caller = Caller::start();
        let SigHandler::SigAction(ours) = install(SigHandler::SigDfl, SaFlags::empty()).handler() else {
            panic!("ours was not there")
        };
        BEFORE.store(ours as usize, Ordering::SeqCst);
        install(SigHandler::SigAction(hear_and_pass_on), SaFlags::SA_SIGINFO);
        cancel::ensure_handler().unwrap();
        send_to_self();
        let (reader, _writer) = pipe().unwrap();
        let mut target = [0; 8];
        let (read, arguments) = read_call(&reader, &mut target);
        let flag = caller.order(read, arguments);
        caller.cancel(&flag);
        assert_eq!(caller.result(), Err(Error::Cancelled));
        install(SigHandler::SigDfl, SaFlags::empty());
        caller.end();
    }

    #[test]
    fn a_signal_that_the_program_sends_to_a_thread_of_its_own_reaches_its_handler() {
        let (_alone, _watchdog) = (alone(), watchdog(60));
        install(SigHandler::Handler(hear), SaFlags::empty());
        cancel::ensure_handler().unwrap();
        let before = HEARD.load(Ordering::SeqCst);
        nix::sys::signal::raise(Signal::SIGURG).unwrap();
        assert_eq!(HEARD.load(Ordering::SeqCst), before + 1);
        install(SigHandler::SigDfl, SaFlags::empty());
    }

    /// glibc interrupts every thread for setuid(2) and the like, and its handler lets itself be interrupted.
    #[test]
    #[cfg(target_env = "gnu")]
    fn a_cancel_that_comes_during_a_change_of_ids_is_not_lost() {
        let (_alone, _watchdog) = (alone(), watchdog(600));
        let caller = Caller::start();
        let (reader, _writer) = pipe().unwrap();
        let mut target = [0; 8];
        let changing = Arc::new(AtomicBool::new(true));
        let go_on = Arc::clone(&changing);
        let changer = thread::spawn(move || {
            let unchanged = libc::uid_t::MAX;
            while go_on.load(Ordering::SeqCst) {
                // SAFETY: three integers, all of which say "as it is".
                unsafe { libc::setresuid(unchanged, unchanged, unchanged) };
            }
        });
        let mut delays = Delays(3);
        for _ in 0..rounds() {
            let (read, arguments) = read_call(&reader, &mut target);
            let flag = caller.order(read, arguments);
            delays.pass();
            caller.cancel(&flag);
            assert_eq!(caller.result(), Err(Error::Cancelled));
        }
        changing.store(false, Ordering::SeqCst);
        changer.join().unwrap();
        caller.end();
    }
}
