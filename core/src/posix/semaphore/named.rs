//! Semaphores with a name, which are small files under /dev/shm. See sem_open(3).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat, lstat};
use nix::unistd::{geteuid, write};

use super::{SIZE, Semaphore, check_library};
use crate::error::{Error, Result};
use crate::posix::{Name, unnamed};
use crate::shm::file::{self, Place};
use crate::sys::mman::{Access, Mapping, Part, page_size};
use crate::sys::retry;
use crate::sys::semaphore as sys;

/// What the registry calls semaphores that are named by this package.
pub(crate) const REGISTRY_KIND: &str = "posix-semaphore";

const FOLDER: &str = "/dev/shm";
/// What the C library puts before the name.
const PREFIX: &str = "sem.";
/// Together they are the name of a file.
const LONGEST: usize = 255 - PREFIX.len() + 1;

/// How a semaphore is to be opened, or made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Make it if there is none.
    pub create: bool,
    /// EEXIST if there is one. Means nothing without `create`.
    pub exclusive: bool,
    /// Permissions of a new one; the umask applies.
    pub mode: u32,
    /// The value of a new one.
    pub value: u32,
    /// Whoever it belongs to.
    pub any_owner: bool,
}

/// Which one it is, whatever stands under its name by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Of its file.
    pub device: u64,
    /// Of its file.
    pub inode: u64,
}

impl Semaphore {
    /// Opens the semaphore of that name, or makes it. A new one appears whole, with its value.
    pub fn open(name: &Name, options: Options) -> Result<(Self, Identity)> {
        check_library()?;
        check_name(name)?;
        let (fd, made) = open_or_make(name, options)?;
        let identity = check(&fd, name, options.any_owner)?;
        let mapping = made.map_or_else(|| map(fd.as_fd(), name), Ok)?;
        Ok((Self { mapping: Arc::new(mapping), offset: 0 }, identity))
    }

    /// Makes one under a name that nobody can guess. It is entered in the registry until it is unlinked.
    pub fn create_unnamed(options: Options) -> Result<(Self, Identity, Name)> {
        let options = Options { create: true, exclusive: true, ..options };
        let ((semaphore, identity), name) = unnamed::create(REGISTRY_KIND, |name| Self::open(name, options))?;
        Ok((semaphore, identity, name))
    }
}

/// Removes the name. Whoever has the semaphore open goes on.
pub fn unlink(name: &Name) -> Result<()> {
    check_name(name)?;
    nix::unistd::unlink(&path_of(name)).map_err(|errno| Error::os(errno, "sem_unlink").at(name.path()))?;
    unnamed::forget(REGISTRY_KIND, name);
    Ok(())
}

/// Whether a semaphore may have that name: the C library needs a part of it.
pub fn check_name(name: &Name) -> Result<()> {
    if name.word().count_bytes() < LONGEST {
        return Ok(());
    }
    Err(Error::InvalidName { name: name.to_string(), reason: "must be of at most 252 bytes for a semaphore" })
}

/// Whose it is, and its permissions; None if there is none. Nothing but a look.
pub(crate) fn find(name: &Name) -> Result<Option<(u32, u32)>> {
    match lstat(&path_of(name)) {
        Ok(stat) if is_file(stat.st_mode) => Ok(Some((stat.st_uid, stat.st_mode & 0o7777))),
        Ok(_) | Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::os(errno, "lstat").at(name.path())),
    }
}

/// Its file, and if that is new, mapped: one that cannot be is to have no name.
fn open_or_make(name: &Name, options: Options) -> Result<(OwnedFd, Option<Mapping>)> {
    let (path, shown) = (path_of(name), name.path());
    let place = Place { path: &path, shown: &shown, syscall: "sem_open", follow: false };
    let bytes = sys::initial(options.value)?;
    loop {
        if !(options.create && options.exclusive) {
            match file::existing(place, false) {
                Err(Error::Os { errno: Errno::ENOENT, .. }) if options.create => {}
                opened => return Ok((opened?, None)),
            }
        }
        let mut mapping = None;
        let made = file::make(place, options.mode, |fd| {
            write_whole(fd, &bytes)?;
            mapping = Some(map(fd, name)?);
            Ok(())
        });
        match made {
            // Somebody was faster: then theirs it is.
            Err(Error::Os { errno: Errno::EEXIST, .. }) if !options.exclusive => {}
            made => return Ok((made?, mapping)),
        }
    }
}

fn map(fd: BorrowedFd<'_>, name: &Name) -> Result<Mapping> {
    let part = Part { offset: 0, length: SIZE, access: Access::ReadWrite, page: page_size(), guarded: true };
    Mapping::of_fd(fd, part).map_err(|error| error.at(name.path()))
}

/// So few bytes come to a new file at once, or there is no room for them.
fn write_whole(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<()> {
    let written = retry(|| write(fd, bytes).map_err(|errno| Error::os(errno, "write")))?;
    if written == bytes.len() { Ok(()) } else { Err(Error::os(Errno::ENOSPC, "write")) }
}

/// Of what was found under a name, before anything is done with it.
fn check(fd: &OwnedFd, name: &Name, any_owner: bool) -> Result<Identity> {
    let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat").at(name.path()))?;
    if !is_file(stat.st_mode) || stat.st_size < SIZE as libc::off_t {
        return Err(Error::WrongKind { expected: "a POSIX semaphore", path: Some(name.path()) });
    }
    if !any_owner && stat.st_uid != geteuid().as_raw() && stat.st_uid != 0 {
        return Err(Error::UntrustedOwner { path: name.path(), uid: stat.st_uid });
    }
    Ok(Identity { device: stat.st_dev, inode: stat.st_ino })
}

fn is_file(mode: libc::mode_t) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFREG
}

fn path_of(name: &Name) -> PathBuf {
    Path::new(FOLDER).join(format!("{PREFIX}{}", name.word().to_string_lossy()))
}
