//! The file of a topic: found or made, whole, under its name last; and how the name is taken away.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::stat::{FileStat, SFlag, fstat, lstat};
use nix::sys::uio::{pread, pwrite};
use nix::unistd::geteuid;

use super::layout::{BELL, BELLS, ENDED, HEADER, STATE};
use super::{Address, Geometry, Options};
use crate::error::{Error, Result};
use crate::shm::file::{Place, existing, make};
use crate::sys::fd::set_lock;
use crate::sys::mman::Mapping;
use crate::sys::retry;

/// How often a name is tried that others make and unlink all the time.
const ATTEMPTS: u32 = 10_000;
/// How often, a millisecond apart, a file is locked that somebody else is taking the name of.
const LOCK_ATTEMPTS: u32 = 1_000;
const KIND: &str = "a topic of os-ipc";
/// Who may write besides its owner.
const OTHERS_WRITE: u32 = 0o022;

/// A topic's file that is open, and looked at.
#[derive(Debug)]
pub(super) struct File {
    pub(super) fd: OwnedFd,
    pub(super) geometry: Geometry,
    /// Nobody but its owner, who is this user, may write it.
    pub(super) private: bool,
    /// It was not there before.
    pub(super) made: bool,
    stat: FileStat,
}

/// Which file it is, whatever has its name.
pub(super) type Identity = (libc::dev_t, libc::ino_t);

impl File {
    /// What stands at the address, or a new one.
    pub(super) fn open(address: &Address, options: Options) -> Result<Self> {
        let path = address.path();
        for _ in 0..ATTEMPTS {
            let Some(fd) = found(path)? else {
                match make_whole(path, options) {
                    Err(Error::Os { errno: Errno::EEXIST, .. }) => continue,
                    made => return Ok(Self { made: true, ..Self::inspect(made?, Some(path))? }),
                }
            };
            let stat = fstat(&fd).map_err(|errno| Error::os(errno, "fstat").at(path))?;
            if !options.any_owner && !is_trusted(&stat) {
                return Err(Error::UntrustedOwner { path: path.into(), uid: stat.st_uid });
            }
            let file = Self::inspect(fd, Some(path))?;
            // Whoever has ended it has died before it could take the name away.
            if !file.has_ended()? {
                return Ok(file);
            }
            file.withdraw(path)?;
        }
        Err(Error::os(Errno::EAGAIN, "open").at(path))
    }

    /// Of what was opened: that it is the memory of a topic, as it says itself.
    pub(super) fn inspect(fd: OwnedFd, path: Option<&Path>) -> Result<Self> {
        let wrong = || Error::WrongKind { expected: KIND, path: path.map(Into::into) };
        let named = |errno, syscall| match path {
            Some(path) => Error::os(errno, syscall).at(path),
            None => Error::os(errno, syscall),
        };
        let stat = fstat(&fd).map_err(|errno| named(errno, "fstat"))?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(wrong());
        }
        let mut header = [0; HEADER];
        let count = retry(|| pread(&fd, &mut header, 0).map_err(|errno| named(errno, "pread")))?;
        if count != HEADER {
            return Err(wrong());
        }
        let parsed = Geometry::parse(&header, u64::try_from(stat.st_size).unwrap_or(0));
        let geometry = match (parsed, path) {
            (Err(Error::OtherVersion { .. }), Some(path)) => return Err(Error::Version { path: path.into() }),
            (parsed, _) => parsed?.ok_or_else(wrong)?,
        };
        let private = stat.st_uid == geteuid().as_raw() && stat.st_mode & OTHERS_WRITE == 0;
        Ok(Self { fd, geometry, private, made: false, stat })
    }

    pub(super) fn identity(&self) -> Identity {
        (self.stat.st_dev, self.stat.st_ino)
    }

    fn has_ended(&self) -> Result<bool> {
        let mut state = [0; 4];
        pread(&self.fd, &mut state, STATE as libc::off_t).map_err(|errno| Error::os(errno, "pread"))?;
        Ok(u32::from_ne_bytes(state) & ENDED != 0)
    }

    /// Ends the topic: whoever has it open is told.
    fn end(&self) -> Result<()> {
        let header = self.geometry.data_offset as usize;
        let mapping = Mapping::of_pieces(self.fd.as_fd(), &[(0, header)])?.guarded()?;
        mapping.word32(STATE)?.fetch_or(ENDED, Ordering::SeqCst);
        for bell in BELLS {
            super::ring(&mapping, bell + BELL)?;
        }
        Ok(())
    }

    /// Takes the name away from it, if it still has it.
    fn withdraw(&self, path: &Path) -> Result<bool> {
        lock(&self.fd, path)?;
        let done = match lstat(path) {
            Ok(stat) if (stat.st_dev, stat.st_ino) == self.identity() => match nix::unistd::unlink(path) {
                Ok(()) => Ok(true),
                Err(Errno::ENOENT) => Ok(false),
                Err(errno) => Err(Error::os(errno, "unlink").at(path)),
            },
            Ok(_) | Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Error::os(errno, "stat").at(path)),
        };
        // Closing the file does the same.
        let _unlocked = set_lock(&self.fd, &first_byte(libc::F_UNLCK));
        done
    }
}

/// Ends a topic and takes its name away: who subscribes receives what is there and then null, who publishes is told EIDRM.
pub fn unlink(address: &Address) -> Result<()> {
    let path = address.path();
    let gone = || Error::os(Errno::ENOENT, "unlink").at(path);
    let fd = found(path)?.ok_or_else(gone)?;
    let stat = fstat(&fd).map_err(|errno| Error::os(errno, "fstat").at(path))?;
    match File::inspect(fd, Some(path)) {
        Ok(file) => {
            // Of a stranger's file nothing is believed; whether its name may go is for the kernel to say.
            if is_trusted(&stat) {
                file.end()?;
            }
            if file.withdraw(path)? { Ok(()) } else { Err(gone()) }
        }
        // What a later version has made, or somebody has spoilt.
        Err(Error::Version { .. } | Error::Corrupt(_)) => {
            nix::unistd::unlink(path).map_err(|errno| Error::os(errno, "unlink").at(path))
        }
        Err(error) => Err(error),
    }
}

/// Takes back what was made just now and could not be joined: whoever has been quicker is told as by [`unlink`]. Nobody is
/// left to be told of a failure.
pub(super) fn take_back(address: &Address, identity: Identity) {
    let path = address.path();
    let Ok(Some(fd)) = found(path) else { return };
    let Ok(file) = File::inspect(fd, Some(path)) else { return };
    if file.identity() == identity {
        drop(file.end());
        drop(file.withdraw(path));
    }
}

/// None if there is nothing.
fn found(path: &Path) -> Result<Option<OwnedFd>> {
    match existing(place(path), false) {
        Ok(fd) => Ok(Some(fd)),
        Err(Error::Os { errno: Errno::ENOENT, .. }) => Ok(None),
        Err(Error::Os { errno: Errno::ELOOP | Errno::ENXIO | Errno::EISDIR, .. }) => {
            Err(Error::WrongKind { expected: KIND, path: Some(path.into()) })
        }
        // Somebody else's, and not for us: that says more than EACCES.
        Err(error @ Error::Os { errno: Errno::EACCES, .. }) => match lstat(path) {
            Ok(stat) if !is_trusted(&stat) => Err(Error::UntrustedOwner { path: path.into(), uid: stat.st_uid }),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn make_whole(path: &Path, Options { geometry, mode, .. }: Options) -> Result<OwnedFd> {
    make(place(path), mode & 0o777, |fd| {
        crate::fault::point("topic-made");
        crate::shm::reserve(fd, geometry.size())?;
        pwrite(fd, &geometry.to_bytes(), 0).map_err(|errno| Error::os(errno, "pwrite"))?;
        crate::fault::point("topic-filled");
        Ok(())
    })
}

fn place(path: &Path) -> Place<'_> {
    Place { path, shown: path, syscall: "open", follow: false }
}

fn is_trusted(stat: &FileStat) -> bool {
    stat.st_uid == geteuid().as_raw() || stat.st_uid == 0
}

fn lock(fd: &OwnedFd, path: &Path) -> Result<()> {
    for _ in 0..LOCK_ATTEMPTS {
        match set_lock(fd, &first_byte(libc::F_WRLCK)) {
            Ok(_) => return Ok(()),
            Err(Errno::EAGAIN | Errno::EACCES) => thread::sleep(Duration::from_millis(1)),
            Err(errno) => return Err(Error::os(errno, "F_OFD_SETLK").at(path)),
        }
    }
    Err(Error::os(Errno::EAGAIN, "F_OFD_SETLK").at(path))
}

fn first_byte(kind: libc::c_int) -> libc::flock {
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 1, l_pid: 0 }
}
