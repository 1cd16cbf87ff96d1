//! Learning that a queue has a message for somebody who waits, without taking it.
//!
//! A queue has no descriptor, and a message that a thread has taken could be lost with whoever wanted it. So a thread
//! waits in msgrcv with room for no text at all: a message wakes it with E2BIG and stays where it is. There is one such
//! thread for each queue and selector in the process, however many wait; it ends with what it has learned.
//!
//! A message without any text is really taken by that. It goes to a stash, which all of this process's handles of the
//! queue share and look into before they ask the kernel, and goes back to the queue when the last of them is closed.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nix::errno::Errno;

use super::queue::{Selector, waited};
use crate::error::{Error, Result};
use crate::sys::sysv as sys;
use crate::waiter::{Wait, wake_here};

/// Told once: there may be a message, or there will never be one.
pub(super) type Tell = Box<dyn FnOnce(Result<()>) + Send>;

/// How long the end of the process waits for threads that have been cancelled.
const PATIENCE: Duration = Duration::from_secs(1);

/// What this process's handles of one queue share.
pub(super) struct Shared {
    id: i32,
    /// As many as there are in the stash: looked at for every receive, so without the lock.
    stashed: AtomicUsize,
    /// As many as there are leaving, for the same reason.
    leaving: AtomicUsize,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// The types of messages without text, oldest first.
    stash: VecDeque<i64>,
    learners: Vec<Learner>,
    /// Threads that have been cancelled and have not said yet what they had come to.
    leaving: Vec<(u64, Selector)>,
    threads: usize,
}

struct Learner {
    number: u64,
    selector: Selector,
    wait: Option<Wait>,
    subscribers: Vec<(u64, Tell)>,
}

/// Somebody is to be told. Dropping it withdraws that.
#[must_use]
pub struct Subscription {
    shared: Arc<Shared>,
    number: u64,
}

static QUEUES: Mutex<Option<HashMap<i32, Weak<Shared>>>> = Mutex::new(None);
static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);
/// The process ends: nobody is to begin to wait any more.
static LEAVING: AtomicBool = AtomicBool::new(false);

impl Shared {
    /// What all handles of that queue share.
    pub(super) fn of(id: i32) -> Arc<Self> {
        let mut queues = lock(&QUEUES);
        let queues = queues.get_or_insert_default();
        if let Some(shared) = queues.get(&id).and_then(Weak::upgrade) {
            return shared;
        }
        let shared = Arc::new(Self {
            id,
            stashed: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            state: Mutex::default(),
            ended: Condvar::new(),
        });
        queues.insert(id, Arc::downgrade(&shared));
        shared
    }

    /// Takes a message from the stash: its type. Whoever looks here before he asks the kernel gets messages in their order,
    /// also if a thread that was to learn of them has just been called off and has taken one in the last moment.
    pub(super) fn take_stashed(&self, selector: Selector) -> Option<i64> {
        self.await_leaving(selector);
        // Partner: the store in `ended`, which comes before anybody is told, and before it leaves.
        if self.stashed.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut state = lock(&self.state);
        let index = selector.first_of(state.stash.iter().copied())?;
        let kind = state.stash.remove(index);
        self.stashed.store(state.stash.len(), Ordering::SeqCst);
        kind
    }

    /// The type of the message at `index` of the stash, or how many it has.
    pub(super) fn peek_stashed(&self, index: usize) -> std::result::Result<i64, usize> {
        self.await_leaving(Selector::Any);
        let state = lock(&self.state);
        state.stash.get(index).copied().ok_or(state.stash.len())
    }

    /// Waits until no thread that has been called off may still bring a message for `selector`.
    fn await_leaving(&self, selector: Selector) {
        if self.leaving.load(Ordering::SeqCst) > 0 {
            let overlaps = |state: &mut State| state.leaving.iter().any(|(_, theirs)| theirs.overlaps(selector));
            // They are on their way, and this takes no longer than a signal does.
            drop(self.ended.wait_timeout_while(lock(&self.state), PATIENCE, overlaps));
        }
    }

    /// Has `tell` called once, on whatever thread, when there may be a message for `selector`.
    pub(super) fn subscribe(self: &Arc<Self>, selector: Selector, tell: Tell) -> Result<Subscription> {
        let number = next_number();
        let subscription = Subscription { shared: Arc::clone(self), number };
        let mut state = lock(&self.state);
        if selector.first_of(state.stash.iter().copied()).is_some() {
            drop(state);
            tell(Ok(()));
            return Ok(subscription);
        }
        if LEAVING.load(Ordering::SeqCst) {
            return Ok(subscription);
        }
        if let Some(learner) = state.learners.iter_mut().find(|learner| learner.selector == selector) {
            learner.subscribers.push((number, tell));
            return Ok(subscription);
        }
        let (id, shared) = (self.id, Arc::clone(self));
        // Its end waits for the lock, so it finds the learner.
        let wait = Wait::start(
            move |flag| {
                let mut header = [0; sys::HEADER];
                let (kind, flags) = selector.arguments();
                sys::msgrcv_waiting(id, &mut header, kind, flags, flag)?;
                Ok(i64::from_ne_bytes(header))
            },
            move |result| shared.ended(number, result),
        )?;
        state.threads += 1;
        state.learners.push(Learner { number, selector, wait: Some(wait), subscribers: vec![(number, tell)] });
        Ok(subscription)
    }

    fn unsubscribe(&self, number: u64) {
        let mut state = lock(&self.state);
        let of_theirs = |learner: &Learner| learner.subscribers.iter().any(|(subscriber, _)| *subscriber == number);
        let Some(index) = state.learners.iter().position(of_theirs) else { return };
        let Some(learner) = state.learners.get_mut(index) else { return };
        learner.subscribers.retain(|(subscriber, _)| *subscriber != number);
        if learner.subscribers.is_empty() {
            let learner = state.learners.swap_remove(index);
            self.leaves(&mut state, &learner);
            drop(state);
            learner.cancel();
        }
    }

    /// To be called before it is cancelled.
    fn leaves(&self, state: &mut State, learner: &Learner) {
        state.leaving.push((learner.number, learner.selector));
        self.leaving.store(state.leaving.len(), Ordering::SeqCst);
    }

    /// On the thread that has learned something.
    fn ended(&self, number: u64, result: Result<i64>) {
        let mut state = lock(&self.state);
        let taken = result.is_ok();
        state.leaving.retain(|(leaving, _)| *leaving != number);
        let own = state.learners.iter().position(|learner| learner.number == number);
        let mut told: Vec<Learner> = own.map(|index| state.learners.swap_remove(index)).into_iter().collect();
        let outcome = match result {
            Ok(kind) => {
                state.stash.push_back(kind);
                self.stashed.store(state.stash.len(), Ordering::SeqCst);
                // Others wait for it too, and their threads have no part in the stash.
                let (fitting, rest) =
                    state.learners.drain(..).partition::<Vec<_>, _>(|learner| learner.selector.fits(kind));
                state.learners = rest;
                for learner in &fitting {
                    self.leaves(&mut state, learner);
                }
                told.extend(fitting);
                Ok(())
            }
            Err(Error::Os { errno: Errno::E2BIG, .. }) => Ok(()),
            Err(error) => Err(waited(error, self.id)),
        };
        self.leaving.store(state.leaving.len(), Ordering::SeqCst);
        drop(state);
        self.ended.notify_all();
        for learner in told {
            // Of another one's: that thread still waits, for nobody.
            if learner.number != number {
                learner.cancel();
            }
            for (_, tell) in learner.subscribers {
                tell(outcome.clone());
            }
        }
        if taken {
            // Those that stand in the kernel's queue on their own threads would not hear of it.
            wake_here(self.id);
        }
        lock(&self.state).threads -= 1;
        self.ended.notify_all();
    }

    fn cancel_all(&self) {
        let learners: Vec<Learner> = lock(&self.state).learners.drain(..).collect();
        for learner in &learners {
            learner.cancel();
        }
    }

    /// Sees the threads out, which have been cancelled, and sends back what is in the stash.
    fn leave(&self) {
        let state = lock(&self.state);
        let waited = self.ended.wait_timeout_while(state, PATIENCE, |state| state.threads > 0);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        self.send_back(&mut state);
    }

    fn send_back(&self, state: &mut State) {
        while let Some(kind) = state.stash.pop_front() {
            // The queue was removed, or holds as many messages as it may: there is nowhere to put it.
            let _gone = sys::msgsnd(self.id, &kind.to_ne_bytes());
        }
        self.stashed.store(0, Ordering::SeqCst);
    }
}

/// The process is about to end: what it has taken and nobody has received goes back to the queues.
pub fn leave_all() {
    LEAVING.store(true, Ordering::SeqCst);
    let all: Vec<Arc<Shared>> = lock(&QUEUES).iter().flatten().filter_map(|(_, shared)| shared.upgrade()).collect();
    for shared in &all {
        shared.cancel_all();
    }
    for shared in &all {
        shared.leave();
    }
}

impl Learner {
    fn cancel(&self) {
        if let Some(wait) = &self.wait {
            wait.cancel();
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.unsubscribe(self.number);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut state = std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.send_back(&mut state);
        if let Some(queues) = &mut *lock(&QUEUES)
            && queues.get(&self.id).is_some_and(|shared| shared.strong_count() == 0)
        {
            queues.remove(&self.id);
        }
    }
}

fn next_number() -> u64 {
    LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1
}

/// No code under these locks can panic half-way, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
