//! FIFOs: pipes with a name in the file system, for processes that share no ancestor. See fifo(7).
//!
//! A name can be made by anybody who may write to the folder, so nothing here follows a symbolic link, and what stands
//! at the path is looked at through the descriptor that is then opened: there is no moment to exchange it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FcntlArg, OFlag, fcntl, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, mkfifoat, unlinkat};

use crate::error::{Error, Result};
use crate::pipe::{PipeEnd, Side};
use crate::sys::cancel::Flag;
use crate::sys::{Attempt, blocking, fd as sys_fd, retry};

/// mkfifo(3): the process's umask is applied to `mode`. If something stands there it is EEXIST; with `exclusive` false
/// a FIFO that stands there already will do, and nothing else.
pub fn create(path: &Path, mode: u32, exclusive: bool) -> Result<()> {
    let (parent, name) = split(path)?;
    loop {
        match mkfifoat(&parent, name, Mode::from_bits_truncate(mode)) {
            Err(Errno::EEXIST) if !exclusive => match fifo_at(&parent, name, path) {
                // Removed between the two calls.
                Err(Error::Os { errno: Errno::ENOENT, .. }) => {}
                found => return found.map(drop),
            },
            made => return made.map_err(|errno| Error::os(errno, "mkfifo").at(path)),
        }
    }
}

/// Removes the name. Anything but a FIFO is left alone.
pub fn unlink(path: &Path) -> Result<()> {
    let (parent, name) = split(path)?;
    let stat =
        fstatat(&parent, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|errno| Error::os(errno, "unlink").at(path))?;
    check_kind(&stat, path)?;
    unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir).map_err(|errno| Error::os(errno, "unlink").at(path))
}

/// A FIFO that was found at its path and looked at, but not opened yet.
#[derive(Debug)]
pub struct Located(OwnedFd);

/// Finds the FIFO. Unless `any_owner`, it must belong to this user or to root.
pub fn locate(path: &Path, any_owner: bool) -> Result<Located> {
    let (parent, name) = split(path)?;
    let (fd, stat) = fifo_at(&parent, name, path)?;
    if !any_owner && stat.st_uid != geteuid().as_raw() && stat.st_uid != 0 {
        return Err(Error::UntrustedOwner { path: path.to_path_buf(), uid: stat.st_uid });
    }
    Ok(Located(fd))
}

impl Located {
    /// Opens a writer if somebody has it open for reading already. (A reader cannot ask: its open with O_NONBLOCK
    /// always succeeds, and lets writers go on.)
    pub fn try_open_writer(&self, path: &Path) -> Result<Attempt<PipeEnd>> {
        match sys_fd::open_anew(self.0.as_fd(), OFlag::O_WRONLY | OFlag::O_NONBLOCK) {
            Ok(fd) => {
                // Ours alone still: from here on an ordinary, blocking pipe for whoever inherits it.
                fcntl(&fd, FcntlArg::F_SETFL(OFlag::empty())).map_err(|errno| Error::os(errno, "fcntl"))?;
                Ok(Attempt::Done(PipeEnd::from_open(fd, Side::Writer, false)))
            }
            Err(Error::Os { errno: Errno::ENXIO, .. }) => Ok(Attempt::WouldBlock),
            Err(error) => Err(error.at(path)),
        }
    }

    /// Waits until the other side has opened too. For a waiter thread.
    pub fn open(&self, side: Side, path: &Path, flag: &Flag) -> Result<PipeEnd> {
        let access = match side {
            Side::Reader => libc::O_RDONLY,
            Side::Writer => libc::O_WRONLY,
        };
        let own_path = std::ffi::CString::new(sys_fd::self_path(self.0.as_fd())).unwrap_or_default();
        let fd = blocking::open(&own_path, access, flag).map_err(|error| error.at(path))?;
        Ok(PipeEnd::from_open(fd, side, false))
    }
}

/// The folder, held open so that it is one and the same for all that follows, and the name in it.
fn split(path: &Path) -> Result<(OwnedFd, &OsStr)> {
    let name = path.file_name().ok_or_else(|| not_a_fifo(path))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let parent = retry(|| open(parent, flags, Mode::empty()).map_err(|errno| Error::os(errno, "open").at(path)))?;
    Ok((parent, name))
}

fn fifo_at(parent: &OwnedFd, name: &OsStr, path: &Path) -> Result<(OwnedFd, FileStat)> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = retry(|| openat(parent, name, flags, Mode::empty()).map_err(|errno| Error::os(errno, "open").at(path)))?;
    let stat = fstat(&fd).map_err(|errno| Error::os(errno, "fstat").at(path))?;
    check_kind(&stat, path)?;
    Ok((fd, stat))
}

fn check_kind(stat: &FileStat, path: &Path) -> Result<()> {
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFIFO => Ok(()),
        SFlag::S_IFLNK => Err(Error::os(Errno::ELOOP, "open").at(path)),
        _ => Err(not_a_fifo(path)),
    }
}

fn not_a_fifo(path: &Path) -> Error {
    Error::WrongKind { expected: "a FIFO", path: Some(path.to_path_buf()) }
}

impl AsFd for Located {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Located {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}
