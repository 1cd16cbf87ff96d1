//! What a waiter thread has taken for somebody who may be gone by then: a permit, a lock.

use std::fmt;

type GiveBack<T> = Box<dyn FnOnce(T) + Send>;

/// Given back when it is dropped, unless somebody keeps it. So an outcome that nobody collects (the handle was closed, the
/// worker has ended, the process is about to) leaves nothing taken.
pub struct Taken<T> {
    held: Option<(T, GiveBack<T>)>,
}

impl<T> Taken<T> {
    /// `give_back` runs on whatever thread drops it, and must not wait.
    pub fn new(value: T, give_back: impl FnOnce(T) + Send + 'static) -> Self {
        Self { held: Some((value, Box::new(give_back))) }
    }

    /// From here on it is the caller's to give back. None only of what is being dropped.
    #[must_use]
    pub fn keep(mut self) -> Option<T> {
        self.held.take().map(|(value, _)| value)
    }
}

impl<T> Drop for Taken<T> {
    fn drop(&mut self) {
        if let Some((value, give_back)) = self.held.take() {
            give_back(value);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Taken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Taken").field(&self.held.as_ref().map(|(value, _)| value)).finish()
    }
}
