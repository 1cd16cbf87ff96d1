//! A lock that a waiter thread waits for, and that whoever has asked for it takes or gives up: at any moment it belongs to
//! one of the two, so none is ever left behind.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Description, Held, Range};
use crate::error::{Error, Result};
use crate::sys::cancel::Flag;

/// A lock that is asked for.
#[derive(Debug, Default)]
pub struct Request {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Waiting,
    Granted(Held),
    Failed(Error),
    /// Nobody wants it any more, or has it already.
    Settled,
}

impl Request {
    /// The waiter thread's part.
    pub fn run(&self, description: Description, range: Range, flag: &Flag) {
        match description.lock(range, flag) {
            Ok(held) => self.settle(State::Granted(held)),
            Err(error) => self.fail(error),
        }
    }

    /// There is no such thread, or it has come to nothing.
    pub fn fail(&self, error: Error) {
        self.settle(State::Failed(error));
    }

    /// What it has come to: nothing as long as it waits.
    pub fn take(&self) -> Result<Option<Held>> {
        Self::outcome(&mut self.lock())
    }

    /// Blocks this thread until it has come to something, for at most so long.
    pub fn block(&self, patience: Duration) -> Result<Option<Held>> {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, patience, |state| matches!(state, State::Waiting));
        Self::outcome(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Gives it up, unless it has been granted this moment. The thread is still to be told.
    pub fn withdraw(&self) -> Option<Held> {
        match mem::replace(&mut *self.lock(), State::Settled) {
            State::Granted(held) => Some(held),
            _ => None,
        }
    }

    /// What nobody wants any more ends here.
    fn settle(&self, state: State) {
        let mut current = self.lock();
        if matches!(*current, State::Waiting) {
            *current = state;
            self.changed.notify_all();
        } else {
            drop(current);
            drop(state);
        }
    }

    fn outcome(state: &mut State) -> Result<Option<Held>> {
        if matches!(state, State::Waiting) {
            return Ok(None);
        }
        match mem::replace(state, State::Settled) {
            State::Granted(held) => Ok(Some(held)),
            State::Failed(error) => Err(error),
            State::Waiting | State::Settled => Err(Error::Cancelled),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
