//! Descriptors of every kind that an enemy would send, and whether any of ours is left.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::uio::pwrite;
use os_ipc_core::ring::{Geometry, memory};

/// Whoever counts descriptors is alone.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `body`, which leaves no descriptor.
pub(super) fn leaves_none(body: impl FnOnce()) {
    let _alone: MutexGuard<'_, ()> = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = lowest();
    body();
    assert_eq!(lowest(), before, "a descriptor is left");
}

/// The lowest number that is free.
fn lowest() -> i32 {
    File::open("/dev/null").expect("there is one").as_raw_fd()
}

/// How many kinds there are.
pub(super) const KINDS: u8 = 12;

/// One of a kind. `header` is written over the beginning of what is memory, from `at` on.
pub(super) fn make(kind: u8, geometry: &Geometry, at: usize, header: &[u8]) -> io::Result<OwnedFd> {
    Ok(match kind % KINDS {
        0 | 1 => {
            let fd = memory::create(geometry, [0, 8]).map_err(io::Error::other)?;
            pwrite(&fd, header, at as libc::off_t)?;
            fd
        }
        2 => sized(geometry.size(), at, header, SealFlag::F_SEAL_SHRINK)?,
        3 => sized(geometry.size(), at, header, SealFlag::empty())?,
        4 => sized(at as u64, 0, header, SealFlag::F_SEAL_SHRINK)?,
        // As large as the header says, whatever that may be.
        5 => {
            let mut bytes = geometry.to_bytes();
            bytes.iter_mut().skip(at).zip(header).for_each(|(byte, given)| *byte = *given);
            let word = |index: usize| u64::from(u32::from_ne_bytes(bytes[index * 4..][..4].try_into().expect("four")));
            sized(word(3) + word(4) + word(5), 0, &bytes, SealFlag::F_SEAL_SHRINK)?
        }
        6 => io::pipe()?.0.into(),
        7 => io::pipe()?.1.into(),
        8 => File::open("/dev/null")?.into(),
        9 => File::open("/")?.into(),
        10 => socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?.0,
        _ => tempfile::tempfile()?.into(),
    })
}

fn sized(size: u64, at: usize, header: &[u8], seals: SealFlag) -> io::Result<OwnedFd> {
    let fd = memfd_create(c"fuzz", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let file = File::from(fd);
    file.set_len(size)?;
    pwrite(&file, header, at as libc::off_t)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file.into())
}
