//! The registry: what killed processes have left is removed, and nothing that belongs to a living one.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod registry {
    use std::ffi::OsStr;
    use std::fs::{self, Permissions};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::sync::{Arc, Barrier};
    use std::thread;
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::sys::signal::{Signal, kill};
    use nix::sys::stat::Mode;
    use nix::unistd::{Pid, Uid, chown, geteuid, mkfifo};
    use os_ipc_core::Error;
    use os_ipc_core::registry::{Listed, Object, Registry, State};
    use tempfile::TempDir;

    use super::watch::{until, watchdog};

    const FOLDER: &str = "OS_IPC_TEST_FOLDER";

    /// A folder for entries, and one beside it for what they list.
    struct Place(TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir(place.things()).unwrap();
            place
        }

        fn entries(&self) -> PathBuf {
            self.0.path().join("entries")
        }

        fn things(&self) -> PathBuf {
            self.0.path().join("things")
        }

        fn registry(&self) -> Registry {
            Registry::at(vec![self.entries()])
        }

        fn left(&self) -> (usize, usize) {
            let count = |path: PathBuf| fs::read_dir(path).map_or(0, Iterator::count);
            (count(self.entries()), count(self.things()))
        }

        /// A process that enters and makes things, as `behaviour` says.
        fn owner(&self, behaviour: &str) -> Owner {
            let name = format!("registry::owner_{behaviour}");
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "--nocapture", &name]).env(FOLDER, self.0.path());
            Owner(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
        }

        /// The same, once it has made one.
        fn settled_owner(&self) -> Owner {
            let mut owner = self.owner("settles");
            let ready = BufReader::new(owner.0.stdout.as_mut().unwrap()).lines().map(|line| line.unwrap());
            assert!(ready.into_iter().any(|line| line.ends_with("ready")));
            owner
        }
    }

    struct Owner(Child);

    impl Owner {
        fn pid(&self) -> Pid {
            Pid::from_raw(self.0.id().cast_signed())
        }
    }

    impl Drop for Owner {
        fn drop(&mut self) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }

    fn place_of_owner() -> (Registry, PathBuf) {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        (Registry::at(vec![folder.join("entries")]), folder.join("things"))
    }

    #[test]
    #[ignore = "a process that other tests start"]
    fn owner_settles() {
        let (registry, things) = place_of_owner();
        let path = things.join(format!("fifo {}", std::process::id()));
        registry.record(Object::new("fifo", &path)).unwrap();
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        println!("ready");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        fs::remove_file(&path).unwrap();
        registry.forget("fifo", path.as_os_str()).unwrap();
    }

    #[test]
    #[ignore = "a process that other tests start"]
    fn owner_makes_and_removes_all_the_time() {
        let (registry, things) = place_of_owner();
        for number in 0_u64.. {
            let path = things.join(format!("{} {}", std::process::id(), number % 7));
            if path.exists() {
                fs::remove_file(&path).unwrap();
                registry.forget("fifo", path.as_os_str()).unwrap();
            }
            registry.record(Object::new("fifo", &path)).unwrap();
            mkfifo(&path, Mode::S_IRWXU).unwrap();
        }
    }

    fn rounds(default: usize) -> usize {
        std::env::var("OS_IPC_ROUNDS").map_or(default, |rounds| rounds.parse().unwrap())
    }

    fn names(removed: &[(Object, os_ipc_core::registry::Facts)]) -> Vec<&OsStr> {
        removed.iter().map(|(object, _)| object.name.as_os_str()).collect()
    }

    #[test]
    fn what_is_recorded_is_listed_until_it_is_forgotten() {
        let _watchdog = watchdog(30);
        let place = Place::new();
        let registry = place.registry();
        assert_eq!(registry.entries(), Ok(vec![]));
        assert!(!place.entries().exists(), "only to look makes no folder");
        registry.forget("fifo", "/never".as_ref()).unwrap();
        let (first, second) = (Object::new("fifo", "/a\nb c%"), Object::new("file", "/a\nb c%"));
        registry.record(first.clone()).unwrap();
        registry.record(second.clone()).unwrap();
        let identified = Object { identity: "1 2".into(), ..first };
        registry.record(identified.clone()).unwrap();
        registry.record(identified.clone()).unwrap();
        let process = std::process::id().cast_signed();
        let listed = Listed { process, state: State::Alive, objects: vec![identified.clone(), second] };
        // The same from another registry of this process: its own entry is nothing special to a sweep.
        assert_eq!(place.registry().entries(), Ok(vec![listed]));
        assert_eq!(fs::metadata(place.entries()).unwrap().permissions().mode() & 0o7777, 0o700);
        registry.forget("file", &identified.name).unwrap();
        assert_eq!(registry.entries().unwrap()[0].objects, std::slice::from_ref(&identified));
        registry.forget("fifo", &identified.name).unwrap();
        assert_eq!(registry.entries(), Ok(vec![]));
        assert_eq!(place.left(), (0, 0), "an entry that lists nothing goes");
        registry.record(identified).unwrap();
        assert_eq!(registry.entries().unwrap().len(), 1);
    }

    #[test]
    fn two_registries_in_one_process_have_an_entry_each() {
        let _watchdog = watchdog(30);
        let place = Place::new();
        let (one, other) = (place.registry(), place.registry());
        one.record(Object::new("fifo", "/one")).unwrap();
        other.record(Object::new("fifo", "/other")).unwrap();
        let mut objects: Vec<_> = one.entries().unwrap().into_iter().flat_map(|listed| listed.objects).collect();
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(objects, [Object::new("fifo", "/one"), Object::new("fifo", "/other")]);
    }

    #[test]
    fn an_entry_that_was_removed_under_its_owner_is_made_anew_with_everything() {
        let _watchdog = watchdog(30);
        let place = Place::new();
        let registry = place.registry();
        registry.record(Object::new("fifo", "/a")).unwrap();
        fs::remove_dir_all(place.entries()).unwrap();
        registry.record(Object::new("fifo", "/b")).unwrap();
        assert_eq!(registry.entries().unwrap()[0].objects, [Object::new("fifo", "/a"), Object::new("fifo", "/b")]);
    }

    #[test]
    fn an_entry_does_not_grow_with_what_is_long_gone() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let registry = place.registry();
        registry.record(Object::new("fifo", "/stays")).unwrap();
        for number in 0..20_000 {
            let name = format!("/{number}");
            registry.record(Object::new("fifo", &name)).unwrap();
            registry.forget("fifo", name.as_ref()).unwrap();
        }
        let sizes: Vec<u64> =
            fs::read_dir(place.entries()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
        assert!(matches!(sizes[..], [0..=70_000]), "{sizes:?}");
        let listed = registry.entries().unwrap();
        assert_eq!((listed[0].state, &listed[0].objects[..]), (State::Alive, &[Object::new("fifo", "/stays")][..]));
    }

    #[test]
    fn a_sweep_removes_what_a_killed_process_has_made_and_a_dry_run_only_tells() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let registry = place.registry();
        let living = place.settled_owner();
        let dead = place.settled_owner();
        let path_of = |owner: &Owner| place.things().join(format!("fifo {}", owner.pid()));
        let (dead_path, living_path) = (path_of(&dead), path_of(&living));
        assert_eq!(registry.sweep(false).unwrap().removed, []);
        drop(dead);
        let told = registry.sweep(true).unwrap();
        assert_eq!((names(&told.removed), place.left()), (vec![dead_path.as_os_str()], (2, 2)));
        let states: Vec<State> = registry.entries().unwrap().into_iter().map(|listed| listed.state).collect();
        assert!(states.contains(&State::Alive) && states.contains(&State::Dead));
        let swept = registry.sweep(false).unwrap();
        assert_eq!(swept.removed, told.removed);
        assert_eq!((swept.removed[0].1.uid, swept.removed[0].1.mode & 0o077), (geteuid().as_raw(), 0));
        assert!(swept.failed.is_empty() && living_path.exists() && !dead_path.exists());
        assert_eq!(registry.sweep(false).unwrap().removed, []);
        assert_eq!(place.left(), (1, 1));
    }

    #[test]
    fn a_process_that_ends_properly_leaves_nothing() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let mut owner = place.settled_owner();
        assert_eq!(place.left(), (1, 1));
        drop(owner.0.stdin.take());
        assert!(owner.0.wait().unwrap().success());
        assert_eq!(place.left(), (0, 0));
    }

    #[test]
    fn a_stopped_process_is_not_dead() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let owner = place.settled_owner();
        kill(owner.pid(), Signal::SIGSTOP).unwrap();
        let stat = format!("/proc/{}/stat", owner.pid());
        until("it has stopped", || fs::read_to_string(&stat).unwrap().contains(") T "));
        assert_eq!(place.registry().sweep(false).unwrap().removed, []);
        assert_eq!(place.registry().entries().unwrap()[0].state, State::Alive);
        assert_eq!(place.left(), (1, 1));
    }

    #[test]
    fn a_zombie_is_dead() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let owner = place.settled_owner();
        kill(owner.pid(), Signal::SIGKILL).unwrap();
        let stat = format!("/proc/{}/stat", owner.pid());
        until("it has ended", || fs::read_to_string(&stat).unwrap().contains(") Z "));
        // Its threads end one by one, and the last one lets the lock go.
        until("it is swept", || place.registry().sweep(false).unwrap().removed.len() == 1);
        assert_eq!(place.left(), (0, 0));
        assert!(fs::read_to_string(&stat).unwrap().contains(") Z "), "nobody has asked after it");
    }

    /// Killed at any moment of making, entering, removing and striking out.
    #[test]
    fn of_many_processes_that_are_killed_at_any_moment_nothing_is_left_and_the_living_lose_nothing() {
        let _watchdog = watchdog(600);
        let place = Place::new();
        let living: Vec<Owner> = (0..3).map(|_| place.settled_owner()).collect();
        let rounds = rounds(1_000);
        let mut found = 0;
        for round in 0..rounds {
            let owner = place.owner("makes_and_removes_all_the_time");
            until("it has begun", || place.left().0 > living.len());
            thread::sleep(Duration::from_micros(round as u64 * 37 % 3_000));
            drop(owner);
            let swept = place.registry().sweep(false).unwrap();
            assert_eq!(swept.failed, []);
            found += swept.removed.len();
            assert_eq!(place.left(), (living.len(), living.len()), "round {round}");
        }
        println!("{rounds} killed, which had {found} things");
        assert!(found > rounds);
        for owner in &living {
            assert!(place.things().join(format!("fifo {}", owner.pid())).exists());
        }
    }

    #[test]
    fn each_thing_is_removed_by_one_of_many_sweepers() {
        let _watchdog = watchdog(120);
        let place = Place::new();
        let living = place.settled_owner();
        for _ in 0..20 {
            let dead: Vec<Owner> = (0..5).map(|_| place.settled_owner()).collect();
            drop(dead);
            let all = Arc::new(Barrier::new(4));
            let sweepers: Vec<_> = (0..4)
                .map(|_| {
                    let (all, registry) = (Arc::clone(&all), place.registry());
                    thread::spawn(move || {
                        all.wait();
                        let swept = registry.sweep(false).unwrap();
                        assert_eq!(swept.failed, []);
                        swept.removed.len()
                    })
                })
                .collect();
            let removed: usize = sweepers.into_iter().map(|sweeper| sweeper.join().unwrap()).sum();
            assert_eq!((removed, place.left()), (5, (1, 1)));
        }
        drop(living);
    }

    #[test]
    fn entries_are_made_while_others_sweep() {
        let _watchdog = watchdog(120);
        let place = Place::new();
        let sweeper = thread::spawn({
            let registry = place.registry();
            move || (0..3_000).map(|_| registry.sweep(false).unwrap().removed.len()).sum::<usize>()
        });
        for number in 0..1_000 {
            let registry = place.registry();
            registry.record(Object::new("fifo", format!("/{number}"))).unwrap();
            assert!(registry.entries().unwrap().iter().any(|listed| listed.objects.len() == 1));
            registry.forget("fifo", format!("/{number}").as_ref()).unwrap();
        }
        assert_eq!(sweeper.join().unwrap(), 0);
    }

    /// An entry of a process that has died, with this text in place of its own.
    fn entry_of_the_dead(place: &Place, text: impl FnOnce(&str) -> Vec<u8>) -> PathBuf {
        let owner = place.settled_owner();
        let name = format!("{}.", owner.pid());
        let mut files = fs::read_dir(place.entries()).unwrap().map(|file| file.unwrap().path());
        let path = files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&name)).unwrap();
        drop(owner);
        let written = fs::read_to_string(&path).unwrap();
        fs::write(&path, text(&written)).unwrap();
        path
    }

    #[test]
    fn a_last_line_that_was_cut_off_does_not_count() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let victim = place.0.path().join("victim");
        fs::write(&victim, "").unwrap();
        let line = format!("+ file {} ", victim.display());
        entry_of_the_dead(&place, |text| format!("{text}{line}").into_bytes());
        assert_eq!(place.registry().sweep(false).unwrap().removed.len(), 1);
        assert_eq!(place.left(), (0, 0));
        assert!(victim.exists());
        // Cut off at each byte, the first line too.
        let whole = entry_of_the_dead(&place, |text| text.as_bytes().to_vec());
        let text = fs::read(&whole).unwrap();
        let first_line = text.iter().position(|&byte| byte == b'\n').unwrap();
        for length in 0..text.len() {
            fs::write(&whole, &text[..length]).unwrap();
            let swept = place.registry().sweep(false).unwrap();
            assert_eq!((swept.removed, swept.failed), (vec![], vec![]), "{length}");
            assert_eq!(place.left().0, 0, "what lists nothing goes");
        }
        assert!(first_line > 0);
        fs::write(&whole, &text).unwrap();
        assert_eq!(place.registry().sweep(false).unwrap().removed.len(), 1);
    }

    #[test]
    fn what_another_version_has_written_is_left_alone() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        entry_of_the_dead(&place, |text| text.replace("registry 1 ", "registry 2 ").into_bytes());
        entry_of_the_dead(&place, |text| format!("{text}? something new\n").into_bytes());
        entry_of_the_dead(&place, |_| b"\xFF\xFE\n".to_vec());
        let before = place.left();
        let swept = place.registry().sweep(false).unwrap();
        assert_eq!((swept.removed, place.left()), (vec![], before));
        assert!(place.registry().entries().unwrap().iter().all(|listed| listed.state == State::Unknown));
    }

    #[test]
    fn a_kind_of_another_version_is_left_and_stays_listed() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        entry_of_the_dead(&place, |text| format!("{text}+ novelty x 1\n").into_bytes());
        for removed in [1, 0] {
            let swept = place.registry().sweep(false).unwrap();
            assert_eq!(swept.removed.len(), removed);
            assert_eq!(swept.failed[0].0, Object { identity: "1".into(), ..Object::new("novelty", "x") });
            assert_eq!(place.left(), (1, 0));
        }
    }

    #[test]
    fn what_stands_there_now_is_removed_only_if_it_is_of_that_kind_and_this_users() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let path_of = |name: &str| place.0.path().join(name);
        let target = path_of("target");
        fs::write(&target, "").unwrap();
        fs::write(path_of("fifo"), "").unwrap();
        mkfifo(&path_of("file"), Mode::S_IRWXU).unwrap();
        symlink(&target, path_of("socket")).unwrap();
        let kinds = ["fifo", "file", "socket"];
        let mut lines: String = kinds.iter().map(|kind| format!("+ {kind} {} \n", path_of(kind).display())).collect();
        lines.push_str("+ file relative \n+ file / \n+ file /absent/file \n");
        entry_of_the_dead(&place, |text| format!("{text}{lines}").into_bytes());
        let swept = place.registry().sweep(false).unwrap();
        assert_eq!((swept.removed.len(), swept.failed), (1, vec![]));
        assert!(target.exists() && kinds.iter().all(|kind| path_of(kind).symlink_metadata().is_ok()));

        let _listener = UnixListener::bind(path_of("real")).unwrap();
        let line = |kind: &str, name: &str| format!("+ {kind} {} \n", path_of(name).display());
        let lines = line("socket", "real") + &line("file", "target") + &line("fifo", "file");
        if geteuid().is_root() {
            fs::write(path_of("theirs"), "").unwrap();
            chown(&path_of("theirs"), Some(Uid::from_raw(65_534)), None).unwrap();
        }
        entry_of_the_dead(&place, |text| format!("{text}{lines}{}", line("file", "theirs")).into_bytes());
        let swept = place.registry().sweep(false).unwrap();
        assert_eq!((swept.removed.len(), swept.failed), (4, vec![]));
        assert_eq!(path_of("theirs").exists(), geteuid().is_root());
    }

    fn entry_of_elsewhere(place: &Place, change: impl Fn(&mut Vec<String>)) {
        let path = entry_of_the_dead(place, |text| text.as_bytes().to_vec());
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut parts: Vec<String> = name.split('.').map(String::from).collect();
        change(&mut parts);
        fs::rename(&path, path.with_file_name(parts.join("."))).unwrap();
    }

    #[test]
    fn a_process_of_another_namespace_is_not_judged() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        entry_of_elsewhere(&place, |parts| parts[2] = "1".into());
        for namespace in [3, 4] {
            entry_of_the_dead(&place, |text| {
                let mut lines: Vec<String> = text.lines().map(String::from).collect();
                let mut words: Vec<&str> = lines[0].split(' ').collect();
                words[namespace] = "1";
                lines[0] = words.join(" ");
                (lines.join("\n") + "\n").into_bytes()
            });
        }
        assert_eq!(place.registry().sweep(false).unwrap().removed, []);
        assert_eq!(place.left(), (3, 3));
        assert!(place.registry().entries().unwrap().iter().all(|listed| listed.state == State::Unknown));
    }

    #[test]
    fn a_number_that_is_in_use_again_does_not_hide_the_dead() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let me = std::process::id().to_string();
        entry_of_elsewhere(&place, |parts| parts[0].clone_from(&me));
        assert_eq!(place.registry().sweep(false).unwrap().removed.len(), 1);
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        entry_of_the_dead(&place, |_| Vec::new());
        fs::create_dir(place.entries().join("1.2.3.4")).unwrap();
        mkfifo(&place.entries().join("1.2.3.5"), Mode::S_IRWXU).unwrap();
        symlink("/etc/passwd", place.entries().join("1.2.3.6")).unwrap();
        fs::write(place.entries().join("README"), "").unwrap();
        place.registry().sweep(false).unwrap();
        assert_eq!(place.left().0, 4);
    }

    #[test]
    fn a_folder_that_others_may_have_had_their_hands_in_is_refused() {
        let _watchdog = watchdog(60);
        let refused = |prepare: &dyn Fn(&Path), reason: &str| {
            let place = Place::new();
            prepare(&place.entries());
            let expected = Error::UntrustedFolder { path: place.entries(), reason: reason.into() };
            assert_eq!(place.registry().record(Object::new("fifo", "/x")), Err(expected.clone()));
            assert_eq!(place.registry().entries(), Err(expected.clone()));
            assert_eq!(place.registry().sweep(false).unwrap_err(), expected);
            assert!(expected.to_string().contains(reason) && expected.hint().unwrap().contains("remove it"));
        };
        let elsewhere = tempfile::tempdir().unwrap();
        refused(&|path| symlink(elsewhere.path(), path).unwrap(), "it is a symbolic link");
        refused(&|path| symlink("/absent", path).unwrap(), "it is a symbolic link");
        refused(&|path| fs::write(path, "").unwrap(), "it is no folder");
        refused(&|path| mkfifo(path, Mode::S_IRWXU).unwrap(), "it is no folder");
        for mode in [0o755, 0o770, 0o701, 0o777, 0o1777, 0o500] {
            let open = |path: &Path| {
                fs::create_dir(path).unwrap();
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            };
            refused(&open, &format!("its mode is 0{mode:o} where only 0700 keeps others out"));
        }
        if geteuid().is_root() {
            let theirs = |path: &Path| {
                fs::create_dir(path).unwrap();
                fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
                chown(path, Some(Uid::from_raw(65_534)), None).unwrap();
            };
            refused(&theirs, "it belongs to uid 65534, not to this user");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_there_can_be_no_folder_the_next_place_serves_and_all_places_are_swept() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        let absent = place.0.path().join("absent/entries");
        let registry = Registry::at(vec![absent.clone(), place.entries()]);
        registry.record(Object::new("fifo", "/x")).unwrap();
        assert_eq!(place.registry().entries().unwrap().len(), 1);
        let nowhere = Registry::at(vec![absent.clone()]).record(Object::new("fifo", "/x")).unwrap_err();
        assert_eq!(nowhere, Error::os(Errno::ENOENT, "mkdir").at(absent));

        let better = place.0.path().join("better");
        drop(place.settled_owner());
        let registry = Registry::at(vec![better.clone(), place.entries()]);
        assert_eq!(registry.sweep(false).unwrap().removed.len(), 1);
        // What somebody has put in a place that is not needed is nobody's trouble.
        let registry = Registry::at(vec![place.entries(), better.clone()]);
        fs::write(&better, "").unwrap();
        drop(place.settled_owner());
        assert_eq!(registry.sweep(false).unwrap().removed.len(), 1);
    }

    #[test]
    fn an_entry_that_cannot_be_written_is_an_error_and_nothing_is_listed_as_made() {
        let _watchdog = watchdog(60);
        let place = Place::new();
        // A limit on the size of files, in a shell that then is the owner's.
        let script = "ulimit -f 1; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "--nocapture", "registry::owner_meets_a_limit"])
            .env(FOLDER, place.0.path());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("recorded again"), "{text}{output:?}");
        assert_eq!(place.left(), (0, 0));
    }

    #[test]
    #[ignore = "a process that another test starts"]
    fn owner_meets_a_limit() {
        // SAFETY: ignores a signal.
        unsafe { nix::sys::signal::signal(Signal::SIGXFSZ, nix::sys::signal::SigHandler::SigIgn) }.unwrap();
        let (registry, _) = place_of_owner();
        let name = |number: usize| format!("/{number}/{}", "x".repeat(100));
        let mut number = 0;
        let error = loop {
            match registry.record(Object::new("fifo", name(number))) {
                Ok(()) => number += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.errno(), Some(Errno::EFBIG));
        let listed = || registry.entries().unwrap()[0].objects.len();
        assert_eq!(listed(), number);
        // What was written of the line that did not fit is written over, if the next one fits.
        let fits = registry.record(Object::new("fifo", "/s")).is_ok();
        assert_eq!(listed(), number + usize::from(fits));
        // There is no room to strike anything out, but the last one takes the entry with it.
        let names = (0..number).map(name).chain(fits.then(|| "/s".into()));
        let last = names.map(|name| registry.forget("fifo", name.as_ref())).last();
        assert_eq!(last, Some(Ok(())));
        writeln!(std::io::stdout(), "recorded again").unwrap();
    }
}
