//! Seals: what nobody may do to anonymous memory any more. See fcntl(2), F_ADD_SEALS.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};

use super::{Kind, Memory};
use crate::error::{Error, Result};
use crate::sys::mman::{Access, Mapping};

/// A set of seals, as the kernel has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seals(u32);

impl Seals {
    /// Against further seals.
    pub const SEAL: Self = Self(1);
    /// Against being made shorter.
    pub const SHRINK: Self = Self(2);
    /// Against being made longer.
    pub const GROW: Self = Self(4);
    /// Against being written.
    pub const WRITE: Self = Self(8);
    /// Against being written by anybody who has not mapped it for that already.
    pub const FUTURE_WRITE: Self = Self(16);
    /// Against becoming executable.
    pub const EXEC: Self = Self(32);

    /// As the kernel has it.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As the kernel has it.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `others` are in it.
    #[must_use]
    pub fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Of what this descriptor refers to; None where there are none.
    pub(super) fn of(fd: BorrowedFd<'_>) -> Option<Self> {
        fcntl(fd, FcntlArg::F_GET_SEALS).ok().map(|bits| Self(bits.cast_unsigned()))
    }

    pub(super) fn raw(self) -> SealFlag {
        SealFlag::from_bits_retain(self.0.cast_signed())
    }
}

impl Memory {
    /// The seals of anonymous memory; none of anything else.
    #[must_use]
    pub fn seals(&self) -> Seals {
        match (self.kind, self.source()) {
            (Kind::Memfd, Some(source)) => source.seals(),
            _ => Seals::default(),
        }
    }

    /// Adds seals. To seal against writing, this handle's own mapping for writing has to go first: then it is read-only,
    /// and the old mapping, which has been retired, is given back. EBUSY while others have one, and nothing has changed.
    pub fn seal(&self, seals: Seals) -> Result<Option<Arc<Mapping>>> {
        let (Kind::Memfd, Some(source)) = (self.kind, self.source()) else {
            return Err(Error::NotSupported("Only anonymous memory, made by create(), can be sealed"));
        };
        if !seals.contains(Seals::WRITE) || self.read_only.get() {
            source.add_seals(seals)?;
            return Ok(None);
        }
        let old = self.mapping();
        let offset = self.range.offset;
        let read_only = source.map(offset, old.len(), Access::ReadOnly)?;
        old.retire()?;
        let sealed = match source.add_seals(seals) {
            // Before Linux 6.7 a mapping for reading counts too, if its description could be written.
            Err(Error::Os { errno: Errno::EBUSY, .. }) => {
                drop(read_only);
                source.add_seals(seals).and_then(|()| source.map(offset, old.len(), Access::ReadOnly))
            }
            Err(error) => Err(error),
            Ok(()) => Ok(read_only),
        };
        match sealed {
            Ok(mapping) => {
                self.read_only.set(true);
                self.mapping.replace(Arc::new(mapping));
                Ok(Some(old))
            }
            Err(error) => {
                old.restore(source.fd(), offset)?;
                Err(error)
            }
        }
    }
}
