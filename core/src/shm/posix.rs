//! POSIX shared memory: objects with a name, which are files under /dev/shm. See shm_open(3).

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::file::{self, Place};
use super::source::{Facts, Source};
use super::{Kind, Memory, Options};
use crate::error::{Error, Result};
use crate::posix::Name;

const FOLDER: &str = "/dev/shm";
/// So long the maker of an object has to give it a size.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

impl Memory {
    /// Opens the object of that name, or makes it. A new one appears whole, with its size and its space.
    pub fn open(name: &Name, options: Options) -> Result<Self> {
        let path = path_of(name);
        let place = Place { path: &path, shown: &name.path(), syscall: "shm_open", follow: false };
        let (fd, facts) = file::open(place, options, |fd| initialized(fd, name, options.any_owner))?;
        let source = Source::known(fd, facts);
        Self::of_file(Kind::Posix, source, facts.size, options.range, options.read_only, false)
            .map_err(|error| error.at(name.path()))
    }

    /// Makes an object under a name that nobody can guess.
    pub fn create_unnamed(options: Options) -> Result<(Self, Name)> {
        loop {
            let name = Name::random()?;
            match Self::open(&name, Options { create: true, exclusive: true, ..options }) {
                Err(error) if error.errno() == Some(Errno::EEXIST) => {}
                opened => return Ok((opened?, name)),
            }
        }
    }
}

/// shm_unlink(3). Whoever has it open goes on.
pub fn unlink(name: &Name) -> Result<()> {
    nix::unistd::unlink(&path_of(name)).map_err(|errno| Error::os(errno, "shm_unlink").at(name.path()))
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

fn path_of(name: &Name) -> PathBuf {
    Path::new(FOLDER).join(name.to_string().trim_start_matches('/'))
}
