//! POSIX shared memory: objects with a name, which are files under /dev/shm. See shm_open(3).

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::file::{self, Place};
use super::source::Facts;
use super::{Kind, Memory, Options};
use crate::error::{Error, Result};
use crate::posix::{Name, unnamed};

/// What the registry calls objects that are named by this package.
pub(crate) const REGISTRY_KIND: &str = "posix-memory";

const FOLDER: &str = "/dev/shm";
/// So long the maker of an object has to give it a size.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

impl Memory {
    /// Opens the object of that name, or makes it. A new one appears whole, with its size and its space.
    pub fn open(name: &Name, options: Options) -> Result<Self> {
        let path = path_of(name);
        let place = Place { path: &path, shown: &name.path(), syscall: "shm_open", follow: false };
        file::open(place, options, |fd| initialized(fd, name, options.any_owner))?.map(Kind::Posix, place, options)
    }

    /// Makes an object under a name that nobody can guess. It is entered in the registry until it is unlinked.
    pub fn create_unnamed(options: Options) -> Result<(Self, Name)> {
        let options = Options { create: true, exclusive: true, ..options };
        unnamed::create(REGISTRY_KIND, |name| Self::open(name, options))
    }
}

/// shm_unlink(3). Whoever has it open goes on.
pub fn unlink(name: &Name) -> Result<()> {
    nix::unistd::unlink(&path_of(name)).map_err(|errno| Error::os(errno, "shm_unlink").at(name.path()))?;
    unnamed::forget(REGISTRY_KIND, name);
    Ok(())
}

/// Where an object of that name stands, for the registry.
pub(crate) fn path_of(name: &Name) -> PathBuf {
    Path::new(FOLDER).join(name.word().to_string_lossy().as_ref())
}

/// Of what was found under a name, before anything is done with it: it must be memory, of somebody who is trusted, and
/// have been given a size.
fn initialized(fd: &std::os::fd::OwnedFd, name: &Name, any_owner: bool) -> Result<Facts> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let facts = Facts::of_object(fd.as_fd()).map_err(|error| error.at(name.path()))?;
        if !any_owner && facts.owner != geteuid().as_raw() && facts.owner != 0 {
            return Err(Error::UntrustedOwner { path: name.path(), uid: facts.owner });
        }
        if facts.size > 0 {
            return Ok(facts);
        }
        if Instant::now() >= deadline {
            return Err(Error::NotInitialized { path: Some(name.path()) });
        }
        thread::sleep(PAUSE);
    }
}
