//! Entries of the registry: what their lines list, and what a sweep makes of a folder that somebody has filled. It only
//! tells, for what is listed may be anybody's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::OnceLock;

use os_ipc_core::fuzz;
use os_ipc_core::registry::{Registry, State};
use tempfile::TempDir;

use super::descriptors::leaves_none;
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "registry", grammar: Grammar::Tokens(TOKENS), run };

const TOKENS: &[&str] = &[
    "os-ipc registry 1 10 20\n",
    "os-ipc registry 2 10 20\n",
    "+ ",
    "- ",
    "\n",
    " ",
    "  ",
    "%",
    "%00",
    "%2F",
    "%+1",
    "%FF",
    "%C3%A9",
    "fifo",
    "socket",
    "file",
    "posix-queue",
    "posix-semaphore",
    "shared-memory",
    "lock",
    "sysv",
    "/a",
    "/dev/null",
    "/dev/shm/os-ipc-mutex.x",
    "/",
    "..",
    "1 0 /dev/shm/os-ipc-mutex.x",
    "8388608",
    "1:2",
    "+ fifo /a 1\n",
    "+ posix-queue /fuzz-nobody \n",
    "+ lock 8388609 1 0 /dev/shm/os-ipc-mutex.x\n",
    "- fifo /a\n",
    "\r",
    "\0",
    "\u{2028}",
];

/// No process has this number: it is above what the kernel gives.
const NOBODY: u32 = 1 << 30;

fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(objects) = fuzz::registry(&text) {
        let again = format!("os-ipc registry 1 10 20\n{}", fuzz::registry_lines(&objects));
        assert_eq!(fuzz::registry(&again), Some(objects), "what is listed is not what would be written");
    }
    leaves_none(|| swept(data));
}

fn swept(data: &[u8]) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("there is room");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        folder
    });
    let namespace = |kind| fs::metadata(format!("/proc/self/ns/{kind}")).expect("there is one").ino();
    let name = folder.path().join(format!("{NOBODY}.1.{}.0", namespace("pid")));
    let first = format!("os-ipc registry 1 {} {}\n", namespace("ipc"), namespace("mnt"));
    // Most inputs begin with a line of the other namespaces, which only the parser is told.
    let body = data.strip_prefix(b"os-ipc registry 1 10 20\n").map(|rest| [first.as_bytes(), rest].concat());
    fs::write(&name, body.as_deref().unwrap_or(data)).expect("there is room");
    let registry = Registry::at(vec![folder.path().to_path_buf()]);
    let listed = registry.entries().expect("the folder is ours");
    assert!(listed.iter().all(|entry| entry.process == NOBODY.cast_signed() && entry.state != State::Alive));
    let swept = registry.sweep(true).expect("the folder is ours");
    let count: usize = listed.iter().map(|entry| entry.objects.len()).sum();
    assert!(swept.removed.len() + swept.failed.len() <= count);
    fs::remove_file(&name).expect("a sweep that only tells removes nothing");
}
