//! Shared memory: the same pages in several processes, for as long as any of them has them. See shm_overview(7),
//! memfd_create(2), mmap(2), shmop(2).
//!
//! Nothing here says when the other side has written: that is for [`Memory::wait`] and [`Memory::wake`], or for another
//! primitive. Not for telling strangers things: whoever may write the memory may write it at any time.
//!
//! Space is reserved when memory is made, so a full file system is ENOSPC then, and not SIGBUS later. Opening something
//! never makes, truncates or resizes it. Where others may shorten the memory (see [`Memory::is_shrinkable`]) reads and
//! writes go through the kernel, and the mapping is guarded against SIGBUS.

mod access;
pub(crate) mod file;
mod memfd;
mod posix;
mod room;
mod seals;
mod segment;
mod source;

use std::cell::{Cell, RefCell};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::error::{Error, Result};
use crate::sys::fd as sys_fd;
use crate::sys::mman::{Access, Mapping, Part};

pub use access::{Advice, Operation, of_word};
pub use memfd::Trust;
pub use posix::unlink;
pub(crate) use posix::{REGISTRY_KIND, path_of};
pub use seals::Seals;
pub use segment::{Changes, SegmentOptions, Stat};
use source::Source;
pub(crate) use source::reserve;

/// What stands behind the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anonymous memory, gone with its last user.
    Memfd,
    /// An object with a name, under /dev/shm.
    Posix,
    /// A segment that the kernel keeps under a number.
    Sysv,
    /// A file.
    File,
}

/// Which part of the memory is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// From which byte on.
    pub offset: u64,
    /// How many bytes; to the end if none is said.
    pub length: Option<u64>,
}

/// How an object with a name is to be opened, or made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Of a new one. One that exists must have as much.
    pub size: Option<u64>,
    /// Make it if there is none, which needs a size.
    pub create: bool,
    /// EEXIST if there is one. Means nothing without `create`.
    pub exclusive: bool,
    /// Permissions of a new one; the umask applies.
    pub mode: u32,
    /// For reading alone.
    pub read_only: bool,
    /// Which part.
    pub range: Range,
    /// Whoever it belongs to.
    pub any_owner: bool,
}

/// Memory that other processes may have too.
#[derive(Debug)]
pub struct Memory {
    kind: Kind,
    backing: Backing,
    range: Range,
    read_only: Cell<bool>,
    mapping: RefCell<Arc<Mapping>>,
}

#[derive(Debug)]
enum Backing {
    File(Source),
    Segment { id: i32, key: i32 },
}

impl Memory {
    /// Maps `range` of a file. What cannot be mapped for writing is read-only, if that will do.
    fn of_file(
        kind: Kind,
        source: Source,
        size: u64,
        range: Range,
        read_only: bool,
        read_only_will_do: bool,
    ) -> Result<Self> {
        let length = Source::length_of(range, size)?;
        let mut read_only = read_only;
        let mapping = match source.map(range.offset, length, access(read_only)) {
            Err(Error::Os { errno: Errno::EACCES | Errno::EPERM, .. }) if read_only_will_do && !read_only => {
                read_only = true;
                source.map(range.offset, length, Access::ReadOnly)
            }
            mapped => mapped,
        };
        let mapping = RefCell::new(Arc::new(mapping?));
        Ok(Self { kind, backing: Backing::File(source), range, read_only: Cell::new(read_only), mapping })
    }

    /// Another handle of the same memory, as large as it is now.
    pub fn duplicate(&self) -> Result<Self> {
        match &self.backing {
            Backing::File(source) => {
                let size = source.size()?;
                Self::of_file(self.kind, source.duplicate()?, size, self.range, self.read_only.get(), false)
            }
            Backing::Segment { id, .. } => Self::from_id(*id, self.read_only.get()),
        }
    }

    /// What stands behind it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The kernel's number and the key of a segment.
    #[must_use]
    pub fn segment(&self) -> Option<(i32, i32)> {
        match self.backing {
            Backing::Segment { id, key } => Some((id, key)),
            Backing::File(_) => None,
        }
    }

    /// Its descriptor, if it has one.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.backing {
            Backing::File(source) => Some(source.fd()),
            Backing::Segment { .. } => None,
        }
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> Option<OwnedFd> {
        match self.backing {
            Backing::File(source) => Some(source.into_fd()),
            Backing::Segment { .. } => None,
        }
    }

    /// How many bytes are mapped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mapping.borrow().len()
    }

    /// Never: nothing that is empty can be mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it can be read alone.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only.get()
    }

    /// Whether others may shorten it.
    #[must_use]
    pub fn is_shrinkable(&self) -> bool {
        match &self.backing {
            Backing::File(source) => source.is_shrinkable(),
            Backing::Segment { .. } => false,
        }
    }

    /// The mapping that all calls here use.
    #[must_use]
    pub fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(&self.mapping.borrow())
    }

    /// A mapping of its own, for code that may do with it what it likes: of memory that is read-only, a private one, so
    /// that what is written there reaches nobody. There is no private mapping of a System V segment.
    pub fn map_anew(&self) -> Result<Arc<Mapping>> {
        let access = if self.read_only.get() { Access::Private } else { Access::ReadWrite };
        match &self.backing {
            Backing::File(source) => Ok(Arc::new(source.map(self.range.offset, self.len(), access)?)),
            Backing::Segment { .. } if self.read_only.get() => Err(Error::NotSupported(
                "A read-only System V segment cannot be given to JS as a buffer, which could be written to: use read()",
            )),
            Backing::Segment { id, .. } => Ok(Arc::new(Mapping::of_segment(*id, self.len(), false)?)),
        }
    }

    /// A mapping of its own of `length` bytes from `offset` on, to be read and written, and where they begin in it.
    pub(crate) fn map_part(&self, offset: usize, length: usize) -> Result<(Mapping, usize)> {
        if self.read_only.get() {
            return Err(Error::os(Errno::EACCES, "write"));
        }
        if offset.checked_add(length).is_none_or(|end| end > self.len()) {
            return Err(Error::os(Errno::EINVAL, "mmap"));
        }
        match &self.backing {
            Backing::File(source) => {
                let from = self.range.offset + offset as u64;
                source.map(from, length, Access::ReadWrite).map(|mapping| (mapping, 0))
            }
            Backing::Segment { id, .. } => Ok((Mapping::of_segment(*id, self.len(), false)?, offset)),
        }
    }

    /// ftruncate(2), with the space reserved. Gives the old mapping back, to be retired by whoever has given its address
    /// away. If it fails, nothing has changed.
    pub fn resize(&self, size: u64) -> Result<Arc<Mapping>> {
        let Backing::File(source) = &self.backing else {
            return Err(Error::NotSupported("A System V segment keeps its size"));
        };
        if self.range != Range::default() {
            return Err(Error::NotSupported("Memory of which a part is mapped cannot be resized by that handle"));
        }
        let length = source.rounded(size)?;
        // First, for it can fail, and may well reach beyond the end until that has moved.
        let mapping = source.map(0, length, access(self.read_only.get()))?;
        source.resize(length as u64)?;
        Ok(self.mapping.replace(Arc::new(mapping)))
    }

    /// A description of the same memory that can only be mapped for reading.
    pub fn read_only_fd(&self) -> Result<OwnedFd> {
        match &self.backing {
            Backing::File(source) => sys_fd::open_anew(source.fd(), OFlag::O_RDONLY),
            Backing::Segment { .. } => Err(Error::NotSupported("A System V segment has no descriptor")),
        }
    }

    fn source(&self) -> Option<&Source> {
        match &self.backing {
            Backing::File(source) => Some(source),
            Backing::Segment { .. } => None,
        }
    }
}

fn access(read_only: bool) -> Access {
    if read_only { Access::ReadOnly } else { Access::ReadWrite }
}

fn part(offset: u64, length: usize, access: Access, page: usize, guarded: bool) -> Part {
    Part { offset, length, access, page, guarded }
}
