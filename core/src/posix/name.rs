//! Names of POSIX objects, checked before any call: one slash, then one word.

use std::ffi::{CStr, CString};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::sys::random;

/// The longest name, in bytes, with its slash.
const LONGEST: usize = 255;

/// A name that the kernel would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(CString);

impl Name {
    /// Checks a name, which begins with a slash.
    pub fn new(name: &str) -> Result<Self> {
        let reason = match name.strip_prefix('/') {
            None => "must begin with a slash",
            Some("") => "must have something behind its slash",
            Some("." | "..") => "must not be that of a folder",
            Some(word) if word.contains('/') => "must have no slash but the first",
            Some(_) if name.len() > LONGEST => "must be of at most 255 bytes",
            Some(word) => match CString::new(word) {
                Ok(word) => return Ok(Self(word)),
                Err(_) => "must have no null bytes",
            },
        };
        Err(Error::InvalidName { name: name.into(), reason })
    }

    /// A name that nobody can guess, and that nobody else will come upon.
    pub fn random() -> Result<Self> {
        Self::new(&format!("/os-ipc-{:032x}", random::bits()?))
    }

    /// Without the slash.
    #[must_use]
    pub(crate) fn word(&self) -> &CStr {
        &self.0
    }

    /// As errors name the object.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}", self.0.to_string_lossy())
    }
}
