//! Room for messages that are longer than was thought, without knowing how long. A great deal of address space, of which
//! only what is written takes memory.

use std::ptr::{self, NonNull};

use crate::error::Result;
use crate::sys::ret;

/// More than a message of a Unix socket can have: 4 MiB in one piece and the pages of one socket buffer (with pages of
/// 4 KiB; with larger ones a sender would need send buffers larger than that, which only root can make).
pub const TAIL: usize = 5 * 1024 * 1024;

/// So many tails, one behind the other.
#[derive(Debug)]
pub struct Tails {
    base: NonNull<u8>,
    length: usize,
}

impl Tails {
    /// mmap(2), of memory that is not reserved. ENOMEM where a limit of address space, or the system's policy, forbids it.
    pub fn new(count: usize) -> Result<Self> {
        let length = count * TAIL;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new memory, wherever the kernel likes.
        let address = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, -1, 0) };
        ret(if address == libc::MAP_FAILED { -1 } else { 0 }, "mmap")?;
        let base = NonNull::new(address.cast()).ok_or(crate::Error::os(nix::errno::Errno::ENOMEM, "mmap"))?;
        Ok(Self { base, length })
    }

    /// All of them.
    pub fn memory(&mut self) -> &mut [u8] {
        // SAFETY: our own mapping, of that length, filled with zeros by the kernel; borrowed through us alone.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }

    /// Gives back what memory they have taken. They hold zeros from here on.
    pub fn clear(&mut self) {
        // SAFETY: our own mapping, which nobody has borrowed. A failure leaves things as they are.
        let _kept = unsafe { libc::madvise(self.base.as_ptr().cast(), self.length, libc::MADV_DONTNEED) };
    }
}

impl Drop for Tails {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody can have borrowed any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
    }
}
