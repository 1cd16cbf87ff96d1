//! Frames of the control line: a letter and a JSON object.

use serde_json::{Value, json};

use super::layout::VERSION;
use crate::error::{Error, Result};

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Hello, from an end of this version of the format.
    Hello(u32),
    /// Which side the reader is; its descriptors travel with it.
    SetUp(usize),
    /// The descriptors of a message, or the memory that it stands in, under this number.
    Supply(u32),
    /// They are not wanted any more.
    Withdrawn(u32),
    /// A refusal: its code and its sentence.
    Refusal(String, String),
    /// What a later version may say.
    Unknown,
}

/// Of a hello.
#[must_use]
pub(crate) fn hello() -> Vec<u8> {
    frame('H', &json!({ "version": VERSION }))
}

/// Of the set-up of `side`.
#[must_use]
pub(crate) fn set_up(side: usize) -> Vec<u8> {
    frame('S', &json!({ "side": side }))
}

/// Of a refusal.
#[must_use]
pub(crate) fn refusal(code: &str, message: &str) -> Vec<u8> {
    frame('E', &json!({ "code": code, "message": message }))
}

fn frame(letter: char, body: &Value) -> Vec<u8> {
    format!("{letter}{body}").into_bytes()
}

/// Reads one.
pub(crate) fn parse(data: &[u8]) -> Result<Said> {
    let Some((letter, body)) = data.split_first() else { return Ok(Said::Unknown) };
    let body = match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => body,
        _ => return Err(Error::Corrupt("a frame is not JSON")),
    };
    let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sequence = || number("sequence").ok_or(Error::Corrupt("a frame has no sequence number"));
    Ok(match letter {
        b'H' => Said::Hello(number("version").unwrap_or(0)),
        b'S' => Said::SetUp(number("side").unwrap_or(0) as usize & 1),
        b'X' => Said::Supply(sequence()?),
        b'D' => Said::Withdrawn(sequence()?),
        b'E' => Said::Refusal(text("code"), text("message")),
        _ => Said::Unknown,
    })
}
