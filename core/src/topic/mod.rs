//! A topic: messages from many to many over one ring, of which every subscriber has a position of his own. See
//! `docs/topic-format.md`.
//!
//! Not for two: that is a channel ([`crate::ring`]), which needs no lock. Not for what is to be received by one of many:
//! that is a message queue.
//!
//! This makes, finds and maps the memory, knows who lives, sleeps and wakes. Messages are written and read by JS, which
//! believes nothing that stands there.

mod address;
mod file;
pub mod layout;
mod member;

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;

pub use address::Address;
pub use file::unlink;
pub use layout::Geometry;

use crate::error::{Error, Result};
use crate::shm::of_word;
use crate::sys::cancel::Flag;
use crate::sys::fd as sys_fd;
use crate::sys::futex::{self, Waited};
use crate::sys::mman::Mapping;
use file::File;
use member::Member;

/// How a topic is made, where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What its memory is like.
    pub geometry: Geometry,
    /// Permissions, less the umask.
    pub mode: u32,
    /// Whether one that belongs neither to this user nor to root will do.
    pub any_owner: bool,
}

/// A topic as one handle has it open: a member of it.
#[derive(Debug)]
pub struct Topic {
    member: Member,
    geometry: Geometry,
    private: bool,
    /// Which file it is, if it was made for this handle.
    made: Option<file::Identity>,
    mapping: OnceCell<Arc<Mapping>>,
    /// Another description, for another process.
    spare: OnceCell<OwnedFd>,
}

impl Topic {
    /// Opens the topic of that address, or makes it.
    pub fn open(address: &Address, options: Options) -> Result<Self> {
        let file = File::open(address, options)?;
        let made = file.made.then(|| file.identity());
        let joined = Self::of_file(file);
        if let (Err(_), Some(identity)) = (&joined, made) {
            file::take_back(address, identity);
        }
        joined
    }

    /// Gives it up, and takes back what was made for it: as if it had not been opened.
    pub fn abandon(self, address: &Address) {
        let made = self.made;
        drop(self);
        if let Some(identity) = made {
            file::take_back(address, identity);
        }
    }

    /// Joins the topic whose memory `number` refers to, by a description of its own. On failure the number has not been
    /// touched.
    pub fn join(number: RawFd) -> Result<Self> {
        let (spare, topic) = sys_fd::adopt(number, Self::by)?;
        drop(topic.spare.set(spare));
        Ok(topic)
    }

    /// Another member of the same topic.
    pub fn again(&self) -> Result<Self> {
        Self::by(self.member.file().as_fd())
    }

    fn by(fd: BorrowedFd<'_>) -> Result<Self> {
        Self::of_file(File::inspect(sys_fd::open_anew(fd, OFlag::O_RDWR)?, None)?)
    }

    fn of_file(file: File) -> Result<Self> {
        let made = file.made.then(|| file.identity());
        let File { fd, geometry, private, .. } = file;
        Ok(Self {
            member: Member::join(fd)?,
            geometry,
            private,
            made,
            mapping: OnceCell::new(),
            spare: OnceCell::new(),
        })
    }

    /// What the memory was like when it was opened.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The number of this member.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.member.number()
    }

    /// Whether nobody but this user (and root) can write there.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// A descriptor that another process can join by. No lock goes with it.
    pub fn spare(&self) -> Result<BorrowedFd<'_>> {
        if self.spare.get().is_none() {
            drop(self.spare.set(sys_fd::open_anew(self.member.file().as_fd(), OFlag::O_RDWR)?));
        }
        self.spare.get().map(AsFd::as_fd).ok_or(Error::Closed)
    }

    /// The memory, mapped: the header, then the ring twice in a row.
    pub fn memory(&self) -> Result<Arc<Mapping>> {
        if let Some(mapping) = self.mapping.get() {
            return Ok(Arc::clone(mapping));
        }
        let (header, ring) = (self.geometry.data_offset as usize, self.geometry.capacity as usize);
        let pieces = [(0, header), (header as u64, ring), (header as u64, ring)];
        // Whoever may write the file may shorten it.
        let mapping = Arc::new(Mapping::of_pieces(self.member.file().as_fd(), &pieces)?.guarded()?);
        drop(self.mapping.set(Arc::clone(&mapping)));
        Ok(mapping)
    }

    /// Whether somebody has shortened the file and this process has looked at what is gone.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.mapping.get().is_some_and(|mapping| mapping.is_damaged())
    }

    /// Whether the member of that number still takes part.
    pub fn is_alive(&self, number: u32) -> Result<bool> {
        self.member.is_alive(number)
    }

    /// What waits, on a waiter thread, until that member is gone.
    pub fn watching(&self, number: u32) -> impl FnOnce(&Flag) -> Result<()> + Send + use<> {
        self.member.watching(number)
    }

    /// What waits, on a waiter thread, while the word at `offset` is `expected`; None if it is not.
    pub fn waiting(
        &self,
        offset: usize,
        expected: u32,
    ) -> Result<Option<impl FnOnce(&Flag) -> Result<bool> + Send + use<>>> {
        let mapping = self.memory()?;
        if mapping.word32(offset)?.load(Ordering::SeqCst) != expected {
            return Ok(None);
        }
        Ok(Some(move |flag: &Flag| futex::wait_cancellable(&mapping, offset, expected, flag).map_err(of_word)))
    }

    /// Waits on this thread, at most so long, while the word at `offset` is `expected`.
    pub fn block(&self, offset: usize, expected: u32, patience: Duration) -> Result<Waited> {
        futex::wait(&*self.memory()?, offset, expected, Some(patience)).map_err(of_word)
    }

    /// Changes the word at `offset` and wakes all who wait on it.
    pub fn ring(&self, offset: usize) -> Result<()> {
        ring(&*self.memory()?, offset)
    }
}

fn ring(mapping: &Mapping, offset: usize) -> Result<()> {
    mapping.word32(offset)?.fetch_add(1, Ordering::SeqCst);
    match futex::wake(mapping, offset, i32::MAX.unsigned_abs()) {
        // A page that is not there any more, which nobody sleeps on.
        Err(Error::Os { errno: Errno::EFAULT, .. }) => Ok(()),
        woken => woken.map(drop),
    }
}
