//! Anonymous memory, and memory that comes as a descriptor. See memfd_create(2).

use std::ffi::CString;
use std::os::fd::{AsFd, RawFd};

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::source::{Facts, Source, reserve};
use super::{Kind, Memory, Range, Seals};
use crate::error::{Error, Result};
use crate::sys::fd as sys_fd;

/// What is asked of memory that is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody can shorten it.
    Sealed,
    /// As above, or it belongs to this user or to root.
    Own,
    /// Nothing.
    Anything,
}

impl Memory {
    /// New memory of that size, without a name. `label` is what /proc shows.
    pub fn create(size: u64, label: &str, huge: bool, seals: Seals) -> Result<Self> {
        let label = CString::new(label).map_err(|_| Error::os(Errno::EINVAL, "memfd_create"))?;
        let mut flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        if huge {
            flags |= MFdFlags::MFD_HUGETLB;
        }
        let made = match memfd_create(label.as_c_str(), flags) {
            // vm.memfd_noexec=2: the system wants it sealed against becoming executable.
            Err(Errno::EACCES) => memfd_create(label.as_c_str(), flags | MFdFlags::from_bits_retain(MFD_NOEXEC_SEAL)),
            made => made,
        };
        let source = Source::new(made.map_err(|errno| Error::os(errno, "memfd_create"))?)?;
        let size = source.rounded(size)? as u64;
        reserve(source.fd(), size).map_err(|error| if huge { no_huge_pages(error) } else { error })?;
        // Sealed against writing, it is mapped as what it is from the start.
        source.add_seals(seals)?;
        let source = Source::new(source.into_fd())?;
        let sealed = seals.contains(Seals::WRITE) || seals.contains(Seals::FUTURE_WRITE);
        Self::of_file(Kind::Memfd, source, size, Range::default(), sealed, false)
            .map_err(|error| if huge { no_huge_pages(error) } else { error })
    }

    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched.
    pub fn adopt(number: RawFd, read_only: bool, range: Range, trust: Trust) -> Result<Self> {
        let mut memory = None;
        let (fd, kind) = sys_fd::adopt(number, |fd| {
            let facts = Facts::of(fd)?;
            if trust != Trust::Anything && !facts.is_trusted(trust == Trust::Own) {
                return Err(Error::Shrinkable);
            }
            if facts.size == 0 {
                return Err(Error::NotInitialized { path: None });
            }
            // Mapped by a copy, for a number that cannot be mapped is not to be taken.
            let source = Source::known(sys_fd::duplicate(fd)?, facts);
            let kind = kind_of(&sys_fd::target_of(fd));
            memory = Some(Self::of_file(kind, source, facts.size, range, read_only, true)?);
            Ok(kind)
        })?;
        let Some(memory) = memory else { return Err(Error::Closed) };
        let facts = Facts::of(fd.as_fd())?;
        Ok(Self { kind, backing: super::Backing::File(Source::known(fd, facts)), ..memory })
    }
}

/// Linux 6.3.
const MFD_NOEXEC_SEAL: libc::c_uint = 8;

fn kind_of(target: &str) -> Kind {
    if target.starts_with("/memfd:") {
        Kind::Memfd
    } else if target.starts_with("/dev/shm/") {
        Kind::Posix
    } else {
        Kind::File
    }
}

fn no_huge_pages(error: Error) -> Error {
    match error.errno() {
        Some(Errno::ENOMEM | Errno::ENOSPC) => Error::os(Errno::ENOMEM, "mmap").hugely(),
        _ => error,
    }
}
