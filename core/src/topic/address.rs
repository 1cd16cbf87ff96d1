//! What names a topic: the path of a file, or `@name`, which is a file under /dev/shm.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const FOLDER: &str = "/dev/shm";
const PREFIX: &str = "os-ipc-topic.";
/// The longest name, in bytes: with the prefix it still is a file's.
const LONGEST: usize = 200;

/// Where a topic's file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    path: PathBuf,
}

impl Address {
    /// Checks a path, `@name` or `\0name`.
    pub fn new(text: &str) -> Result<Self> {
        let name = text.strip_prefix(['@', '\0']);
        let reason = match name {
            Some("") => "must have something behind its '@'",
            Some(name) if name.len() > LONGEST => "must be of at most 200 bytes behind its '@'",
            Some(name) if name.contains('/') => "must have no slash behind its '@'",
            _ if name.unwrap_or(text).contains('\0') => "must have no null bytes",
            Some(name) => return Ok(Self { path: Path::new(FOLDER).join(format!("{PREFIX}{name}")) }),
            None if text.is_empty() => "must not be empty",
            None => return Ok(Self { path: PathBuf::from(text) }),
        };
        Err(Error::InvalidName { name: text.into(), reason })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_in_shared_memory_and_a_path_is_itself() {
        assert_eq!(Address::new("@prices").unwrap().path(), Path::new("/dev/shm/os-ipc-topic.prices"));
        assert_eq!(Address::new("\0prices"), Address::new("@prices"));
        assert_eq!(Address::new("./@prices").unwrap().path(), Path::new("./@prices"));
        assert_eq!(Address::new("/run/prices").unwrap().path(), Path::new("/run/prices"));
    }

    #[test]
    fn what_cannot_be_a_files_name_is_refused() {
        for text in ["", "@", "\0", "@a/b", "@a\0b", "a\0b", &format!("@{}", "n".repeat(201))] {
            assert!(matches!(Address::new(text), Err(Error::InvalidName { .. })), "{text:?}");
        }
        assert!(Address::new(&format!("@{}", "n".repeat(200))).is_ok());
    }
}
