//! Files that are mapped, and how one is made so that nobody sees it half made: it gets its name last.
//! (`posix::semaphore` makes its files so too.)

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open as open_file};
use nix::sys::stat::Mode;
use nix::unistd::{linkat, unlink};

use super::source::{Facts, Source, reserve};
use super::{Kind, Memory, Options};
use crate::error::{Error, Result};
use crate::sys::{fd as sys_fd, random, retry};

impl Memory {
    /// Maps a file, or makes it.
    pub fn map(path: &Path, options: Options) -> Result<Self> {
        let place = Place { path, shown: path, syscall: "open", follow: true };
        open(place, options, |fd| Facts::of(fd.as_fd()))?.map(Kind::File, place, options)
    }

    /// Removes the name of a file. Whoever has it open goes on.
    pub fn unlink_file(path: &Path) -> Result<()> {
        unlink(path).map_err(|errno| Error::os(errno, "unlink").at(path))
    }
}

/// Where a file stands, and how errors speak of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) shown: &'a Path,
    pub(crate) syscall: &'static str,
    /// Whether a symbolic link will do.
    pub(crate) follow: bool,
}

impl Place<'_> {
    fn error(&self, errno: Errno) -> Error {
        Error::os(errno, self.syscall).at(self.shown)
    }
}

/// A file that is open.
pub(super) struct Opened {
    fd: OwnedFd,
    facts: Facts,
    made: bool,
}

impl Opened {
    /// What was made here and cannot be mapped is not left behind.
    pub(super) fn map(self, kind: Kind, place: Place<'_>, options: Options) -> Result<Memory> {
        let Self { fd, facts, made } = self;
        Memory::of_file(kind, Source::known(fd, facts), facts.size, options.range, options.read_only, false)
            .inspect_err(|_| {
                if made {
                    remove(place);
                }
            })
            .map_err(|error| error.at(place.shown))
    }
}

/// Opens a file that stands there, if `check` agrees and it has the size that was asked for, or makes it.
pub(super) fn open(place: Place<'_>, options: Options, check: impl Fn(&OwnedFd) -> Result<Facts>) -> Result<Opened> {
    let size = options.size.filter(|_| options.create);
    loop {
        if !(options.create && options.exclusive) {
            match existing(place, options.read_only) {
                Err(Error::Os { errno: Errno::ENOENT, .. }) if options.create => {}
                opened => {
                    let fd = opened?;
                    let facts = check(&fd)?;
                    if options.size.is_some_and(|size| size > facts.size) {
                        return Err(Error::os(Errno::EINVAL, "mmap").at(place.shown));
                    }
                    return Ok(Opened { fd, facts, made: false });
                }
            }
        }
        let Some(size) = size else { return Err(place.error(Errno::EINVAL)) };
        Source::length_of(options.range, size).map_err(|error| error.at(place.shown))?;
        let fill = |fd: BorrowedFd<'_>| {
            crate::fault::point("shm-made");
            reserve(fd, size).inspect(|()| crate::fault::point("shm-reserved"))
        };
        match make(place, options.mode, fill) {
            // Somebody was faster: then theirs it is.
            Err(Error::Os { errno: Errno::EEXIST, .. }) if !options.exclusive => {}
            made => {
                return reopened(made?, options.read_only)
                    .and_then(|fd| Ok(Opened { facts: check(&fd)?, fd, made: true }))
                    .inspect_err(|_| remove(place));
            }
        }
    }
}

fn reopened(fd: OwnedFd, read_only: bool) -> Result<OwnedFd> {
    if read_only { sys_fd::open_anew(fd.as_fd(), OFlag::O_RDONLY) } else { Ok(fd) }
}

/// What was made here and is of no use.
fn remove(place: Place<'_>) {
    let _gone = unlink(place.path);
}

pub(crate) fn existing(place: Place<'_>, read_only: bool) -> Result<OwnedFd> {
    let access = if read_only { OFlag::O_RDONLY } else { OFlag::O_RDWR };
    // Not to hang upon a FIFO that stands there.
    let mut flags = access | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    if !place.follow {
        flags |= OFlag::O_NOFOLLOW;
    }
    retry(|| open_file(place.path, flags, Mode::empty()).map_err(|errno| place.error(errno)))
}

/// EEXIST if something stands there. `fill` sees the new file before anybody else does.
pub(crate) fn make(place: Place<'_>, mode: u32, fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>) -> Result<OwnedFd> {
    let folder = match place.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(mode);
    let unnamed = retry(|| open_file(folder, flags | OFlag::O_TMPFILE, mode).map_err(|errno| place.error(errno)));
    match unnamed {
        Ok(fd) => {
            fill(fd.as_fd()).map_err(|error| error.at(place.shown))?;
            let link = sys_fd::self_path(fd.as_fd());
            linkat(AT_FDCWD, link.as_str(), AT_FDCWD, place.path, AtFlags::AT_SYMLINK_FOLLOW)
                .map_err(|errno| place.error(errno))?;
            crate::fault::point("shm-named");
            Ok(fd)
        }
        Err(Error::Os { errno: Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL, .. }) => {
            make_beside(place, folder, flags, mode, fill)
        }
        Err(error) => Err(error),
    }
}

/// For file systems that have no files without a name: under another one first.
fn make_beside(
    place: Place<'_>,
    folder: &Path,
    flags: OFlag,
    mode: Mode,
    fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
) -> Result<OwnedFd> {
    let beside: PathBuf = folder.join(format!(".os-ipc-{:032x}", random::bits()?));
    let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL;
    let fd = retry(|| open_file(&beside, flags, mode).map_err(|errno| place.error(errno)))?;
    let made = fill(fd.as_fd()).map_err(|error| error.at(place.shown)).and_then(|()| {
        linkat(AT_FDCWD, &beside, AT_FDCWD, place.path, AtFlags::empty()).map_err(|errno| place.error(errno))
    });
    // The other name has to go whatever came of it; that it is gone already is no news.
    let _gone = unlink(&beside);
    made.map(|()| fd)
}
