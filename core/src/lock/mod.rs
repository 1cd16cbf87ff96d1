//! Locks between processes, found by a name: [`Lock`] (a mutex, or readers and a writer), [`Condition`], [`Barrier`].
//!
//! Each is a System V semaphore set. Its kernel queue is first come, first served, and what a process holds the kernel
//! gives back at its death (SEM_UNDO). Undo belongs to the process, whichever of its threads took: so the end of a thread
//! of JS gives back what that has taken, here. See semop(2).
//!
//! A name leads to a set by a file under /dev/shm, which appears whole: see [`file`]. Not where other programs take part:
//! they know nothing of these files. That is a semaphore, or a lock on a file.

mod barrier;
mod condition;
pub(crate) mod file;
mod gate;
mod object;
mod take;

pub use barrier::{Arrival, Arrived, Barrier};
pub use condition::{Condition, Notified, Waiting};
pub use file::{Name, unlink};
pub(crate) use object::{REGISTRY_KIND, find_unpublished, remove_unpublished};
pub use take::{Hold, Lock, Permit};

/// What a name may stand for. The same name is another object for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One at a time.
    Mutex,
    /// Readers, or a writer.
    RwLock,
    /// Waits for a notice.
    Condition,
    /// Waits for the others.
    Barrier,
}

/// How an object is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Permission bits of a new one, less the umask.
    pub mode: u32,
    /// Whether one that belongs neither to this user nor to root will do.
    pub any_owner: bool,
    /// How many make a barrier complete; 0 for other kinds.
    pub parties: u16,
}
