//! Locks on ranges of files that belong to an open file description: see fcntl(2), "Open file description locks".
//!
//! Not for what has no file: a mutex is cheaper, and fair between processes. The kernel does not look for deadlocks among
//! these locks.
//!
//! On one description a second lock replaces the first, and a shared one turns an exclusive one into a shared one without a
//! word. So every lock that is granted has a description of its own, opened anew, and ends with it.

mod description;
mod request;

pub use description::{Description, Held};
pub use request::Request;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};

use crate::error::{Error, Result};
use crate::sys::{fd as sys_fd, retry};
use description::Spare;

/// Which part of a file, and whether others may have it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Others may hold a shared lock on the same bytes.
    pub shared: bool,
    /// The first byte. It need not exist.
    pub start: i64,
    /// How many bytes; 0 to the end, wherever that will be.
    pub length: i64,
}

/// A file that can be locked. Nothing is ever locked through its own descriptor, so that may be anybody's.
#[derive(Debug)]
pub struct FileLock {
    fd: OwnedFd,
    access: OFlag,
    path: Option<PathBuf>,
    spare: Arc<Spare>,
}

impl FileLock {
    /// Finds the file, and makes it with `create` if there is none. Symbolic links are followed, but nothing is made through
    /// one. It is opened for as much as this process may do, since a shared lock needs reading and another one writing.
    pub fn open(path: &Path, create: bool, mode: u32) -> Result<Self> {
        let located = match locate(path) {
            Err(Error::Os { errno: Errno::ENOENT, .. }) if create => make(path, mode)?,
            found => found?,
        };
        check_kind(located.as_fd(), Some(path))?;
        let (fd, access) = open_as_allowed(located.as_fd()).map_err(|error| error.at(path))?;
        Ok(Self::new(fd, access, Some(path.to_path_buf())))
    }

    /// Adopts the descriptor of a regular file, unless it fails.
    pub fn adopt(number: RawFd) -> Result<Self> {
        let (fd, access) = sys_fd::adopt(number, |fd| {
            check_kind(fd, None)?;
            Ok(sys_fd::status_flags(fd)? & OFlag::O_ACCMODE)
        })?;
        Ok(Self::new(fd, access, None))
    }

    /// Another handle of the same file.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self::new(sys_fd::duplicate(self.fd.as_fd())?, self.access, self.path.clone()))
    }

    fn new(fd: OwnedFd, access: OFlag, path: Option<PathBuf>) -> Self {
        Self { fd, access, path, spare: Arc::default() }
    }

    /// A description that nothing is locked through.
    pub fn description(&self) -> Result<Description> {
        if let Some(fd) = self.spare.take() {
            return Ok(Description::new(fd, &self.spare));
        }
        match sys_fd::open_anew(self.fd.as_fd(), self.access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY) {
            Ok(fd) => Ok(Description::new(fd, &self.spare)),
            Err(Error::Os { errno: Errno::ENOENT, .. }) => {
                Err(Error::NotSupported("Locks of files need /proc, which is not mounted here"))
            }
            Err(error) => Err(self.locate_error(error)),
        }
    }

    /// Names the file in an error of one of its descriptions.
    #[must_use]
    pub fn locate_error(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.at(path),
            None => error,
        }
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

impl AsFd for FileLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for FileLock {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// To find a device or a FIFO, and not to open it, does nothing to it.
fn locate(path: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    retry(|| open(path, flags, Mode::empty()).map_err(|errno| Error::os(errno, "open").at(path)))
}

/// Makes the file, if nobody has done so meanwhile. A link at `path` leads nowhere, and is ELOOP.
fn make(path: &Path, mode: u32) -> Result<OwnedFd> {
    let flags =
        OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(mode);
    retry(|| open(path, flags, mode).map_err(|errno| Error::os(errno, "open").at(path)))
}

fn check_kind(fd: BorrowedFd<'_>, path: Option<&Path>) -> Result<()> {
    let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG {
        return Ok(());
    }
    Err(Error::WrongKind { expected: "a regular file", path: path.map(Path::to_path_buf) })
}

fn open_as_allowed(located: BorrowedFd<'_>) -> Result<(OwnedFd, OFlag)> {
    let open = |access| sys_fd::open_anew(located, access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).map(|fd| (fd, access));
    let refused =
        |error: &Error| matches!(error.errno(), Some(Errno::EACCES | Errno::EPERM | Errno::EROFS | Errno::ETXTBSY));
    match open(OFlag::O_RDWR) {
        Err(error) if refused(&error) => match open(OFlag::O_RDONLY) {
            Err(error) if refused(&error) => open(OFlag::O_WRONLY).map_err(|_| error),
            opened => opened,
        },
        opened => opened,
    }
}
