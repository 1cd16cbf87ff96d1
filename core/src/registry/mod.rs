//! What processes have made for themselves by way of this package, so that it can be removed if they die before they
//! could do that: sockets, lock files, objects with random names. Never what a user has named.
//!
//! Each process that has made something holds one entry, a file in a folder of the user's own. It is named by the
//! process (number, time of start, PID namespace), lists what the process has made, a line each, and is held locked for
//! as long as the process lives: by the kernel, so a stopped process is not taken for dead. An object is entered
//! before anybody can see it and struck out after it has gone, so a crash at any moment leaves nothing that is not listed.
//!
//! [`Registry::sweep`] removes what is listed by entries whose process is proven dead: nobody holds the lock, and no
//! process has that number and time of start. What cannot be judged from here is left alone: entries of another PID, IPC
//! or mount namespace, of another version of the format, and those that cannot be read.

pub(crate) mod entry;
mod folder;
mod kinds;
pub(crate) mod owner;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, Result};
use entry::{Entry, Judged};
use folder::Folder;
use owner::Owner;

pub use entry::State;
pub use kinds::Facts;

/// Something that a process has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which kind of thing: one of the table in `kinds.rs`.
    pub kind: String,
    /// Its path, its name, or its number in decimal.
    pub name: OsString,
    /// What tells it from a later object of the same name, as its kind defines it; may be empty.
    pub identity: String,
}

impl Object {
    /// An object that its name alone identifies.
    pub fn new(kind: impl Into<String>, name: impl Into<OsString>) -> Self {
        Self { kind: kind.into(), name: name.into(), identity: String::new() }
    }

    fn is(&self, kind: &str, name: &OsStr) -> bool {
        self.kind == kind && self.name == name
    }
}

/// The entry of one process, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The number of the process, in its own namespace.
    pub process: i32,
    /// Whether it lives, as far as can be told from here.
    pub state: State,
    /// What it has made, if that can be told.
    pub objects: Vec<Object>,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// What was removed, or would have been.
    pub removed: Vec<(Object, Facts)>,
    /// What could not be removed. It stays listed.
    pub failed: Vec<(Object, Error)>,
}

/// The entry of this process, and the way to all the others.
#[derive(Debug)]
pub struct Registry {
    /// Where entries may stand, the best place first.
    places: Vec<PathBuf>,
    entry: Mutex<Option<Entry>>,
}

impl Registry {
    /// The one of this process.
    pub fn of_process() -> &'static Self {
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        REGISTRY.get_or_init(|| Self::at(folder::places()))
    }

    /// One that stands somewhere else: the first of `places` that there can be.
    #[must_use]
    pub fn at(places: Vec<PathBuf>) -> Self {
        Self { places, entry: Mutex::new(None) }
    }

    /// The folder where this process may put things under names of this package's own: closed to all other users, and made
    /// if there is none.
    pub fn home() -> Result<PathBuf> {
        Folder::first(&folder::places()).map(|folder| folder.path().to_path_buf())
    }

    /// Every such folder in which a process of this user may have put something: its run-time folder is `elsewhere`, if
    /// it was started with one of its own. One that is not fit is passed over, but not this process's own.
    pub fn homes(elsewhere: Option<PathBuf>) -> Result<Vec<PathBuf>> {
        let mut places = folder::places();
        places.extend(elsewhere.and_then(folder::place_in));
        places.dedup();
        let folders = Self::at(places).folders()?;
        Ok(folders.iter().map(|folder| folder.path().to_path_buf()).collect())
    }

    /// Lists `object` as made by this process. To be called before it is made. One of the same kind and name is listed
    /// already: then its identity is the new one.
    pub fn record(&self, object: Object) -> Result<()> {
        let mut held = self.lock();
        let mut objects = Vec::new();
        if let Some(entry) = held.as_mut() {
            if entry.is_standing()? {
                return entry.record(object);
            }
            // Somebody has removed the folder (the end of a login session does), or this is a child after a fork.
            objects = entry.take_objects();
            *held = None;
        }
        objects.retain(|other| !other.is(&object.kind, &object.name));
        objects.push(object);
        *held = Some(Entry::create(Folder::first(&self.places)?, objects)?);
        Ok(())
    }

    /// Strikes an object out. To be called after it has gone. One that is not listed is no error.
    pub fn forget(&self, kind: &str, name: &OsStr) -> Result<()> {
        let mut held = self.lock();
        let Some(entry) = held.as_mut() else { return Ok(()) };
        let struck_out = entry.forget(kind, name);
        match held.take_if(|entry| entry.is_empty()) {
            // It lists nothing any more.
            Some(entry) => entry.remove(),
            None => struck_out,
        }
    }

    /// All entries, of this process too.
    pub fn entries(&self) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for folder in self.folders()? {
            for name in folder.names()? {
                if let Some(owner) = Owner::of_entry(&name)
                    && let Some((state, objects)) = entry::look(&folder, &name, &owner)?
                {
                    listed.push(Listed { process: owner.process(), state, objects });
                }
            }
        }
        Ok(listed)
    }

    /// Removes what dead processes have left, then their entries. With `dry_run` it only tells.
    pub fn sweep(&self, dry_run: bool) -> Result<Swept> {
        let mut swept = Swept::default();
        for folder in self.folders()? {
            for name in folder.names()? {
                if let Some(owner) = Owner::of_entry(&name)
                    && let Some(dead) = entry::claim(&folder, &name, &owner)?
                {
                    sweep_entry(&dead, dry_run, &mut swept)?;
                }
            }
        }
        Ok(swept)
    }

    /// Every place that there is. One that is not fit is passed over, or anybody could obstruct a sweep by what he puts
    /// somewhere; but not the one in which this process would be entered.
    fn folders(&self) -> Result<Vec<Folder>> {
        let preferred = self.places.iter().find(|place| place.parent().is_some_and(Path::exists));
        let mut folders = Vec::new();
        for place in &self.places {
            match Folder::existing(place) {
                Err(error @ Error::UntrustedFolder { .. }) if Some(place) == preferred => return Err(error),
                found => folders.extend(found.ok().flatten()),
            }
        }
        Ok(folders)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Entry>> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry is locked by whoever has claimed it, so nobody else is at it.
fn sweep_entry(dead: &Judged<'_>, dry_run: bool, swept: &mut Swept) -> Result<()> {
    let failed_before = swept.failed.len();
    for object in dead.objects() {
        match kinds::find(object) {
            Ok(None) => {}
            Ok(Some(facts)) if dry_run => swept.removed.push((object.clone(), facts)),
            Ok(Some(facts)) => match kinds::remove(object) {
                Ok(()) => swept.removed.push((object.clone(), facts)),
                Err(error) => swept.failed.push((object.clone(), error)),
            },
            Err(error) => swept.failed.push((object.clone(), error)),
        }
    }
    if dry_run || swept.failed.len() > failed_before { Ok(()) } else { dead.remove() }
}
