//! What the kernel refuses is an error with its number, at each call beside unsafe code that can be brought to it.

#[cfg(test)]
mod refusals {
    use std::fmt::Debug;
    use std::io::pipe;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use nix::errno::Errno;
    use os_ipc_core::sys::cancel::Flag;
    use os_ipc_core::sys::mman::{Access, Mapping, Part, page_size};
    use os_ipc_core::sys::semaphore_set::{self, Figure, Operation};
    use os_ipc_core::sys::signal::{self, Info, Set};
    use os_ipc_core::sys::{fd, futex, pidfd, pipe as pipes, segment, socket, sysv};
    use os_ipc_core::{Error, Result};

    /// No id has it: the kernel's are not negative.
    const NOBODY: i32 = -1;

    #[track_caller]
    fn refused<T: Debug>(outcome: Result<T>, errno: Errno) {
        match outcome {
            Err(error) => assert_eq!(error.errno(), Some(errno), "{error:?}"),
            Ok(value) => panic!("not refused: {value:?}"),
        }
    }

    fn part() -> Part {
        Part { offset: 0, length: 64, access: Access::ReadWrite, page: page_size(), guarded: false }
    }

    fn memory() -> Mapping {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(page_size() as u64).expect("room");
        Mapping::of_fd(file.as_fd(), part()).expect("memory")
    }

    #[test]
    fn numbers_that_are_no_descriptors() {
        // Beyond every limit, so that no other test opens it meanwhile.
        for number in [-1, i32::MAX] {
            refused(fd::adopt(number, |_| Ok(())), Errno::EBADF);
            refused(fd::keep(number), Errno::EBADF);
            refused(fd::copy_of(number), Errno::EBADF);
            refused(fd::lend(number, fd::status_flags), Errno::EBADF);
        }
        let (reader, _writer) = pipe().expect("a pipe");
        let check = fd::adopt(reader.as_raw_fd(), |_| -> Result<()> { Err(Error::Closed) });
        assert!(matches!(check, Err(Error::Closed)), "what is refused is not taken");
        assert!(fd::status_flags(reader.as_fd()).is_ok());
    }

    #[test]
    fn parts_of_files_that_no_address_can_stand_for() {
        let file = tempfile::tempfile().expect("a file");
        let beyond = Part { offset: u64::MAX - 4095, ..part() };
        refused(Mapping::of_fd(file.as_fd(), beyond), Errno::EOVERFLOW);
        refused(Mapping::of_fd(file.as_fd(), Part { length: usize::MAX, ..part() }), Errno::ENOMEM);
        refused(Mapping::of_fd(file.as_fd(), Part { length: 1 << 60, ..part() }), Errno::ENOMEM);
        refused(Mapping::of_pieces(file.as_fd(), &[(0, usize::MAX), (0, 4096)]), Errno::ENOMEM);
        refused(Mapping::of_pieces(file.as_fd(), &[(0, 1 << 60)]), Errno::ENOMEM);
        let (reader, _writer) = pipe().expect("a pipe");
        refused(Mapping::of_fd(reader.as_fd(), part()), Errno::EACCES);
        refused(Mapping::of_pieces(reader.as_fd(), &[(0, page_size())]), Errno::EACCES);
        refused(Mapping::of_segment(NOBODY, 64, false), Errno::EINVAL);
        refused(memory().restore(reader.as_fd(), 0), Errno::EACCES);
    }

    #[test]
    fn places_beyond_a_mapping() {
        let (memory, flag) = (memory(), Flag::default());
        let length = memory.len();
        assert!(!memory.is_empty());
        assert!(memory.copy_out(length, &mut [0]).is_err());
        assert!(memory.copy_in(usize::MAX, &[0]).is_err());
        assert!(memory.write_guarded(length, &[0]).is_err());
        for place in [length, 2] {
            assert!(futex::wait(&memory, place, 0, Some(Duration::ZERO)).is_err());
            assert!(futex::wait_cancellable(&memory, place, 0, &flag).is_err());
            assert!(futex::wake(&memory, place, 1).is_err());
            assert!(memory.word64(place).is_err());
        }
        assert_eq!(futex::wait_cancellable(&memory, 0, 1, &flag), Ok(false), "another word than expected");
        refused(memory.advise(-1), Errno::EINVAL);
    }

    #[test]
    fn objects_of_system_v_that_are_not_there() {
        refused(segment::get(NOBODY, 0, 0), Errno::ENOENT);
        refused(segment::stat(NOBODY), Errno::EINVAL);
        refused(segment::remove(NOBODY), Errno::EINVAL);
        refused(semaphore_set::get(NOBODY, 1, 0), Errno::ENOENT);
        refused(semaphore_set::stat(NOBODY), Errno::EINVAL);
        refused(semaphore_set::figure(NOBODY, 0, Figure::WaitingForZero), Errno::EINVAL);
        refused(semaphore_set::values(NOBODY, &mut [0]), Errno::EINVAL);
        refused(semaphore_set::set_values(NOBODY, &[0]), Errno::EINVAL);
        refused(semaphore_set::set_value(NOBODY, 0, 1), Errno::EINVAL);
        refused(semaphore_set::operate_one(NOBODY, Operation::new(0, 1)), Errno::EINVAL);
        refused(semaphore_set::remove(NOBODY), Errno::EINVAL);
        refused(sysv::msgget(NOBODY, 0), Errno::ENOENT);
        refused(sysv::stat(NOBODY), Errno::EINVAL);
        refused(sysv::remove(NOBODY), Errno::EINVAL);
    }

    #[test]
    fn values_for_another_number_of_semaphores() {
        let set = semaphore_set::get(0, 2, 0o600).expect("a set");
        let mut three = [0; 3];
        let outcomes = (semaphore_set::values(set, &mut three), semaphore_set::set_values(set, &[1]));
        semaphore_set::remove(set).expect("removed");
        refused(outcomes.0, Errno::EINVAL);
        refused(outcomes.1, Errno::EINVAL);
    }

    #[test]
    fn frames_that_have_no_room_for_their_header() {
        let flag = Flag::default();
        assert!(sysv::msgsnd(NOBODY, &[0; 4]).is_err());
        assert!(sysv::msgsnd_waiting(NOBODY, &[0; 4], &flag).is_err());
        assert!(sysv::msgrcv(NOBODY, &mut [0; 4], 0, 0).is_err());
        assert!(sysv::msgrcv_waiting(NOBODY, &mut [0; 4], 0, 0, &flag).is_err());
    }

    #[test]
    fn descriptors_of_another_kind() {
        let (reader, _writer) = pipe().expect("a pipe");
        let file = tempfile::tempfile().expect("a file");
        let fd = reader.as_fd();
        refused(socket::accept(fd), Errno::ENOTSOCK);
        refused(socket::name(fd), Errno::ENOTSOCK);
        refused(socket::peer_name(fd), Errno::ENOTSOCK);
        refused(socket::peer_groups(fd), Errno::ENOTSOCK);
        refused(socket::peer_pidfd(fd), Errno::ENOTSOCK);
        refused(socket::send(fd, b"x", b"", &[]), Errno::ENOTSOCK);
        refused(socket::send_many(fd, b"x", &[1], b""), Errno::ENOTSOCK);
        refused(socket::queued(file.as_fd()), Errno::ENOTTY);
        refused(
            pipes::pending(
                tempfile::tempdir().and_then(|folder| std::fs::File::open(folder.path())).expect("a folder").as_fd(),
            ),
            Errno::ENOTTY,
        );
        refused(pidfd::send_signal(fd, 0, None), Errno::EBADF);
        refused(pidfd::send_signal(fd, 0, Some(1)), Errno::EBADF);
        assert!(pidfd::peek_status(fd).is_err());
    }

    #[test]
    fn processes_and_signals_that_are_none() {
        refused(pidfd::open(i32::MAX), Errno::ESRCH);
        refused(signal::kill(i32::MAX, 0), Errno::ESRCH);
        refused(signal::tgkill(i32::MAX, i32::MAX, 0), Errno::ESRCH);
        refused(signal::queue(i32::MAX, &Info::queued(signal::min(), 0)), Errno::ESRCH);
        refused(signal::queue_to_thread(i32::MAX, i32::MAX, &Info::queued(signal::min(), 0)), Errno::ESRCH);
        refused(signal::disposition(0), Errno::EINVAL);
        refused(signal::dispose(0, true), Errno::EINVAL);
        assert!(!Set::EMPTY.has(signal::min()));
    }

    #[test]
    fn room_for_fewer_messages_than_are_asked_for() {
        const SO_PASSPIDFD: i32 = 76;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let receiver = UnixDatagram::bind(&path).expect("a socket");
        let sender = UnixDatagram::unbound().expect("a socket");
        let sent = socket::send_many(sender.as_fd(), b"onetwothree", &[3, 3, 5], path.as_os_str().as_bytes());
        assert_eq!(sent, Ok(3), "by a name");

        let mut inbox = socket::Inbox::new();
        let empty = inbox.receive(receiver.as_fd(), &mut [], 8, None, 5, |_, _, _| {});
        refused(empty, Errno::EINVAL);
        let mut target = [0; 16];
        let mut lengths = Vec::new();
        let taken =
            inbox.receive(receiver.as_fd(), &mut target, 8, None, 5, |_, arrival, _| lengths.push(arrival.length));
        assert_eq!((taken, lengths), (Ok(2), vec![3, 3]));

        // A descriptor that nobody here has asked for: where the kernel knows such, it is closed.
        let of_processes = || {
            let links = std::fs::read_dir("/proc/self/fd").expect("a folder");
            let targets = links.flatten().filter_map(|link| std::fs::read_link(link.path()).ok());
            targets.filter(|target| target.to_string_lossy().contains("pidfd")).count()
        };
        if socket::set_option(receiver.as_fd(), SO_PASSPIDFD, 1).is_ok() {
            socket::send(sender.as_fd(), b"more", path.as_os_str().as_bytes(), &[]).expect("sent");
            let taken = inbox.receive(receiver.as_fd(), &mut target, 8, None, 2, |_, _, _| {});
            assert_eq!((taken, of_processes()), (Ok(2), 0));
        }
    }
}
