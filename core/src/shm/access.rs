//! Reading, writing, waiting, and what else is done with memory once it is there.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::uio::pread;

use super::{Backing, Memory};
use crate::error::{Error, Result};
use crate::sys::futex::{self, Waited};
use crate::sys::mman::Mapping;
use crate::sys::retry;

/// How the memory is going to be used. See madvise(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing special.
    Normal,
    /// From its beginning to its end.
    Sequential,
    /// Here and there.
    Random,
    /// Soon.
    WillNeed,
    /// Not soon. It loses nothing.
    DontNeed,
    /// In huge pages, where the kernel can.
    HugePage,
}

/// An atomic operation on a word of 32 or 64 bits. Each gives the value that stood there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<T> {
    /// Reads.
    Load,
    /// Writes.
    Store(T),
    /// Adds, modulo the word's size.
    Add(T),
    /// Subtracts, modulo the word's size.
    Sub(T),
    /// Keeps the bits that are in both.
    And(T),
    /// Sets bits.
    Or(T),
    /// Turns bits over.
    Xor(T),
    /// Writes.
    Exchange(T),
    /// Writes the second if the first stands there.
    CompareExchange(T, T),
}

impl Memory {
    /// Copies what stands from `offset` on into `target`.
    pub fn read(&self, offset: usize, target: &mut [u8]) -> Result<()> {
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        match &self.backing {
            Backing::File(source) if source.is_shrinkable() => {
                read_file(source.fd(), self.range.offset + offset as u64, target)
            }
            _ => mapping.copy_out(offset, target),
        }
    }

    /// Copies `data` to where `offset` is.
    pub fn write(&self, offset: usize, data: &[u8]) -> Result<()> {
        self.check_writable()?;
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        if !self.is_shrinkable() {
            return mapping.copy_in(offset, data);
        }
        let mut written = 0;
        while written < data.len() {
            match mapping.write_guarded(offset + written, &data[written..]) {
                Ok(count) if count > 0 => written += count,
                Ok(_) => return Err(Error::Shortened),
                Err(Error::Os { errno: Errno::EFAULT, .. }) => return Err(Error::Shortened),
                // A sandbox that forbids the call. The handler of SIGBUS sees to it that this ends well too.
                Err(Error::Os { errno: Errno::EPERM | Errno::ENOSYS, .. }) => {
                    mapping.copy_in(offset, data)?;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        check(&mapping)
    }

    /// An atomic operation on the word of 32 bits at `offset`, sequentially consistent.
    pub fn atomic32(&self, offset: usize, operation: Operation<u32>) -> Result<u32> {
        self.check_operation(operation == Operation::Load)?;
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        let value = on_word32(mapping.word32(offset)?, operation);
        check(&mapping).map(|()| value)
    }

    /// An atomic operation on the word of 64 bits at `offset`, sequentially consistent.
    pub fn atomic64(&self, offset: usize, operation: Operation<u64>) -> Result<u64> {
        self.check_operation(operation == Operation::Load)?;
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        let value = on_word64(mapping.word64(offset)?, operation);
        check(&mapping).map(|()| value)
    }

    /// Whether the word at `offset` is `expected` now.
    pub fn is_equal(&self, offset: usize, expected: u32) -> Result<bool> {
        self.atomic32(offset, Operation::Load).map(|value| value == expected)
    }

    /// Waits on this thread, at most so long, while the word at `offset` is `expected`.
    pub fn wait(&self, offset: usize, expected: u32, patience: Option<Duration>) -> Result<Waited> {
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        futex::wait(&mapping, offset, expected, patience).map_err(of_word)
    }

    /// Wakes at most `count` of those who wait on the word at `offset`, and tells how many.
    pub fn wake(&self, offset: usize, count: u32) -> Result<u32> {
        let mapping = self.mapping.borrow();
        check(&mapping)?;
        futex::wake(&mapping, offset, count).map_err(of_word)
    }

    /// msync(2): what was written reaches the disk, where there is one.
    pub fn flush(&self) -> Result<()> {
        self.mapping.borrow().sync()
    }

    /// mlock(2): it stays in memory.
    pub fn pin(&self) -> Result<()> {
        self.mapping.borrow().lock()
    }

    /// munlock(2).
    pub fn unpin(&self) -> Result<()> {
        self.mapping.borrow().unlock()
    }

    /// madvise(2).
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.mapping.borrow().advise(match advice {
            Advice::Normal => libc::MADV_NORMAL,
            Advice::Sequential => libc::MADV_SEQUENTIAL,
            Advice::Random => libc::MADV_RANDOM,
            Advice::WillNeed => libc::MADV_WILLNEED,
            Advice::DontNeed => libc::MADV_DONTNEED,
            Advice::HugePage => libc::MADV_HUGEPAGE,
        })
    }

    fn check_writable(&self) -> Result<()> {
        if self.read_only.get() { Err(Error::os(Errno::EACCES, "write")) } else { Ok(()) }
    }

    fn check_operation(&self, reads: bool) -> Result<()> {
        if reads { Ok(()) } else { self.check_writable() }
    }
}

/// The error of a wait on a word: a page that is not there any more is EFAULT to the kernel.
#[must_use]
pub fn of_word(error: Error) -> Error {
    match error {
        Error::Os { errno: Errno::EFAULT, .. } => Error::Shortened,
        error => error,
    }
}

fn check(mapping: &Mapping) -> Result<()> {
    if mapping.is_damaged() { Err(Error::Shortened) } else { Ok(()) }
}

fn read_file(fd: BorrowedFd<'_>, mut offset: u64, mut target: &mut [u8]) -> Result<()> {
    while !target.is_empty() {
        let at = libc::off_t::try_from(offset).map_err(|_| Error::os(Errno::EOVERFLOW, "pread"))?;
        let count = retry(|| pread(fd, target, at).map_err(|errno| Error::os(errno, "pread")))?;
        if count == 0 {
            return Err(Error::Shortened);
        }
        offset += count as u64;
        target = &mut target[count..];
    }
    Ok(())
}

macro_rules! on_word {
    ($name:ident, $word:ty, $value:ty) => {
        // Partners: the atomics of whoever else has the memory, in whatever language.
        fn $name(word: &$word, operation: Operation<$value>) -> $value {
            let order = Ordering::SeqCst;
            match operation {
                Operation::Load => word.load(order),
                Operation::Store(value) | Operation::Exchange(value) => word.swap(value, order),
                Operation::Add(value) => word.fetch_add(value, order),
                Operation::Sub(value) => word.fetch_sub(value, order),
                Operation::And(value) => word.fetch_and(value, order),
                Operation::Or(value) => word.fetch_or(value, order),
                Operation::Xor(value) => word.fetch_xor(value, order),
                Operation::CompareExchange(expected, value) => {
                    word.compare_exchange(expected, value, order, order).unwrap_or_else(|before| before)
                }
            }
        }
    };
}

on_word!(on_word32, AtomicU32, u32);
on_word!(on_word64, AtomicU64, u64);
