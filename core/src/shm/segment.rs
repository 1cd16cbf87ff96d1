//! System V segments. See shmget(2), shmop(2), shmctl(2).

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use nix::errno::Errno;

use super::{Backing, Kind, Memory, Range};
use crate::error::{Error, Result};
use crate::sys::mman::Mapping;
use crate::sys::segment as sys;
use crate::sysv::Permissions;
use crate::sysv::key::Key;

/// What the kernel tells of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Owner, key and mode.
    pub permissions: Permissions,
    /// In bytes.
    pub size: u64,
    /// How often it is attached, in all processes together.
    pub attached: u64,
    /// Who has made it.
    pub creator: i32,
    /// Who attached or detached last; 0 for nobody.
    pub last: i32,
    /// Seconds since 1970, 0 for never.
    pub last_attach: i64,
    /// Seconds since 1970, 0 for never.
    pub last_detach: i64,
    /// When it was made or `set` last, in seconds since 1970.
    pub changed: i64,
}

/// What is to be changed in a segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// The owner.
    pub uid: Option<u32>,
    /// The owner's group.
    pub gid: Option<u32>,
    /// The nine permission bits.
    pub mode: Option<u32>,
}

/// How a segment is to be opened, or made.
#[derive(Clone, Copy, Debug, Default)]
pub struct SegmentOptions {
    /// Make it if there is none, which needs a size.
    pub create: bool,
    /// EEXIST if there is one.
    pub exclusive: bool,
    /// Permissions of a new one; of one that exists these are asked for.
    pub mode: u32,
    /// Of a new one. One that exists must have as much.
    pub size: u64,
    /// For reading alone.
    pub read_only: bool,
    /// In huge pages.
    pub huge: bool,
}

impl Memory {
    /// shmget(2), then shmat(2).
    pub fn open_segment(key: Key, options: SegmentOptions) -> Result<Self> {
        let mut flags = (options.mode & 0o777).cast_signed();
        if options.create {
            flags |= libc::IPC_CREAT;
        }
        if options.exclusive {
            flags |= libc::IPC_EXCL;
        }
        if options.huge {
            flags |= libc::SHM_HUGETLB;
        }
        let size = usize::try_from(options.size).map_err(|_| Error::os(Errno::EINVAL, "shmget"))?;
        let id = sys::get(key.raw(), size, flags).map_err(|error| match error.errno() {
            Some(Errno::ENOMEM | Errno::ENOSPC) if options.huge => Error::os(Errno::ENOMEM, "shmget").hugely(),
            _ => error,
        })?;
        let opened = Self::from_id(id, options.read_only);
        if opened.is_err() && key == Key::Private {
            // Nobody else knows its number. That it could not be attached is the news.
            let _gone = sys::remove(id);
        }
        opened
    }

    /// The segment with that number.
    pub fn from_id(id: i32, read_only: bool) -> Result<Self> {
        let stat = sys::stat(id).map_err(|error| error.about(id))?;
        let length = usize::try_from(stat.size).map_err(|_| Error::os(Errno::ENOMEM, "shmat"))?;
        let mapping = Mapping::of_segment(id, length, read_only).map_err(|error| error.about(id))?;
        Ok(Self {
            kind: Kind::Sysv,
            backing: Backing::Segment { id, key: stat.permissions.key },
            range: Range::default(),
            read_only: Cell::new(read_only),
            mapping: RefCell::new(Arc::new(mapping)),
        })
    }

    /// shmctl(2), IPC_STAT.
    pub fn stat(&self) -> Result<Stat> {
        let id = self.number()?;
        let raw = sys::stat(id).map_err(|error| error.about(id))?;
        Ok(Stat {
            permissions: raw.permissions.into(),
            size: raw.size,
            attached: raw.attached,
            creator: raw.creator,
            last: raw.last,
            last_attach: raw.last_attach,
            last_detach: raw.last_detach,
            changed: raw.changed,
        })
    }

    /// shmctl(2), IPC_SET. The rest stays as it is.
    pub fn set(&self, changes: Changes) -> Result<()> {
        let id = self.number()?;
        let change = || {
            let mut raw = sys::stat(id)?;
            raw.permissions.uid = changes.uid.unwrap_or(raw.permissions.uid);
            raw.permissions.gid = changes.gid.unwrap_or(raw.permissions.gid);
            raw.permissions.mode = changes.mode.unwrap_or(raw.permissions.mode);
            sys::set(id, raw)
        };
        change().map_err(|error| error.about(id))
    }

    /// shmctl(2), IPC_RMID: it goes with its last user.
    pub fn remove(&self) -> Result<()> {
        let id = self.number()?;
        sys::remove(id).map_err(|error| error.about(id))
    }

    fn number(&self) -> Result<i32> {
        self.segment().map(|(id, _)| id).ok_or(Error::NotSupported("Only System V segments have that"))
    }
}
