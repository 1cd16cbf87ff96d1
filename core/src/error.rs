//! What can go wrong, once for all primitives.

use std::fmt;
use std::path::PathBuf;

use nix::errno::Errno;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Which object a failed call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A file, a FIFO or a socket's address.
    Path(PathBuf),
    /// A System V identifier.
    Id(i32),
}

/// Why an operation failed. Conditions that a caller tells apart are variants; everything that the kernel says is `Os`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A system call failed.
    Os {
        /// The error number.
        errno: Errno,
        /// The call, as its man page names it.
        syscall: &'static str,
        /// What it was about, where that is more than the handle itself.
        object: Option<Object>,
    },
    /// The handle was closed by this process.
    Closed,
    /// A wait on a waiter thread was cancelled before it had done anything.
    Cancelled,
    /// No more waiter threads: [`crate::waiter::CAPACITY`] waits are under way.
    TooManyWaiters,
    /// The object belongs neither to this user nor to root.
    UntrustedOwner {
        /// Where it stands.
        path: PathBuf,
        /// Who owns it.
        uid: u32,
    },
    /// A folder for things of this user's own that others may have had their hands in.
    UntrustedFolder {
        /// Where it stands.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        reason: String,
    },
    /// The object is of another kind than the class that it was given to.
    WrongKind {
        /// What was wanted.
        expected: &'static str,
        /// Where it stands, if it has a name.
        path: Option<PathBuf>,
    },
    /// No object can have this name.
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },
    /// A semaphore set that nobody has given values: whoever is making it has not come to that, or never will.
    NoValues {
        /// Its id.
        id: i32,
    },
    /// Memory that has no size: whoever is making it has not come to that, or never will.
    NotInitialized {
        /// Where it stands, if it has a name.
        path: Option<PathBuf>,
    },
    /// Something of this package's own, made by a version that writes it differently.
    Version {
        /// Where it stands.
        path: PathBuf,
    },
    /// The barrier is one of another number of parties.
    Parties {
        /// Its file.
        path: PathBuf,
        /// The number that it was made with.
        parties: u16,
    },
    /// Memory that its other users could shorten, where that was not agreed to.
    Shrinkable,
    /// Somebody has shortened the memory, and what was asked for is gone.
    Shortened,
    /// The object has no such thing, as this sentence says.
    NotSupported(&'static str),
    /// There are not as many huge pages as were asked for.
    NoHugePages {
        /// The error number.
        errno: Errno,
        /// The call.
        syscall: &'static str,
    },
    /// What another process has written cannot be right, as this says.
    Corrupt(&'static str),
    /// The process at the other end died without closing it.
    PeerDied,
    /// Another process speaks another version of a format.
    OtherVersion {
        /// What it speaks.
        theirs: u32,
        /// What this package speaks.
        ours: u32,
    },
    /// There can be one only, and somebody else has it, as this sentence says.
    Exclusive(&'static str),
    /// A thread of ours panicked: a defect of this package.
    Panicked(String),
}

impl Error {
    /// The system call `syscall` failed with `errno`.
    #[must_use]
    pub fn os(errno: Errno, syscall: &'static str) -> Self {
        Self::Os { errno, syscall, object: None }
    }

    /// The same of an error in the standard library's shape.
    #[must_use]
    pub fn io(error: &std::io::Error, syscall: &'static str) -> Self {
        Self::os(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)), syscall)
    }

    /// Names the file that the failed call was about.
    #[must_use]
    pub fn at(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Self::Os { errno, syscall, .. } => Self::Os { errno, syscall, object: Some(Object::Path(path.into())) },
            other => other,
        }
    }

    /// Names the System V object that the failed call was about.
    #[must_use]
    pub fn about(self, id: i32) -> Self {
        match self {
            Self::Os { errno, syscall, .. } => Self::Os { errno, syscall, object: Some(Object::Id(id)) },
            other => other,
        }
    }

    /// It was huge pages that were asked for.
    #[must_use]
    pub fn hugely(self) -> Self {
        match self {
            Self::Os { errno, syscall, .. } => Self::NoHugePages { errno, syscall },
            other => other,
        }
    }

    /// The error number, where the kernel gave one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Os { errno, .. } | Self::NoHugePages { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// What to do about it, where there is a remedy.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Os { errno: Errno::EMFILE, syscall: "mq_open", .. } => Some(
                "either this user's queues take all that RLIMIT_MSGQUEUE grants (a queue counts in full while it is \
                 empty: raise it with ulimit -q, or ask for a smaller maxMessages or maxMessageSize), or this process is \
                 at its limit of open descriptors (ulimit -n)",
            ),
            Self::Os { errno: Errno::ENOSPC, syscall: "mq_open", .. } => Some(
                "the limit is /proc/sys/fs/mqueue/queues_max: raise it with sysctl fs.mqueue.queues_max, or unlink queues \
                 that nobody needs",
            ),
            Self::Os { errno: Errno::EINVAL, syscall: "mq_open", .. } => Some(
                "maxMessages is limited by /proc/sys/fs/mqueue/msg_max, maxMessageSize by /proc/sys/fs/mqueue/msgsize_max: \
                 raise them with sysctl fs.mqueue.msg_max and fs.mqueue.msgsize_max",
            ),
            Self::Os { errno: Errno::EMSGSIZE, syscall: "mq_send", .. } => Some(
                "the limit is the queue's maxMessageSize, given when it is made, at most \
                 /proc/sys/fs/mqueue/msgsize_max: raise that with sysctl fs.mqueue.msgsize_max",
            ),
            Self::Os { errno: Errno::EBADF, syscall: "mq_send", .. } => {
                Some("this handle was opened for receiving only: access 'w' or 'rw' allows sending")
            }
            Self::Os { errno: Errno::EBADF, syscall: "mq_receive", .. } => {
                Some("this handle was opened for sending only: access 'r' or 'rw' allows receiving")
            }
            Self::Os { errno: Errno::EBUSY, syscall: "mq_notify", .. } => {
                Some("another process has asked to be notified of this queue, and there can be one only")
            }
            Self::Os { errno: Errno::ENOSPC, syscall: "msgget", .. } => Some(
                "there are as many queues as /proc/sys/kernel/msgmni allows: raise it with sysctl kernel.msgmni, or remove \
                 queues that nobody needs (ipcs -q, ipcrm -q ID)",
            ),
            Self::Os { errno: Errno::EPERM, syscall: "msgctl", .. } => Some(
                "only its owner, its creator and root may change or remove a queue, and only root may give it more bytes \
                 than /proc/sys/kernel/msgmnb: raise that with sysctl kernel.msgmnb",
            ),
            Self::Os {
                errno: Errno::EAGAIN, syscall: "pidfd_send_signal" | "sigqueue" | "rt_tgsigqueueinfo", ..
            } => Some(
                "as many signals are pending as RLIMIT_SIGPENDING allows to this user (ulimit -i): whoever is to receive them \
                 has not kept up, so try again later",
            ),
            Self::Os { errno: Errno::ENOSPC, syscall: "semget", .. } => Some(
                "there are as many sets, or as many semaphores in all of them, as the fourth and the second number of \
                 /proc/sys/kernel/sem allow: raise them with sysctl kernel.sem, or remove sets that nobody needs (ipcs -s, \
                 ipcrm -s ID)",
            ),
            Self::Os { errno: Errno::EINVAL, syscall: "semget", .. } => Some(
                "a set has at most as many semaphores as the first number of /proc/sys/kernel/sem says (sysctl kernel.sem), \
                 and one that exists has as many as it was made with",
            ),
            Self::Os { errno: Errno::E2BIG, syscall: "semop", .. } => Some(
                "one call has at most as many operations as the third number of /proc/sys/kernel/sem says: raise it with \
                 sysctl kernel.sem",
            ),
            Self::Os { errno: Errno::ERANGE, syscall: "semop", .. } => Some(
                "a semaphore's value is at most 32767, and so is what of it the end of a process would undo; a list that \
                 gives first and takes later may pass that on its way",
            ),
            Self::Os { errno: Errno::EPERM, syscall: "semctl", .. } => {
                Some("only its owner, its creator and root may change or remove a set")
            }
            Self::NoValues { .. } => Some(
                "whoever made it has died over it or has not set it yet: remove it (ipcrm -s ID) to make it anew, or open it \
                 by fromId(id) and set its values",
            ),
            Self::Os { errno: Errno::ENOSPC, syscall: "posix_fallocate", .. } => Some(
                "the file system (/dev/shm for POSIX objects and anonymous memory) has not as much room: make it larger \
                 (mount -o remount,size=1g /dev/shm; docker run --shm-size), or unlink objects that nobody needs",
            ),
            Self::Os { errno: Errno::ENOMEM, syscall: "posix_fallocate", .. } => {
                Some("the machine, or the container, has not as much memory: take less, or SharedMemory.map a file")
            }
            Self::Os { errno: Errno::EACCES, syscall: "write", .. } => Some("this handle is read-only"),
            Self::Os { errno: Errno::ENOMEM | Errno::EPERM, syscall: "mlock", .. } => {
                Some("the limit of memory that stays in place is RLIMIT_MEMLOCK: raise it with ulimit -l")
            }
            Self::Os { errno: Errno::ENOSPC | Errno::EINVAL, syscall: "shmget", .. } => Some(
                "a segment is of at most /proc/sys/kernel/shmmax bytes, there are at most shmmni of them, with shmall pages \
                 in all; one that exists has the size that it was made with",
            ),
            Self::Os { errno: Errno::EPERM, syscall: "shmctl", .. } => {
                Some("only its owner, its creator and root may change or remove a segment")
            }
            Self::Os { errno: Errno::EBUSY, syscall: "F_ADD_SEALS", .. } => {
                Some("somebody has it mapped for writing: another process, or another handle of this one")
            }
            Self::Os { errno: Errno::EPERM, syscall: "F_ADD_SEALS" | "ftruncate" | "posix_fallocate", .. } => {
                Some("it is sealed against that")
            }
            Self::Os { errno: Errno::EBADF, syscall: "F_OFD_SETLK", .. } => {
                Some("a shared lock needs a file that this process may read, and any other one that it may write")
            }
            Self::Os { errno: Errno::ENOLCK, syscall: "F_OFD_SETLK" | "F_OFD_SETLKW", .. } => {
                Some("the file is on another machine that keeps no locks, or keeps too many already")
            }
            Self::NoHugePages { .. } => Some(
                "there are not as many huge pages as that: reserve some with sysctl vm.nr_hugepages, or do without",
            ),
            Self::Shrinkable => Some(
                "have it sealed against shrinking by its maker, or pass unsealed: true if its other users are trusted",
            ),
            Self::Shortened => Some("open it anew, or resize() it, to have it as large as it is now"),
            Self::Os { errno: Errno::ESRCH, syscall: "pidfd_open", .. } => {
                Some("no process has that number (any more); the number of a thread is none of a process")
            }
            Self::Os { errno: Errno::EMSGSIZE, syscall: "sendmsg" | "sendmmsg", .. } => Some(
                "a message has to fit into the socket's send buffer: enlarge it by bufferSizes (net.core.wmem_max is the \
                 limit), send it in parts, or as a memfd by fds",
            ),
            Self::Os { errno: Errno::ETOOMANYREFS, .. } => Some(
                "as many descriptors of this user are on their way, received by nobody yet, as one process may have open: \
                 raise RLIMIT_NOFILE (ulimit -n), or have them received",
            ),
            Self::Os { errno: Errno::EADDRINUSE, syscall: "bind", .. } => Some(
                "somebody has it, or has left its file behind: onStale: 'replace' takes the place of one that nobody has open",
            ),
            Self::Os { errno: Errno::ECONNREFUSED, syscall: "connect" | "sendmsg" | "sendmmsg", .. } => {
                Some("nobody is there: its process has ended, or has not come to that yet")
            }
            Self::Os { errno: Errno::EMFILE, .. } => {
                Some("this process is at its limit of open descriptors: raise it with ulimit -n")
            }
            Self::Os { errno: Errno::ENFILE, .. } => {
                Some("the system is at its limit of open files: raise it with sysctl fs.file-max")
            }
            Self::Os { errno: Errno::EPERM, syscall: "fcntl", .. } => {
                Some("the limit is /proc/sys/fs/pipe-max-size: raise it with sysctl fs.pipe-max-size")
            }
            Self::Version { .. } => Some("use one version of os-ipc, or unlink it and let it be made anew"),
            Self::UntrustedFolder { .. } => Some("remove it: os-ipc makes it anew, for this user alone"),
            Self::UntrustedOwner { .. } => Some("pass anyOwner: true if whoever made it is to be trusted"),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os { errno, syscall, object } => {
                write!(f, "{}, {syscall}", description(*errno))?;
                match object {
                    Some(Object::Path(path)) => write!(f, " '{}'", path.display()),
                    Some(Object::Id(id)) => write!(f, " {id}"),
                    None => Ok(()),
                }
            }
            Self::Closed => f.write_str("the handle is closed"),
            Self::Cancelled => f.write_str("the wait was cancelled"),
            Self::TooManyWaiters => {
                write!(f, "{} waits that need a thread of their own are under way already", crate::waiter::CAPACITY)
            }
            Self::UntrustedOwner { path, uid } => {
                write!(f, "'{}' belongs to uid {uid}, neither to this user nor to root", path.display())
            }
            Self::UntrustedFolder { path, reason } => write!(f, "'{}' is not to be trusted: {reason}", path.display()),
            Self::WrongKind { expected, path: Some(path) } => write!(f, "'{}' is not {expected}", path.display()),
            Self::WrongKind { expected, path: None } => write!(f, "the descriptor is not {expected}"),
            Self::InvalidName { name, reason } => write!(f, "The name {reason}. Received {name:?}"),
            Self::NoValues { id } => write!(f, "nobody has given semaphore set {id} its values"),
            Self::NotInitialized { path: Some(path) } => {
                write!(f, "'{}' has no size: whoever makes it has not come to that", path.display())
            }
            Self::NotInitialized { path: None } => f.write_str("the memory has no size"),
            Self::Version { path } => write!(f, "'{}' was made by another version of os-ipc", path.display()),
            Self::Parties { path, parties } => write!(f, "'{}' is a barrier of {parties} parties", path.display()),
            Self::Shrinkable => f.write_str("the memory can be shortened by its other users"),
            Self::Shortened => f.write_str("the memory was shortened by another process"),
            Self::NotSupported(sentence) => f.write_str(sentence),
            Self::Corrupt(what) => f.write_str(what),
            Self::PeerDied => f.write_str("the other side died without closing"),
            Self::OtherVersion { theirs, ours } => {
                write!(
                    f,
                    "the other side speaks version {theirs} of the format, or something newer than version {ours}"
                )
            }
            Self::Exclusive(sentence) => f.write_str(sentence),
            Self::NoHugePages { errno, syscall } => {
                write!(f, "{}, {syscall}: no huge pages", errno.desc().to_lowercase())
            }
            Self::Panicked(message) => write!(f, "a thread of os-ipc panicked: {message}"),
        }
    }
}

/// What Node says of `errno`, and perror(3).
fn description(errno: Errno) -> String {
    match errno {
        Errno::EBADF => "bad file descriptor".into(),
        other => other.desc().to_lowercase(),
    }
}

impl std::error::Error for Error {}
