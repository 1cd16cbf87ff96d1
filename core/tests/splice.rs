//! Splices: every pairing of pipe, file and socket, and counts that are exact however they end.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod splices {
    use std::fs::File;
    use std::io::{PipeReader, PipeWriter, Read, Seek, SeekFrom, Write, pipe};
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use os_ipc_core::Error;
    use os_ipc_core::splice::{Moved, Splice};
    use os_ipc_core::sys::cancel::Flag;
    use os_ipc_core::waiter::Wait;

    use super::watch::{until, watchdog};

    const SIZE: usize = 3_000_001;

    fn pattern(bytes: usize) -> Vec<u8> {
        (0..bytes as u32).map(|index| (index % 251) as u8).collect()
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn feed(mut writer: impl Write + Send + 'static, bytes: Vec<u8>) {
        thread::spawn(move || writer.write_all(&bytes));
    }

    fn run(source: impl AsFd, target: impl AsFd, limit: Option<u64>) -> Moved {
        Splice::new(source.as_fd(), target.as_fd()).unwrap().run(limit, &Flag::default())
    }

    fn complete(moved: &Moved) -> u64 {
        assert_eq!(moved.error, None);
        moved.bytes
    }

    fn all_of(mut reader: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }

    fn socket_source(bytes: Vec<u8>) -> OwnedFd {
        let (ours, theirs) = UnixStream::pair().unwrap();
        feed(theirs, bytes);
        ours.into()
    }

    fn pipe_source(bytes: Vec<u8>) -> OwnedFd {
        let (reader, writer) = pipe().unwrap();
        feed(writer, bytes);
        reader.into()
    }

    fn file_source(bytes: Vec<u8>) -> OwnedFd {
        file_of(&bytes).into()
    }

    #[test]
    fn everything_up_to_the_end_goes_from_each_kind_to_each_kind() {
        let _watchdog = watchdog(60);
        let sent = pattern(SIZE);
        for source in [socket_source, pipe_source, file_source] {
            let (reader, writer) = pipe().unwrap();
            let received = all_of(reader);
            assert_eq!(complete(&run(source(sent.clone()), &writer, None)), SIZE as u64);
            drop(writer);
            assert!(received.join().unwrap() == sent);
        }

        let (ours, theirs) = UnixStream::pair().unwrap();
        let received = all_of(theirs);
        assert_eq!(complete(&run(pipe_source(sent.clone()), &ours, None)), SIZE as u64);
        drop(ours);
        assert!(received.join().unwrap() == sent);

        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(complete(&run(pipe_source(sent.clone()), &file, None)), SIZE as u64);
        let mut written = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut written).unwrap();
        assert!(written == sent);
    }

    #[test]
    fn a_limit_is_met_to_the_byte_and_the_rest_stays_where_it_was() {
        let _watchdog = watchdog(30);
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(&pattern(10_000)).unwrap();
        let (mut out, into) = pipe().unwrap();
        assert_eq!(complete(&run(&reader, &into, Some(0))), 0);
        assert_eq!(complete(&run(&reader, &into, Some(4_321))), 4_321);
        drop((writer, into));
        let (mut moved, mut rest) = (Vec::new(), Vec::new());
        out.read_to_end(&mut moved).unwrap();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!([moved, rest].concat(), pattern(10_000));

        let mut file = file_of(&pattern(5_000_000));
        let (out, into) = pipe().unwrap();
        let received = all_of(out);
        assert_eq!(complete(&run(&file, &into, Some(2_500_001))), 2_500_001);
        drop(into);
        assert!(received.join().unwrap() == pattern(2_500_001));
        assert_eq!(file.stream_position().unwrap(), 2_500_001);
        file.seek(SeekFrom::End(-10)).unwrap();
        let (_out, into) = pipe().unwrap();
        assert_eq!(complete(&run(&file, &into, Some(100))), 10, "the end comes first");
    }

    #[test]
    fn what_cannot_be_spliced_says_so_and_moves_nothing() {
        let _watchdog = watchdog(30);
        let (reader, writer) = pipe().unwrap();
        for (source, target) in
            [(file_of(b"x").as_fd(), tempfile::tempfile().unwrap().as_fd()), (reader.as_fd(), writer.as_fd())]
        {
            let moved = run(source, target, Some(1));
            assert_eq!((moved.bytes, moved.error), (0, Some(Error::os(Errno::EINVAL, "splice"))));
        }
        assert_eq!(Splice::from_number(-1, writer.as_fd()).unwrap_err().errno(), Some(Errno::EBADF));
        assert_eq!(Splice::to_number(reader.as_fd(), 1_000_000).unwrap_err().errno(), Some(Errno::EBADF));
    }

    #[test]
    fn a_target_that_nobody_reads_is_epipe_with_the_bytes_that_had_gone() {
        let _watchdog = watchdog(30);
        let (source, mut fed) = pipe().unwrap();
        let (mut out, into) = pipe().unwrap();
        fed.write_all(&[1; 1000]).unwrap();
        let splice = thread::spawn(move || run(&source, &into, None));
        out.read_exact(&mut [0; 1000]).unwrap();
        drop(out);
        fed.write_all(&[1; 1000]).unwrap();
        let moved = splice.join().unwrap();
        assert_eq!((moved.bytes, moved.error), (1000, Some(Error::os(Errno::EPIPE, "splice"))));
    }

    /// Node sets O_NONBLOCK on its sockets and pipes: a splice then has to wait by itself.
    #[test]
    fn descriptors_with_o_nonblock_are_waited_for() {
        let _watchdog = watchdog(60);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        for fd in [ours.as_fd(), writer.as_fd()] {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        }
        let sent = pattern(SIZE);
        let mut rest = sent.clone();
        thread::spawn(move || {
            let mut theirs = theirs;
            // A pause in the middle, so that the source is empty for once.
            theirs.write_all(&rest.drain(..100_000).collect::<Vec<_>>()).unwrap();
            thread::sleep(Duration::from_millis(20));
            theirs.write_all(&rest)
        });
        let received = all_of(reader);
        assert_eq!(complete(&run(&ours, &writer, None)), SIZE as u64);
        drop(writer);
        assert!(received.join().unwrap() == sent);
    }

    #[test]
    fn a_splice_holds_its_own_descriptors() {
        let _watchdog = watchdog(30);
        let (reader, mut writer) = pipe().unwrap();
        let (mut out, into) = pipe().unwrap();
        let splice = Splice::new(reader.as_fd(), into.as_fd()).unwrap();
        let number = reader.as_raw_fd();
        drop((reader, into));
        // Something else under the number that was given.
        let _others: Vec<File> = (0..8).map(|_| File::open("/dev/zero").unwrap()).collect();
        assert!(number > 2);
        writer.write_all(b"from the pipe").unwrap();
        drop(writer);
        assert_eq!(complete(&splice.run(None, &Flag::default())), 13);
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from the pipe");
    }

    fn start(source: OwnedFd, target: OwnedFd) -> (Wait, Receiver<Moved>) {
        let splice = Splice::new(source.as_fd(), target.as_fd()).unwrap();
        let (told, result) = channel();
        let job = move |flag: &Flag| Ok(splice.run(None, flag));
        (Wait::start(job, move |moved| told.send(moved.unwrap()).unwrap()).unwrap(), result)
    }

    fn pending(fd: &impl AsRawFd) -> u64 {
        let mut bytes: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int, and `bytes` is one.
        assert_eq!(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut bytes) }, 0);
        bytes.unsigned_abs().into()
    }

    /// Bytes flow while the cancel comes; what it says it has moved has left the source and is at the target.
    #[test]
    fn a_cancelled_splice_says_exactly_what_it_has_moved() {
        let _watchdog = watchdog(300);
        let mut stopped_in_mid_flow = 0;
        for round in 0..2_000_u64 {
            let (reader, mut writer): (PipeReader, PipeWriter) = pipe().unwrap();
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let (out, into) = pipe().unwrap();
            // Pipe to pipe, pipe to socket, socket to pipe.
            let (source, target): (OwnedFd, OwnedFd) = match round % 3 {
                0 => (reader.try_clone().unwrap().into(), into.try_clone().unwrap().into()),
                1 => (reader.try_clone().unwrap().into(), ours.try_clone().unwrap().into()),
                _ => (ours.try_clone().unwrap().into(), into.try_clone().unwrap().into()),
            };
            let (wait, result) = start(source, target);
            let sent = pattern(7_000 * (1 + round as usize % 5));
            for part in sent.chunks(700 + round as usize % 300) {
                if round % 3 == 2 { theirs.write_all(part) } else { writer.write_all(part) }.unwrap();
            }
            for _ in 0..(round * 37) % 4000 {
                std::hint::spin_loop();
            }
            wait.cancel();
            let moved = result.recv().unwrap();
            assert_eq!(moved.error, Some(Error::Cancelled));
            let left = if round % 3 == 2 { pending(&ours) } else { pending(&reader) };
            let arrived = if round % 3 == 1 { pending(&theirs) } else { pending(&out) };
            assert_eq!((moved.bytes, left), (arrived, sent.len() as u64 - arrived), "round {round}");
            stopped_in_mid_flow += usize::from(left > 0 && arrived > 0);
        }
        println!("{stopped_in_mid_flow} stopped in mid-flow");
        assert!(stopped_in_mid_flow > 0, "else it was no race");
    }

    #[test]
    fn a_splice_into_a_full_target_is_cancelled_with_what_fitted() {
        let _watchdog = watchdog(60);
        let size = 10_000_000;
        let file = file_of(&pattern(size));
        let (out, into) = pipe().unwrap();
        let (wait, result) = start(file.try_clone().unwrap().into(), into.into());
        until("the pipe is full", || pending(&out) == 65_536);
        wait.cancel();
        let moved = result.recv().unwrap();
        assert_eq!((moved.bytes, moved.error), (65_536, Some(Error::Cancelled)));
        assert_eq!((&file).stream_position().unwrap(), 65_536, "the file goes on where it was left");

        // A socket holds less than was read for it: what did not fit is still in the source.
        let (reader, mut writer) = pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETPIPE_SZ(1 << 20)).unwrap();
        writer.write_all(&pattern(1 << 20)).unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (wait, result) = start(reader.try_clone().unwrap().into(), ours.into());
        let mut before = 0;
        until("the socket is full", || {
            thread::sleep(Duration::from_millis(5));
            let now = pending(&theirs);
            now > 0 && std::mem::replace(&mut before, now) == now
        });
        wait.cancel();
        let moved = result.recv().unwrap();
        assert_eq!(moved.error, Some(Error::Cancelled));
        assert_eq!(moved.bytes + pending(&reader), 1 << 20);
        drop(writer);
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        theirs.read_to_end(&mut first).unwrap();
        let mut reader = reader;
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(first.len() as u64, moved.bytes);
        assert!([first, rest].concat() == pattern(1 << 20));
    }
}
