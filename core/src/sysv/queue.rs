//! System V message queues: whole messages with a type, which receivers select by. They stay until somebody takes them
//! or removes the queue, whoever has ended meanwhile. See msgop(2), msgctl(2).
//!
//! Not where a descriptor is wanted, to be polled or handed over: that is a POSIX queue or a socket.
//!
//! A message travels as a frame: its type in the first [`HEADER`] bytes, in the machine's order, and then its text.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::Permissions;
use super::key::Key;
use super::learner::Shared;
pub use super::learner::{Subscription, leave_all};
use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::{Attempt, attempt, retry, sysv as sys};
use crate::waiter::wait_here;

pub use crate::sys::sysv::{HEADER, Limits, limits};

/// Which messages a receiver wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The oldest of all.
    Any,
    /// The oldest of this type.
    Type(i64),
    /// The oldest of the lowest type up to this one.
    UpTo(i64),
    /// The oldest of any other type (MSG_EXCEPT).
    Except(i64),
}

impl Selector {
    /// As msgrcv(2) has it: 0 any, N that type, -N up to it; `except` inverts N.
    #[must_use]
    pub fn new(kind: i64, except: bool) -> Self {
        match kind {
            0 => Self::Any,
            1.. if except => Self::Except(kind),
            1.. => Self::Type(kind),
            _ => Self::UpTo(kind.saturating_neg()),
        }
    }

    pub(super) fn arguments(self) -> (i64, libc::c_int) {
        match self {
            Self::Any => (0, 0),
            Self::Type(kind) => (kind, 0),
            Self::UpTo(kind) => (-kind, 0),
            Self::Except(kind) => (kind, libc::MSG_EXCEPT),
        }
    }

    pub(super) fn fits(self, kind: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Type(wanted) => kind == wanted,
            Self::UpTo(most) => kind <= most,
            Self::Except(unwanted) => kind != unwanted,
        }
    }

    /// Whether a message may be meant by both.
    pub(super) fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Type(kind), other) | (other, Self::Type(kind)) => other.fits(kind),
            // All other kinds of selectors have most types in common, or 1 at least.
            _ => true,
        }
    }

    /// Which of these, oldest first, it selects.
    pub(super) fn first_of(self, kinds: impl Iterator<Item = i64>) -> Option<usize> {
        let mut fitting = kinds.enumerate().filter(|(_, kind)| self.fits(*kind));
        let found = match self {
            Self::UpTo(_) => fitting.min_by_key(|(_, kind)| *kind),
            _ => fitting.next(),
        };
        found.map(|(index, _)| index)
    }
}

/// What a receive came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message is in the frame, with a text of so many bytes.
    Message(usize),
    /// There is none, or none came in time.
    Nothing,
    /// There is one, and the frame is too small for it: it stays where it is.
    TooLong,
}

/// What the kernel tells of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Owner, key and mode.
    pub permissions: Permissions,
    /// How many messages.
    pub messages: u64,
    /// In all of them together.
    pub bytes: u64,
    /// What `bytes` may come to.
    pub max_bytes: u64,
    /// Who sent last; 0 for nobody.
    pub last_sender: i32,
    /// Who received last; 0 for nobody.
    pub last_receiver: i32,
    /// Seconds since 1970, 0 for never.
    pub last_send: i64,
    /// Seconds since 1970, 0 for never.
    pub last_receive: i64,
    /// When it was made or `set` last, in seconds since 1970.
    pub changed: i64,
}

/// What is to be changed in a queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// The owner.
    pub uid: Option<u32>,
    /// The owner's group.
    pub gid: Option<u32>,
    /// The nine permission bits.
    pub mode: Option<u32>,
    /// What all messages together may come to.
    pub max_bytes: Option<u64>,
}

/// A queue, by its id: one that was removed and made again under the same key is another one.
pub struct Queue {
    id: i32,
    key: i32,
    shared: Arc<Shared>,
    eagerness: Eagerness,
}

impl Queue {
    /// msgget(2). Of a queue that exists the permissions in `mode` are asked for.
    pub fn open(key: Key, create: bool, exclusive: bool, mode: u32) -> Result<Self> {
        let mut flags = (mode & 0o777).cast_signed();
        if create {
            flags |= libc::IPC_CREAT;
        }
        if exclusive {
            flags |= libc::IPC_EXCL;
        }
        let key = key.raw();
        let id = sys::msgget(key, flags)?;
        Ok(Self { id, key, shared: Shared::of(id), eagerness: Eagerness::default() })
    }

    /// The queue with that id, which this process must be allowed to read.
    pub fn from_id(id: i32) -> Result<Self> {
        let key = sys::stat(id).map_err(|error| error.about(id))?.permissions.key;
        Ok(Self { id, key, shared: Shared::of(id), eagerness: Eagerness::default() })
    }

    /// Another handle of the same queue.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { id: self.id, key: self.key, shared: Arc::clone(&self.shared), eagerness: Eagerness::default() }
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

    /// Sends, unless there is no room.
    pub fn try_send(&self, frame: &[u8]) -> Result<Attempt<()>> {
        attempt(|| sys::msgsnd(self.id, frame)).map_err(|error| error.about(self.id))
    }

    /// Sends on this thread, and waits for room at most so long.
    pub fn send_here(&self, frame: &[u8], patience: Option<Duration>) -> Result<Attempt<()>> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        match wait_here(self.id, until, |flag| send(self.id, frame, flag)) {
            Ok(()) => Ok(Attempt::Done(())),
            Err(Error::Cancelled) => Ok(Attempt::WouldBlock),
            Err(error) => Err(error),
        }
    }

    /// Takes a message, if there is one.
    pub fn try_receive(&self, selector: Selector, frame: &mut [u8]) -> Result<Received> {
        if let Some(kind) = self.shared.take_stashed(selector) {
            return Ok(put_header(frame, kind));
        }
        let (kind, flags) = selector.arguments();
        self.received(retry(|| sys::msgrcv(self.id, frame, kind, flags)))
    }

    /// Takes a message on this thread, and waits for it at most so long.
    pub fn receive_here(&self, selector: Selector, frame: &mut [u8], patience: Option<Duration>) -> Result<Received> {
        let soon = self.eagerness.attempt(|| match self.try_receive(selector, frame) {
            Ok(Received::Nothing) => None,
            result => Some(result),
        });
        if let Some(result) = soon {
            return result.map_err(|error| waited(error, self.id));
        }
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let (wanted, flags) = selector.arguments();
        let result = wait_here(self.id, until, |flag| {
            // After this thread is in the list: what comes into the stash from here on ends its wait.
            if let Some(kind) = self.shared.take_stashed(selector) {
                return Ok(put_header(frame, kind));
            }
            sys::msgrcv_waiting(self.id, frame, wanted, flags, flag).map(Received::Message)
        });
        match result {
            Ok(received) => Ok(received),
            Err(error) => self.received(Err(waited(error, self.id))),
        }
    }

    /// Reads the message at `index` without taking it (MSG_COPY).
    pub fn peek(&self, index: usize, frame: &mut [u8]) -> Result<Received> {
        let behind = match self.shared.peek_stashed(index) {
            Ok(kind) => return Ok(put_header(frame, kind)),
            Err(stashed) => i64::try_from(index - stashed).unwrap_or(i64::MAX),
        };
        self.received(retry(|| sys::msgrcv(self.id, frame, behind, libc::MSG_COPY)))
    }

    /// Has `tell` called once, on another thread as a rule, when trying to receive makes sense, or never will again.
    pub fn learn(&self, selector: Selector, tell: impl FnOnce(Result<()>) + Send + 'static) -> Result<Subscription> {
        self.shared.subscribe(selector, Box::new(tell))
    }

    /// msgctl(2), IPC_STAT.
    pub fn stat(&self) -> Result<Stat> {
        let raw = sys::stat(self.id).map_err(|error| error.about(self.id))?;
        Ok(Stat {
            permissions: raw.permissions.into(),
            messages: raw.messages,
            bytes: raw.bytes,
            max_bytes: raw.max_bytes,
            last_sender: raw.last_sender,
            last_receiver: raw.last_receiver,
            last_send: raw.last_send,
            last_receive: raw.last_receive,
            changed: raw.changed,
        })
    }

    /// msgctl(2), IPC_SET. The rest stays as it is.
    pub fn set(&self, changes: Changes) -> Result<()> {
        let change = || {
            let mut raw = sys::stat(self.id)?;
            raw.permissions.uid = changes.uid.unwrap_or(raw.permissions.uid);
            raw.permissions.gid = changes.gid.unwrap_or(raw.permissions.gid);
            raw.permissions.mode = changes.mode.unwrap_or(raw.permissions.mode);
            raw.max_bytes = changes.max_bytes.unwrap_or(raw.max_bytes);
            sys::set(self.id, raw)
        };
        change().map_err(|error| error.about(self.id))
    }

    /// msgctl(2), IPC_RMID: whoever waits is told EIDRM.
    pub fn remove(&self) -> Result<()> {
        sys::remove(self.id).map_err(|error| error.about(self.id))
    }

    fn received(&self, result: Result<usize>) -> Result<Received> {
        match result {
            Ok(length) => Ok(Received::Message(length)),
            Err(Error::Cancelled | Error::Os { errno: Errno::ENOMSG, .. }) => Ok(Received::Nothing),
            Err(Error::Os { errno: Errno::E2BIG, .. }) => Ok(Received::TooLong),
            Err(error) => Err(error.about(self.id)),
        }
    }
}

/// How often a blocking receive looks before it goes to sleep. A message that comes within a few of these looks spares both
/// sides a wake-up, which costs ten times as much; where none does, as between processes on one CPU, there are soon none.
#[derive(Debug, Default)]
struct Eagerness {
    looks: Cell<u32>,
    /// Receives that did not look at all.
    lazy: Cell<u32>,
}

impl Eagerness {
    const MOST: u32 = 32;
    /// So seldom it is tried whether looking pays by now.
    const PROBE: u32 = 64;

    fn attempt<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let mut looks = self.looks.get();
        if looks == 0 {
            self.lazy.set((self.lazy.get() + 1) % Self::PROBE);
            if self.lazy.get() != 0 {
                return None;
            }
            looks = 1;
        }
        let found = (0..looks).find_map(|_| look());
        self.looks.set(if found.is_some() { Self::MOST.min(2 * looks) } else { looks / 2 });
        found
    }
}

/// Sends to the queue with that id, for as long as it takes: for a waiter thread, which must not hold the queue itself.
pub fn send(id: i32, frame: &[u8], flag: &Flag) -> Result<()> {
    sys::msgsnd_waiting(id, frame, flag).map_err(|error| waited(error, id))
}

/// The error of a wait upon a queue. One that was removed between two calls is EINVAL to the second: whoever waited
/// all the time is told what he would have been told in the kernel.
pub(super) fn waited(error: Error, id: i32) -> Error {
    let gone = |error: &Error| matches!(error.errno(), Some(Errno::EINVAL | Errno::EIDRM));
    match error {
        Error::Os { errno: Errno::EINVAL, syscall, .. } if sys::stat(id).as_ref().is_err_and(gone) => {
            Error::os(Errno::EIDRM, syscall).about(id)
        }
        error => error.about(id),
    }
}

fn put_header(frame: &mut [u8], kind: i64) -> Received {
    match frame.first_chunk_mut() {
        Some(header) => {
            *header = kind.to_ne_bytes();
            Received::Message(0)
        }
        None => Received::TooLong,
    }
}
