//! What the kernel tells in bytes: a process's status, whose name may hold anything, and the socket diagnosis.

use os_ipc_core::fuzz;

use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "kernel", grammar: Grammar::Tokens(TOKENS), run };

const TOKENS: &[&str] = &[
    "(",
    ")",
    ") ",
    ") R 1 ",
    " ",
    "\n",
    "Z",
    "X",
    "-1",
    "1",
    "18446744073709551616",
    "4711",
    "a) Z (",
    "\0\0\0\0",
    "\u{8}\0\u{1}\0\0\0\0\0",
    "\u{4}\0\0\0",
    "\u{1}\u{5}\u{1}\0aaaabbbbcccc",
];

fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let told = fuzz::process_stat(&text);
    // Nothing in the name changes it.
    if let Some((name, rest)) = text.rsplit_once(')') {
        assert_eq!(fuzz::process_stat(&format!("1 ({name}) ) Z 9){rest}")), told);
    } else {
        assert_eq!(told, (None, None, None, false));
    }
    if let Some(seen) = fuzz::diagnosis(data) {
        assert!(seen.name.len() <= data.len());
    }
}
