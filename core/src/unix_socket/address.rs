//! Addresses as text: a path, or `@name` in Linux's abstract namespace. A file called `@x` is `./@x`.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// The longest path or abstract name, in bytes: sun_path without, or with, the null byte that begins a name.
pub const LONGEST: usize = 108;

/// Where a socket can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Vec<u8>);

impl Address {
    /// Checks a path, `@name` or `\0name`. An abstract name may have null bytes in it, and may be empty.
    pub fn new(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix(['@', '\0']) {
            if name.len() >= LONGEST {
                return Err(invalid(text, "must be of at most 107 bytes behind its '@'"));
            }
            return Ok(Self([b"\0", name.as_bytes()].concat()));
        }
        if text.is_empty() {
            return Err(invalid(text, "must not be empty"));
        }
        if text.contains('\0') {
            return Err(invalid(text, "must have no null bytes: only abstract names may"));
        }
        if text.len() > LONGEST {
            return Err(invalid(
                text,
                "must be of at most 108 bytes as the path of a socket: a path relative to the working directory may be \
                 shorter, or one through /proc/self/fd of the folder",
            ));
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// What the kernel tells; None for a socket without an address.
    #[must_use]
    pub fn from_kernel(path: &[u8]) -> Option<Self> {
        match path {
            [] => None,
            [0, ..] => Some(Self(path.to_vec())),
            // It counts the null byte behind a path, or not.
            path => Some(Self(path.split(|&byte| byte == 0).next().unwrap_or_default().to_vec())),
        }
    }

    /// What stands in sun_path.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The file, if it is not an abstract name.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        (self.0.first() != Some(&0)).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(&self.0)))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_first() {
            Some((0, name)) => write!(f, "@{}", String::from_utf8_lossy(name)),
            Some((b'@', _)) => write!(f, "./{}", String::from_utf8_lossy(&self.0)),
            _ => f.write_str(&String::from_utf8_lossy(&self.0)),
        }
    }
}

fn invalid(text: &str, reason: &'static str) -> Error {
    Error::InvalidName { name: text.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_full_length_fits_and_one_more_does_not() {
        assert!(Address::new(&"p".repeat(108)).is_ok());
        assert!(matches!(Address::new(&"p".repeat(109)), Err(Error::InvalidName { .. })));
        assert!(Address::new(&format!("@{}", "n".repeat(107))).is_ok());
        assert!(matches!(Address::new(&format!("@{}", "n".repeat(108))), Err(Error::InvalidName { .. })));
        // Bytes are counted, not characters.
        assert!(Address::new(&"é".repeat(55)).is_err());
    }

    #[test]
    fn an_abstract_name_is_told_as_it_was_given() {
        for name in ["@", "@a", "@a\0b", "@\0"] {
            let address = Address::new(name).unwrap();
            assert_eq!(address.to_string(), name);
            assert_eq!(Address::from_kernel(address.bytes()), Some(address));
        }
        assert_eq!(Address::new("\0a").unwrap(), Address::new("@a").unwrap());
    }

    #[test]
    fn a_file_whose_name_begins_with_an_at_sign_is_told_apart() {
        assert_eq!(Address::from_kernel(b"@x\0").unwrap().to_string(), "./@x");
        assert_eq!(Address::from_kernel(b"/x\0").unwrap().to_string(), "/x");
        assert_eq!(Address::from_kernel(b""), None);
    }

    #[test]
    fn null_bytes_in_a_path_are_refused() {
        assert!(Address::new("a\0b").is_err());
        assert!(Address::new("").is_err());
    }
}
