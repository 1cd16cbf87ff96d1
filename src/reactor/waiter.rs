//! The waits of one environment that have a thread each: see `core/src/waiter/`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use napi::Env;
use os_ipc_core::sys::cancel::Flag;
use os_ipc_core::waiter::Group;
use os_ipc_core::{Error, Result};

/// Makes a JS value of a result, on the JS thread. Dropped unused, it frees what the result holds.
pub(super) type Finish = Box<dyn FnOnce(&Env) -> napi::Result<f64> + Send>;

pub(super) struct Waits {
    group: Group<Finish>,
    /// Outcomes that JS has been told of and has not asked for yet.
    told: RefCell<HashMap<u32, Finish>>,
}

impl Waits {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { group: Group::new()?, told: RefCell::default() })
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.group.bell()
    }

    pub(super) fn start<T: Send + 'static>(
        &self,
        token: u32,
        job: impl FnOnce(&Flag) -> Result<T> + Send + 'static,
        finish: impl FnOnce(&Env, Result<T>) -> napi::Result<f64> + Send + 'static,
    ) -> Result<()> {
        self.group.start(token, job, |result| -> Finish { Box::new(move |env| finish(env, result)) })
    }

    /// Writes the tokens of waits that have ended into `pairs`, each with `event`.
    pub(super) fn collect(&self, pairs: &mut [u32], event: u32) -> usize {
        let ended = self.group.collect(pairs.len() / 2);
        let count = ended.len();
        let mut told = self.told.borrow_mut();
        for (pair, (token, finish)) in pairs.chunks_exact_mut(2).zip(ended) {
            pair.copy_from_slice(&[token, event]);
            told.insert(token, finish);
        }
        count
    }

    pub(super) fn take(&self, token: u32) -> Result<Finish> {
        self.told.borrow_mut().remove(&token).ok_or(Error::Closed)
    }

    /// Blocks until the wait under `token` has ended, at most so long.
    pub(super) fn claim(&self, token: u32, patience: Duration) -> Option<Finish> {
        self.group.claim(token, patience)
    }

    pub(super) fn cancel(&self, token: u32) {
        self.group.cancel(token);
    }

    /// For the end of the environment: no thread of ours outlives it.
    pub(super) fn close(&self) {
        self.group.close();
        self.told.borrow_mut().clear();
    }
}
