//! Shared memory across handles, across processes and across what others do to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, ftruncate};
use os_ipc_core::Error;
use os_ipc_core::posix::Name;
use os_ipc_core::shm::{Kind, Memory, Operation, Options, Range, Seals, SegmentOptions, Trust, of_word, unlink};
use os_ipc_core::sys::futex::{Waited, wait_cancellable};
use os_ipc_core::sysv::key::Key;
use os_ipc_core::waiter::Wait;

fn memory(size: u64) -> Memory {
    Memory::create(size, "os-ipc-test", false, Seals::SHRINK).unwrap()
}

fn read(memory: &Memory, offset: usize, length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; length];
    memory.read(offset, &mut bytes).map(|()| bytes)
}

fn copy_of_fd(memory: &Memory) -> i32 {
    memory.fd().unwrap().try_clone_to_owned().unwrap().into_raw_fd()
}

/// The name goes whatever becomes of the test.
struct Named(Name);

impl Drop for Named {
    fn drop(&mut self) {
        drop(unlink(&self.0));
    }
}

fn named(size: u64) -> (Memory, Named) {
    let options = Options { size: Some(size), mode: 0o600, ..Options::default() };
    let (memory, name) = Memory::create_unnamed(options).unwrap();
    (memory, Named(name))
}

#[test]
fn what_one_handle_writes_another_reads() {
    let one = memory(10_000);
    let other = one.duplicate().unwrap();
    one.write(9_990, b"0123456789").unwrap();
    assert_eq!(read(&other, 9_990, 10).unwrap(), b"0123456789");
    assert_eq!(other.len(), 10_000);
    assert_eq!(read(&other, 9_991, 10).unwrap_err().errno(), Some(Errno::EINVAL));
    assert_eq!(read(&other, usize::MAX, 1).unwrap_err().errno(), Some(Errno::EINVAL));
}

#[test]
fn a_part_may_begin_anywhere() {
    let whole = memory(20_000);
    whole.write(5_001, b"here").unwrap();
    let range = Range { offset: 5_001, length: Some(4) };
    let part = Memory::adopt(copy_of_fd(&whole), false, range, Trust::Sealed).unwrap();
    assert_eq!((part.len(), read(&part, 0, 4).unwrap()), (4, b"here".to_vec()));
    let beyond = Range { offset: 19_999, length: Some(2) };
    let number = copy_of_fd(&whole);
    let refused = Memory::adopt(number, false, beyond, Trust::Sealed).unwrap_err();
    assert_eq!(refused.errno(), Some(Errno::EINVAL));
    // It was not taken.
    Memory::adopt(number, false, Range::default(), Trust::Sealed).unwrap();
}

#[test]
fn a_new_object_appears_whole_and_opening_changes_nothing() {
    let (one, name) = named(5_000);
    let options = Options { mode: 0o600, ..Options::default() };
    assert_eq!((one.kind(), Memory::open(&name.0, options).unwrap().len()), (Kind::Posix, 5_000));
    let larger = Memory::open(&name.0, Options { size: Some(5_001), create: true, ..options }).unwrap_err();
    assert_eq!(larger.errno(), Some(Errno::EINVAL));
    let exclusive = Options { size: Some(1), create: true, exclusive: true, ..options };
    assert_eq!(Memory::open(&name.0, exclusive).unwrap_err().errno(), Some(Errno::EEXIST));
}

#[test]
fn memory_that_others_can_shorten_is_refused_unless_it_is_trusted() {
    let open = Memory::create(4_096, "os-ipc-test", false, Seals::default()).unwrap();
    let number = copy_of_fd(&open);
    assert_eq!(Memory::adopt(number, false, Range::default(), Trust::Sealed).unwrap_err(), Error::Shrinkable);
    assert!(Memory::adopt(number, false, Range::default(), Trust::Own).unwrap().is_shrinkable());
}

#[test]
fn what_another_has_shortened_is_an_error_and_reads_zeros() {
    let (one, _name) = named(16_384);
    let other = one.duplicate().unwrap();
    other.write(12_000, b"there").unwrap();
    ftruncate(one.fd().unwrap(), 4_096).unwrap();
    assert_eq!(read(&other, 12_000, 5).unwrap_err(), Error::Shortened);
    assert_eq!(other.write(12_000, b"x").unwrap_err(), Error::Shortened);
    assert_eq!(read(&other, 0, 4_096).unwrap(), vec![0; 4_096]);
    // What JS would do: look at the mapping itself.
    let mapping = other.mapping();
    let mut bytes = [1; 5];
    mapping.copy_out(12_000, &mut bytes).unwrap();
    assert_eq!((bytes, mapping.is_damaged()), ([0; 5], true));
    assert_eq!(read(&other, 0, 1).unwrap_err(), Error::Shortened);
    assert!(!one.mapping().is_damaged());
}

#[test]
fn a_fault_that_is_not_ours_ends_the_process_as_ever() {
    let (guarded, _name) = named(4_096);
    let (plain, _other_name) = named(4_096);
    assert!(guarded.is_shrinkable());
    // SAFETY: the kernel chooses the place.
    let unguarded = unsafe {
        let fd = plain.fd().unwrap().as_raw_fd();
        libc::mmap(std::ptr::null_mut(), 4_096, libc::PROT_READ, libc::MAP_SHARED, fd, 0)
    };
    assert_ne!(unguarded, libc::MAP_FAILED);
    ftruncate(plain.fd().unwrap(), 0).unwrap();
    // SAFETY: the child only looks at memory, and ends.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            // SAFETY: mapped, with nothing behind it.
            let byte = unsafe { unguarded.cast::<u8>().read_volatile() };
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(byte.into()) }
        }
        ForkResult::Parent { child } => {
            assert!(matches!(waitpid(child, None).unwrap(), WaitStatus::Signaled(_, Signal::SIGBUS, _)));
        }
    }
}

#[test]
fn growing_keeps_the_content_and_sealed_memory_cannot_shrink() {
    let memory = memory(4_096);
    memory.write(0, b"kept").unwrap();
    memory.resize(100_000).unwrap();
    assert_eq!((memory.len(), read(&memory, 0, 4).unwrap()), (100_000, b"kept".to_vec()));
    assert_eq!(memory.resize(1).unwrap_err().errno(), Some(Errno::EPERM));
    assert_eq!(memory.len(), 100_000);
}

#[test]
fn sealing_against_writing_makes_it_read_only_unless_another_may_write() {
    let memory = memory(4_096);
    memory.write(0, b"last").unwrap();
    let other = memory.duplicate().unwrap();
    assert_eq!(memory.seal(Seals::WRITE).unwrap_err().errno(), Some(Errno::EBUSY));
    memory.write(0, b"Last").unwrap();
    assert_eq!(read(&other, 0, 4).unwrap(), b"Last");
    drop(other);
    assert!(memory.seal(Seals::WRITE).unwrap().is_some());
    assert_eq!(memory.write(0, b"more").unwrap_err().errno(), Some(Errno::EACCES));
    assert_eq!(read(&memory, 0, 4).unwrap(), b"Last");
    assert!(memory.seals().contains(Seals::WRITE));
    let adopted = Memory::adopt(copy_of_fd(&memory), false, Range::default(), Trust::Sealed).unwrap();
    assert!(adopted.is_read_only());
}

#[test]
fn atomics_work_on_aligned_words_alone() {
    let memory = memory(64);
    assert_eq!(memory.atomic32(4, Operation::Sub(1)).unwrap(), 0);
    assert_eq!(memory.atomic32(4, Operation::CompareExchange(u32::MAX, 7)).unwrap(), u32::MAX);
    assert_eq!(memory.atomic64(0, Operation::Load).unwrap(), 7 << 32);
    assert!(memory.atomic32(2, Operation::Load).is_err());
    assert!(memory.atomic64(60, Operation::Load).is_err());
}

#[test]
fn a_wait_is_ended_by_a_wake_through_another_handle_or_by_a_cancel() {
    let one = memory(4_096);
    let other = one.duplicate().unwrap();
    assert_eq!(one.wait(0, 1, None).unwrap(), Waited::NotEqual);
    assert_eq!(one.wait(0, 0, Some(Duration::from_millis(1))).unwrap(), Waited::Ended);
    let start = |told: std::sync::mpsc::Sender<_>| {
        let mapping = Arc::clone(&one.mapping());
        Wait::start(
            move |flag| wait_cancellable(&mapping, 0, 0, flag).map_err(of_word),
            move |result| told.send(result).unwrap(),
        )
        .unwrap()
    };
    let (sender, told) = channel();
    let _first = start(sender.clone());
    while other.wake(0, 8).unwrap() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).unwrap(), Ok(true));
    start(sender).cancel();
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).unwrap(), Err(Error::Cancelled));
}

#[test]
fn a_segment_outlives_its_removal_until_it_is_detached() {
    let options = SegmentOptions { create: true, mode: 0o600, size: 1_000, ..SegmentOptions::default() };
    let one = Memory::open_segment(Key::Private, options).unwrap();
    let (id, _) = one.segment().unwrap();
    let reader = Memory::from_id(id, true).unwrap();
    one.remove().unwrap();
    one.write(0, b"still").unwrap();
    assert_eq!(read(&reader, 0, 5).unwrap(), b"still");
    assert_eq!((one.stat().unwrap().attached, reader.is_read_only()), (2, true));
    drop((one, reader));
    assert!(Memory::from_id(id, true).is_err());
}

#[test]
fn a_retired_mapping_reads_zeros() {
    let memory = memory(4_096);
    memory.write(0, b"gone").unwrap();
    let mapping = memory.map_anew().unwrap();
    mapping.retire().unwrap();
    let mut bytes = [1; 4];
    mapping.copy_out(0, &mut bytes).unwrap();
    assert_eq!((bytes, read(&memory, 0, 4).unwrap()), ([0; 4], b"gone".to_vec()));
}

#[test]
fn a_read_only_descriptor_cannot_be_mapped_for_writing() {
    let memory = memory(4_096);
    let fd: OwnedFd = memory.read_only_fd().unwrap();
    assert!(fd.as_raw_fd() > 2);
    let reader = Memory::adopt(fd.into_raw_fd(), false, Range::default(), Trust::Sealed).unwrap();
    assert!(reader.is_read_only());
}
