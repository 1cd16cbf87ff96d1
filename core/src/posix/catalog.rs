//! Which POSIX queues there are: they stand in a file system of their own, mqueue, which need not be mounted. See
//! mq_overview(7).

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, fstatfs};

use super::queue::Queue;
use crate::error::{Error, Result};
use crate::sys::fd::self_path;
use crate::sys::{mount, retry};

/// MQUEUE_MAGIC of the kernel.
const MAGIC: FsType = FsType(0x1980_0202);

/// What a look at a queue tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How many wait.
    pub messages: usize,
    /// And their bytes together.
    pub bytes: u64,
    /// How many fit.
    pub max_messages: usize,
    /// How long each may be.
    pub max_message_size: usize,
}

/// The folder of all queues of this IPC namespace, in a mount that nobody else sees. EPERM without CAP_SYS_ADMIN, ENOSYS
/// before Linux 5.2.
pub fn folder() -> Result<OwnedFd> {
    mount::detached(c"mqueue")
}

/// What there is to tell of the queue whose file this is, wherever that file system is mounted; takes nothing.
/// EACCES for whoever may not receive from it.
pub fn look(path: &Path) -> Result<Facts> {
    let failed = |errno| Error::os(errno, "open").at(path);
    // Nothing is opened that might do something when it is opened.
    let place = retry(|| open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(failed))?;
    if !fstatfs(&place).is_ok_and(|system| system.filesystem_type() == MAGIC) {
        return Err(Error::WrongKind { expected: "a POSIX message queue", path: Some(path.into()) });
    }
    let file = self_path(place.as_fd());
    let fd = retry(|| open(file.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(failed))?;
    // As a queue: closing a plain descriptor would take this process's notices away.
    let queue = Queue::from_open(fd)?;
    Ok(Facts {
        messages: queue.size()?,
        bytes: bytes(&queue)?,
        max_messages: queue.max_messages(),
        max_message_size: queue.max_message_size(),
    })
}

/// The file's text says `QSIZE:` and a number first.
fn bytes(queue: &Queue) -> Result<u64> {
    let failed = |errno| Error::os(errno, "read");
    let mut text = [0; 128];
    let length = retry(|| nix::unistd::read(queue, &mut text).map_err(failed))?;
    let text = String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned();
    let size = text.strip_prefix("QSIZE:").and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    Ok(size.unwrap_or(0))
}
