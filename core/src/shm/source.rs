//! Memory that has a descriptor: how large it is, who may shorten it, how it is mapped.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, posix_fallocate};
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::sys::statfs::{HUGETLBFS_MAGIC, fstatfs};
use nix::unistd::{ftruncate, geteuid};

use super::{Range, Seals, part, room};
use crate::error::{Error, Result};
use crate::sys::fd as sys_fd;
use crate::sys::mman::{Access, Mapping, page_size};
use crate::sys::retry;

/// An open file, of whatever file system.
#[derive(Debug)]
pub(super) struct Source {
    fd: OwnedFd,
    page: usize,
    huge: bool,
    shrinkable: bool,
}

/// What a descriptor turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    page: usize,
    huge: bool,
    shrinkable: bool,
    pub(super) size: u64,
    pub(super) owner: u32,
}

impl Facts {
    /// Looks at a descriptor that need not be ours yet. Only what can be mapped will do.
    pub(super) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
        check_kind(&stat)?;
        let system = fstatfs(fd).map_err(|errno| Error::os(errno, "fstatfs"))?;
        let huge = system.filesystem_type() == HUGETLBFS_MAGIC;
        let page = if huge { usize::try_from(system.block_size()).unwrap_or(0) } else { page_size() };
        // Huge pages may be punched out of sealed memory, and need not come back: that is as good as shortened.
        let shrinkable = huge || !Seals::of(fd).is_some_and(|seals| seals.contains(Seals::SHRINK));
        Ok(Self { page: page.max(page_size()), huge, shrinkable, size: size_of_file(&stat), owner: stat.st_uid })
    }

    /// The same of what stands under /dev/shm or another folder of small pages, which cannot have been sealed.
    pub(super) fn of_object(fd: BorrowedFd<'_>) -> Result<Self> {
        let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
        check_kind(&stat)?;
        let (size, owner) = (size_of_file(&stat), stat.st_uid);
        Ok(Self { page: page_size(), huge: false, shrinkable: true, size, owner })
    }

    /// Whether the other users of what was received can do no harm: they cannot shorten it, or it is this user's own.
    pub(super) fn is_trusted(&self, own_will_do: bool) -> bool {
        !self.shrinkable || own_will_do && (self.owner == geteuid().as_raw() || self.owner == 0)
    }
}

impl Source {
    pub(super) fn new(fd: OwnedFd) -> Result<Self> {
        let facts = Facts::of(fd.as_fd())?;
        Ok(Self::known(fd, facts))
    }

    pub(super) fn known(fd: OwnedFd, facts: Facts) -> Self {
        Self { fd, page: facts.page, huge: facts.huge, shrinkable: facts.shrinkable }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    pub(super) fn duplicate(&self) -> Result<Self> {
        let fd = sys_fd::duplicate(self.fd())?;
        Ok(Self { fd, ..*self })
    }

    pub(super) fn is_shrinkable(&self) -> bool {
        self.shrinkable
    }

    pub(super) fn size(&self) -> Result<u64> {
        Ok(size_of_file(&fstat(&self.fd).map_err(|errno| Error::os(errno, "fstat"))?))
    }

    /// How many bytes a range comes to, of a file of that size. EINVAL if it is not all there, or empty.
    pub(super) fn length_of(range: Range, size: u64) -> Result<usize> {
        let behind = size.checked_sub(range.offset).ok_or(Error::os(Errno::EINVAL, "mmap"))?;
        let length = range.length.unwrap_or(behind);
        if length == 0 || length > behind {
            return Err(Error::os(Errno::EINVAL, "mmap"));
        }
        usize::try_from(length).map_err(|_| Error::os(Errno::ENOMEM, "mmap"))
    }

    /// Huge pages come whole.
    pub(super) fn rounded(&self, size: u64) -> Result<usize> {
        let size = usize::try_from(size).map_err(|_| Error::os(Errno::EFBIG, "ftruncate"))?;
        let rounded = if self.huge { size.checked_next_multiple_of(self.page) } else { Some(size) };
        rounded.ok_or(Error::os(Errno::EFBIG, "ftruncate"))
    }

    pub(super) fn map(&self, offset: u64, length: usize, access: Access) -> Result<Mapping> {
        let mapped = Mapping::of_fd(self.fd(), part(offset, length, access, self.page, self.shrinkable));
        match mapped {
            // Before Linux 6.7 memory sealed against writing could be mapped by read-only descriptions alone.
            Err(Error::Os { errno: Errno::EPERM, .. }) if access == Access::ReadOnly => {
                let anew = sys_fd::open_anew(self.fd(), OFlag::O_RDONLY)?;
                Mapping::of_fd(anew.as_fd(), part(offset, length, access, self.page, self.shrinkable))
            }
            mapped => mapped,
        }
    }

    /// Gives the file that size, and reserves the space.
    pub(super) fn resize(&self, size: u64) -> Result<()> {
        let before = self.size()?;
        if size > before { reserve(self.fd(), size) } else { set_size(self.fd(), size) }
    }

    /// The seals may have changed.
    pub(super) fn seals(&self) -> Seals {
        Seals::of(self.fd()).unwrap_or_default()
    }

    pub(super) fn add_seals(&self, seals: Seals) -> Result<()> {
        fcntl(&self.fd, FcntlArg::F_ADD_SEALS(seals.raw())).map_err(|errno| Error::os(errno, "F_ADD_SEALS"))?;
        Ok(())
    }
}

/// Lengthens a file to `size` with the space reserved, or leaves it as it was.
pub(crate) fn reserve(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    let length = libc::off_t::try_from(size).map_err(|_| Error::os(Errno::EFBIG, "posix_fallocate"))?;
    room::check(fd, size)?;
    let reserved = retry(|| posix_fallocate(fd, 0, length).map_err(|errno| Error::os(errno, "posix_fallocate")));
    match reserved {
        // Some file systems cannot reserve.
        Err(Error::Os { errno: Errno::EOPNOTSUPP | Errno::ENOSYS, .. }) => set_size(fd, size),
        reserved => reserved,
    }
}

fn set_size(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    let length = libc::off_t::try_from(size).map_err(|_| Error::os(Errno::EFBIG, "ftruncate"))?;
    retry(|| ftruncate(fd, length).map_err(|errno| Error::os(errno, "ftruncate")))
}

fn check_kind(stat: &FileStat) -> Result<()> {
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG {
        return Ok(());
    }
    Err(Error::WrongKind { expected: "memory that can be mapped", path: None })
}

/// Sizes are never negative.
fn size_of_file(stat: &FileStat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}
