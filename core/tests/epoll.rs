//! Readiness: what is told, once for each change, and what is not told any more.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod epoll {
    use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
    use std::net::Shutdown;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::net::UnixStream;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use os_ipc_core::Error;
    use os_ipc_core::sys::epoll::{Epoll, HANGUP, Interest, READABLE, WRITABLE};

    use super::watch::{until, watchdog};

    fn harvest(epoll: &Epoll) -> Vec<(u32, u32)> {
        let mut pairs = [0; 256];
        let told = epoll.harvest(&mut pairs).unwrap();
        pairs[..2 * told].chunks(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn watched(interest: Interest) -> (Epoll, PipeReader, PipeWriter) {
        let (reader, writer) = pipe().unwrap();
        let epoll = Epoll::new().unwrap();
        match interest {
            Interest::Write => epoll.add(writer.as_fd(), 7, interest).unwrap(),
            _ => epoll.add(reader.as_fd(), 7, interest).unwrap(),
        }
        (epoll, reader, writer)
    }

    #[test]
    fn what_is_there_already_is_told_and_then_each_change_once() {
        let _watchdog = watchdog(30);
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"before").unwrap();
        let epoll = Epoll::new().unwrap();
        epoll.add(reader.as_fd(), u32::MAX, Interest::Read).unwrap();
        assert_eq!(harvest(&epoll), [(u32::MAX, READABLE)]);
        assert_eq!(harvest(&epoll), [], "told once, although nothing was read");
        writer.write_all(b"more").unwrap();
        writer.write_all(b"more").unwrap();
        assert_eq!(harvest(&epoll), [(u32::MAX, READABLE)], "two changes before a harvest are told as one");
    }

    #[test]
    fn an_end_is_told_with_its_last_data_or_alone() {
        let _watchdog = watchdog(30);
        let (epoll, _reader, writer) = watched(Interest::Read);
        assert_eq!(harvest(&epoll), []);
        drop(writer);
        assert_eq!(harvest(&epoll), [(7, READABLE | WRITABLE | HANGUP)]);
        assert_eq!(harvest(&epoll), []);
    }

    #[test]
    fn a_writer_hears_of_room_and_of_a_reader_that_goes() {
        let _watchdog = watchdog(30);
        let (epoll, mut reader, mut writer) = watched(Interest::Write);
        assert_eq!(harvest(&epoll), [(7, WRITABLE)]);
        writer.write_all(&[0; 65_536]).unwrap();
        assert_eq!(harvest(&epoll), []);
        reader.read_exact(&mut [0; 4096]).unwrap();
        assert_eq!(harvest(&epoll), [(7, WRITABLE)]);
        drop(reader);
        assert_eq!(harvest(&epoll), [(7, READABLE | WRITABLE | HANGUP)]);
    }

    #[test]
    fn a_peer_that_sends_no_more_is_a_hangup_for_readers_while_writing_goes_on() {
        let _watchdog = watchdog(30);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let epoll = Epoll::new().unwrap();
        epoll.add(ours.as_fd(), 1, Interest::Both).unwrap();
        assert_eq!(harvest(&epoll), [(1, WRITABLE)]);
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(harvest(&epoll), [(1, READABLE | WRITABLE | HANGUP)]);
    }

    #[test]
    fn what_was_removed_is_told_of_no_more_even_if_its_description_lives_on() {
        let _watchdog = watchdog(30);
        let (epoll, reader, mut writer) = watched(Interest::Read);
        let shared = reader.try_clone().unwrap();
        epoll.remove(reader.as_fd());
        drop(reader);
        writer.write_all(b"x").unwrap();
        assert_eq!(harvest(&epoll), []);
        // Removing what is not there is nothing.
        epoll.remove(shared.as_fd());
    }

    #[test]
    fn a_change_of_interest_tells_what_is_true_already() {
        let _watchdog = watchdog(30);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let epoll = Epoll::new().unwrap();
        epoll.add(ours.as_fd(), 1, Interest::Read).unwrap();
        assert_eq!(harvest(&epoll), []);
        epoll.change(ours.as_fd(), 2, Interest::Write).unwrap();
        assert_eq!(harvest(&epoll), [(2, WRITABLE)]);
        theirs.write_all(b"x").unwrap();
        assert_eq!(harvest(&epoll), []);
        epoll.change(ours.as_fd(), 3, Interest::Both).unwrap();
        assert_eq!(harvest(&epoll), [(3, READABLE | WRITABLE)]);
        assert_eq!(epoll.change(theirs.as_fd(), 4, Interest::Both), Err(Error::os(Errno::ENOENT, "epoll_ctl")));
    }

    #[test]
    fn a_descriptor_is_watched_once_and_only_if_it_can_be() {
        let _watchdog = watchdog(30);
        let (epoll, reader, _writer) = watched(Interest::Read);
        assert_eq!(epoll.add(reader.as_fd(), 8, Interest::Read), Err(Error::os(Errno::EEXIST, "epoll_ctl")));
        let file = tempfile::tempfile().unwrap();
        assert_eq!(epoll.add(file.as_fd(), 9, Interest::Read), Err(Error::os(Errno::EPERM, "epoll_ctl")));
    }

    #[test]
    fn more_than_fits_is_told_in_turns() {
        let _watchdog = watchdog(30);
        let epoll = Epoll::new().unwrap();
        let pipes: Vec<_> = (0..300).map(|_| pipe().unwrap()).collect();
        for (token, (_, writer)) in (1..).zip(&pipes) {
            epoll.add(writer.as_fd(), token, Interest::Write).unwrap();
        }
        assert_eq!(epoll.harvest(&mut []), Ok(0));
        assert_eq!(epoll.harvest(&mut [0]), Ok(0));
        let mut three = [0; 7];
        assert_eq!(epoll.harvest(&mut three), Ok(3));
        assert_eq!(three[6], 0);
        let mut tokens: Vec<u32> = three[..6].chunks(2).map(|pair| pair[0]).collect();
        let mut large = [0; 2 * 300];
        until("all are told", || {
            let told = epoll.harvest(&mut large).unwrap();
            tokens.extend(large[..2 * told].chunks(2).map(|pair| pair[0]));
            told == 0
        });
        tokens.sort_unstable();
        assert_eq!(tokens, (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn the_instance_itself_is_readable_while_something_is_untold() {
        let _watchdog = watchdog(30);
        let (epoll, _reader, mut writer) = watched(Interest::Read);
        let outer = Epoll::new().unwrap();
        outer.add(epoll.as_fd(), 1, Interest::Read).unwrap();
        assert_eq!(harvest(&outer), []);
        writer.write_all(b"x").unwrap();
        assert_eq!(harvest(&outer), [(1, READABLE)]);
        assert_eq!(harvest(&epoll), [(7, READABLE)]);
        assert_eq!(fcntl(&epoll, FcntlArg::F_GETFD), Ok(FdFlag::FD_CLOEXEC.bits()));
        assert!(epoll.as_fd().as_raw_fd() > 2);
    }
}
