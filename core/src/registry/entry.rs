//! The file of one process: its first line says what it is, each further one what was made or has gone.
//!
//! ```text
//! os-ipc registry 1 IPC-NAMESPACE MOUNT-NAMESPACE
//! + KIND NAME IDENTITY
//! - KIND NAME
//! ```
//!
//! Only the owner writes, always at the end. What a crash has cut off has no newline and does not count: the object was
//! not made yet, or has gone already. Bytes that could be mistaken stand as %XX.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::Object;
use super::folder::Folder;
use super::owner::{Namespaces, Owner};
use crate::error::{Error, Result};
use crate::sys::fd::set_lock;

const MAGIC: [&str; 2] = ["os-ipc", "registry"];
const VERSION: &str = "1";
/// No entry of ours comes near this; what is larger was not written by us.
const SIZE_LIMIT: u64 = 64 << 20;
/// From this size on an entry is written anew when most of it is struck out.
const WORTH_REWRITING: u64 = 64 << 10;
/// How often, a millisecond apart, an entry is locked that a sweep is looking at.
const LOCK_ATTEMPTS: u32 = 5_000;

/// What can be said of an entry's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It lives.
    Alive,
    /// It has died: nobody holds the lock, and there is no such process.
    Dead,
    /// It cannot be judged from here: another namespace, another version of the format, or nothing that can be read.
    Unknown,
}

/// The entry of this process. The lock goes with the file.
#[derive(Debug)]
pub(super) struct Entry {
    folder: Folder,
    owner: Owner,
    name: OsString,
    file: File,
    length: u64,
    objects: Vec<Object>,
}

impl Entry {
    /// A new one that lists `objects`.
    pub(super) fn create(folder: Folder, objects: Vec<Object>) -> Result<Self> {
        let owner = Owner::this()?;
        let Namespaces { ipc, mount } = Namespaces::this()?;
        let mut text = format!("{} {} {VERSION} {ipc} {mount}\n", MAGIC[0], MAGIC[1]);
        for object in &objects {
            text.push_str(&line_of(object));
        }
        // Another copy of this package in the process has an entry of its own.
        for number in 0..u32::MAX {
            let name = OsString::from(owner.entry_name(number));
            let Some(file) = folder.create(&name)? else { continue };
            if let Err(error) = lock_own(&file, &folder, &name) {
                drop(folder.remove(&name));
                return Err(error);
            }
            let mut entry = Self { folder, owner, name, file, length: 0, objects };
            return match entry.write(&text) {
                Ok(()) => Ok(entry),
                Err(error) => {
                    // Nothing has been made yet; an empty entry that stays would be swept like any other.
                    drop(entry.folder.remove(&entry.name));
                    Err(error)
                }
            };
        }
        Err(Error::os(Errno::EEXIST, "open").at(folder.path()))
    }

    /// Whether others can still find it, and it is this process's own.
    pub(super) fn is_standing(&self) -> Result<bool> {
        Ok(self.owner.is_this() && links(&self.file)? > 0)
    }

    /// For the entry that comes after this one: none after a fork, for they are the parent's.
    pub(super) fn take_objects(&mut self) -> Vec<Object> {
        if self.owner.is_this() { std::mem::take(&mut self.objects) } else { Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn record(&mut self, object: Object) -> Result<()> {
        if self.objects.contains(&object) {
            return Ok(());
        }
        self.write(&line_of(&object))?;
        replace(&mut self.objects, object);
        Ok(())
    }

    pub(super) fn forget(&mut self, kind: &str, name: &OsStr) -> Result<()> {
        let Some(index) = self.objects.iter().position(|object| object.is(kind, name)) else { return Ok(()) };
        if !self.owner.is_this() {
            return Ok(());
        }
        let object = self.objects.remove(index);
        // If it cannot be struck out it is listed although it has gone, which does no harm.
        self.write(&format!("- {} {}\n", escaped(object.kind.as_bytes()), escaped(object.name.as_bytes())))?;
        if self.length >= WORTH_REWRITING && self.length > 4 * self.size_of_objects() && self.is_standing()? {
            self.rewrite()?;
        }
        Ok(())
    }

    /// The new one stands before the old one goes, so nothing is unlisted at any moment.
    fn rewrite(&mut self) -> Result<()> {
        let Some(folder) = Folder::existing(self.folder.path())? else { return Ok(()) };
        let fresh = Self::create(folder, self.objects.clone())?;
        std::mem::replace(self, fresh).remove()
    }

    /// Removes the file.
    pub(super) fn remove(self) -> Result<()> {
        if self.is_standing()? { self.folder.remove(&self.name) } else { Ok(()) }
    }

    fn size_of_objects(&self) -> u64 {
        self.objects.iter().map(|object| line_of(object).len() as u64).sum()
    }

    /// All of it or nothing that counts: what was written in part is written over by the next line.
    fn write(&mut self, text: &str) -> Result<()> {
        let written = self.file.write_all_at(text.as_bytes(), self.length);
        written.map_err(|error| failed(&error, "write", &self.folder, &self.name))?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// An entry whose process is dead, locked by us: nobody else takes it for that meanwhile.
pub(super) struct Judged<'a> {
    folder: &'a Folder,
    name: &'a OsStr,
    #[expect(dead_code, reason = "it holds the lock")]
    file: File,
    objects: Vec<Object>,
}

impl Judged<'_> {
    pub(super) fn objects(&self) -> &[Object] {
        &self.objects
    }

    pub(super) fn remove(&self) -> Result<()> {
        self.folder.remove(self.name)
    }
}

/// Locks the entry if its process is proven dead.
pub(super) fn claim<'a>(folder: &'a Folder, name: &'a OsStr, owner: &Owner) -> Result<Option<Judged<'a>>> {
    if !owner.can_be_judged() || owner.exists() {
        return Ok(None);
    }
    let Some(file) = folder.file(name)? else { return Ok(None) };
    // Another sweep may have been here between the opening and the locking.
    if !try_lock(&file, folder, name)? || links(&file)? == 0 {
        return Ok(None);
    }
    match read(&file, folder, name)? {
        Content::Objects(objects) => Ok(Some(Judged { folder, name, file, objects })),
        Content::NotForUs => Ok(None),
    }
}

/// What there is to say of an entry; None if it has gone.
pub(super) fn look(folder: &Folder, name: &OsStr, owner: &Owner) -> Result<Option<(State, Vec<Object>)>> {
    let Some(file) = folder.file(name)? else { return Ok(None) };
    let Content::Objects(objects) = read(&file, folder, name)? else { return Ok(Some((State::Unknown, Vec::new()))) };
    let state = if is_locked(&file, folder, name)? {
        State::Alive
    } else if !owner.can_be_judged() {
        State::Unknown
    } else if owner.exists() {
        // About to lock it, or on its way out.
        State::Alive
    } else {
        State::Dead
    };
    Ok(Some((state, objects)))
}

enum Content {
    Objects(Vec<Object>),
    NotForUs,
}

fn read(file: &File, folder: &Folder, name: &OsStr) -> Result<Content> {
    let mut text = Vec::new();
    let mut limited = file.take(SIZE_LIMIT);
    limited.read_to_end(&mut text).map_err(|error| failed(&error, "read", folder, name))?;
    if text.len() as u64 == SIZE_LIMIT {
        return Ok(Content::NotForUs);
    }
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
    text.truncate(end);
    Ok(String::from_utf8(text)
        .ok()
        .and_then(|text| parse(&text, Namespaces::this().ok()?))
        .map_or(Content::NotForUs, Content::Objects))
}

/// What a whole text lists, seen from `here`; None if it is not for us to judge.
pub(crate) fn parse(text: &str, here: Namespaces) -> Option<Vec<Object>> {
    let mut lines = text.lines();
    // Cut off in the first line: nothing was made yet.
    let Some(first) = lines.next() else { return Some(Vec::new()) };
    let expected = format!("{} {} {VERSION} {} {}", MAGIC[0], MAGIC[1], here.ipc, here.mount);
    if first != expected {
        return None;
    }
    let mut objects = Vec::new();
    for line in lines {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["+", kind, name, identity] => {
                let (kind, identity) =
                    (String::from_utf8(bytes(kind)?).ok()?, String::from_utf8(bytes(identity)?).ok()?);
                replace(&mut objects, Object { kind, name: OsString::from_vec(bytes(name)?), identity });
            }
            ["-", kind, name] => {
                let (kind, name) = (String::from_utf8(bytes(kind)?).ok()?, OsString::from_vec(bytes(name)?));
                objects.retain(|object: &Object| !object.is(&kind, &name));
            }
            _ => return None,
        }
    }
    Some(objects)
}

fn replace(objects: &mut Vec<Object>, object: Object) {
    match objects.iter_mut().find(|other| other.is(&object.kind, &object.name)) {
        Some(same) => *same = object,
        None => objects.push(object),
    }
}

pub(crate) fn line_of(object: &Object) -> String {
    let [kind, name, identity] =
        [object.kind.as_bytes(), object.name.as_bytes(), object.identity.as_bytes()].map(escaped);
    format!("+ {kind} {name} {identity}\n")
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_graphic() && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The inverse of [`escaped`]; None for what that never writes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.bytes();
    let mut bytes = Vec::with_capacity(text.len());
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
        } else {
            byte
        });
    }
    Some(bytes)
}

/// A sweep holds the lock for a moment even of an entry that has just been made, to look at it.
fn lock_own(file: &File, folder: &Folder, name: &OsStr) -> Result<()> {
    for _ in 0..LOCK_ATTEMPTS {
        if try_lock(file, folder, name)? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Err(Error::os(Errno::EAGAIN, "fcntl").at(folder.path().join(name)))
}

/// By a lock of the open file description: it goes with the last descriptor, and so with the process.
fn try_lock(file: &File, folder: &Folder, name: &OsStr) -> Result<bool> {
    match set_lock(file, &whole_file()) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(Error::os(errno, "fcntl").at(folder.path().join(name))),
    }
}

fn is_locked(file: &File, folder: &Folder, name: &OsStr) -> Result<bool> {
    let mut lock = whole_file();
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))
        .map_err(|errno| Error::os(errno, "fcntl").at(folder.path().join(name)))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn whole_file() -> libc::flock {
    libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 }
}

fn links(file: &File) -> Result<u64> {
    file.metadata().map(|metadata| metadata.nlink()).map_err(|error| Error::os(errno_of(&error), "fstat"))
}

fn failed(error: &io::Error, syscall: &'static str, folder: &Folder, name: &OsStr) -> Error {
    Error::os(errno_of(error), syscall).at(folder.path().join(name))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Namespaces = Namespaces { ipc: 10, mount: 20 };
    const FIRST: &str = "os-ipc registry 1 10 20\n";

    fn parsed(lines: &str) -> Option<Vec<Object>> {
        parse(&format!("{FIRST}{lines}"), HERE)
    }

    #[test]
    fn what_is_written_is_read_again_whatever_the_names_hold() {
        let names: [&[u8]; 5] = [b"/plain", b"with space\nand newline", b"100%25 %", b"\xFF\x00\x01", b""];
        let objects: Vec<Object> = names
            .iter()
            .map(|name| Object {
                kind: "a kind".into(),
                name: OsString::from_vec(name.to_vec()),
                identity: "\u{e9} 1".into(),
            })
            .collect();
        let lines: String = objects.iter().map(line_of).collect();
        assert_eq!(lines.lines().count(), objects.len());
        assert_eq!(parsed(&lines), Some(objects));
    }

    #[test]
    fn what_is_struck_out_is_gone_and_what_is_written_twice_counts_once() {
        assert_eq!(parsed("+ fifo /a 1\n+ fifo /b \n- fifo /a\n"), Some(vec![Object::new("fifo", "/b")]));
        assert_eq!(parsed("+ fifo /a 1\n+ file /a 3\n+ fifo /a 2\n").map(|objects| objects.len()), Some(2));
        assert_eq!(parsed("- fifo /a\n"), Some(vec![]));
    }

    #[test]
    fn what_was_not_written_by_this_version_in_these_namespaces_is_not_for_us() {
        for line in ["+ fifo /a\n", "* fifo /a 1\n", "+ fifo /a 1 2\n", "\n", "+ fifo /%G1 1\n", "+ fifo /% 1\n"] {
            assert_eq!(parsed(line), None, "{line:?}");
        }
        for first in ["os-ipc registry 2 10 20\n", "os-ipc registry 1 11 20\n", "os-ipc registry 1 10 21\n", "hello\n"]
        {
            assert_eq!(parse(first, HERE), None, "{first:?}");
        }
        assert_eq!(parse("", HERE), Some(vec![]));
    }
}
