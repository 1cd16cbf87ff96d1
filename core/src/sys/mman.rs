//! mmap(2) and shmat(2): memory that other processes have too.
//!
//! A mapping is never handed out as a slice, since others write it meanwhile: bytes are copied in and out, and words are
//! atomics. Only the addon takes its address, for JS.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use nix::errno::Errno;

use super::bus::Guard;
use super::ret;
use crate::error::{Error, Result};

/// How memory is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Shared, to be read and written.
    ReadWrite,
    /// Shared, to be read.
    ReadOnly,
    /// To be read and written, and what is written stays in this process.
    Private,
}

/// Which part of a file is mapped, and how.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// From which byte of the file on.
    pub offset: u64,
    /// How many bytes.
    pub length: usize,
    /// For what.
    pub access: Access,
    /// The size of the file's pages.
    pub page: usize,
    /// Whether somebody may shorten the file, so that a look at the end of the mapping raises SIGBUS.
    pub guarded: bool,
}

/// Memory of this process that is that of others too, until it is dropped.
#[derive(Debug)]
pub struct Mapping {
    /// The beginning of its first page.
    base: NonNull<u8>,
    /// Whole pages.
    span: usize,
    /// Where the first byte that was asked for stands in its page.
    skew: usize,
    length: usize,
    /// Removed by shmdt(2).
    attached: bool,
    guard: Option<Guard>,
    retired: AtomicBool,
}

// SAFETY: it owns its range of addresses. All access is by copies that expect others to write, by atomics, or by calls.
unsafe impl Send for Mapping {}
// SAFETY: as above; the methods that change the mapping are system calls, which the kernel puts in order.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a part of what `fd` refers to.
    pub fn of_fd(fd: BorrowedFd<'_>, part: Part) -> Result<Self> {
        let skew = usize::try_from(part.offset % part.page as u64).map_err(|_| Error::os(Errno::EINVAL, "mmap"))?;
        let span = skew
            .checked_add(part.length)
            .and_then(|end| end.checked_next_multiple_of(part.page))
            .ok_or(Error::os(Errno::ENOMEM, "mmap"))?;
        let base = map(ptr::null_mut(), span, part.access, fd, part.offset - skew as u64, 0)?;
        let mut mapping = Self {
            base,
            span,
            skew,
            length: part.length,
            attached: false,
            guard: None,
            retired: AtomicBool::new(false),
        };
        if part.guarded {
            mapping.guard = Some(Guard::new(base.as_ptr() as usize, span, part.page)?);
        }
        Ok(mapping)
    }

    /// Maps several parts of `fd`, in whole pages, one behind the other, shared and writable. Of what somebody may shorten, to be
    /// [`guarded`](Self::guarded).
    pub fn of_pieces(fd: BorrowedFd<'_>, pieces: &[(u64, usize)]) -> Result<Self> {
        let span = pieces
            .iter()
            .try_fold(0_usize, |sum, (_, length)| sum.checked_add(*length))
            .ok_or(Error::os(Errno::ENOMEM, "mmap"))?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the kernel chooses an address where nothing stands; nothing can be read or written there yet.
        let address = unsafe { libc::mmap(ptr::null_mut(), span, libc::PROT_NONE, flags, -1, 0) };
        ret(address as libc::c_long, "mmap")?;
        let base = NonNull::new(address.cast()).ok_or(Error::os(Errno::ENOMEM, "mmap"))?;
        // It owns the range from here on, also if a piece cannot be mapped.
        let whole =
            Self { base, span, skew: 0, length: span, attached: false, guard: None, retired: AtomicBool::new(false) };
        let mut at = 0;
        for (offset, length) in pieces {
            // SAFETY: within the range that was just reserved.
            let place = unsafe { base.add(at) };
            map(place.as_ptr(), *length, Access::ReadWrite, fd, *offset, libc::MAP_FIXED)?;
            at += length;
        }
        Ok(whole)
    }

    /// The same where somebody may shorten the file: what is gone reads as zeros, and is told by
    /// [`is_damaged`](Self::is_damaged). Of ordinary pages alone.
    pub fn guarded(mut self) -> Result<Self> {
        self.guard = Some(Guard::new(self.base.as_ptr() as usize, self.span, page_size())?);
        Ok(self)
    }

    /// Attaches a System V segment, which nobody can shorten.
    pub fn of_segment(id: i32, length: usize, read_only: bool) -> Result<Self> {
        let flags = if read_only { libc::SHM_RDONLY } else { 0 };
        // SAFETY: the kernel chooses an address where nothing stands.
        let address = unsafe { libc::shmat(id, ptr::null(), flags) };
        ret(address as libc::c_long, "shmat")?;
        let base = NonNull::new(address.cast()).ok_or(Error::os(Errno::ENOMEM, "shmat"))?;
        // A huge segment's own pages are larger, but nothing here is done to a part of it.
        let span = length.next_multiple_of(page_size());
        Ok(Self { base, span, skew: 0, length, attached: true, guard: None, retired: AtomicBool::new(false) })
    }

    /// Where it stands.
    #[must_use]
    pub fn address(&self) -> NonNull<u8> {
        // SAFETY: within the pages of this mapping.
        unsafe { self.base.add(self.skew) }
    }

    /// How many bytes were asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Never: the kernel maps nothing that is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Where its first byte stands in its page: words are aligned by that.
    #[must_use]
    pub fn skew(&self) -> usize {
        self.skew
    }

    /// Somebody has shortened the file, and here somebody has looked at what is gone: zeros stand there now.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::is_damaged)
    }

    /// Copies from it. `offset` and the length of `target` must lie within.
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> Result<()> {
        let source = self.range(offset, target.len())?;
        // SAFETY: both ranges are valid for that length, and `target`, which is borrowed mutably, cannot lie in the other.
        unsafe { ptr::copy(source.as_ptr(), target.as_mut_ptr(), target.len()) };
        Ok(())
    }

    /// Copies into it. `offset` and the length of `data` must lie within, and the mapping must be writable.
    pub fn copy_in(&self, offset: usize, data: &[u8]) -> Result<()> {
        let target = self.range(offset, data.len())?;
        // SAFETY: both ranges are valid for that length; memmove, for JS may copy the memory into itself.
        unsafe { ptr::copy(data.as_ptr(), target.as_ptr(), data.len()) };
        Ok(())
    }

    /// Copies into it through the kernel: EFAULT where a plain copy would raise SIGBUS. How many bytes it took.
    pub fn write_guarded(&self, offset: usize, data: &[u8]) -> Result<usize> {
        let target = self.range(offset, data.len())?;
        let local = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        let remote = libc::iovec { iov_base: target.as_ptr().cast(), iov_len: data.len() };
        let process = nix::unistd::getpid().as_raw();
        // SAFETY: `data` is only read; the target is memory of this mapping, whatever stands behind it.
        let count = unsafe { libc::process_vm_writev(process, &raw const local, 1, &raw const remote, 1, 0) };
        ret(count as libc::c_long, "process_vm_writev")?;
        Ok(count.unsigned_abs())
    }

    /// The word of 32 bits at `offset`, which must be aligned.
    pub fn word32(&self, offset: usize) -> Result<&AtomicU32> {
        let word = self.aligned(offset, size_of::<u32>())?;
        // SAFETY: valid and aligned for as long as this mapping is borrowed; all access to it here is atomic.
        Ok(unsafe { AtomicU32::from_ptr(word.as_ptr().cast()) })
    }

    /// The word of 64 bits at `offset`, which must be aligned.
    pub fn word64(&self, offset: usize) -> Result<&AtomicU64> {
        let word = self.aligned(offset, size_of::<u64>())?;
        // SAFETY: valid and aligned for as long as this mapping is borrowed; all access to it here is atomic.
        Ok(unsafe { AtomicU64::from_ptr(word.as_ptr().cast()) })
    }

    /// msync(2): what was written reaches the file.
    pub fn sync(&self) -> Result<()> {
        // SAFETY: whole pages of this mapping.
        let status = unsafe { libc::msync(self.base.as_ptr().cast(), self.span, libc::MS_SYNC) };
        ret(status.into(), "msync").map(drop)
    }

    /// mlock(2).
    pub fn lock(&self) -> Result<()> {
        // SAFETY: whole pages of this mapping.
        let status = unsafe { libc::mlock(self.base.as_ptr().cast(), self.span) };
        ret(status.into(), "mlock").map(drop)
    }

    /// munlock(2).
    pub fn unlock(&self) -> Result<()> {
        // SAFETY: whole pages of this mapping.
        let status = unsafe { libc::munlock(self.base.as_ptr().cast(), self.span) };
        ret(status.into(), "munlock").map(drop)
    }

    /// madvise(2).
    pub fn advise(&self, advice: libc::c_int) -> Result<()> {
        // SAFETY: whole pages of a shared mapping, of which no advice of `shm` loses anything.
        let status = unsafe { libc::madvise(self.base.as_ptr().cast(), self.span, advice) };
        ret(status.into(), "madvise").map(drop)
    }

    /// Takes the memory away and leaves zeros of this process's own in its place: whoever still has the address reads and
    /// writes those. To be dropped afterwards, when nobody has it any more.
    pub fn retire(&self) -> Result<()> {
        if self.retired.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // SAFETY: replaces whole pages of this mapping, which stays the owner of the range.
        let address = unsafe { libc::mmap(self.base.as_ptr().cast(), self.span, READ_WRITE, flags, -1, 0) };
        ret(address as libc::c_long, "mmap").map(drop)
    }

    /// After [`retire`](Self::retire): the memory at its old place again.
    pub fn restore(&self, fd: BorrowedFd<'_>, offset: u64) -> Result<()> {
        map(self.base.as_ptr(), self.span, Access::ReadWrite, fd, offset - self.skew as u64, libc::MAP_FIXED)?;
        self.retired.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn range(&self, offset: usize, length: usize) -> Result<NonNull<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(Error::os(Errno::EINVAL, "read"));
        }
        // SAFETY: within the pages of this mapping, as was just checked.
        Ok(unsafe { self.address().add(offset) })
    }

    fn aligned(&self, offset: usize, size: usize) -> Result<NonNull<u8>> {
        let word = self.range(offset, size)?;
        if word.addr().get().is_multiple_of(size) { Ok(word) } else { Err(Error::os(Errno::EINVAL, "futex")) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Before the range may become somebody else's.
        self.guard = None;
        if self.attached && !self.retired.load(Ordering::Relaxed) {
            // SAFETY: what shmat gave; nobody has the address any more.
            unsafe { libc::shmdt(self.base.as_ptr().cast()) };
        } else {
            // SAFETY: whole pages that are this mapping's own; nobody has the address any more.
            unsafe { libc::munmap(self.base.as_ptr().cast(), self.span) };
        }
    }
}

const READ_WRITE: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;

/// The size of ordinary pages.
#[must_use]
pub fn page_size() -> usize {
    // SAFETY: asks for a constant.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

fn map(
    at: *mut u8,
    span: usize,
    access: Access,
    fd: BorrowedFd<'_>,
    offset: u64,
    more: libc::c_int,
) -> Result<NonNull<u8>> {
    let (protection, sharing) = match access {
        Access::ReadWrite => (READ_WRITE, libc::MAP_SHARED),
        Access::ReadOnly => (libc::PROT_READ, libc::MAP_SHARED),
        Access::Private => (READ_WRITE, libc::MAP_PRIVATE | libc::MAP_NORESERVE),
    };
    let offset = libc::off_t::try_from(offset).map_err(|_| Error::os(Errno::EOVERFLOW, "mmap"))?;
    // SAFETY: without an address the kernel chooses a free one; with one, and MAP_FIXED, it is the caller's own range.
    let address = unsafe { libc::mmap(at.cast(), span, protection, sharing | more, fd.as_raw_fd(), offset) };
    ret(address as libc::c_long, "mmap")?;
    NonNull::new(address.cast()).ok_or(Error::os(Errno::ENOMEM, "mmap"))
}
