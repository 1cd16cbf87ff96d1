//! System V semaphore sets: any number of counters, and operations upon several of them at once, all or nothing. See
//! semop(2), semctl(2).
//!
//! Not for a single counter that is to be quick, or that lies in memory of one's own: that is a POSIX semaphore. But what
//! was taken of this one is given back by the kernel when its holder dies, and it serves first come, first served.
//!
//! How a set is made without a moment at which it has other values than were meant: [`make`]. How a thread takes without
//! losing what it has taken: [`taken`]. What a thread gives back when it ends before its process: [`account`].

mod account;
mod make;
mod taken;

use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::Permissions;
use super::key::Key;
use crate::error::{Error, Result};
use crate::sys::{Attempt, attempt, retry, semaphore_set as sys};
use account::Account;

pub use crate::sys::semaphore_set::{Figure, Limits, Operation, limits};
pub use account::settle;
pub use taken::Taken;

/// How a set is found or made.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Which one.
    pub key: Key,
    /// Whether it may be made.
    pub create: bool,
    /// Whether it has to be made.
    pub exclusive: bool,
    /// The nine permission bits: of a set that exists these are asked for.
    pub mode: u32,
    /// How many semaphores it has at least, if that matters. A new one has as many; 1 if this does not say.
    pub count: Option<u16>,
    /// The values of a new one; those that are missing are 0.
    pub values: &'a [u16],
}

/// What the kernel tells of a set.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Owner, key and mode.
    pub permissions: Permissions,
    /// How many semaphores.
    pub count: u64,
    /// Of the last operation, in seconds since 1970, 0 for never.
    pub last_operation: i64,
    /// When it was made or changed otherwise, in seconds since 1970.
    pub changed: i64,
}

/// What is to be changed in a set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// The owner.
    pub uid: Option<u32>,
    /// The owner's group.
    pub gid: Option<u32>,
    /// The nine permission bits.
    pub mode: Option<u32>,
}

/// A set, by its id: one that was removed and made again under the same key is another one. It belongs to a thread, whose
/// account it keeps.
pub struct Set {
    id: i32,
    key: i32,
    count: u16,
    account: Rc<Account>,
}

impl Set {
    /// semget(2), and values that nobody finds half set. Waits a little for a set that somebody is making.
    pub fn open(opening: &Opening<'_>) -> Result<Self> {
        let (id, count) = make::open(opening)?;
        Ok(Self::new(id, opening.key.raw(), count))
    }

    /// The set with that id, which this process must be allowed to read.
    pub fn from_id(id: i32) -> Result<Self> {
        let raw = sys::stat(id).map_err(|error| error.about(id))?;
        Ok(Self::new(id, raw.permissions.key, make::count_of(&raw)))
    }

    /// Another handle of the same set.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.id, self.key, self.count)
    }

    fn new(id: i32, key: i32, count: u16) -> Self {
        Self { id, key, count, account: Account::of(id) }
    }

    /// The kernel's number.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The key it was made with.
    #[must_use]
    pub fn key(&self) -> i32 {
        self.key
    }

    /// How many semaphores it has.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Does it, unless it would have to wait.
    pub fn try_operate_one(&self, operation: Operation) -> Result<Attempt<()>> {
        let done = attempt(|| sys::operate_one(self.id, operation)).map_err(|error| error.about(self.id))?;
        if done == Attempt::Done(()) && operation.is_undone() {
            self.account.record(&[operation]);
        }
        Ok(done)
    }

    /// Does all of it at once, unless it would have to wait.
    pub fn try_operate(&self, operations: &[Operation]) -> Result<Attempt<()>> {
        let done = attempt(|| sys::operate(self.id, operations)).map_err(|error| error.about(self.id))?;
        if done == Attempt::Done(()) {
            self.account.record(operations);
        }
        Ok(done)
    }

    /// Does all of it at once, on this thread, and waits until it can for at most so long.
    pub fn operate_here(&self, operations: &[Operation], patience: Option<Duration>) -> Result<Attempt<()>> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
        match retry(|| sys::operate_within(self.id, operations, left())) {
            Ok(()) => {
                self.account.record(operations);
                Ok(Attempt::Done(()))
            }
            Err(Error::Os { errno: Errno::EAGAIN, .. }) => Ok(Attempt::WouldBlock),
            Err(error) => Err(waited(error, self.id)),
        }
    }

    /// The values of all semaphores, at one moment.
    pub fn values(&self) -> Result<Vec<u16>> {
        let mut values = vec![0; self.count.into()];
        sys::values(self.id, &mut values).map_err(|error| error.about(self.id))?;
        Ok(values)
    }

    /// Sets all of them at once. What any process would have undone is forgotten.
    pub fn set_values(&self, values: &[u16]) -> Result<()> {
        sys::set_values(self.id, values).map_err(|error| error.about(self.id))?;
        self.account.forget_all();
        Ok(())
    }

    /// Sets one. What any process would have undone of it is forgotten.
    pub fn set_value(&self, index: u16, value: u16) -> Result<()> {
        sys::set_value(self.id, index, value).map_err(|error| error.about(self.id))?;
        self.account.forget(index);
        Ok(())
    }

    /// What is known of one semaphore.
    pub fn figure(&self, index: u16, figure: Figure) -> Result<i32> {
        sys::figure(self.id, index, figure).map_err(|error| error.about(self.id))
    }

    /// semctl(2), IPC_STAT.
    pub fn stat(&self) -> Result<Stat> {
        let raw = sys::stat(self.id).map_err(|error| error.about(self.id))?;
        Ok(Stat {
            permissions: raw.permissions.into(),
            count: raw.count,
            last_operation: raw.last_operation,
            changed: raw.changed,
        })
    }

    /// semctl(2), IPC_SET. The rest stays as it is.
    pub fn set(&self, changes: Changes) -> Result<()> {
        let change = || {
            let mut raw = sys::stat(self.id)?;
            raw.permissions.uid = changes.uid.unwrap_or(raw.permissions.uid);
            raw.permissions.gid = changes.gid.unwrap_or(raw.permissions.gid);
            raw.permissions.mode = changes.mode.unwrap_or(raw.permissions.mode);
            sys::set(self.id, raw)
        };
        change().map_err(|error| error.about(self.id))
    }

    /// semctl(2), IPC_RMID: whoever waits is told EIDRM.
    pub fn remove(&self) -> Result<()> {
        sys::remove(self.id).map_err(|error| error.about(self.id))
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        account::close(self.id, &self.account);
    }
}

/// The error of a wait upon a set. One that was removed between two calls is EINVAL to the second: whoever waited all the
/// time is told what he would have been told in the kernel.
fn waited(error: Error, id: i32) -> Error {
    match error {
        Error::Os { errno: Errno::EINVAL, syscall, .. } if sys::stat(id).as_ref().is_err_and(is_gone) => {
            Error::os(Errno::EIDRM, syscall).about(id)
        }
        error => error.about(id),
    }
}

/// Whether there is no such set any more.
fn is_gone(error: &Error) -> bool {
    matches!(error.errno(), Some(Errno::EINVAL | Errno::EIDRM))
}
