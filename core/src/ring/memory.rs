//! The memory of a channel: a sealed memfd, with each ring mapped twice in a row.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl, posix_fallocate};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fstat;

use super::layout::{ATTACHED, CLOSED, Geometry, HEAD, HEADER, STATES, TAIL, WORDS};
use crate::error::{Error, Result};
use crate::sys::fd as sys_fd;
use crate::sys::mman::Mapping;
use crate::sys::retry;

const LABEL: &CStr = c"os-ipc-channel";

/// Nobody changes its size, and nobody seals it against being written.
fn seals() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL
}

/// Makes the memory: its space is reserved, its header is written, and its size is sealed. The positions of each ring begin
/// at `starts`, multiples of 8.
pub fn create(geometry: &Geometry, starts: [u32; 2]) -> Result<OwnedFd> {
    if starts.iter().any(|start| !start.is_multiple_of(8)) {
        return Err(Error::os(Errno::EINVAL, "memfd_create"));
    }
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let made = match memfd_create(LABEL, flags) {
        // vm.memfd_noexec=2: the system wants it sealed against becoming executable.
        Err(Errno::EACCES) => memfd_create(LABEL, flags | MFdFlags::from_bits_retain(MFD_NOEXEC_SEAL)),
        made => made,
    };
    let fd = made.map_err(|errno| Error::os(errno, "memfd_create"))?;
    let size = libc::off_t::try_from(geometry.size()).map_err(|_| Error::os(Errno::EFBIG, "memfd_create"))?;
    // Of much memory it is interrupted by any signal.
    retry(|| posix_fallocate(&fd, 0, size).map_err(|errno| Error::os(errno, "posix_fallocate")))?;
    let write = |bytes: &[u8], at: usize| {
        let at = libc::off_t::try_from(at).map_err(|_| Error::os(Errno::EFBIG, "pwrite"))?;
        nix::sys::uio::pwrite(&fd, bytes, at).map_err(|errno| Error::os(errno, "pwrite"))
    };
    for (words, start) in WORDS.into_iter().zip(starts.map(u32::to_ne_bytes)) {
        write(&start, words + TAIL)?;
        write(&start, words + HEAD)?;
    }
    write(&geometry.to_bytes(), 0)?;
    fcntl(&fd, FcntlArg::F_ADD_SEALS(seals())).map_err(|errno| Error::os(errno, "fcntl"))?;
    Ok(fd)
}

/// Linux 6.3.
const MFD_NOEXEC_SEAL: libc::c_uint = 8;

/// What `fd` says of itself, if it is the memory of a channel that nobody can shorten.
pub fn inspect(fd: BorrowedFd<'_>) -> Result<Geometry> {
    let sealed = fcntl(fd, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
    if !sealed.is_ok_and(|seals| seals.contains(SealFlag::F_SEAL_SHRINK)) {
        return Err(Error::Corrupt("the memory of the channel is not sealed against shrinking"));
    }
    // Of huge pages holes can be punched in spite of the seal, and then a look raises SIGBUS.
    let system = nix::sys::statfs::fstatfs(fd).map_err(|errno| Error::os(errno, "fstatfs"))?;
    if system.filesystem_type() != nix::sys::statfs::TMPFS_MAGIC {
        return Err(Error::Corrupt("the memory of the channel is of a kind that can be taken away"));
    }
    let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
    let mut header = [0; HEADER];
    let count = nix::sys::uio::pread(fd, &mut header, 0).map_err(|errno| Error::os(errno, "pread"))?;
    if count != HEADER {
        return Err(Error::Corrupt("the memory of the channel is too small"));
    }
    Geometry::parse(&header, u64::try_from(stat.st_size).unwrap_or(0))
}

/// The memory, mapped: the header, then each ring twice in a row.
#[derive(Clone, Debug)]
pub struct Memory {
    mapping: Arc<Mapping>,
    geometry: Geometry,
}

impl Memory {
    /// Maps it. What it is like is known by then, from [`create`] or [`inspect`]: the header is not looked at again, for
    /// the other side may have written there.
    pub fn map(fd: BorrowedFd<'_>, geometry: Geometry) -> Result<Self> {
        let header = geometry.data_offset as usize;
        let [first, second] = geometry.capacity.map(|bytes| bytes as usize);
        let (one, two) = (geometry.offset_in_file(0), geometry.offset_in_file(1));
        let pieces = [(0, header), (one, first), (one, first), (two, second), (two, second)];
        let mapping = Arc::new(Mapping::of_pieces(fd, &pieces)?);
        Ok(Self { mapping, geometry })
    }

    /// As it was when it was mapped.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// All of it, as it stands in this process.
    #[must_use]
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Where a ring begins in the mapping.
    #[must_use]
    pub fn offset_of(&self, ring: usize) -> usize {
        self.geometry.data_offset as usize + if ring == 0 { 0 } else { 2 * self.geometry.capacity[0] as usize }
    }

    /// Takes `side`, which nobody else may have.
    pub fn attach(&self, side: usize) -> Result<()> {
        let before = self.state(side)?.fetch_or(ATTACHED, std::sync::atomic::Ordering::SeqCst);
        if before & ATTACHED == 0 { Ok(()) } else { Err(Error::Exclusive("Somebody else has this end of the channel")) }
    }

    /// Gives `side` to whoever comes next.
    pub fn leave(&self, side: usize) -> Result<()> {
        self.state(side)?.fetch_and(!ATTACHED, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }

    /// `side` sends no more.
    pub fn end(&self, side: usize) -> Result<()> {
        self.state(side)?.fetch_or(CLOSED, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }

    /// Whether `side` has said that it sends no more.
    #[must_use]
    pub fn has_ended(&self, side: usize) -> bool {
        self.state(side).is_ok_and(|state| state.load(std::sync::atomic::Ordering::SeqCst) & CLOSED != 0)
    }

    fn state(&self, side: usize) -> Result<&std::sync::atomic::AtomicU32> {
        self.mapping.word32(STATES[side & 1])
    }
}

/// A second view of one ring, twice in a row, for what is lent to others.
pub fn map_ring(fd: BorrowedFd<'_>, geometry: &Geometry, ring: usize) -> Result<Mapping> {
    let (offset, length) = (geometry.offset_in_file(ring), geometry.capacity[ring & 1] as usize);
    Mapping::of_pieces(fd, &[(offset, length), (offset, length)])
}

/// Another descriptor of it.
pub fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    sys_fd::duplicate(fd.as_fd())
}
