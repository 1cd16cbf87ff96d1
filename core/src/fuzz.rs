//! What reads bytes and is private, for the fuzzer (`core/fuzz`) and nobody else.

use std::ffi::OsStr;

use crate::error::{Error, Result};
use crate::lock::Kind;
use crate::lock::file::{Header, Name};
use crate::process::stat;
use crate::registry::owner::{Namespaces, Owner};
use crate::registry::{Object, entry};
use crate::ring::frame::{self, Said};
use crate::sys::control;
use crate::unix_socket::catalog::{self, Seen};

/// The bytes of a lock's file.
pub const LOCK_FILE: usize = crate::lock::file::SIZE;

/// A frame of a channel's control line: whether it is one, and whether it asks for something.
pub fn frame(data: &[u8]) -> Result<bool> {
    frame::parse(data).map(|said| said != Said::Unknown)
}

/// Whether a refusal is read as it was written.
#[must_use]
pub fn refusal_survives(code: &str, message: &str) -> bool {
    let said = Said::Refusal(code.into(), message.into());
    frame::parse(&frame::refusal(code, message)).as_ref() == Ok(&said)
}

/// The parts of control data: level, kind, what stands in it.
#[must_use]
pub fn ancillary(words: &[u64], length: usize) -> Vec<(i32, i32, Vec<i32>)> {
    control::parts(words, length).map(|part| (part.level, part.kind, part.ints.collect())).collect()
}

/// What an entry of the registry lists, seen from the namespaces 10 and 20.
#[must_use]
pub fn registry(text: &str) -> Option<Vec<Object>> {
    entry::parse(text, Namespaces { ipc: 10, mount: 20 })
}

/// The lines of these objects in an entry.
#[must_use]
pub fn registry_lines(objects: &[Object]) -> String {
    objects.iter().map(entry::line_of).collect()
}

/// Whether that is the name of an entry.
#[must_use]
pub fn is_registry_name(name: &str) -> bool {
    Owner::of_entry(OsStr::new(name)).is_some()
}

/// Reads the file of a lock, and gives what this version would write.
pub fn lock_file(kind: Kind, bytes: &[u8; LOCK_FILE]) -> Result<[u8; LOCK_FILE]> {
    let name = Name::new(kind, "fuzz")?;
    Header::decoded(bytes, &name).map(|header| header.encoded())
}

/// A name of a lock and its file's path, there and back.
pub fn lock_name_survives(kind: Kind, name: &str) -> Result<bool> {
    let name = Name::new(kind, name)?;
    let path = name.path().to_str().ok_or(Error::Closed)?;
    Ok(Name::of_path(kind, path).as_ref() == Some(&name))
}

/// What a line of /proc/PID/stat tells: parent, start, status, whether it has ended.
#[must_use]
pub fn process_stat(text: &str) -> (Option<i32>, Option<u64>, Option<i32>, bool) {
    (stat::parent(text), stat::start(text), stat::exit_code(text), stat::has_ended(text))
}

/// What a message of the socket diagnosis tells.
#[must_use]
pub fn diagnosis(message: &[u8]) -> Option<Seen> {
    catalog::seen(message)
}
