//! System V IPC: objects that the kernel keeps under a number, found by a key, until somebody removes them. See
//! sysvipc(7).
//!
//! None of them has a descriptor: whoever waits on one needs a thread.

pub mod key;
mod learner;
pub mod queue;
pub mod semaphore;

use crate::sys::sysv::RawPermissions;

/// Who owns an object, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The key it was made with, 0 for a private one.
    pub key: i32,
    /// The owner.
    pub uid: u32,
    /// The owner's group.
    pub gid: u32,
    /// Who has made it.
    pub creator_uid: u32,
    /// The group of who has made it.
    pub creator_gid: u32,
    /// The nine permission bits.
    pub mode: u32,
}

impl From<RawPermissions> for Permissions {
    fn from(raw: RawPermissions) -> Self {
        Self {
            key: raw.key,
            uid: raw.uid,
            gid: raw.gid,
            creator_uid: raw.creator_uid,
            creator_gid: raw.creator_gid,
            mode: raw.mode & 0o777,
        }
    }
}
