//! Keys: how processes that share nothing but a number or a file find the same object. See ftok(3).

use std::path::Path;

use nix::sys::stat::stat;

use crate::error::{Error, Result};

/// Which object is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A new one that nobody finds by a key (IPC_PRIVATE).
    Private,
    /// The one under this number.
    Number(i32),
}

impl Key {
    /// As the kernel takes it.
    #[must_use]
    pub fn raw(self) -> i32 {
        match self {
            Self::Private => libc::IPC_PRIVATE,
            Self::Number(number) => number,
        }
    }
}

/// The key that every C library makes of a file and a number from 1 to 255: the low 16 bits of the inode, the low 8 of
/// the device, the number. Different files may well give the same.
pub fn ftok(path: &Path, project: u8) -> Result<i32> {
    let stat = stat(path).map_err(|errno| Error::os(errno, "stat").at(path))?;
    let inode = (stat.st_ino & 0xffff) as u32;
    let device = (stat.st_dev & 0xff) as u32;
    Ok((inode | device << 16 | u32::from(project) << 24).cast_signed())
}
