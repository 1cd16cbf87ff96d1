//! What each thread has taken with SEM_UNDO and not given back. The kernel keeps that for the process as a whole and
//! undoes it at its end; a thread that ends before it, a worker of Node's, gives back its part by [`settle`].
//!
//! Whoever takes on one thread and gives back on another is no worse off for it: a thread never gives back more than the
//! whole process has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Operation, sys};

/// What one thread has of one set, by semaphore.
pub(super) struct Account {
    own: RefCell<Vec<i32>>,
    process: Arc<Process>,
}

/// What all threads together have of it.
#[derive(Default)]
struct Process(Mutex<Vec<i32>>);

static PROCESS: Mutex<Option<HashMap<i32, Weak<Process>>>> = Mutex::new(None);

thread_local! {
    static THREAD: RefCell<HashMap<i32, Rc<Account>>> = RefCell::default();
}

impl Account {
    /// This thread's account of that set.
    pub(super) fn of(id: i32) -> Rc<Self> {
        THREAD.with_borrow_mut(|accounts| {
            let account = accounts.entry(id).or_insert_with(|| {
                let mut all = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
                let all = all.get_or_insert_default();
                let process = all.get(&id).and_then(Weak::upgrade).unwrap_or_default();
                all.insert(id, Arc::downgrade(&process));
                Rc::new(Self { own: RefCell::default(), process })
            });
            Rc::clone(account)
        })
    }

    /// These operations have been done, on this thread or for it.
    pub(super) fn record(&self, operations: &[Operation]) {
        let mut whole = None::<MutexGuard<'_, Vec<i32>>>;
        for operation in operations.iter().filter(|operation| operation.is_undone() && operation.amount != 0) {
            let taken = -i32::from(operation.amount);
            *place(&mut self.own.borrow_mut(), operation.index) += taken;
            *place(whole.get_or_insert_with(|| self.process.lock()), operation.index) += taken;
        }
    }

    /// The kernel has forgotten what was taken of this semaphore.
    pub(super) fn forget(&self, index: u16) {
        *place(&mut self.process.lock(), index) = 0;
    }

    /// The same of all semaphores.
    pub(super) fn forget_all(&self) {
        self.process.lock().clear();
    }

    fn give_back(&self, id: i32) {
        for (index, own) in (0..=u16::MAX).zip(self.own.take()) {
            let mut whole = self.process.lock();
            let whole = place(&mut whole, index);
            let held = own.min(*whole).min(i16::MAX.into());
            // One that has given more than it has taken: that is undone at the end of the process.
            let Some(amount) = i16::try_from(held).ok().filter(|amount| *amount > 0) else { continue };
            // It fails if the set has gone, and with it what was taken.
            if sys::operate_one(id, Operation::new(index, amount).undone(true)).is_ok() {
                *whole -= held;
            }
        }
    }

    fn is_even(&self) -> bool {
        self.own.borrow().iter().all(|held| *held == 0)
    }
}

impl Process {
    fn lock(&self) -> MutexGuard<'_, Vec<i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle has been closed: an account with nothing on it goes with the last one.
pub(super) fn close(id: i32, account: &Rc<Account>) {
    // Not when the thread ends: then there are no accounts any more.
    let _no_accounts = THREAD.try_with(|accounts| {
        // Two owners: the handle that is being closed, and the list.
        if Rc::strong_count(account) > 2 || !account.is_even() {
            return;
        }
        accounts.borrow_mut().remove(&id);
        let mut all = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        // One: this thread's account.
        if Arc::strong_count(&account.process) == 1
            && let Some(all) = all.as_mut()
        {
            all.remove(&id);
        }
    });
}

/// Gives back what this thread has taken with SEM_UNDO, of all sets: it ends, and its process goes on.
pub fn settle() {
    let accounts = THREAD.take();
    for (id, account) in accounts {
        account.give_back(id);
    }
}

fn place(amounts: &mut Vec<i32>, index: u16) -> &mut i32 {
    let index = usize::from(index);
    if amounts.len() <= index {
        amounts.resize(index + 1, 0);
    }
    &mut amounts[index]
}
