//! What kinds of objects there are to sweep up, and how each is found and removed. A row a kind: whoever makes objects of
//! another one adds it here.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::Object;
use crate::error::{Error, Result};
use crate::lock;
use crate::posix::{Name, queue, semaphore};
use crate::shm;

/// What is known of an object that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose it is.
    pub uid: u32,
    /// Its permission bits.
    pub mode: u32,
    /// The number of a System V object.
    pub id: Option<i32>,
}

struct Kind {
    name: &'static str,
    /// None if it has gone, or if what has its name now is not what was made: another kind, another identity, not this
    /// user's.
    find: fn(&Object) -> Result<Option<Facts>>,
    /// Removes what was found. One that has gone meanwhile is no error.
    remove: fn(&Object) -> Result<()>,
}

const KINDS: &[Kind] = &[
    Kind { name: "fifo", find: |object| find_path(object, SFlag::S_IFIFO), remove: remove_path },
    Kind { name: "socket", find: |object| find_path(object, SFlag::S_IFSOCK), remove: remove_path },
    Kind { name: "file", find: |object| find_path(object, SFlag::S_IFREG), remove: remove_path },
    Kind { name: shm::REGISTRY_KIND, find: find_memory, remove: remove_memory },
    Kind { name: lock::REGISTRY_KIND, find: lock::find_unpublished, remove: lock::remove_unpublished },
    Kind { name: queue::REGISTRY_KIND, find: find_posix_queue, remove: remove_posix_queue },
    Kind { name: semaphore::REGISTRY_KIND, find: find_posix_semaphore, remove: remove_posix_semaphore },
];

pub(super) fn find(object: &Object) -> Result<Option<Facts>> {
    (kind_of(object)?.find)(object)
}

pub(super) fn remove(object: &Object) -> Result<()> {
    (kind_of(object)?.remove)(object)
}

/// A later version of this package may list kinds that this one does not know.
fn kind_of(object: &Object) -> Result<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == object.kind).ok_or_else(|| Error::WrongKind {
        expected: "of a kind that this version knows",
        path: Some((&object.name).into()),
    })
}

fn find_path(object: &Object, kind: SFlag) -> Result<Option<Facts>> {
    let Some((parent, name)) = split(object)? else { return Ok(None) };
    let stat = match fstatat(&parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno, "stat", object)),
    };
    let fits = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind && stat.st_uid == geteuid().as_raw();
    Ok(fits.then_some(Facts { uid: stat.st_uid, mode: stat.st_mode & 0o7777, id: None }))
}

fn remove_path(object: &Object) -> Result<()> {
    let Some((parent, name)) = split(object)? else { return Ok(()) };
    match unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(failed(errno, "unlink", object)),
    }
}

/// POSIX shared memory is a file, in a folder that is known.
fn find_memory(object: &Object) -> Result<Option<Facts>> {
    find_path(&file_of_memory(object)?, SFlag::S_IFREG)
}

fn remove_memory(object: &Object) -> Result<()> {
    remove_path(&file_of_memory(object)?)
}

fn file_of_memory(object: &Object) -> Result<Object> {
    Ok(Object::new(object.kind.as_str(), shm::path_of(&posix_name(object)?)))
}

fn find_posix_queue(object: &Object) -> Result<Option<Facts>> {
    let found = queue::find(&posix_name(object)?)?;
    let facts = found.map(|(uid, mode)| Facts { uid, mode, id: None });
    Ok(facts.filter(|facts| facts.uid == geteuid().as_raw()))
}

fn remove_posix_queue(object: &Object) -> Result<()> {
    match queue::unlink(&posix_name(object)?) {
        Err(Error::Os { errno: Errno::ENOENT, .. }) => Ok(()),
        removed => removed,
    }
}

fn find_posix_semaphore(object: &Object) -> Result<Option<Facts>> {
    let found = semaphore::find(&posix_name(object)?)?;
    let facts = found.map(|(uid, mode)| Facts { uid, mode, id: None });
    Ok(facts.filter(|facts| facts.uid == geteuid().as_raw()))
}

fn remove_posix_semaphore(object: &Object) -> Result<()> {
    match semaphore::unlink(&posix_name(object)?) {
        Err(Error::Os { errno: Errno::ENOENT, .. }) => Ok(()),
        removed => removed,
    }
}

fn posix_name(object: &Object) -> Result<Name> {
    Name::new(&object.name.to_string_lossy())
}

/// The folder, held open, and the name in it; None if there is no such folder any more. A relative path has meant
/// something to its owner alone.
fn split(object: &Object) -> Result<Option<(OwnedFd, &OsStr)>> {
    let path = Path::new(&object.name);
    let (Some(parent), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute()) else {
        return Ok(None);
    };
    match open(parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(parent) => Ok(Some((parent, name))),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(errno) => Err(failed(errno, "open", object)),
    }
}

fn failed(errno: Errno, syscall: &'static str, object: &Object) -> Error {
    Error::os(errno, syscall).at(&object.name)
}
