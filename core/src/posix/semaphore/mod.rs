//! POSIX semaphores: a number that is never below zero, in memory that several processes have. Taking from zero waits. See
//! sem_overview(7).
//!
//! Nothing comes back of what a process took before it died: for locks use a System V set with undo. They are served about
//! in the order in which they came, not exactly: whoever comes just when there is something takes it.
//!
//! What C programs have by sem_open(3) or sem_init(3) is the same semaphore. But the C library is asked only for the bytes
//! of a new one; the few operations upon it are made here. glibc ends the process when another process scribbles over the
//! semaphore (its system call gets flags from there), and a thread that waits in sem_wait(3) cannot be called back exactly.

#[cfg(any(target_env = "gnu", test))]
mod glibc;
#[cfg(any(not(target_env = "gnu"), test))]
mod musl;
mod named;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::shm::{Memory, of_word};
use crate::sys::cancel::Flag;
use crate::sys::futex;
use crate::sys::mman::Mapping;
use crate::sys::semaphore as sys;
use crate::waiter::Taken;

pub use crate::sys::semaphore::SIZE;
pub use named::{Identity, Options, check_name, unlink};
pub(crate) use named::{REGISTRY_KIND, find};

#[cfg(target_env = "gnu")]
type Ours = glibc::Glibc;
#[cfg(not(target_env = "gnu"))]
type Ours = musl::Musl;

/// SEM_VALUE_MAX.
pub const MOST: u32 = 0x7fff_ffff;

/// A C library's way with the words of a semaphore. Each loop here goes on for as long as others change the words, which
/// only somebody's success does.
trait Protocol {
    /// A first word, and what the library's sem_post makes of it where nobody waits.
    const POST: (u32, u32);
    /// Whether this is how the library lays out a semaphore of the value 3.
    fn fits(words: &[u32]) -> bool;
    fn value(mapping: &Mapping, offset: usize) -> Result<u32>;
    fn try_take(mapping: &Mapping, offset: usize) -> Result<bool>;
    fn post(mapping: &Mapping, offset: usize, count: u32) -> Result<Posted>;
    /// Takes, as soon as that can be; false if a nap says that it is over.
    fn take(mapping: &Mapping, offset: usize, nap: &mut Nap<'_>) -> Result<bool>;
}

/// Sleeps while the word at an offset is as expected; false if there is no time left.
type Nap<'a> = dyn FnMut(usize, u32) -> Result<bool> + 'a;

/// What came of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Posted {
    /// So many who are asleep are to be woken.
    Done { wake: u32 },
    /// It would be more than [`MOST`]: nothing has happened.
    Overflow,
}

/// A semaphore, for as long as this is held: it has a mapping of its own.
#[derive(Clone, Debug)]
pub struct Semaphore {
    mapping: Arc<Mapping>,
    offset: usize,
}

impl Semaphore {
    /// The one that stands at `offset` in `memory`, or a new one, of that value. The memory may be closed afterwards.
    pub fn in_memory(memory: &Memory, offset: usize, initialize: Option<u32>) -> Result<Self> {
        check_library()?;
        let (mapping, offset) = memory.map_part(offset, SIZE)?;
        // Whether it is aligned, before anything is written.
        mapping.word64(offset)?;
        if let Some(value) = initialize {
            mapping.copy_in(offset, &sys::initial(value)?)?;
        }
        let semaphore = Self { mapping: Arc::new(mapping), offset };
        semaphore.check()?;
        Ok(semaphore)
    }

    /// How many permits there are.
    pub fn value(&self) -> Result<u32> {
        self.checked(Ours::value(&self.mapping, self.offset))
    }

    /// Takes a permit, if there is one.
    pub fn try_take(&self) -> Result<bool> {
        self.checked(Ours::try_take(&self.mapping, self.offset))
    }

    /// Gives `count` permits back. EOVERFLOW if that would be too many: then none.
    pub fn post(&self, count: u32) -> Result<()> {
        let overflow = Error::os(Errno::EOVERFLOW, "sem_post");
        if count > MOST {
            return Err(overflow);
        }
        match self.checked(Ours::post(&self.mapping, self.offset, count))? {
            Posted::Overflow => Err(overflow),
            Posted::Done { wake: 0 } => Ok(()),
            Posted::Done { wake } => futex::wake(&self.mapping, self.offset, wake).map(drop).map_err(of_word),
        }
    }

    /// Takes a permit, however long that takes: for a waiter thread. It goes back if nobody keeps it.
    pub fn take(&self, flag: &Flag) -> Result<Taken<()>> {
        let mut nap = |offset, expected| {
            // Woken or not equal: it is looked again in any case.
            futex::wait_cancellable(&self.mapping, offset, expected, flag).map(|_| true).map_err(of_word)
        };
        self.checked(Ours::take(&self.mapping, self.offset, &mut nap))?;
        let semaphore = self.clone();
        // What could fail here has just worked; nobody is there to be told.
        Ok(Taken::new((), move |()| drop(semaphore.post(1))))
    }

    /// Takes a permit on this thread, after at most so long. A signal does not end it.
    pub fn take_here(&self, patience: Option<Duration>) -> Result<bool> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut over = false;
        let mut nap = |offset, expected| {
            if over {
                return Ok(false);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            futex::wait(&self.mapping, offset, expected, left).map_err(of_word)?;
            // What is there at the end wins, so there is one look more.
            over = left.is_some_and(|left| left.is_zero());
            Ok(true)
        };
        self.checked(Ours::take(&self.mapping, self.offset, &mut nap))
    }

    /// Of memory that somebody has shortened nothing is true.
    fn checked<T>(&self, result: Result<T>) -> Result<T> {
        self.check().and(result)
    }

    fn check(&self) -> Result<()> {
        if self.mapping.is_damaged() { Err(Error::Shortened) } else { Ok(()) }
    }
}

/// Whether the C library of this process is one that is known here.
fn check_library() -> Result<()> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    if *KNOWN.get_or_init(|| is_known().unwrap_or(false)) {
        return Ok(());
    }
    Err(Error::NotSupported("The C library of this process lays semaphores out in a way that os-ipc does not know"))
}

fn is_known() -> Result<bool> {
    let mut bytes = sys::initial(3)?;
    let fits = Ours::fits(&words_of(&bytes));
    let (before, after) = Ours::POST;
    if let Some(first) = bytes.first_chunk_mut() {
        *first = before.to_ne_bytes();
    }
    Ok(fits && words_of(&sys::posted(bytes)?).first() == Some(&after))
}

fn words_of(bytes: &[u8; SIZE]) -> Vec<u32> {
    bytes.chunks_exact(4).filter_map(|word| word.try_into().ok().map(u32::from_ne_bytes)).collect()
}
