//! System V semaphore sets: what is taken, what is given back, and what nobody may see.

#[cfg(test)]
#[path = "support/watch.rs"]
mod watch;

#[cfg(test)]
mod semaphore_set {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::watch::{until, watchdog};
    use nix::errno::Errno;
    use os_ipc_core::Error;
    use os_ipc_core::sys::Attempt;
    use os_ipc_core::sys::semaphore_set as sys;
    use os_ipc_core::sysv::key::Key;
    use os_ipc_core::sysv::semaphore::{Changes, Figure, Opening, Operation, Set, Taken, settle};
    use os_ipc_core::waiter::Wait;

    struct Remove(i32);

    impl Drop for Remove {
        fn drop(&mut self) {
            // A test may have removed it.
            let _gone = sys::remove(self.0);
        }
    }

    fn opening(values: &[u16]) -> Opening<'_> {
        let count = Some(u16::try_from(values.len()).unwrap());
        Opening { key: Key::Private, create: true, exclusive: false, mode: 0o600, count, values }
    }

    /// A private set that goes with its test.
    fn own(values: &[u16]) -> (Set, Remove) {
        let set = Set::open(&opening(values)).unwrap();
        let id = set.id();
        (set, Remove(id))
    }

    fn free_key() -> i32 {
        static LAST: AtomicI32 = AtomicI32::new(0);
        let first = 0x7e00_0000 + (nix::unistd::getpid().as_raw() & 0xffff) * 0x100;
        let next = || first + LAST.fetch_add(1, Ordering::Relaxed) % 0x100;
        std::iter::repeat_with(next).find(|key| sys::get(*key, 0, 0).is_err()).unwrap()
    }

    #[test]
    fn a_set_has_its_values_and_has_been_operated_upon() {
        let (set, _remove) = own(&[3, 0, 32767]);
        assert_eq!(set.values(), Ok(vec![3, 0, 32767]));
        assert_ne!(set.stat().unwrap().last_operation, 0);
        assert_eq!(set.count(), 3);
    }

    #[test]
    fn a_set_of_zeros_and_one_of_more_values_than_a_call_can_add_have_been_operated_upon_too() {
        let many = vec![32767; usize::try_from(sys::limits().unwrap().operations).unwrap() + 1];
        for values in [&[0, 0][..], &many] {
            let (set, _remove) = own(values);
            assert_eq!(set.values().unwrap(), values);
            assert_ne!(set.stat().unwrap().last_operation, 0);
        }
    }

    #[test]
    fn a_mode_without_any_rights_is_no_hindrance() {
        let set = Set::open(&Opening { mode: 0, ..opening(&[5]) }).unwrap();
        let _remove = Remove(set.id());
        assert_eq!(sys::stat(set.id()).map(|raw| raw.permissions.mode & 0o777), Ok(0));
    }

    #[test]
    fn a_set_that_nobody_has_given_values_is_not_opened_and_opens_once_somebody_has() {
        let key = free_key();
        let id = sys::get(key, 2, libc::IPC_CREAT | libc::IPC_EXCL | 0o600).unwrap();
        let _remove = Remove(id);
        let open = || Set::open(&Opening { key: Key::Number(key), create: false, count: None, ..opening(&[]) });
        assert_eq!(open().err(), Some(Error::NoValues { id }));
        sys::set_value(id, 0, 0).unwrap();
        assert_eq!(open().err(), Some(Error::NoValues { id }));
        sys::set_value(id, 1, 4).unwrap();
        assert_eq!(open().unwrap().values(), Ok(vec![0, 4]));
    }

    #[test]
    fn of_many_openers_at_once_none_sees_a_value_that_was_not_set() {
        let _watchdog = watchdog(60);
        for round in 0..200 {
            let key = free_key();
            let barrier = Barrier::new(8);
            let ids = thread::scope(|scope| {
                let opener = || {
                    let opening = Opening { key: Key::Number(key), ..opening(&[7, 9]) };
                    barrier.wait();
                    let set = Set::open(&opening).unwrap();
                    (set.id(), set.values().unwrap())
                };
                let openers: Vec<_> = (0..8).map(|_| scope.spawn(opener)).collect();
                openers.into_iter().map(|opener| opener.join().unwrap()).collect::<Vec<_>>()
            });
            let _remove = Remove(ids[0].0);
            assert!(ids.iter().all(|(id, values)| *id == ids[0].0 && *values == [7, 9]), "round {round}: {ids:?}");
        }
    }

    #[test]
    fn operations_are_done_all_or_none() {
        let (set, _remove) = own(&[1, 0]);
        let both = [Operation::new(0, -1), Operation::new(1, -1)];
        assert_eq!(set.try_operate(&both), Ok(Attempt::WouldBlock));
        assert_eq!(set.values(), Ok(vec![1, 0]));
        assert_eq!(set.try_operate_one(Operation::new(1, 2)), Ok(Attempt::Done(())));
        assert_eq!(set.try_operate(&both), Ok(Attempt::Done(())));
        assert_eq!(set.values(), Ok(vec![0, 1]));
        assert_eq!(set.operate_here(&both, Some(Duration::from_millis(20))), Ok(Attempt::WouldBlock));
    }

    #[test]
    fn what_a_thread_has_taken_and_nobody_wants_goes_back() {
        let (set, _remove) = own(&[2]);
        let taken = take(&set, -2).unwrap();
        assert_eq!(set.values(), Ok(vec![0]));
        drop(taken);
        assert_eq!(set.values(), Ok(vec![2]));
    }

    #[test]
    fn what_is_handed_over_stays_taken() {
        let (set, _remove) = own(&[2]);
        take(&set, -1).unwrap().hand_over();
        assert_eq!(set.values(), Ok(vec![1]));
    }

    #[test]
    fn handing_over_changes_no_value_however_large() {
        for (value, amount) in [(20_000, -20_000), (32_767, -1), (32_767, -32_767), (12_767, 20_000), (0, 32_767)] {
            let (set, _remove) = own(&[value]);
            take(&set, amount).unwrap().hand_over();
            assert_eq!(i32::from(set.values().unwrap()[0]), i32::from(value) + i32::from(amount));
        }
    }

    #[test]
    fn a_thread_that_ends_gives_back_what_it_has_taken_with_undo_and_no_more() {
        let (set, _remove) = own(&[5]);
        let id = set.id();
        let in_a_thread = |amount: i16| {
            thread::spawn(move || {
                let set = Set::from_id(id).unwrap();
                assert_eq!(set.try_operate_one(Operation::new(0, amount).undone(true)), Ok(Attempt::Done(())));
                drop(set);
                settle();
            })
            .join()
            .unwrap();
        };
        in_a_thread(-2);
        assert_eq!(set.values(), Ok(vec![5]));
        // Taken here, given back there: there is nothing left to give back.
        assert_eq!(set.try_operate_one(Operation::new(0, -2).undone(true)), Ok(Attempt::Done(())));
        in_a_thread(2);
        assert_eq!(set.values(), Ok(vec![5]));
        settle();
        assert_eq!(set.values(), Ok(vec![5]));
    }

    #[test]
    fn who_waits_is_told_of_the_removal() {
        let _watchdog = watchdog(30);
        let (set, _remove) = own(&[0]);
        let id = set.id();
        let (sender, receiver) = channel();
        let operations = vec![Operation::new(0, -1)];
        let _wait =
            Wait::start(move |flag| Taken::wait(id, operations, flag).map(drop), move |end| drop(sender.send(end)));
        until("somebody waits", || set.figure(0, Figure::Waiting) == Ok(1));
        set.remove().unwrap();
        assert_eq!(receiver.recv().unwrap(), Err(Error::os(Errno::EIDRM, "semop").about(id)));
        assert_eq!(set.try_operate_one(Operation::new(0, 1)).unwrap_err().errno(), Some(Errno::EINVAL));
    }

    #[test]
    fn a_cancelled_wait_has_taken_nothing() {
        let _watchdog = watchdog(30);
        let (set, _remove) = own(&[0]);
        let id = set.id();
        let (sender, receiver) = channel();
        let operations = vec![Operation::new(0, -1)];
        let wait =
            Wait::start(move |flag| Taken::wait(id, operations, flag).map(drop), move |end| drop(sender.send(end)))
                .unwrap();
        until("somebody waits", || set.figure(0, Figure::Waiting) == Ok(1));
        wait.cancel();
        assert_eq!(receiver.recv().unwrap(), Err(Error::Cancelled));
        assert_eq!(set.figure(0, Figure::Waiting), Ok(0));
    }

    #[test]
    fn owner_and_mode_can_be_changed() {
        let (set, _remove) = own(&[0]);
        set.set(Changes { mode: Some(0o640), ..Changes::default() }).unwrap();
        assert_eq!(set.stat().unwrap().permissions.mode, 0o640);
    }

    fn take(set: &Set, amount: i16) -> os_ipc_core::Result<Taken> {
        Taken::wait(set.id(), vec![Operation::new(0, amount)], &os_ipc_core::sys::cancel::Flag::default())
    }
}
