//! Names and addresses of everything that has one: what is taken is what the kernel takes, and leads nowhere else.

use std::ffi::OsStr;
use std::path::Path;

use os_ipc_core::fuzz;
use os_ipc_core::lock;
use os_ipc_core::posix;
use os_ipc_core::signal::name as signal;
use os_ipc_core::topic;
use os_ipc_core::unix_socket::Address;

use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "names", grammar: Grammar::Tokens(TOKENS), run };

const TOKENS: &[&str] = &[
    "/",
    "//",
    "/.",
    "/..",
    ".",
    "..",
    "../",
    "@",
    "@@",
    "\0",
    "/x",
    "name",
    "é",
    "\u{10ffff}",
    "\n",
    " ",
    "%",
    "\\",
    "/dev/shm/",
    "/proc/self/fd/3",
    "os-ipc-",
    "sem.",
    "SIGRTMIN+",
    "SIGRTMAX-",
    "SIGTERM",
    "+",
    "-",
    "0",
    "1",
    "30",
    "64",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "1.2.3.4",
    "4294967296",
    "18446744073709551616",
];

const KINDS: [lock::Kind; 4] = [lock::Kind::Mutex, lock::Kind::RwLock, lock::Kind::Condition, lock::Kind::Barrier];

fn run(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Ok(name) = posix::Name::new(text) {
        assert_eq!(name.to_string(), text);
        assert!(is_word(&text[1..]) && text.len() <= 255, "{text:?} is no name of a queue");
    }
    if let Ok(address) = topic::Address::new(text) {
        match text.strip_prefix(['@', '\0']) {
            Some(name) => stands_in(address.path(), "/dev/shm", &format!("os-ipc-topic.{name}")),
            None => assert_eq!(address.path(), Path::new(text)),
        }
        assert!(!address.path().as_os_str().as_encoded_bytes().contains(&0));
    }
    for kind in KINDS {
        if let Ok(name) = lock::Name::new(kind, text) {
            let file = name.path().file_name().and_then(OsStr::to_str).expect("it has one");
            stands_in(name.path(), "/dev/shm", file);
            assert!(file.ends_with(text));
            assert_eq!(fuzz::lock_name_survives(kind, text), Ok(true));
        }
    }
    if let Ok(address) = Address::new(text) {
        assert!((1..=108).contains(&address.bytes().len()));
        assert_eq!(Address::from_kernel(address.bytes()).as_ref(), Some(&address));
        assert_eq!(Address::new(&address.to_string()).map(|again| again.to_string()), Ok(address.to_string()));
        assert_eq!(address.file().is_none(), text.starts_with(['@', '\0']));
    }
    // Whatever the kernel tells has a text.
    if let Some(address) = Address::from_kernel(data) {
        drop(address.to_string());
    }
    if let Some(number) = signal::number(text) {
        assert!((1..=64).contains(&number), "{text:?} is signal {number}");
        assert_eq!(signal::name(number).and_then(|name| signal::number(&name)), Some(number));
    }
    if fuzz::is_registry_name(text) {
        assert!(text.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()));
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word != "." && word != ".." && !word.contains(['/', '\0'])
}

fn stands_in(path: &Path, folder: &str, file: &str) {
    assert_eq!(path.parent(), Some(Path::new(folder)));
    assert_eq!(path.file_name(), Some(OsStr::new(file)));
    assert!(is_word(file) && file.len() <= 255, "{file:?} is no file's name");
}
