//! The file of a name: which set it stands for, and a word that outlives its holder.
//!
//! It is made without a name, filled, and linked to its name last, so nobody opens half of one, and of many who open at
//! once one wins. A name is taken away under a lock on its file alone, after a look whether it still leads there: so what
//! somebody has made anew in the meantime is never taken away.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, posix_fallocate};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, lstat};
use nix::unistd::{geteuid, linkat};

use super::{Kind, object};
use crate::error::{Error, Result};
use crate::sys::fd::set_lock;
use crate::sys::mman::{Access, Mapping, Part, page_size};
use crate::sys::{fd as sys_fd, retry};

const FOLDER: &str = "/dev/shm";
/// The longest name, in bytes: with the longest prefix it still is a file's name.
const LONGEST: usize = 200;
pub(crate) const SIZE: usize = 64;
const MAGIC: u32 = 0x6c69_706f;
const VERSION: u32 = 1;
/// How often, a millisecond apart, a file is locked that somebody else is taking the name of.
const ATTEMPTS: u32 = 1_000;

/// Where the word stands that is not zero while somebody holds alone.
pub(super) const HELD: usize = 32;
/// And the one that counts the writers who have had to wait.
pub(super) const WRITERS: usize = 36;

/// A name that was checked, and what it is a name of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    kind: Kind,
    path: PathBuf,
}

impl Name {
    /// Checks a name.
    pub fn new(kind: Kind, name: &str) -> Result<Self> {
        let reason = match name {
            "" => "must not be empty",
            _ if name.len() > LONGEST => "must be of at most 200 bytes",
            _ if name.contains('/') => "must have no slash",
            _ if name.contains('\0') => "must have no null bytes",
            _ => return Ok(Self { kind, path: Path::new(FOLDER).join(format!("os-ipc-{}.{name}", prefix(kind))) }),
        };
        Err(Error::InvalidName { name: name.into(), reason })
    }

    /// The name whose file has this path.
    pub(crate) fn of_path(kind: Kind, path: &str) -> Option<Self> {
        let name = path.strip_prefix(&format!("{FOLDER}/os-ipc-{}.", prefix(kind)))?;
        Self::new(kind, name).ok()
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Mutex => "mutex",
        Kind::RwLock => "rwlock",
        Kind::Condition => "condition",
        Kind::Barrier => "barrier",
    }
}

/// What stands in a file, and does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(super) kind: Kind,
    /// The number of the set.
    pub(super) set: i32,
    /// What the set has in two semaphores of its own, so that a later one with the same number is not taken for it.
    pub(super) identity: u32,
    /// In which the number means something.
    pub(super) namespace: u64,
    pub(super) parties: u16,
}

impl Header {
    pub(crate) fn encoded(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let words = [
            MAGIC,
            VERSION,
            self.kind as u32,
            self.set.cast_unsigned(),
            self.identity,
            self.parties.into(),
            self.namespace as u32,
            (self.namespace >> 32) as u32,
        ];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    pub(crate) fn decoded(bytes: &[u8; SIZE], name: &Name) -> Result<Self> {
        let mut words = bytes.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_ne_bytes));
        let mut next = || words.next().unwrap_or(0);
        let (magic, version, kind) = (next(), next(), next());
        let wrong = || Error::WrongKind { expected: "a lock of os-ipc", path: Some(name.path.clone()) };
        if magic != MAGIC {
            return Err(wrong());
        }
        if version != VERSION {
            return Err(Error::Version { path: name.path.clone() });
        }
        if kind != name.kind as u32 {
            return Err(wrong());
        }
        let (set, identity, parties) = (next().cast_signed(), next(), next());
        let namespace = u64::from(next()) | u64::from(next()) << 32;
        let parties = u16::try_from(parties).map_err(|_| wrong())?;
        Ok(Self { kind: name.kind, set, identity, namespace, parties })
    }
}

/// A file that has the name, or is to have it.
#[derive(Debug)]
pub(super) struct Published {
    fd: OwnedFd,
    stat: FileStat,
}

impl Published {
    /// What the name leads to; None if there is nothing.
    pub(super) fn existing(name: &Name) -> Result<Option<Self>> {
        // Not to hang upon a FIFO that stands there.
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let opened = retry(|| open(name.path(), flags, Mode::empty()).map_err(|errno| at(errno, "open", name)));
        let fd = match opened {
            Err(Error::Os { errno: Errno::ENOENT, .. }) => return Ok(None),
            Err(Error::Os { errno: Errno::ELOOP | Errno::ENXIO | Errno::EISDIR, .. }) => {
                return Err(Error::WrongKind { expected: "a lock of os-ipc", path: Some(name.path.clone()) });
            }
            Err(error @ Error::Os { errno: Errno::EACCES, .. }) => return Err(refused(error, name)),
            fd => fd?,
        };
        let stat = fstat(&fd).map_err(|errno| at(errno, "fstat", name))?;
        Ok(Some(Self { fd, stat }))
    }

    /// A new one, which nobody sees yet.
    pub(super) fn new(name: &Name, mode: u32) -> Result<Self> {
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(mode & 0o777);
        let fd = retry(|| open(FOLDER, flags, mode).map_err(|errno| at(errno, "open", name)))?;
        let size = SIZE as libc::off_t;
        retry(|| posix_fallocate(&fd, 0, size).map_err(|errno| at(errno, "posix_fallocate", name)))?;
        let stat = fstat(&fd).map_err(|errno| at(errno, "fstat", name))?;
        Ok(Self { fd, stat })
    }

    /// Permission bits, less the umask.
    pub(super) fn mode(&self) -> u32 {
        self.stat.st_mode & 0o777
    }

    /// Who has made it is to be trusted.
    pub(super) fn check_owner(&self, name: &Name, any_owner: bool) -> Result<()> {
        if any_owner || self.is_trusted() {
            return Ok(());
        }
        Err(Error::UntrustedOwner { path: name.path.clone(), uid: self.stat.st_uid })
    }

    fn is_trusted(&self) -> bool {
        self.stat.st_uid == geteuid().as_raw() || self.stat.st_uid == 0
    }

    pub(super) fn header(&self, name: &Name) -> Result<Header> {
        let mut bytes = [0; SIZE];
        let regular = SFlag::from_bits_truncate(self.stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
        let file = File::from(sys_fd::duplicate(self.fd.as_fd())?);
        if !regular || file.read_exact_at(&mut bytes, 0).is_err() {
            return Err(Error::WrongKind { expected: "a lock of os-ipc", path: Some(name.path.clone()) });
        }
        Header::decoded(&bytes, name)
    }

    pub(super) fn write(&self, header: &Header, name: &Name) -> Result<()> {
        let file = File::from(sys_fd::duplicate(self.fd.as_fd())?);
        file.write_all_at(&header.encoded(), 0).map_err(|error| Error::io(&error, "write").at(&name.path))
    }

    /// Gives it its name; false if that is somebody else's by now.
    pub(super) fn publish(&self, name: &Name) -> Result<bool> {
        let link = sys_fd::self_path(self.fd.as_fd());
        match linkat(AT_FDCWD, link.as_str(), AT_FDCWD, name.path(), AtFlags::AT_SYMLINK_FOLLOW) {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(errno) => Err(at(errno, "link", name)),
        }
    }

    /// Takes the name away from it, if it still has it; `first` comes before, under the lock.
    pub(super) fn withdraw(&self, name: &Name, first: impl FnOnce() -> Result<()>) -> Result<bool> {
        self.lock(name)?;
        let done = self.withdraw_locked(name, first);
        let unlock = libc::flock { l_type: libc::F_UNLCK as _, ..whole_file(libc::F_WRLCK) };
        // Closing the file does the same.
        let _unlocked = set_lock(&self.fd, &unlock);
        done
    }

    fn withdraw_locked(&self, name: &Name, first: impl FnOnce() -> Result<()>) -> Result<bool> {
        match lstat(name.path()) {
            Ok(stat) if (stat.st_dev, stat.st_ino) == (self.stat.st_dev, self.stat.st_ino) => {}
            Ok(_) | Err(Errno::ENOENT) => return Ok(false),
            Err(errno) => return Err(at(errno, "stat", name)),
        }
        first()?;
        match nix::unistd::unlink(name.path()) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(at(errno, "unlink", name)),
        }
    }

    fn lock(&self, name: &Name) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match set_lock(&self.fd, &whole_file(libc::F_WRLCK)) {
                Ok(_) => return Ok(()),
                Err(Errno::EAGAIN | Errno::EACCES) => thread::sleep(Duration::from_millis(1)),
                Err(errno) => return Err(at(errno, "fcntl", name)),
            }
        }
        Err(at(Errno::EAGAIN, "fcntl", name))
    }

    /// Its memory, which somebody who may write the file could shorten.
    pub(super) fn map(&self) -> Result<Mapping> {
        let part = Part { offset: 0, length: SIZE, access: Access::ReadWrite, page: page_size(), guarded: true };
        Mapping::of_fd(self.fd.as_fd(), part)
    }
}

/// Takes the name away, and ends the object: who waits for it is told EIDRM.
pub fn unlink(name: &Name) -> Result<()> {
    let file = Published::existing(name)?.ok_or_else(|| at(Errno::ENOENT, "unlink", name))?;
    // The set first: if this process ends in between, the name leads nowhere, and the next one to open replaces it. Of a
    // stranger's file nothing is believed.
    let gone = file.withdraw(name, || match file.header(name) {
        Ok(header) if file.is_trusted() => object::remove(&header),
        _ => Ok(()),
    })?;
    if gone { Ok(()) } else { Err(at(Errno::ENOENT, "unlink", name)) }
}

pub(super) fn at(errno: Errno, syscall: &'static str, name: &Name) -> Error {
    Error::os(errno, syscall).at(&name.path)
}

/// Somebody else's, and not for us: that says more than EACCES.
fn refused(error: Error, name: &Name) -> Error {
    match lstat(name.path()) {
        Ok(stat) if stat.st_uid != geteuid().as_raw() && stat.st_uid != 0 => {
            Error::UntrustedOwner { path: name.path.clone(), uid: stat.st_uid }
        }
        _ => error,
    }
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 }
}
