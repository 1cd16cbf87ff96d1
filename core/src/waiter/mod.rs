//! Waiter threads: for waits that have no descriptor to be watched (the open of a FIFO, a splice, System V calls).
//!
//! Each wait has a thread of its own and never stands behind another one, since the wait in front may be the one that
//! would let it go on. Idle threads are kept a little and used again. A wait is ended by [`Wait::cancel`], exactly: the
//! job's result says whether the call had happened (see [`crate::sys::cancel`]).
//!
//! [`Group`] keeps the waits of one owner together and tells of their ends by a descriptor. [`wait_here`] is for blocking
//! forms: a wait on the calling thread, with an end. What can be given back is really taken by the thread, as a [`Taken`];
//! of what cannot (a message) it only learns.
//!
//! Not for anything that poll(2) can tell of: that costs a thread and two wake-ups more.

mod group;
mod here;
mod outcomes;
mod taken;

pub use group::{Group, Teller};
pub use here::{wait_here, wake_here};
pub use outcomes::Outcomes;
pub use taken::Taken;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::sys::cancel::{self, Flag};
use crate::sys::thread as sys_thread;

/// How many waits may be under way in this process at once.
pub const CAPACITY: usize = 1024;

const STACK_SIZE: usize = 64 * 1024;
const IDLE: Duration = Duration::from_secs(2);

/// A wait under way.
#[derive(Clone, Debug)]
pub struct Wait(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    flag: Flag,
    /// The thread that runs the job, while it does: never a thread that has gone on to another one.
    thread: Mutex<Option<Pid>>,
}

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    /// Threads with nothing to do, each at the other end of its channel; the last one to come is used first.
    idle: Vec<SyncSender<Job>>,
    busy: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), busy: 0 });

impl Wait {
    /// Runs `job` on a thread of its own, then `done` with its result, on that thread. `job` makes its waiting calls
    /// through [`cancel::call`] with the flag that it is given. A panic in it is its result.
    pub fn start<T: Send + 'static>(
        job: impl FnOnce(&Flag) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Self> {
        cancel::ensure_handler()?;
        let shared = Arc::new(Shared::default());
        let wait = Self(Arc::clone(&shared));
        run(Box::new(move || {
            *lock(&shared.thread) = Some(sys_thread::current());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                crate::fault::point("waiter");
                job(&shared.flag)
            }));
            *lock(&shared.thread) = None;
            let result = outcome.unwrap_or_else(|payload| Err(Error::Panicked(message_of(payload.as_ref()))));
            // A `done` that panics has nobody to be told; the thread and the pool's count survive it all the same.
            drop(catch_unwind(AssertUnwindSafe(|| done(result))));
        }))?;
        Ok(wait)
    }

    /// Ends the wait. `done` is called all the same, with [`Error::Cancelled`] if nothing had happened by then.
    pub fn cancel(&self) {
        // If the handler cannot be put back there is nothing better than to signal all the same.
        drop(cancel::ensure_handler());
        self.0.flag.raise();
        if let Some(thread) = *lock(&self.0.thread) {
            cancel::interrupt(thread);
        }
    }
}

fn run(mut job: Job) -> Result<()> {
    let mut pool = lock(&POOL);
    if pool.busy >= CAPACITY {
        return Err(Error::TooManyWaiters);
    }
    // A thread whose idle time has just run out has dropped its end: the job comes back and the next one is asked.
    while let Some(thread) = pool.idle.pop() {
        match thread.try_send(job) {
            Ok(()) => {
                pool.busy += 1;
                return Ok(());
            }
            Err(std::sync::mpsc::TrySendError::Full(back) | std::sync::mpsc::TrySendError::Disconnected(back)) => {
                job = back
            }
        }
    }
    thread::Builder::new()
        .name("os-ipc-waiter".into())
        .stack_size(STACK_SIZE)
        .spawn(move || work(job))
        .map_err(|error| Error::os(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EAGAIN)), "clone"))?;
    pool.busy += 1;
    Ok(())
}

fn work(first: Job) {
    sys_thread::mask_all_but(cancel::SIGNAL);
    first();
    loop {
        let (sender, receiver) = sync_channel(1);
        {
            let mut pool = lock(&POOL);
            pool.busy -= 1;
            pool.idle.push(sender);
        }
        match receiver.recv_timeout(IDLE) {
            Ok(job) => job(),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                // Under the pool's lock nobody can be sending: either a job came in the last moment, or none ever will.
                let pool = lock(&POOL);
                let last = receiver.try_recv();
                drop(receiver);
                drop(pool);
                match last {
                    Ok(job) => job(),
                    Err(_) => return,
                }
            }
        }
    }
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "no message".into())
}

/// No code under these locks can panic half-way, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
