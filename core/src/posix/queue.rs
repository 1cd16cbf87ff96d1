//! POSIX message queues: whole messages with a priority, kept by the kernel between processes that need never meet. The
//! highest priority is received first, the oldest among equals. See mq_overview(7).
//!
//! Each message is given to one receiver and is gone with it: at most once. Not for large messages (8 KiB as a rule), not
//! for many of them (10), and it does not say who has sent.
//!
//! On Linux a queue is a descriptor that poll(2) tells of, so waiting costs no thread. No call relies on O_NONBLOCK, a
//! flag of an open file description that others may share.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;

use crate::error::{Error, Result};
use crate::posix::notice::{AfterClose, BeforeClose, Key};
use crate::posix::{Name, unnamed};
use crate::sys::{Attempt, attempt, fd as sys_fd, mq, retry, slice};

/// What the registry calls queues that are named by this package.
pub(crate) const REGISTRY_KIND: &str = "posix-queue";

/// One more than the highest priority.
pub const PRIORITIES: u32 = 32_768;

/// What a queue is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Receiving; sending is EBADF.
    Read,
    /// Sending; receiving is EBADF.
    Write,
    /// Both.
    #[default]
    Both,
}

/// How a queue is to be opened, or made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Make it if there is none.
    pub create: bool,
    /// EEXIST if there is one. Means nothing without `create`.
    pub exclusive: bool,
    /// Permissions of a new one; the umask applies.
    pub mode: u32,
    /// How many messages fit into a new one; the system's default if none is said.
    pub max_messages: Option<u32>,
    /// How long each may be in a new one; the system's default if none is said.
    pub max_message_size: Option<u32>,
    /// What it is for.
    pub access: Access,
}

/// Which of the two things a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A message.
    Message,
    /// Room for one.
    Room,
}

/// An open queue.
#[derive(Debug)]
pub struct Queue {
    // In this order: closing a descriptor of a queue has a side effect on this process's notices.
    _before: BeforeClose,
    fd: OwnedFd,
    after: AfterClose,
    max_messages: usize,
    max_message_size: usize,
}

impl Queue {
    /// Opens the queue of that name, or makes it.
    pub fn open(name: &Name, options: Options) -> Result<Self> {
        let mut flags = match options.access {
            Access::Read => OFlag::O_RDONLY,
            Access::Write => OFlag::O_WRONLY,
            Access::Both => OFlag::O_RDWR,
        };
        if options.create {
            flags |= OFlag::O_CREAT;
        }
        if options.create && options.exclusive {
            flags |= OFlag::O_EXCL;
        }
        let sizes = if options.create { sizes(options) } else { None };
        let fd = retry(|| mq::open(name.word(), flags, options.mode, sizes)).map_err(|error| error.at(name.path()))?;
        Self::from_open(fd).inspect_err(|_| {
            // What is certainly new is not left half made.
            if flags.contains(OFlag::O_EXCL) {
                drop(unlink(name));
            }
        })
    }

    /// Makes a queue under a name that nobody can guess. It is entered in the registry until it is unlinked.
    pub fn create_unnamed(options: Options) -> Result<(Self, Name)> {
        let options = Options { create: true, exclusive: true, ..options };
        unnamed::create(REGISTRY_KIND, |name| Self::open(name, options))
    }

    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched.
    pub fn adopt(number: RawFd) -> Result<Self> {
        let (fd, ()) = sys_fd::adopt(number, |fd| match mq::attributes(fd) {
            Err(Error::Os { errno: Errno::EBADF, .. }) => {
                Err(Error::WrongKind { expected: "a POSIX message queue", path: None })
            }
            other => other.map(drop),
        })?;
        Self::from_open(fd)
    }

    pub(super) fn from_open(fd: OwnedFd) -> Result<Self> {
        let attributes = mq::attributes(fd.as_fd())?;
        let key = Key::of(fd.as_fd())?;
        Ok(Self {
            _before: BeforeClose(key),
            fd,
            after: AfterClose(key),
            max_messages: size_of_long(attributes.max_messages),
            max_message_size: size_of_long(attributes.max_message_size),
        })
    }

    /// Another descriptor of the same queue.
    pub fn duplicate(&self) -> Result<Self> {
        Self::from_open(sys_fd::duplicate(self.fd.as_fd())?)
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// How many messages fit.
    #[must_use]
    pub fn max_messages(&self) -> usize {
        self.max_messages
    }

    /// How long each may be.
    #[must_use]
    pub fn max_message_size(&self) -> usize {
        self.max_message_size
    }

    /// How many messages wait now.
    pub fn size(&self) -> Result<usize> {
        Ok(size_of_long(mq::attributes(self.fd.as_fd())?.messages))
    }

    /// Puts a message in, if there is room. EMSGSIZE above `max_message_size`, EINVAL from [`PRIORITIES`] on.
    pub fn try_send(&self, data: &[u8], priority: u32) -> Result<Attempt<()>> {
        attempt(|| mq::send(self.fd.as_fd(), data, priority))
    }

    /// Takes a message into `target`, which has room for `max_message_size`; gives its length and priority.
    pub fn try_receive(&self, target: &mut [u8]) -> Result<Attempt<(usize, u32)>> {
        attempt(|| mq::receive(self.fd.as_fd(), target))
    }

    /// Stands in mq_receive(3) itself until there is a message: first come, first served among all programs that do, and
    /// nobody's notice is told of what is taken so. [`Attempt::WouldBlock`] where the description has O_NONBLOCK.
    pub fn receive(&self, target: &mut [u8]) -> Result<Attempt<(usize, u32)>> {
        attempt(|| mq::receive_waiting(self.fd.as_fd(), target))
    }

    /// Blocks for at most `milliseconds` until a call would not wait. A signal may end it early, or the end of a slice.
    pub fn block(&self, wanted: Wanted, milliseconds: u8) -> Result<()> {
        let events = match wanted {
            Wanted::Message => libc::POLLIN,
            Wanted::Room => libc::POLLOUT,
        };
        slice::wait(self.fd.as_fd(), events, milliseconds)
    }

    /// Which queue it is, whatever the descriptor.
    pub(crate) fn key(&self) -> Key {
        self.after.0
    }
}

/// Removes the name. Whoever has the queue open goes on.
pub fn unlink(name: &Name) -> Result<()> {
    mq::unlink(name.word()).map_err(|error| error.at(name.path()))?;
    unnamed::forget(REGISTRY_KIND, name);
    Ok(())
}

/// Whose a queue is, and its permissions; None if there is none. Nothing but a look.
pub(crate) fn find(name: &Name) -> Result<Option<(u32, u32)>> {
    let opened = match mq::open(name.word(), OFlag::O_RDONLY, 0, None) {
        Err(Error::Os { errno: Errno::EACCES, .. }) => mq::open(name.word(), OFlag::O_WRONLY, 0, None),
        opened => opened,
    };
    match opened {
        Ok(fd) => {
            let stat = fstat(&fd).map_err(|errno| Error::os(errno, "fstat"))?;
            Ok(Some((stat.st_uid, stat.st_mode & 0o7777)))
        }
        Err(Error::Os { errno: Errno::ENOENT, .. }) => Ok(None),
        Err(error) => Err(error.at(name.path())),
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The call takes both sizes or none: where only one is asked for, the other is what the kernel would have taken.
fn sizes(options: Options) -> Option<(libc::c_long, libc::c_long)> {
    let Options { max_messages, max_message_size, .. } = options;
    if max_messages.is_none() && max_message_size.is_none() {
        return None;
    }
    let or_default = |size: Option<u32>, default, most, fallback| {
        size.map_or_else(|| limit(default).unwrap_or(fallback).min(limit(most).unwrap_or(fallback)), libc::c_long::from)
    };
    Some((
        or_default(max_messages, "msg_default", "msg_max", 10),
        or_default(max_message_size, "msgsize_default", "msgsize_max", 8192),
    ))
}

fn limit(name: &str) -> Option<libc::c_long> {
    std::fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}")).ok()?.trim().parse().ok()
}

/// Sizes are never negative.
fn size_of_long(size: libc::c_long) -> usize {
    usize::try_from(size).unwrap_or(0)
}
