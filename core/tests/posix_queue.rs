//! POSIX message queues.

#[cfg(test)]
#[path = "support/task.rs"]
mod task;
#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod posix_queue {
    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::close;
    use os_ipc_core::Error;
    use os_ipc_core::posix::Name;
    use os_ipc_core::posix::notice::{Notice, Told};
    use os_ipc_core::posix::queue::{Access, Options, PRIORITIES, Queue, Wanted, unlink};
    use os_ipc_core::sys::Attempt;

    use super::task::waits_in;
    use super::watch::{until, watchdog};

    const SMALL: Options = Options {
        create: false,
        exclusive: false,
        mode: 0o600,
        max_messages: Some(3),
        max_message_size: Some(16),
        access: Access::Both,
    };

    /// A queue whose name is gone already: nothing is left behind, however the test ends.
    fn queue() -> Queue {
        let (queue, name) = Queue::create_unnamed(SMALL).unwrap();
        unlink(&name).unwrap();
        queue
    }

    fn send(queue: &Queue, data: &str, priority: u32) {
        assert_eq!(queue.try_send(data.as_bytes(), priority), Ok(Attempt::Done(())));
    }

    fn received(queue: &Queue) -> Option<(String, u32)> {
        let mut room = [0; 16];
        match queue.try_receive(&mut room).unwrap() {
            Attempt::Done((length, priority)) => Some((String::from_utf8(room[..length].to_vec()).unwrap(), priority)),
            Attempt::WouldBlock => None,
        }
    }

    fn errno<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<Errno> {
        result.unwrap_err().errno()
    }

    #[test]
    fn gives_the_highest_priority_first_and_the_oldest_among_equals() {
        let queue = queue();
        for (data, priority) in [("low", 0), ("first", 7), ("second", 7)] {
            send(&queue, data, priority);
        }
        assert_eq!(queue.size(), Ok(3));
        assert_eq!(received(&queue), Some(("first".into(), 7)));
        assert_eq!(received(&queue), Some(("second".into(), 7)));
        assert_eq!(received(&queue), Some(("low".into(), 0)));
        assert_eq!(received(&queue), None);
    }

    #[test]
    fn takes_empty_messages_and_the_highest_priority() {
        let queue = queue();
        send(&queue, "", PRIORITIES - 1);
        assert_eq!(received(&queue), Some((String::new(), PRIORITIES - 1)));
        assert_eq!(errno(queue.try_send(b"", PRIORITIES)), Some(Errno::EINVAL));
    }

    #[test]
    fn never_waits_whatever_the_flags_of_the_description_say() {
        let _watchdog = watchdog(20);
        let queue = queue();
        for flags in [OFlag::empty(), OFlag::O_NONBLOCK] {
            fcntl(&queue, FcntlArg::F_SETFL(flags)).unwrap();
            assert_eq!(received(&queue), None);
            for _ in 0..3 {
                send(&queue, "x", 0);
            }
            assert_eq!(queue.try_send(b"x", 0), Ok(Attempt::WouldBlock));
            for _ in 0..3 {
                assert_eq!(received(&queue), Some(("x".into(), 0)));
            }
        }
    }

    #[test]
    fn neither_clips_nor_loses_what_is_too_large() {
        let queue = queue();
        assert_eq!(errno(queue.try_send(&[0; 17], 0)), Some(Errno::EMSGSIZE));
        send(&queue, "sixteen bytes it", 0);
        assert_eq!(errno(queue.try_receive(&mut [0; 15])), Some(Errno::EMSGSIZE));
        assert_eq!(received(&queue), Some(("sixteen bytes it".into(), 0)));
    }

    #[test]
    fn blocks_until_there_is_a_message_or_room() {
        let _watchdog = watchdog(20);
        let queue = queue();
        let began = Instant::now();
        queue.block(Wanted::Message, 20).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(20));
        let other = queue.duplicate().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| send(&other, "x", 0));
            until("a message", || {
                queue.block(Wanted::Message, 100).unwrap();
                queue.size() == Ok(1)
            });
        });
        queue.block(Wanted::Room, 100).unwrap();
        assert_eq!(received(&queue), Some(("x".into(), 0)));
    }

    #[test]
    fn stands_in_the_kernel_until_there_is_a_message_unless_the_description_forbids_it() {
        let _watchdog = watchdog(20);
        let queue = queue();
        fcntl(&queue, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        assert_eq!(queue.receive(&mut [0; 16]), Ok(Attempt::WouldBlock));
        fcntl(&queue, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        let other = queue.duplicate().unwrap();
        let notice = Notice::ask(&queue).unwrap();
        let (told, thread) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let receiving = scope.spawn(|| {
                told.send(nix::unistd::gettid().as_raw()).unwrap();
                other.receive(&mut [0; 16])
            });
            let thread = thread.recv().unwrap();
            until("it waits", || waits_in(std::process::id(), thread, libc::SYS_mq_timedreceive));
            send(&queue, "x", 7);
            assert_eq!(receiving.join().unwrap(), Ok(Attempt::Done((1, 7))));
        });
        // It never came to the queue.
        assert_eq!((told_of(&notice), queue.size()), (Told::Nothing, Ok(0)));
    }

    #[test]
    fn opens_for_one_direction_only() {
        let name = Name::random().unwrap();
        let create = Options { create: true, exclusive: true, ..SMALL };
        let writer = Queue::open(&name, Options { access: Access::Write, ..create }).unwrap();
        assert_eq!(errno(Queue::open(&name, create)), Some(Errno::EEXIST));
        let reader = Queue::open(&name, Options { access: Access::Read, ..SMALL }).unwrap();
        unlink(&name).unwrap();
        assert_eq!(errno(writer.try_receive(&mut [0; 16])), Some(Errno::EBADF));
        assert_eq!(errno(reader.try_send(b"x", 0)), Some(Errno::EBADF));
        send(&writer, "x", 0);
        assert_eq!(received(&reader), Some(("x".into(), 0)));
    }

    #[test]
    fn errors_name_the_queue_and_what_to_do() {
        let name = Name::random().unwrap();
        let error = Queue::open(&name, SMALL).unwrap_err();
        assert_eq!(error.to_string(), format!("no such file or directory, mq_open '{name}'"));
        assert_eq!(errno(unlink(&name)), Some(Errno::ENOENT));
        let sizes = [(Some(100_000), None), (None, Some(100_000_000))];
        for (max_messages, max_message_size) in sizes {
            let error =
                Queue::open(&name, Options { create: true, max_messages, max_message_size, ..SMALL }).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::EINVAL));
            assert!(error.hint().is_some_and(|hint| hint.contains("/proc/sys/fs/mqueue/msgsize_max")));
        }
    }

    #[test]
    fn the_size_that_is_not_asked_for_is_the_systems_own() {
        let (by_default, first) =
            Queue::create_unnamed(Options { max_messages: None, max_message_size: None, ..SMALL }).unwrap();
        unlink(&first).unwrap();
        let defaults = (by_default.max_messages(), by_default.max_message_size());
        drop(by_default);
        let (queue, name) = Queue::create_unnamed(Options { max_messages: None, ..SMALL }).unwrap();
        unlink(&name).unwrap();
        assert_eq!((queue.max_messages(), queue.max_message_size()), (defaults.0, 16));
        let (queue, name) = Queue::create_unnamed(Options { max_message_size: None, ..SMALL }).unwrap();
        unlink(&name).unwrap();
        assert_eq!((queue.max_messages(), queue.max_message_size()), (3, defaults.1));
    }

    #[test]
    fn names_are_checked_before_any_call() {
        let longest = format!("/{}", "x".repeat(254));
        for name in ["/x", "/...", "/ö", longest.as_str()] {
            assert_eq!(Name::new(name).unwrap().to_string(), name);
        }
        let longer = format!("/{}", "x".repeat(255));
        for name in ["", "x", "/", "/.", "/..", "//", "/a/b", "/../x", "a/b", "/a\0b", longer.as_str()] {
            assert!(matches!(Name::new(name), Err(Error::InvalidName { .. })), "{name:?}");
        }
    }

    #[test]
    fn adopts_a_queue_and_nothing_else() {
        let queue = queue();
        let number = queue.duplicate().unwrap().into_fd().into_raw_fd();
        let adopted = Queue::adopt(number).unwrap();
        assert_eq!((adopted.as_fd().as_raw_fd(), adopted.max_messages()), (number, 3));
        let flags = FdFlag::from_bits_retain(fcntl(&adopted, FcntlArg::F_GETFD).unwrap());
        assert!(flags.contains(FdFlag::FD_CLOEXEC));

        let file = File::open("/dev/null").unwrap();
        assert!(matches!(Queue::adopt(file.as_raw_fd()), Err(Error::WrongKind { .. })));
        assert!(file.metadata().is_ok());
        assert_eq!(errno(Queue::adopt(i32::MAX)), Some(Errno::EBADF));
        assert_eq!(errno(Queue::adopt(-1)), Some(Errno::EBADF));
    }

    fn told_of(notice: &Notice) -> Told {
        notice.look().unwrap()
    }

    /// Whether poll(2) tells of the notice.
    fn is_told_of(notice: &Notice) -> bool {
        let mut fds = [PollFd::new(notice.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn a_notice_tells_of_the_first_message_and_takes_nothing() {
        let queue = queue();
        let notice = Notice::ask(&queue).unwrap();
        assert_eq!((told_of(&notice), is_told_of(&notice)), (Told::Nothing, false));
        send(&queue, "x", 0);
        assert_eq!((told_of(&notice), is_told_of(&notice)), (Told::Arrival, true));
        assert_eq!(received(&queue), Some(("x".into(), 0)));
    }

    #[test]
    fn a_notice_of_a_queue_that_is_not_empty_waits_until_it_has_been() {
        let queue = queue();
        send(&queue, "x", 0);
        let notice = Notice::ask(&queue).unwrap();
        send(&queue, "y", 0);
        assert_eq!(told_of(&notice), Told::Nothing);
        while received(&queue).is_some() {}
        assert_eq!(told_of(&notice), Told::Nothing);
        send(&queue, "z", 0);
        assert_eq!(told_of(&notice), Told::Arrival);
    }

    #[test]
    fn notices_of_one_queue_are_all_told_and_a_later_one_is_not_told_of_what_was_before() {
        let queue = queue();
        let other = queue.duplicate().unwrap();
        let notices = [Notice::ask(&queue).unwrap(), Notice::ask(&other).unwrap()];
        send(&queue, "x", 0);
        let later = Notice::ask(&queue).unwrap();
        assert_eq!(notices.each_ref().map(told_of), [Told::Arrival; 2]);
        assert_eq!(told_of(&later), Told::Nothing);
        assert_eq!(received(&queue), Some(("x".into(), 0)));
        send(&queue, "y", 0);
        assert_eq!(told_of(&later), Told::Arrival);
    }

    #[test]
    fn a_notice_ends_with_itself_alone() {
        let queue = queue();
        let [one, another] = [Notice::ask(&queue).unwrap(), Notice::ask(&queue).unwrap()];
        drop(one);
        send(&queue, "x", 0);
        assert_eq!(told_of(&another), Told::Arrival);
    }

    #[test]
    fn a_notice_outlives_the_handle_that_it_was_asked_of() {
        let queue = queue();
        let other = queue.duplicate().unwrap();
        let notice = Notice::ask(&other).unwrap();
        drop(other);
        assert_eq!(told_of(&notice), Told::Removal);
        let renewed = notice.renew().unwrap().unwrap();
        assert_eq!(told_of(&renewed), Told::Nothing);
        send(&queue, "x", 0);
        assert_eq!(told_of(&renewed), Told::Arrival);
    }

    #[test]
    fn a_message_after_a_close_is_told_of_even_before_anybody_has_looked() {
        let queue = queue();
        let notices = [Notice::ask(&queue).unwrap(), Notice::ask(&queue).unwrap()];
        drop(queue.duplicate().unwrap());
        // The close has registered again by then, so the kernel notices.
        send(&queue, "x", 0);
        for notice in &notices {
            assert_eq!(told_of(notice), Told::Removal);
            assert!(notice.renew().unwrap().is_none());
        }
    }

    #[test]
    fn a_message_between_a_foreign_close_and_the_next_registration_is_told_of() {
        let queue = queue();
        let notices = [Notice::ask(&queue).unwrap(), Notice::ask(&queue).unwrap()];
        close(queue.duplicate().unwrap().into_fd().into_raw_fd()).unwrap();
        send(&queue, "x", 0);
        for notice in &notices {
            assert_eq!(told_of(notice), Told::Removal);
            assert!(notice.renew().unwrap().is_none());
        }
    }

    #[test]
    fn a_close_is_no_arrival_on_a_queue_that_was_not_empty() {
        let queue = queue();
        send(&queue, "x", 0);
        let notice = Notice::ask(&queue).unwrap();
        drop(queue.duplicate().unwrap());
        let renewed = notice.renew().unwrap().unwrap();
        assert_eq!(told_of(&renewed), Told::Nothing);
        assert_eq!(received(&queue), Some(("x".into(), 0)));
        send(&queue, "y", 0);
        assert_eq!(told_of(&renewed), Told::Arrival);
    }

    #[test]
    fn after_the_last_notice_another_can_be_asked_for() {
        let queue = queue();
        for _ in 0..100 {
            let notice = Notice::ask(&queue).unwrap();
            let threads = queue.duplicate().unwrap();
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(told_of(&Notice::ask(&threads).unwrap()), Told::Nothing));
            });
            drop(notice);
        }
    }
}
