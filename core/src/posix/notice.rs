//! Being told, once, that a message has come to an empty queue, without taking it. See mq_notify(3).
//!
//! The kernel keeps one registration for each queue and gives it to a process, not to a descriptor: a second one is
//! EBUSY, even of the same process, and closing *any* descriptor of that queue in this process ends it. So the notices of
//! a process share one registration for each queue, and where a queue is closed here, the registration is made again at
//! once.
//!
//! The kernel tells by a cookie in a netlink socket. Nobody ever reads it, everybody peeks: so all that share a
//! registration see it, on whichever thread. Each registration that is made again has a socket of its own.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socket};
use nix::sys::stat::fstat;

use crate::error::{Error, Result};
use crate::posix::queue::Queue;
use crate::sys::{Attempt, attempt, fd as sys_fd, mq};

/// Which queue, whatever the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    device: u64,
    inode: u64,
}

impl Key {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
        Ok(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// Somebody who wants to be told. Dropped, nobody does any more.
#[derive(Debug)]
pub struct Notice {
    key: Key,
    armed: Arc<Armed>,
    /// How many arrivals had been seen when this one was asked for.
    arrivals: u64,
    /// A descriptor of its own, since one descriptor cannot be watched twice in one place.
    watched: OwnedFd,
}

/// What a notice has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet.
    Nothing,
    /// A message has come to the empty queue.
    Arrival,
    /// The registration is gone: [`Notice::renew`] makes it again.
    Removal,
}

/// The registration of this process with the kernel.
#[derive(Debug)]
struct Registration {
    /// For mq_notify alone: whoever asked first may close before the others.
    queue: OwnedFd,
    armed: Arc<Armed>,
    notices: usize,
    /// Messages that came to the empty queue, as far as anybody has looked.
    arrivals: u64,
    /// Whether the queue was empty just before a descriptor of it was closed here.
    empty_before_close: Option<bool>,
}

/// One registration, good for one message.
#[derive(Debug)]
struct Armed {
    socket: OwnedFd,
    /// Whether the queue was empty then. It was so until the kernel told something, for the first message would have been
    /// told of.
    empty: bool,
}

static REGISTRATIONS: Mutex<BTreeMap<Key, Registration>> = Mutex::new(BTreeMap::new());

impl Notice {
    /// Asks to be told of the next message that comes to the empty queue. EBUSY while another process has asked.
    pub fn ask(queue: &Queue) -> Result<Self> {
        let key = queue.key();
        let mut registrations = lock();
        if let Some(registration) = registrations.get_mut(&key) {
            registration.refresh()?;
            return Self::join(key, registration);
        }
        let own = sys_fd::duplicate(queue.as_fd())?;
        let armed = Arc::new(Armed::new(own.as_fd())?);
        let mut registration = Registration { queue: own, armed, notices: 0, arrivals: 0, empty_before_close: None };
        let notice = Self::join(key, &mut registration)?;
        registrations.insert(key, registration);
        Ok(notice)
    }

    /// Joins again after a removal. The notice of an arrival that nobody was told of, or what to watch from now on.
    pub fn renew(&self) -> Result<Option<Self>> {
        let mut registrations = lock();
        let Some(registration) = registrations.get_mut(&self.key) else { return Err(Error::Closed) };
        registration.refresh()?;
        if registration.arrivals > self.arrivals { Ok(None) } else { Self::join(self.key, registration).map(Some) }
    }

    /// What the kernel has told.
    pub fn look(&self) -> Result<Told> {
        self.armed.look()
    }

    fn join(key: Key, registration: &mut Registration) -> Result<Self> {
        let watched = sys_fd::duplicate(registration.armed.socket.as_fd())?;
        registration.notices += 1;
        Ok(Self { key, armed: Arc::clone(&registration.armed), arrivals: registration.arrivals, watched })
    }
}

impl AsFd for Notice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watched.as_fd()
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        let mut registrations = lock();
        let Some(registration) = registrations.get_mut(&self.key) else { return };
        registration.notices -= 1;
        if registration.notices == 0 {
            // Closing its descriptor of the queue is what tells the kernel; before anybody else can ask.
            registrations.remove(&self.key);
        }
    }
}

impl Registration {
    /// Makes it again if the kernel has told something since.
    fn refresh(&mut self) -> Result<()> {
        let told = self.armed.look()?;
        if told == Told::Nothing {
            return Ok(());
        }
        let armed = Armed::new(self.queue.as_fd())?;
        let empty_before_close = self.empty_before_close.take();
        // Between a removal and the registration after it a message may have come untold. Where that cannot be known (a
        // foreign hand closed the descriptor of a queue that was not empty), one too many is better than one too few.
        let untold = !armed.empty && (self.armed.empty || empty_before_close != Some(false));
        if told == Told::Arrival || untold {
            self.arrivals += 1;
        }
        self.armed = Arc::new(armed);
        Ok(())
    }
}

impl Armed {
    fn new(queue: BorrowedFd<'_>) -> Result<Self> {
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)
            .map_err(|errno| Error::os(errno, "socket"))?;
        mq::notify(queue, socket.as_fd())?;
        // After it, so that "empty" is never said of a queue whose first message was not told of.
        let empty = is_empty(queue)?;
        Ok(Self { socket, empty })
    }

    fn look(&self) -> Result<Told> {
        let mut cookie = [0; mq::COOKIE_SIZE];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        let socket = std::os::fd::AsRawFd::as_raw_fd(&self.socket);
        let told = attempt(|| recv(socket, &mut cookie, flags).map_err(|errno| Error::os(errno, "recv")))?;
        Ok(match (told, cookie.last()) {
            (Attempt::WouldBlock, _) => Told::Nothing,
            (Attempt::Done(_), Some(&mq::WOKEN_UP)) => Told::Arrival,
            (Attempt::Done(_), _) => Told::Removal,
        })
    }
}

/// Dropped just before a descriptor of the queue is closed.
#[derive(Debug)]
pub(crate) struct BeforeClose(pub(crate) Key);

impl Drop for BeforeClose {
    fn drop(&mut self) {
        if let Some(registration) = lock().get_mut(&self.0) {
            // A queue that cannot be asked counts as one that may have been empty.
            registration.empty_before_close = is_empty(registration.queue.as_fd()).ok();
        }
    }
}

/// Dropped just after.
#[derive(Debug)]
pub(crate) struct AfterClose(pub(crate) Key);

impl Drop for AfterClose {
    fn drop(&mut self) {
        if let Some(registration) = lock().get_mut(&self.0) {
            // If it fails: whoever waits has been told of the removal, and tries again where an error reaches somebody.
            if registration.refresh().is_ok() {
                registration.empty_before_close = None;
            }
        }
    }
}

fn is_empty(queue: BorrowedFd<'_>) -> Result<bool> {
    Ok(mq::attributes(queue)?.messages == 0)
}

/// No code under this lock can panic half-way, so a poisoned one is as good as any.
fn lock() -> MutexGuard<'static, BTreeMap<Key, Registration>> {
    REGISTRATIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
