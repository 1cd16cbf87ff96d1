//! FIFOs: how they are opened, and that nothing which only stands where one should is touched.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod fifos {
    use std::fs::{self, File, OpenOptions};
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::unistd::{Uid, chown, geteuid};
    use os_ipc_core::fifo::{create, locate, unlink};
    use os_ipc_core::pipe::{PipeEnd, Side};
    use os_ipc_core::sys::Attempt::{self, Done, WouldBlock};
    use os_ipc_core::sys::cancel::Flag;
    use os_ipc_core::waiter::Wait;
    use os_ipc_core::{Error, Result};
    use tempfile::TempDir;

    use super::watch::{until, watchdog};

    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        (folder, path)
    }

    fn made() -> (TempDir, PathBuf) {
        let (folder, path) = place();
        create(&path, 0o600, true).unwrap();
        (folder, path)
    }

    fn not_a_fifo(path: &Path) -> Error {
        Error::WrongKind { expected: "a FIFO", path: Some(path.into()) }
    }

    fn failed(errno: Errno, syscall: &'static str, path: &Path) -> Error {
        Error::os(errno, syscall).at(path)
    }

    /// Opens in a thread of its own.
    fn open(path: &Path, side: Side) -> thread::JoinHandle<Result<PipeEnd>> {
        let path = path.to_owned();
        thread::spawn(move || locate(&path, false)?.open(side, &path, &Flag::default()))
    }

    #[test]
    fn create_makes_a_fifo_with_the_mode_less_the_umask() {
        let _watchdog = watchdog(30);
        let (_folder, path) = made();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.file_type().is_fifo());
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert_eq!(create(&path, 0o600, true), Err(failed(Errno::EEXIST, "mkfifo", &path)));
        assert_eq!(create(&path, 0o600, false), Ok(()));
    }

    #[test]
    fn a_path_without_a_folder_or_a_name_is_refused() {
        let _watchdog = watchdog(30);
        let (folder, _) = place();
        let nowhere = folder.path().join("none/fifo");
        assert_eq!(create(&nowhere, 0o600, false), Err(failed(Errno::ENOENT, "open", &nowhere)));
        let absent = folder.path().join("absent");
        assert_eq!(locate(&absent, false).unwrap_err(), failed(Errno::ENOENT, "open", &absent));
        assert_eq!(unlink(&absent), Err(failed(Errno::ENOENT, "unlink", &absent)));
        for path in ["/", "..", ""] {
            assert_eq!(create(Path::new(path), 0o600, false), Err(not_a_fifo(Path::new(path))));
        }
    }

    #[test]
    fn what_is_no_fifo_is_neither_accepted_nor_opened_nor_removed() {
        let _watchdog = watchdog(30);
        let (folder, real) = made();
        let path_of = |name: &str| folder.path().join(name);
        fs::write(path_of("file"), "content").unwrap();
        fs::create_dir(path_of("folder")).unwrap();
        let _listener = UnixListener::bind(path_of("socket")).unwrap();
        for name in ["file", "folder", "socket"] {
            let path = path_of(name);
            assert_eq!(create(&path, 0o600, false), Err(not_a_fifo(&path)));
            assert_eq!(locate(&path, true).unwrap_err(), not_a_fifo(&path));
            assert_eq!(unlink(&path), Err(not_a_fifo(&path)));
            assert!(path.exists());
        }
        let device = Path::new("/dev/null");
        assert_eq!(locate(device, true).unwrap_err(), not_a_fifo(device));
        for (name, target) in
            [("to-fifo", real.as_path()), ("to-file", &path_of("file")), ("dangling", &path_of("none"))]
        {
            let path = path_of(name);
            symlink(target, &path).unwrap();
            assert_eq!(create(&path, 0o600, false), Err(failed(Errno::ELOOP, "open", &path)));
            assert_eq!(locate(&path, true).unwrap_err(), failed(Errno::ELOOP, "open", &path));
            assert_eq!(unlink(&path), Err(failed(Errno::ELOOP, "open", &path)));
            assert!(path.is_symlink());
        }
        assert_eq!(fs::read(path_of("file")).unwrap(), b"content");
        unlink(&real).unwrap();
        assert!(!real.exists());
    }

    #[test]
    fn a_fifo_of_somebody_else_is_opened_only_on_request() {
        let _watchdog = watchdog(30);
        if !geteuid().is_root() {
            // Only root can give a file away; whose they are when nobody has given them is tried by the specs.
            return;
        }
        let (_folder, path) = made();
        chown(&path, Some(Uid::from_raw(65_534)), None).unwrap();
        let refused = locate(&path, false).unwrap_err();
        assert_eq!(refused, Error::UntrustedOwner { path: path.clone(), uid: 65_534 });
        assert!(refused.hint().unwrap().contains("anyOwner"));
        assert!(locate(&path, true).is_ok());
    }

    #[test]
    fn a_writer_opens_at_once_only_if_somebody_reads() {
        let _watchdog = watchdog(30);
        let (_folder, path) = made();
        let located = locate(&path, false).unwrap();
        assert!(matches!(located.try_open_writer(&path), Ok(WouldBlock)));
        let reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        let Ok(Attempt::Done(writer)) = located.try_open_writer(&path) else { panic!("somebody reads") };
        let flags = OFlag::from_bits_retain(fcntl(&writer, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "an ordinary pipe for whoever inherits it");
        drop(reader);
        assert_eq!(writer.try_write(b"x"), Err(Error::os(Errno::EPIPE, "write")));
    }

    #[test]
    fn each_side_waits_for_the_other() {
        let _watchdog = watchdog(30);
        let (_folder, path) = made();
        for first in [Side::Reader, Side::Writer] {
            let second = if first == Side::Reader { Side::Writer } else { Side::Reader };
            let waiting = open(&path, first);
            let other = locate(&path, false).unwrap().open(second, &path, &Flag::default()).unwrap();
            let ends = [waiting.join().unwrap().unwrap(), other];
            let (reader, writer) = if first == Side::Reader { (&ends[0], &ends[1]) } else { (&ends[1], &ends[0]) };
            let mut target = [0; 8];
            assert_eq!(reader.try_read(&mut target), Ok(WouldBlock));
            assert_eq!(writer.try_write(b"through"), Ok(Done(7)));
            assert_eq!(reader.try_read(&mut target), Ok(Done(7)));
        }
    }

    #[test]
    fn another_process_is_at_the_other_end() {
        let _watchdog = watchdog(30);
        let (_folder, path) = made();
        let mut writing = Command::new("sh").args(["-c", "printf hello > \"$0\""]).arg(&path).spawn().unwrap();
        let reader = open(&path, Side::Reader).join().unwrap().unwrap();
        let mut target = [0; 16];
        until("it has written", || reader.try_read(&mut target) == Ok(Done(5)));
        assert!(writing.wait().unwrap().success());
        assert_eq!(reader.try_read(&mut target), Ok(Done(0)), "the end");
        // Until somebody writes again.
        assert!(Command::new("sh").args(["-c", "printf again > \"$0\""]).arg(&path).status().unwrap().success());
        assert_eq!(reader.try_read(&mut target), Ok(Done(5)));
        assert_eq!(reader.try_read(&mut target), Ok(Done(0)));
    }

    #[test]
    fn transfers_never_wait_while_somebody_else_clears_o_nonblock() {
        let _watchdog = watchdog(60);
        let (_folder, path) = made();
        let waiting = open(&path, Side::Reader);
        let writer = open(&path, Side::Writer).join().unwrap().unwrap();
        let reader = waiting.join().unwrap().unwrap();
        let mut target = [0; 4096];
        for _ in 0..1_000 {
            for end in [&reader, &writer] {
                fcntl(end, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
            }
            assert_eq!(reader.try_read(&mut target), Ok(WouldBlock));
            while let Done(_) = writer.try_write(&target).unwrap() {}
            while let Done(read) = reader.try_read(&mut target).unwrap() {
                assert_ne!(read, 0);
            }
        }
        drop(writer);
        assert_eq!(reader.try_read(&mut target), Ok(Done(0)));
    }

    #[test]
    fn a_cancelled_open_leaves_no_side_behind() {
        let _watchdog = watchdog(60);
        let (_folder, path) = made();
        let open_here = || {
            let mut links = fs::read_dir("/proc/self/fd").unwrap().flatten().flat_map(|fd| fs::read_link(fd.path()));
            links.any(|link| link == path)
        };
        for side in [Side::Reader, Side::Writer] {
            let (told, result) = channel();
            let located = locate(&path, false).unwrap();
            let job_path = path.clone();
            let job = move |flag: &Flag| located.open(side, &job_path, flag).map(drop);
            let wait = Wait::start(job, move |outcome| told.send(outcome).unwrap()).unwrap();
            assert!(open_here());
            wait.cancel();
            assert_eq!(result.recv().unwrap(), Err(Error::Cancelled));
            assert!(!open_here());
            let nobody_reads = locate(&path, false).unwrap().try_open_writer(&path).unwrap();
            assert!(matches!(nobody_reads, WouldBlock));
        }
    }

    /// What stands at the path is exchanged all the time for a symbolic link to a file that must not be written.
    #[test]
    fn an_exchange_at_the_path_never_leads_into_another_file() {
        let _watchdog = watchdog(120);
        let (folder, path) = made();
        let victim = folder.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let exchanges = Arc::new(AtomicUsize::new(0));
        let exchanger = {
            let (ended, exchanges) = (Arc::clone(&ended), Arc::clone(&exchanges));
            let (path, victim, folder) = (path.clone(), victim.clone(), folder.path().to_owned());
            thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    symlink(&victim, folder.join("link")).unwrap();
                    fs::rename(folder.join("link"), &path).unwrap();
                    create(&folder.join("new"), 0o600, true).unwrap();
                    fs::rename(folder.join("new"), &path).unwrap();
                    exchanges.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let (mut opened, mut refused) = (0, 0);
        for _ in 0..100_000 {
            match locate(&path, false) {
                Ok(located) => {
                    let _reader = OpenOptions::new()
                        .read(true)
                        .custom_flags(libc::O_NONBLOCK)
                        .open(format!("/proc/self/fd/{}", located.as_raw_fd()))
                        .unwrap();
                    let Ok(Done(writer)) = located.try_open_writer(&path) else { panic!("there is a reader") };
                    assert_eq!(writer.try_write(b"overwritten"), Ok(Done(11)));
                    opened += 1;
                }
                Err(Error::Os { errno: Errno::ELOOP, .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        ended.store(true, Ordering::Relaxed);
        exchanger.join().unwrap();
        println!("{opened} opened, {refused} refused, {exchanges:?} exchanges");
        assert!(opened > 0 && refused > 0 && exchanges.load(Ordering::Relaxed) > 0);
        let mut content = String::new();
        File::open(&victim).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "untouched");
    }

    #[test]
    fn a_fifo_that_others_make_and_remove_is_made_or_found() {
        let _watchdog = watchdog(60);
        let (_folder, path) = place();
        let ended = Arc::new(AtomicBool::new(false));
        let remover = {
            let (ended, path) = (Arc::clone(&ended), path.clone());
            thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    drop(create(&path, 0o600, false));
                    drop(fs::remove_file(&path));
                }
            })
        };
        let results: Vec<_> = (0..50_000).filter_map(|_| create(&path, 0o600, false).err()).collect();
        ended.store(true, Ordering::Relaxed);
        remover.join().unwrap();
        assert_eq!(results, []);
    }

    #[test]
    fn a_file_written_by_nobody_else_can_be_read_through_it() {
        let _watchdog = watchdog(60);
        let (_folder, path) = made();
        let mut cat =
            Command::new("sh").args(["-c", "cat \"$0\" | wc -c | grep -qx 1000000"]).arg(&path).spawn().unwrap();
        let writer = open(&path, Side::Writer).join().unwrap().unwrap();
        let mut file = File::from(writer.into_fd());
        file.write_all(&vec![b'x'; 1_000_000]).unwrap();
        drop(file);
        assert!(cat.wait().unwrap().success());
    }
}
