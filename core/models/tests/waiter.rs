//! What a waiter thread has taken for somebody who may be gone by then, under every order of the steps: it is that one's,
//! or it is given back, and never both or neither. `Outcomes` and `Taken` are those of the core; the lock is a model.

#[cfg(test)]
mod waiter {
    use std::sync::Arc;

    use loom::sync::Mutex;
    use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use loom::thread;
    use os_ipc_core::waiter::{Outcomes, Taken};

    const TOKEN: u32 = 7;

    /// One permit, and a wait for it under way.
    struct Shared {
        permits: AtomicU32,
        cancelled: AtomicBool,
        outcomes: Mutex<Outcomes<Option<Taken<()>>, ()>>,
    }

    impl Shared {
        fn new() -> Arc<Self> {
            let mut outcomes = Outcomes::default();
            outcomes.begin(TOKEN, ());
            let (permits, cancelled) = (AtomicU32::new(1), AtomicBool::new(false));
            Arc::new(Self { permits, cancelled, outcomes: Mutex::new(outcomes) })
        }

        /// What the thread does: it takes the permit unless it was called off, and tells.
        fn wait(self: &Arc<Self>, gives_back: bool) {
            let mut taken = None;
            if !self.cancelled.load(Ordering::SeqCst) {
                assert_eq!(self.permits.swap(0, Ordering::SeqCst), 1);
                let shared = Arc::clone(self);
                taken = Some(Taken::new((), move |()| {
                    if gives_back {
                        shared.permits.fetch_add(1, Ordering::SeqCst);
                    }
                }));
            }
            let mut outcomes = self.outcomes.lock().unwrap();
            let unwanted = outcomes.end(TOKEN, taken);
            drop(outcomes);
            drop(unwanted);
        }

        /// What has ended.
        fn collect(&self) -> Option<Taken<()>> {
            let collected = self.outcomes.lock().unwrap().collect(8);
            collected.into_iter().find_map(|(_, taken)| taken)
        }
    }

    fn model(body: impl Fn() + Sync + Send + 'static) {
        loom::model(body);
    }

    /// The wait is to end at a time: what the thread has taken by then counts, and what it takes later is not wanted.
    fn timeout(gives_back: bool) {
        model(move || {
            let shared = Shared::new();
            let waits = Arc::clone(&shared);
            let thread = thread::spawn(move || waits.wait(gives_back));
            let mut kept = 0;
            match shared.collect() {
                Some(taken) => kept += u32::from(taken.keep().is_some()),
                None => shared.cancelled.store(true, Ordering::SeqCst),
            }
            thread.join().unwrap();
            drop(shared.collect());
            assert_eq!(kept + shared.permits.load(Ordering::SeqCst), 1, "a permit is lost, or doubled");
        });
    }

    #[test]
    fn a_wait_that_times_out_as_it_is_served_has_the_permit_or_gives_it_back() {
        timeout(true);
    }

    #[test]
    #[should_panic(expected = "a permit is lost")]
    fn without_giving_back_a_permit_is_lost() {
        timeout(false);
    }

    /// The handle closes, or its worker ends, while the thread is about to tell.
    fn close(says_so: bool) {
        model(move || {
            let shared = Shared::new();
            let waits = Arc::clone(&shared);
            let thread = thread::spawn(move || waits.wait(true));
            if says_so {
                shared.outcomes.lock().unwrap().close();
            }
            shared.cancelled.store(true, Ordering::SeqCst);
            drop(shared.collect());
            thread.join().unwrap();
            assert_eq!(shared.permits.load(Ordering::SeqCst), 1, "a permit is lost, or doubled");
        });
    }

    #[test]
    fn what_is_taken_as_the_handle_closes_is_given_back() {
        close(true);
    }

    #[test]
    #[should_panic(expected = "a permit is lost")]
    fn where_nobody_says_that_it_is_closed_a_permit_is_lost() {
        close(false);
    }

    /// A blocking form claims its own outcome while the loop collects all of them.
    #[test]
    fn an_outcome_is_claimed_or_collected_once() {
        model(|| {
            let shared = Shared::new();
            shared.wait(true);
            let other = Arc::clone(&shared);
            let keep = |taken: Option<Taken<()>>| u32::from(taken.and_then(Taken::keep).is_some());
            let thread = thread::spawn(move || keep(other.collect()));
            let claimed = shared.outcomes.lock().unwrap().claim(TOKEN);
            let kept = keep(claimed.flatten()) + thread.join().unwrap();
            assert_eq!((kept, shared.permits.load(Ordering::SeqCst)), (1, 0));
        });
    }
}
