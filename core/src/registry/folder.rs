//! The folder of the entries: the user's own, closed to everybody else, and known to be that.
//!
//! In /dev/shm and /tmp anybody may have put something there under our name. So the folder is opened without following
//! a link, its owner and mode are read from what was opened, and all that follows goes by that descriptor.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, stat};
use nix::unistd::{UnlinkatFlags, geteuid, mkdir, unlinkat};

use crate::error::{Error, Result};
use crate::sys::fd::self_path;
use crate::sys::retry;

const NAME: &str = "os-ipc";
const PRIVATE: Mode = Mode::S_IRWXU;
const PERMISSIONS: u32 = 0o7777;

#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// Where entries may stand: the user's run-time folder, or what stands in for it.
pub(super) fn places() -> Vec<PathBuf> {
    places_for(env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

fn places_for(run_time: Option<PathBuf>) -> Vec<PathBuf> {
    let mine = format!("{NAME}-{}", geteuid());
    run_time
        .and_then(place_in)
        .into_iter()
        .chain([Path::new("/dev/shm").join(&mine), Path::new("/tmp").join(&mine)])
        .collect()
}

/// The place in a run-time folder, if that is fit.
pub(super) fn place_in(run_time: PathBuf) -> Option<PathBuf> {
    (run_time.is_absolute() && is_private(&run_time)).then(|| run_time.join(NAME))
}

/// Another user's run-time folder is left in the environment by su(1) and the like.
fn is_private(path: &Path) -> bool {
    stat(path).is_ok_and(|stat| flaw_of(&stat).is_none())
}

impl Folder {
    /// The first of `places` that there is or that can be made. One that is not fit ends the search: somebody has put it
    /// there, and what was entered before may stand in the next one.
    pub(super) fn first(places: &[PathBuf]) -> Result<Self> {
        let mut failure = Error::os(Errno::ENOENT, "open");
        for path in places {
            match Self::made(path) {
                Err(error @ Error::Os { .. }) => failure = error,
                made => return made,
            }
        }
        Err(failure)
    }

    /// The folder at `path`, which is made if there is none.
    fn made(path: &Path) -> Result<Self> {
        let is_new = match mkdir(path, PRIVATE) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(Error::os(errno, "mkdir").at(path)),
        };
        let fd = opened(path)?;
        if is_new && fstat(&fd).is_ok_and(|stat| stat.st_uid == geteuid().as_raw()) {
            // The umask may have taken something away.
            fchmod(&fd, PRIVATE).map_err(|errno| Error::os(errno, "fchmod").at(path))?;
        }
        Self::checked(fd, path)
    }

    /// The folder at `path`, if there is one.
    pub(super) fn existing(path: &Path) -> Result<Option<Self>> {
        match opened(path) {
            Err(Error::Os { errno: Errno::ENOENT, .. }) => Ok(None),
            fd => Self::checked(fd?, path).map(Some),
        }
    }

    fn checked(fd: OwnedFd, path: &Path) -> Result<Self> {
        let stat = fstat(&fd).map_err(|errno| Error::os(errno, "fstat").at(path))?;
        match flaw_of(&stat) {
            Some(reason) => Err(Error::UntrustedFolder { path: path.to_path_buf(), reason }),
            None => Ok(Self { fd, path: path.to_path_buf() }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it now.
    pub(super) fn names(&self) -> Result<Vec<OsString>> {
        let names = fs::read_dir(self_path(self.fd.as_fd()))
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>());
        names.map_err(|error| {
            Error::os(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)), "readdir").at(&self.path)
        })
    }

    /// A new file in it; None if there is one of that name.
    pub(super) fn create(&self, name: &OsStr) -> Result<Option<File>> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        match self.open(name, flags) {
            Err(Error::Os { errno: Errno::EEXIST, .. }) => Ok(None),
            file => file.map(Some),
        }
    }

    /// A file of this user's in it; None if there is none, or something else.
    pub(super) fn file(&self, name: &OsStr) -> Result<Option<File>> {
        let file = match self.open(name, OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK) {
            Err(Error::Os {
                errno: Errno::ENOENT | Errno::ELOOP | Errno::EISDIR | Errno::EACCES | Errno::ENXIO,
                ..
            }) => {
                return Ok(None);
            }
            file => file?,
        };
        let stat = fstat(&file).map_err(|errno| self.failed(errno, "fstat", name))?;
        let regular = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
        Ok((regular && stat.st_uid == geteuid().as_raw()).then_some(file))
    }

    /// Removes a name. One that has gone already is no error.
    pub(super) fn remove(&self, name: &OsStr) -> Result<()> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failed(errno, "unlink", name)),
        }
    }

    fn open(&self, name: &OsStr, flags: OFlag) -> Result<File> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        retry(|| openat(&self.fd, name, flags, mode).map_err(|errno| self.failed(errno, "open", name))).map(File::from)
    }

    fn failed(&self, errno: Errno, syscall: &'static str, name: &OsStr) -> Error {
        Error::os(errno, syscall).at(self.path.join(name))
    }
}

fn opened(path: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let untrusted = |reason: &str| Error::UntrustedFolder { path: path.to_path_buf(), reason: reason.into() };
    retry(|| open(path, flags, Mode::empty()).map_err(|errno| Error::os(errno, "open").at(path))).map_err(|error| {
        let lstat = || fstatat(AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW);
        match error.errno() {
            Some(Errno::ELOOP | Errno::ENOTDIR) => match lstat() {
                Ok(stat) if kind_of(&stat) == SFlag::S_IFLNK => untrusted("it is a symbolic link"),
                Ok(stat) if kind_of(&stat) != SFlag::S_IFDIR => untrusted("it is no folder"),
                _ => error,
            },
            // Not ours to open, so not ours.
            Some(Errno::EACCES) => match lstat().map(|stat| flaw_of(&stat)) {
                Ok(Some(reason)) => untrusted(&reason),
                _ => error,
            },
            _ => error,
        }
    })
}

/// Why a folder does not serve, as the end of a sentence.
fn flaw_of(stat: &FileStat) -> Option<String> {
    let mode = stat.st_mode & PERMISSIONS;
    if kind_of(stat) != SFlag::S_IFDIR {
        Some("it is no folder".into())
    } else if stat.st_uid != geteuid().as_raw() {
        Some(format!("it belongs to uid {}, not to this user", stat.st_uid))
    } else if mode & !libc::S_ISVTX & !libc::S_ISGID != PRIVATE.bits() {
        Some(format!("its mode is 0{mode:o} where only 0700 keeps others out"))
    } else {
        None
    }
}

fn kind_of(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_run_time_folder_comes_first_if_it_is_this_users_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        let others: Vec<PathBuf> =
            ["/dev/shm", "/tmp"].iter().map(|at| format!("{at}/os-ipc-{}", geteuid()).into()).collect();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(places_for(Some(path.clone())), [vec![path.join("os-ipc")], others.clone()].concat());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        for unfit in [Some(path.clone()), Some(path.join("absent")), Some("relative".into()), Some("".into()), None] {
            assert_eq!(places_for(unfit), others);
        }
    }
}
