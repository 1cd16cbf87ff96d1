//! Unix sockets by the core alone.

#[cfg(test)]
mod sockets {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::os::unix::fs::PermissionsExt;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use nix::sys::socket::Shutdown;
    use os_ipc_core::sys::Attempt;
    use os_ipc_core::sys::tails::{TAIL, Tails};
    use os_ipc_core::unix_socket::{Address, Arrival, BATCH, Inbox, Kind, Listener, OnStale, RoomWatch, Socket};
    use os_ipc_core::waiter::Wait;
    use os_ipc_core::{Error, Result};

    const KINDS: [Kind; 3] = [Kind::Stream, Kind::Datagram, Kind::Seqpacket];

    struct Got {
        data: Vec<u8>,
        arrival: Arrival,
        from: Option<Address>,
    }

    fn receive(socket: &Socket, room: usize) -> Result<Attempt<Got>> {
        let mut inbox = Inbox::new();
        let mut target = vec![0; room];
        let mut got = None;
        let taken = socket.try_receive(&mut inbox, &mut target, room, None, 1, |_, arrival, from| {
            got = Some((arrival, Address::from_kernel(from)));
        })?;
        let Attempt::Done(count) = taken else { return Ok(Attempt::WouldBlock) };
        assert_eq!(count, 1);
        let (arrival, from) = got.unwrap();
        target.truncate(arrival.length);
        Ok(Attempt::Done(Got { data: target, arrival, from }))
    }

    fn message(socket: &Socket) -> Got {
        match receive(socket, 4096).unwrap() {
            Attempt::Done(got) => got,
            Attempt::WouldBlock => panic!("nothing has come"),
        }
    }

    fn address(name: &str) -> Address {
        Address::new(&format!("@os-ipc-test-{}-{name}", std::process::id())).unwrap()
    }

    fn errno<T>(result: Result<T>) -> Errno {
        result.map(drop).unwrap_err().errno().unwrap()
    }

    fn done<T>(attempt: Attempt<T>) -> T {
        match attempt {
            Attempt::Done(value) => value,
            Attempt::WouldBlock => panic!("it would have had to wait"),
        }
    }

    #[test]
    fn what_is_sent_arrives_and_says_who_has_sent_it() {
        for kind in KINDS {
            let (one, other) = Socket::pair(kind).unwrap();
            assert_eq!(one.try_send(b"hello", None, &[]).unwrap(), Attempt::Done(5));
            let got = message(&other);
            assert_eq!(got.data, b"hello");
            let sender = got.arrival.control.credentials.unwrap();
            assert_eq!(sender.pid.unsigned_abs(), std::process::id());
            assert_eq!(sender.uid, nix::unistd::geteuid().as_raw());
            assert!(matches!(receive(&other, 16).unwrap(), Attempt::WouldBlock));
        }
    }

    #[test]
    fn an_empty_message_is_told_from_the_end() {
        let (one, other) = Socket::pair(Kind::Seqpacket).unwrap();
        one.try_send(b"", None, &[]).unwrap();
        one.try_send(b"x", None, &[]).unwrap();
        drop(one);
        let empty = message(&other);
        assert!(empty.data.is_empty() && !other.is_end(&empty.arrival));
        assert_eq!(message(&other).data, b"x");
        assert!(other.is_end(&message(&other).arrival));
    }

    #[test]
    fn a_message_without_room_is_cut_and_says_so() {
        let (one, other) = Socket::pair(Kind::Seqpacket).unwrap();
        one.try_send(b"0123456789", None, &[]).unwrap();
        one.try_send(b"next", None, &[]).unwrap();
        let got = done(receive(&other, 4).unwrap());
        assert_eq!((got.data.as_slice(), got.arrival.truncated), (b"0123".as_slice(), true));
        assert_eq!(message(&other).data, b"next");
    }

    #[test]
    fn a_message_that_is_longer_than_thought_arrives_whole() {
        let (one, other) = Socket::pair(Kind::Seqpacket).unwrap();
        one.set_buffer_sizes(Some(200_000), None).unwrap();
        let sent: Vec<u8> = (0..150_000_u32).map(|i| (i % 251) as u8).collect();
        one.try_send(&sent, None, &[]).unwrap();
        let mut tails = Tails::new(1).unwrap();
        let mut target = vec![0; 1000];
        let mut length = 0;
        let taken = other.try_receive(
            &mut Inbox::new(),
            &mut target,
            1000,
            Some((tails.memory(), TAIL)),
            1,
            |_, arrival, _| {
                assert!(!arrival.truncated);
                length = arrival.length;
            },
        );
        assert_eq!(taken.unwrap(), Attempt::Done(1));
        assert_eq!(length, sent.len());
        assert_eq!(target, sent[..1000]);
        assert_eq!(tails.memory()[..length - 1000], sent[1000..]);
        tails.clear();
        assert_eq!(tails.memory()[0], 0);
    }

    #[test]
    fn descriptors_arrive_with_their_message_close_on_exec() {
        for kind in KINDS {
            let (one, other) = Socket::pair(kind).unwrap();
            let file = tempfile::tempfile().unwrap();
            one.try_send(b"a", None, &[file.as_raw_fd(), file.as_raw_fd()]).unwrap();
            one.try_send(b"b", None, &[]).unwrap();
            let got = message(&other);
            assert_eq!(got.data, b"a", "{kind:?}");
            let [first, second] = <[OwnedFd; 2]>::try_from(got.arrival.control.fds).unwrap();
            for fd in [&first, &second] {
                let flags = fcntl(fd, FcntlArg::F_GETFD).unwrap();
                assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
            }
            File::from(first).write_all(b"written").unwrap();
            assert_eq!(file.metadata().unwrap().len(), 7);
            let next = message(&other);
            assert_eq!((next.data.as_slice(), next.arrival.control.fds.len()), (b"b".as_slice(), 0));
        }
    }

    #[test]
    fn as_many_descriptors_as_the_kernel_takes() {
        let (one, other) = Socket::pair(Kind::Seqpacket).unwrap();
        let file = tempfile::tempfile().unwrap();
        one.try_send(b"", None, &[file.as_raw_fd(); 253]).unwrap();
        let got = message(&other);
        assert_eq!(got.arrival.control.fds.len(), 253);
        assert!(!other.is_end(&got.arrival));
        assert_eq!(errno(one.try_send(b"", None, &[file.as_raw_fd(); 254])), Errno::EINVAL);
        assert_eq!(errno(one.try_send(b"", None, &[-1])), Errno::EBADF);
    }

    #[test]
    fn many_are_sent_and_taken_by_one_call() {
        let (one, other) = Socket::pair(Kind::Seqpacket).unwrap();
        let lengths: Vec<usize> = (0..BATCH + 10).collect();
        let data: Vec<u8> = lengths.iter().flat_map(|&length| vec![length as u8; length]).collect();
        assert_eq!(one.try_send_many(&data, &lengths, None).unwrap(), Attempt::Done(BATCH + 10));
        let mut target = vec![0; BATCH * 128];
        let mut got = Vec::new();
        let taken = other.try_receive(&mut Inbox::new(), &mut target, 128, None, usize::MAX, |index, arrival, _| {
            got.push((index, arrival.length));
        });
        assert_eq!(taken.unwrap(), Attempt::Done(BATCH));
        assert!(got.iter().enumerate().all(|(index, &told)| told == (index, index)));
        assert_eq!(target[5 * 128..5 * 128 + 5], [5; 5]);
        assert_eq!(message(&other).data.len(), BATCH);
    }

    #[test]
    fn a_full_socket_is_no_error_and_a_message_that_never_fits_is() {
        for kind in KINDS {
            let (one, _other) = Socket::pair(kind).unwrap();
            while one.try_send(&[0; 4096], None, &[]).unwrap() != Attempt::WouldBlock {}
            assert!(!one.has_room().unwrap());
            assert!(one.queued().unwrap() > 4096);
        }
        let (one, _other) = Socket::pair(Kind::Seqpacket).unwrap();
        assert_eq!(errno(one.try_send(&vec![0; 8 << 20], None, &[])), Errno::EMSGSIZE);
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        let (one, other) = Socket::pair(Kind::Stream).unwrap();
        drop(other);
        assert_eq!(errno(one.try_send(b"x", None, &[])), Errno::EPIPE);
        let (one, other) = Socket::pair(Kind::Stream).unwrap();
        one.try_send(b"unread", None, &[]).unwrap();
        drop(other);
        assert_eq!(errno(receive(&one, 16)), Errno::ECONNRESET);
        assert!(one.is_end(&message(&one).arrival));
    }

    #[test]
    fn a_socket_that_is_shut_down_ends() {
        let (one, other) = Socket::pair(Kind::Stream).unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        assert!(other.is_end(&message(&other).arrival));
        assert_eq!(other.try_send(b"still", None, &[]).unwrap(), Attempt::Done(5));
        assert_eq!(message(&one).data, b"still");
    }

    #[test]
    fn a_datagram_names_its_sender_and_can_be_answered() {
        let receiver = Socket::bind(Some(&address("receiver")), 0o600, OnStale::Fail).unwrap();
        let sender = Socket::bind(None, 0o600, OnStale::Fail).unwrap();
        sender.try_send(b"ask", Some(&address("receiver")), &[]).unwrap();
        let got = message(&receiver);
        assert_eq!(got.from, sender.address().unwrap());
        receiver.try_send(b"answer", got.from.as_ref(), &[]).unwrap();
        assert_eq!(message(&sender).data, b"answer");
        assert_eq!(errno(sender.try_send(b"x", Some(&address("nobody")), &[])), Errno::ECONNREFUSED);
    }

    #[test]
    fn room_in_a_full_queue_of_datagrams_is_told_by_a_watch() {
        let to = address("full");
        let receiver = Socket::bind(Some(&to), 0o600, OnStale::Fail).unwrap();
        let sender = Socket::bind(None, 0o600, OnStale::Fail).unwrap();
        while sender.try_send(b"x", Some(&to), &[]).unwrap() != Attempt::WouldBlock {}
        assert!(sender.has_room().unwrap(), "the kernel says so of a socket that is not connected");
        let room = RoomWatch::new(&to).unwrap();
        let ready = || os_ipc_core::sys::slice::ready(room.as_fd(), libc::POLLOUT).unwrap();
        assert!(!ready());
        while !ready() {
            message(&receiver);
        }
        assert_eq!(sender.try_send(b"x", Some(&to), &[]).unwrap(), Attempt::Done(1));
    }

    #[test]
    fn a_file_has_its_permissions_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let address = Address::new(path.to_str().unwrap()).unwrap();
        let socket = Socket::bind(Some(&address), 0o600, OnStale::Fail).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(socket.address().unwrap(), Some(address.clone()));
        let again = Socket::bind(Some(&address), 0o600, OnStale::Fail).unwrap_err();
        assert_eq!(again.errno(), Some(Errno::EADDRINUSE));
        assert!(again.to_string().contains(path.to_str().unwrap()));
    }

    #[test]
    fn the_longest_path_works() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().to_str().unwrap();
        let path = format!("{base}/{}", "n".repeat(107 - base.len()));
        let address = Address::new(&path).unwrap();
        assert_eq!(path.len(), 108);
        let listener = Listener::bind(Kind::Stream, &address, 0o600, 1, OnStale::Fail).unwrap();
        assert_eq!(listener.address().unwrap(), Some(address.clone()));
        done(Socket::connect(Kind::Stream, &address).unwrap());
    }

    #[test]
    fn a_connection_knows_who_is_at_the_other_end() {
        for kind in [Kind::Stream, Kind::Seqpacket] {
            let to = address(if kind == Kind::Stream { "stream" } else { "seqpacket" });
            let listener = Listener::bind(kind, &to, 0o600, 8, OnStale::Fail).unwrap();
            assert!(!listener.try_accept().unwrap().is_done());
            let client = done(Socket::connect(kind, &to).unwrap());
            client.try_send(b"early", None, &[]).unwrap();
            let server = done(listener.try_accept().unwrap());
            for end in [&client, &server] {
                let peer = end.peer().unwrap().unwrap();
                assert_eq!(peer.pid.unsigned_abs(), std::process::id());
                assert!(end.peer_groups().unwrap().is_some());
            }
            let early = message(&server);
            assert_eq!(early.arrival.control.credentials.unwrap().pid.unsigned_abs(), std::process::id());
            server.try_send(b"back", None, &[]).unwrap();
            assert!(message(&client).arrival.control.credentials.is_some());
        }
        let alone = Socket::bind(None, 0o600, OnStale::Fail).unwrap();
        assert_eq!(alone.peer().unwrap(), None);
    }

    #[test]
    fn a_full_backlog_is_waited_for_by_a_thread_which_can_be_called_off() {
        let to = address("backlog");
        let listener = Listener::bind(Kind::Stream, &to, 0o600, 0, OnStale::Fail).unwrap();
        let mut clients = Vec::new();
        while let Attempt::Done(client) = Socket::connect(Kind::Stream, &to).unwrap() {
            clients.push(client);
        }
        let start = |to: Address| {
            let (tell, told) = std::sync::mpsc::channel();
            let wait = Wait::start(
                move |flag| Socket::connect_waiting(Kind::Stream, &to, flag),
                move |result| drop(tell.send(result)),
            );
            (wait.unwrap(), told)
        };
        let (wait, told) = start(to.clone());
        wait.cancel();
        assert_eq!(told.recv().unwrap().unwrap_err(), Error::Cancelled);
        let (_wait, told) = start(to);
        while listener.try_accept().unwrap().is_done() {}
        let client = told.recv().unwrap().unwrap();
        assert_eq!(client.kind(), Kind::Stream);
    }

    #[test]
    fn only_sockets_of_the_right_sort_are_adopted() {
        let file = tempfile::tempfile().unwrap();
        assert!(matches!(Socket::adopt(file.as_raw_fd()), Err(Error::WrongKind { .. })));
        file.metadata().unwrap();
        let listener = Listener::bind(Kind::Stream, &address("adopt"), 0o600, 1, OnStale::Fail).unwrap();
        assert!(matches!(Socket::adopt(listener.as_fd().as_raw_fd()), Err(Error::WrongKind { .. })));
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(matches!(Listener::adopt(one.as_raw_fd()), Err(Error::WrongKind { .. })));
        let adopted = Socket::adopt(std::os::fd::IntoRawFd::into_raw_fd(one)).unwrap();
        assert_eq!(adopted.kind(), Kind::Stream);
        (&other).write_all(b"from elsewhere").unwrap();
        let got = message(&adopted);
        assert_eq!(got.data, b"from elsewhere");
        assert!(got.arrival.control.credentials.is_some());
    }

    fn place(folder: &tempfile::TempDir, name: &str) -> Address {
        Address::new(folder.path().join(name).to_str().unwrap()).unwrap()
    }

    fn listen(address: &Address, on_stale: OnStale) -> Result<Listener> {
        Listener::bind(Kind::Stream, address, 0o600, 8, on_stale)
    }

    #[test]
    fn a_file_that_nobody_has_open_is_replaced_if_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let at = place(&folder, "socket");
        drop(listen(&at, OnStale::Fail).unwrap());
        assert_eq!(errno(listen(&at, OnStale::Fail)), Errno::EADDRINUSE);
        let listener = listen(&at, OnStale::Replace).unwrap();
        assert_eq!(errno(listen(&at, OnStale::Replace)), Errno::EADDRINUSE, "it is in use");
        done(Socket::connect(Kind::Stream, &at).unwrap());
        drop(listener);
        let datagrams = Socket::bind(Some(&at), 0o600, OnStale::Replace).unwrap();
        assert_eq!(errno(listen(&at, OnStale::Replace)), Errno::EADDRINUSE, "whatever kind of socket has it");
        drop(datagrams);
        drop(listen(&at, OnStale::Replace).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn nothing_else_is_ever_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "kept").unwrap();
        drop(listen(&place(&folder, "stale"), OnStale::Fail).unwrap());
        std::os::unix::fs::symlink("stale", folder.path().join("link")).unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        for name in ["file", "link", "folder"] {
            assert_eq!(errno(listen(&place(&folder, name), OnStale::Replace)), Errno::EADDRINUSE, "{name}");
        }
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"kept");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
        // One that is bound and does not listen yet.
        let bound = std::os::unix::net::UnixDatagram::bind(folder.path().join("datagram")).unwrap();
        assert_eq!(errno(listen(&place(&folder, "datagram"), OnStale::Replace)), Errno::EADDRINUSE);
        drop(bound);
        if nix::unistd::geteuid().is_root() {
            let stale = folder.path().join("stale");
            nix::unistd::chown(&stale, Some(nix::unistd::Uid::from_raw(65534)), None).unwrap();
            assert_eq!(errno(listen(&place(&folder, "stale"), OnStale::Replace)), Errno::EADDRINUSE, "not ours");
        }
    }

    #[test]
    fn of_twenty_that_replace_at_once_one_listens() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let at = place(&folder, "socket");
            let barrier = std::sync::Barrier::new(20);
            let listeners: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..20)
                    .map(|_| {
                        scope.spawn(|| {
                            barrier.wait();
                            listen(&at, OnStale::Replace)
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(listeners.iter().filter(|made| made.is_ok()).count(), 1);
            for error in listeners.iter().filter_map(|made| made.as_ref().err()) {
                assert_eq!(error.errno(), Some(Errno::EADDRINUSE));
            }
            done(Socket::connect(Kind::Stream, &at).unwrap());
        }
    }

    #[test]
    fn a_notice_comes_whole_with_its_descriptors_or_nobody_listens() {
        use os_ipc_core::unix_socket::notify::notify;
        let at = address("manager");
        let manager = Socket::bind(Some(&at), 0o600, OnStale::Fail).unwrap();
        let file = File::open("/dev/null").unwrap();
        assert!(notify(&at, b"READY=1\nFDSTORE=1", &[file.as_raw_fd()]).unwrap());
        let got = message(&manager);
        assert_eq!((got.data.as_slice(), got.arrival.control.fds.len()), (&b"READY=1\nFDSTORE=1"[..], 1));
        assert_eq!(got.arrival.control.credentials.unwrap().pid, std::process::id().cast_signed());
        drop(manager);
        assert!(!notify(&at, b"READY=1", &[]).unwrap());
    }
}
