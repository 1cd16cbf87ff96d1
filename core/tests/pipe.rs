//! Pipes: what their transfers do when the other side is slow, gone, or plays with the flags that are shared.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod pipes {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::{Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
    use os_ipc_core::Error;
    use os_ipc_core::pipe::{Options, PACKET_SIZE, PipeEnd, Side, pipe};
    use os_ipc_core::sys::Attempt::{Done, WouldBlock};
    use os_ipc_core::sys::fd::self_path;

    use super::watch::{until, watchdog};

    fn ends() -> (PipeEnd, PipeEnd) {
        pipe(Options::default()).unwrap()
    }

    fn fill(writer: &PipeEnd) -> usize {
        let mut bytes = 0;
        while let Done(written) = writer.try_write(&[1; PACKET_SIZE]).unwrap() {
            bytes += written;
        }
        bytes
    }

    /// The same end by a description without FMODE_NOWAIT, as kernels before 6.4 make them all.
    fn without_nowait(end: &PipeEnd, side: Side, packet: bool) -> PipeEnd {
        let file = match side {
            Side::Reader => File::open(self_path(end.as_fd())),
            Side::Writer => OpenOptions::new().write(true).open(self_path(end.as_fd())),
        };
        let file = file.unwrap();
        if packet {
            fcntl(&file, FcntlArg::F_SETFL(OFlag::O_DIRECT)).unwrap();
        }
        PipeEnd::adopt(file.into_raw_fd(), side).unwrap()
    }

    #[test]
    fn an_empty_pipe_would_block_and_a_full_one_too() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        assert_eq!(reader.try_read(&mut [0; 10]), Ok(WouldBlock));
        assert_eq!(fill(&writer), writer.capacity().unwrap());
        assert_eq!(reader.pending(), writer.capacity());
        assert_eq!(writer.try_write(b"x"), Ok(WouldBlock));
        let mut target = vec![0; 5000];
        assert_eq!(reader.try_read(&mut target), Ok(Done(5000)));
        assert_eq!(writer.try_write(&[0; 100_000]), Ok(Done(4096)), "as much as there is room for");
    }

    #[test]
    fn what_was_written_is_read_before_the_end_which_then_stays() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        assert_eq!(writer.try_write(b"last"), Ok(Done(4)));
        drop(writer);
        let mut target = [0; 10];
        assert_eq!(reader.try_read(&mut target), Ok(Done(4)));
        assert_eq!(reader.try_read(&mut target), Ok(Done(0)));
        assert_eq!(reader.try_read(&mut target), Ok(Done(0)));
    }

    #[test]
    fn writing_to_nobody_is_epipe() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        drop(reader);
        assert_eq!(writer.try_write(b"x"), Err(Error::os(Errno::EPIPE, "write")));
        let (reader, writer) = ends();
        let writer = without_nowait(&writer, Side::Writer, false);
        drop(reader);
        assert_eq!(writer.try_write(b"x"), Err(Error::os(Errno::EPIPE, "write")));
    }

    #[test]
    fn transfers_of_nothing_do_nothing() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        assert_eq!(writer.try_write(b""), Ok(Done(0)));
        assert_eq!(writer.try_write(b"ab"), Ok(Done(2)));
        assert_eq!(reader.try_read(&mut []), Ok(Done(0)));
        assert_eq!(reader.pending(), Ok(2));
    }

    #[test]
    fn a_capacity_is_rounded_up_and_one_that_is_too_small_for_the_content_is_busy() {
        let _watchdog = watchdog(30);
        let (reader, writer) = pipe(Options { capacity: Some(10_000), packet: false }).unwrap();
        assert_eq!(writer.capacity(), Ok(16_384));
        assert_eq!(reader.capacity(), Ok(16_384));
        fill(&writer);
        assert_eq!(writer.set_capacity(4096), Err(Error::os(Errno::EBUSY, "fcntl")));
        assert_eq!(writer.set_capacity(20_000), Ok(32_768));
        assert_eq!(writer.set_capacity(usize::MAX), Err(Error::os(Errno::EINVAL, "fcntl")));
    }

    #[test]
    fn packets_keep_their_boundaries() {
        let _watchdog = watchdog(30);
        for by_description in [false, true] {
            let (reader, writer) = pipe(Options { capacity: None, packet: true }).unwrap();
            let (reader, writer) = if by_description {
                (without_nowait(&reader, Side::Reader, true), without_nowait(&writer, Side::Writer, true))
            } else {
                (reader, writer)
            };
            assert!(reader.packet() && writer.packet());
            for packet in [&b"one"[..], b"three", b"x"] {
                assert_eq!(writer.try_write(packet), Ok(Done(packet.len())));
            }
            let mut target = [0; PACKET_SIZE];
            assert_eq!(reader.try_read(&mut target), Ok(Done(3)));
            assert_eq!(reader.try_read(&mut target[..2]), Ok(Done(2)), "what does not fit is cut off");
            assert_eq!(reader.try_read(&mut target), Ok(Done(1)));
            assert_eq!(reader.try_read(&mut target), Ok(WouldBlock));
        }
    }

    #[test]
    fn descriptors_are_close_on_exec_and_blocking() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        let copy = reader.duplicate().unwrap();
        for end in [&reader, &writer, &copy] {
            assert_eq!(fcntl(end, FcntlArg::F_GETFD), Ok(FdFlag::FD_CLOEXEC.bits()));
            let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
            assert!(!flags.contains(OFlag::O_NONBLOCK));
        }
        let inode = nix::sys::stat::fstat(&reader).unwrap().st_ino;
        let theirs = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listing = String::from_utf8(theirs.stdout).unwrap();
        assert!(listing.contains("pipe:[") && !listing.contains(&format!("pipe:[{inode}]")), "{listing}");
    }

    #[test]
    fn only_the_right_end_of_a_pipe_is_adopted_and_a_refused_number_stays_as_it_was() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        let read_end = WrongKind("the read end of a pipe");
        let write_end = WrongKind("the write end of a pipe");
        assert_eq!(PipeEnd::adopt(writer.as_fd().as_raw_fd(), Side::Reader).unwrap_err(), read_end.error());
        assert_eq!(PipeEnd::adopt(reader.as_fd().as_raw_fd(), Side::Writer).unwrap_err(), write_end.error());
        for path in ["/dev/null", "/", "/proc/self/exe"] {
            let file = File::open(path).unwrap();
            let refused = PipeEnd::adopt(file.as_raw_fd(), Side::Reader).unwrap_err();
            assert_eq!(refused, WrongKind("a pipe").error());
            assert!(file.metadata().is_ok(), "still open");
        }
        let path_only =
            OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(self_path(reader.as_fd())).unwrap();
        assert_eq!(PipeEnd::adopt(path_only.as_raw_fd(), Side::Reader).unwrap_err(), read_end.error());
        for number in [-1, i32::MIN, i32::MAX, 1_000_000] {
            assert_eq!(PipeEnd::adopt(number, Side::Reader).unwrap_err().errno(), Some(Errno::EBADF));
        }
        // Inheritable until it is adopted.
        let number = reader.duplicate().unwrap().into_fd();
        fcntl(&number, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        let adopted = PipeEnd::adopt(number.into_raw_fd(), Side::Reader).unwrap();
        assert_eq!(fcntl(&adopted, FcntlArg::F_GETFD), Ok(FdFlag::FD_CLOEXEC.bits()));
    }

    struct WrongKind(&'static str);
    impl WrongKind {
        fn error(&self) -> Error {
            Error::WrongKind { expected: self.0, path: None }
        }
    }

    #[test]
    fn block_ends_by_what_it_waits_for_or_by_its_time() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        let started = std::time::Instant::now();
        reader.block(50).unwrap();
        assert!(started.elapsed().as_millis() >= 49);
        writer.block(255).unwrap();
        fill(&writer);
        reader.block(255).unwrap();
        drop(writer);
        reader.block(255).unwrap();
        assert!(started.elapsed().as_millis() < 800);
    }

    /// Others share the description of an end that they have inherited, and set its flags as they like.
    #[test]
    fn no_transfer_waits_or_fails_while_somebody_else_switches_o_nonblock() {
        let _watchdog = watchdog(60);
        for by_description in [false, true] {
            let (reader, writer) = ends();
            let (reader, writer) = if by_description {
                (without_nowait(&reader, Side::Reader, false), without_nowait(&writer, Side::Writer, false))
            } else {
                (reader, writer)
            };
            let ended = Arc::new(AtomicBool::new(false));
            let switching = Arc::clone(&ended);
            let shared = [reader.duplicate().unwrap(), writer.duplicate().unwrap()];
            let switcher = thread::spawn(move || {
                let mut flags = OFlag::empty();
                while !switching.load(Ordering::Relaxed) {
                    flags.toggle(OFlag::O_NONBLOCK);
                    for end in &shared {
                        fcntl(end, FcntlArg::F_SETFL(flags)).unwrap();
                    }
                }
            });
            until("it switches", || fcntl(&reader, FcntlArg::F_GETFL).unwrap() & libc::O_NONBLOCK != 0);
            let mut target = [0; 700];
            for _ in 0..20_000 {
                assert_eq!(reader.try_read(&mut target), Ok(WouldBlock));
                assert_eq!(writer.try_write(&[1; 500]), Ok(Done(500)));
                assert_eq!(reader.try_read(&mut target), Ok(Done(500)));
            }
            fill(&writer);
            for _ in 0..20_000 {
                assert_eq!(writer.try_write(&[1; 500]), Ok(WouldBlock));
            }
            ended.store(true, Ordering::Relaxed);
            switcher.join().unwrap();
        }
    }

    #[test]
    fn bytes_go_to_another_process_and_come_back_whole() {
        let _watchdog = watchdog(60);
        let (their_input, to_them) = ends();
        let (from_them, their_output) = ends();
        let mut cat = Command::new("cat")
            .stdin(Stdio::from(their_input.into_fd()))
            .stdout(Stdio::from(their_output.into_fd()))
            .spawn()
            .unwrap();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8).collect();
        let (mut rest, mut received, mut target) = (&sent[..], Vec::new(), vec![0; 70_000]);
        let mut to_them = Some(to_them);
        loop {
            let mut moved = false;
            if let Some(writer) = &to_them
                && let Done(written) = writer.try_write(&rest[..rest.len().min(100_000)]).unwrap()
            {
                rest = &rest[written..];
                moved = true;
                if rest.is_empty() {
                    to_them = None;
                }
            }
            match from_them.try_read(&mut target).unwrap() {
                Done(0) => break,
                Done(read) => received.extend_from_slice(&target[..read]),
                WouldBlock if moved => {}
                WouldBlock => from_them.block(10).unwrap(),
            }
        }
        assert!(cat.wait().unwrap().success());
        assert!(received == sent);
    }

    #[test]
    fn what_a_child_inherits_is_an_ordinary_pipe() {
        let _watchdog = watchdog(30);
        let (reader, writer) = ends();
        // Our own transfers first: they may open a description, and must leave this one alone.
        assert_eq!(reader.try_read(&mut [0; 4]), Ok(WouldBlock));
        let mut child = Command::new("sh")
            .args(["-c", "cat /dev/stdin; grep flags: /proc/self/fdinfo/0"])
            .stdin(Stdio::from(reader.into_fd()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut writer = File::from(writer.into_fd());
        writer.write_all(b"hello\n").unwrap();
        drop(writer);
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        let (data, flags) = text.split_once('\n').unwrap();
        let flags = u32::from_str_radix(flags.trim_start_matches("flags:").trim(), 8).unwrap();
        assert_eq!((data, flags & libc::O_NONBLOCK.unsigned_abs()), ("hello", 0));
    }
}
