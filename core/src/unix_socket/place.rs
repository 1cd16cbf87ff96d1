//! A path at which a socket file may stand already. Nobody removes it when the socket goes, so what stands there may be of a
//! server that is gone, and binding fails all the same: EADDRINUSE.

use std::fs::{File, Metadata, remove_file, symlink_metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::address::Address;
use super::room::RoomWatch;
use crate::error::{Error, Result};
use crate::sys::fd;

/// Others do with the folder what this does, and that is quickly done.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

/// What is done about a file that stands at the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStale {
    /// EADDRINUSE, whatever it is.
    #[default]
    Fail,
    /// It goes, if it is a socket of this user's that nobody has open any more.
    Replace,
}

/// Has `bind` take the address. Of all who replace at the same moment one succeeds: they hold a lock on the folder
/// meanwhile, which leaves nothing behind.
pub(super) fn take<T>(address: &Address, on_stale: OnStale, mut bind: impl FnMut() -> Result<T>) -> Result<T> {
    let path = match (on_stale, address.file()) {
        (OnStale::Replace, Some(path)) => path,
        // An abstract name goes together with its socket.
        _ => return bind(),
    };
    let _lock = lock_folder(&path)?;
    match bind() {
        Err(error) if error.errno() == Some(Errno::EADDRINUSE) => {
            let Some(stale) = stale_at(&path, address) else { return Err(error) };
            // Somebody who holds no lock may have been here meanwhile.
            let same = symlink_metadata(&path).is_ok_and(|now| (now.dev(), now.ino()) == (stale.dev(), stale.ino()));
            if !same {
                return Err(error);
            }
            remove_file(&path).map_err(|error| Error::io(&error, "unlink").at(&path))?;
            bind()
        }
        done => done,
    }
}

/// What stands there, if it may go.
fn stale_at(path: &Path, address: &Address) -> Option<Metadata> {
    let found = symlink_metadata(path).ok()?;
    if !found.file_type().is_socket() || found.uid() != geteuid().as_raw() {
        return None;
    }
    // To send datagrams there is refused only where no socket is bound, of whatever kind: one that listens is another kind of
    // socket, and hears nothing of it. So is one that does not listen yet.
    let probed = RoomWatch::new(address);
    matches!(probed, Err(Error::Os { errno: Errno::ECONNREFUSED, .. })).then_some(found)
}

/// Others of this user wait for as long as this stands.
struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Not by the close alone: a child that is about to execute another program may have a copy until then.
        let _unlocked = fd::unflock(self.0.as_fd());
    }
}

fn lock_folder(path: &Path) -> Result<FolderLock> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = File::open(folder).map_err(|error| Error::io(&error, "open").at(folder))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match fd::try_flock(file.as_fd()) {
            Ok(()) => return Ok(FolderLock(file)),
            Err(Error::Os { errno: Errno::EAGAIN, .. }) if Instant::now() < until => sleep(PAUSE),
            Err(error) => return Err(error.at(folder)),
        }
    }
}
