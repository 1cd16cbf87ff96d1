//! Frames of a channel's control line: a letter and JSON.

use os_ipc_core::fuzz;

use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "frame", grammar: Grammar::Tokens(TOKENS), run };

const TOKENS: &[&str] = &[
    "H",
    "S",
    "X",
    "D",
    "E",
    "Z",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\"version\"",
    "\"side\"",
    "\"sequence\"",
    "\"code\"",
    "\"message\"",
    "\"__proto__\"",
    "1",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e999",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "null",
    "true",
    "\"ERR_IPC_VERSION\"",
    "{\"version\":1}",
    "{\"side\":",
    "[[[[",
    "{\"a\":{\"a\":",
    "\u{feff}",
    " ",
    "\n",
    "\u{e9}",
];

fn run(data: &[u8]) {
    let known = fuzz::frame(data);
    if data.first().is_none_or(|letter| !b"HSXDE".contains(letter)) {
        assert!(known != Ok(true), "an unknown letter is understood");
    }
    let text = String::from_utf8_lossy(data);
    let (code, message) =
        text.split_at(text.len() / 2 - (0..4).find(|back| text.is_char_boundary(text.len() / 2 - back)).unwrap_or(0));
    assert!(fuzz::refusal_survives(code, message), "a refusal is read as another one");
}

/// A frame that an enemy would send: most of them are nearly right.
pub(super) fn frame(step: Step, source: &mut Source<'_>) -> Vec<u8> {
    let number = crate::number::value(step.class, step.value, 0, 64);
    let small = step.value % 4;
    match step.which % 14 {
        0 => format!("H{{\"version\":{small}}}").into_bytes(),
        1 | 2 => format!("S{{\"side\":{small}}}").into_bytes(),
        3 => format!("S{{\"side\":{number}}}").into_bytes(),
        4 | 5 => format!("X{{\"sequence\":{small}}}").into_bytes(),
        6 => format!("X{{\"sequence\":{number}}}").into_bytes(),
        7 => format!("D{{\"sequence\":{small}}}").into_bytes(),
        8 => br#"E{"code":"ERR_IPC_VERSION","message":1}"#.to_vec(),
        9 => format!("E{{\"code\":\"{number}\"}}").into_bytes(),
        10 => format!("Q{{\"sequence\":{small}}}").into_bytes(),
        11 => Vec::new(),
        12 => [b"X".as_slice(), &b"[".repeat(number as usize % 60_000)].concat(),
        _ => source.slice(usize::from(step.class)).to_vec(),
    }
}
