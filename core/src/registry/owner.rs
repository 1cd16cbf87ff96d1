//! Whose an entry is: the number of a process is used again, but not together with its time of start, and only within
//! its PID namespace. See proc(5), pid_namespaces(7).

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::process;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::process::stat;

/// A process that has, or had, an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    process: i32,
    /// In clock ticks since the system was started.
    start: u64,
    namespace: u64,
}

/// Where the names of objects have their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Namespaces {
    pub(crate) ipc: u64,
    pub(crate) mount: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat").map_err(|error| unreadable(&error, "/proc/self/stat"))?;
        let start = stat::start(&stat).ok_or_else(|| Error::os(Errno::EIO, "read").at("/proc/self/stat"))?;
        Ok(Self { process: process::id().cast_signed(), start, namespace: namespace("pid")? })
    }

    /// The name of its entry: the first one, or a later one if that is in use.
    pub(crate) fn entry_name(&self, number: u32) -> String {
        format!("{}.{}.{}.{number}", self.process, self.start, self.namespace)
    }

    /// None if that is no entry's name.
    pub(crate) fn of_entry(name: &OsStr) -> Option<Self> {
        let mut parts = name.to_str()?.split('.');
        let (process, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (namespace, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let owner = Self { process, start, namespace };
        // The one spelling of it.
        (process > 0 && owner.entry_name(number).as_str() == name).then_some(owner)
    }

    pub(super) fn process(&self) -> i32 {
        self.process
    }

    /// Whether this process is the owner, and not a child after a fork.
    pub(super) fn is_this(&self) -> bool {
        self.process == process::id().cast_signed()
    }

    /// Whether it can be judged from here: same PID namespace, and /proc shows that one.
    pub(super) fn can_be_judged(&self) -> bool {
        let me = fs::read_link("/proc/self").ok();
        me.is_some_and(|path| path.to_str() == Some(process::id().to_string().as_str()))
            && namespace("pid").is_ok_and(|mine| mine == self.namespace)
    }

    /// Whether there is such a process, for one that can be judged. Where it cannot be told, there is. (A zombie's threads
    /// may go on, but they hold the lock.)
    pub(super) fn exists(&self) -> bool {
        match fs::read_to_string(format!("/proc/{}/stat", self.process)) {
            Ok(stat) => stat::start(&stat).is_none_or(|start| start == self.start) && !stat::has_ended(&stat),
            Err(error) => !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)),
        }
    }
}

impl Namespaces {
    /// Those of this process.
    pub(super) fn this() -> Result<Self> {
        Ok(Self { ipc: namespace("ipc")?, mount: namespace("mnt")? })
    }
}

fn namespace(kind: &str) -> Result<u64> {
    let path = format!("/proc/self/ns/{kind}");
    fs::metadata(&path).map(|file| file.ino()).map_err(|error| unreadable(&error, &path))
}

fn unreadable(error: &io::Error, path: &str) -> Error {
    Error::os(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)), "open").at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrys_name_tells_its_owner_and_nothing_else_is_one() {
        let owner = Owner::this().unwrap();
        assert_eq!(Owner::of_entry(owner.entry_name(3).as_ref()), Some(owner.clone()));
        assert!(owner.exists() && owner.can_be_judged() && owner.is_this());
        for name in
            ["", ".", "..", "1.2.3", "1.2.3.4.5", "01.2.3.4", "-1.2.3.4", "0.2.3.4", "+1.2.3.4", "1.2.3.x", "1.2.3."]
        {
            assert_eq!(Owner::of_entry(name.as_ref()), None, "{name}");
        }
    }

    #[test]
    fn the_same_number_with_another_time_of_start_is_another_process() {
        let mut owner = Owner::this().unwrap();
        owner.start += 1;
        assert!(!owner.exists());
        owner.namespace += 1;
        assert!(!owner.can_be_judged());
    }
}
