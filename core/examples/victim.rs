//! A small program that is to be killed: it sends, receives or holds a lock for ever, and writes down how far it has come.
//!
//! What it does is its first argument, the file in which it counts the second. A channel is inherited as descriptor 3; bytes
//! and packets go to stdout and come from stdin. A message holds records of eight bytes, as the campaigns have them: a
//! number and a mix of it, both in four bytes.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write, stdin, stdout};
use std::os::fd::AsFd;

use os_ipc_core::lock::{Hold, Kind, Lock, Name, Options};
use os_ipc_core::ring::{Channel, Next};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MIX: u32 = 0x5bd1_e995;
const RECORD: usize = 8;
const CHANNEL: i32 = 3;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&words) {
        eprintln!("victim {words:?}: {error}");
        std::process::exit(1);
    }
}

fn run(words: &[String]) -> Result<()> {
    let [role, path, rest @ ..] = words else { return Err("victim ROLE PROGRESS …".into()) };
    let progress = Progress(OpenOptions::new().append(true).open(path)?);
    match (role.as_str(), rest) {
        ("channel-sends", [most]) => {
            let mut channel = Channel::from_fd(CHANNEL)?;
            send(progress, most.parse()?, |message| Ok(channel.send(message, None)?))
        }
        ("channel-receives", []) => {
            let mut channel = Channel::from_fd(CHANNEL)?;
            receive(progress, || Ok(channel.receive(None)?.map(|message| message.data)))
        }
        ("channel-both", [sent, most]) => {
            both(progress, Progress(OpenOptions::new().append(true).open(sent)?), most.parse()?)
        }
        ("sends", [most]) => {
            // Not by std's own handle, which gathers lines.
            let mut out = File::from(stdout().as_fd().try_clone_to_owned()?);
            send(progress, most.parse()?, |message| Ok(out.write_all(message)?))
        }
        ("receives", []) => {
            let mut input = File::from(stdin().as_fd().try_clone_to_owned()?);
            let mut buffer = vec![0; 65_536];
            let mut kept = Vec::new();
            receive(progress, || {
                let count = input.read(&mut buffer)?;
                kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let whole = kept.len() / RECORD * RECORD;
                Ok((count > 0).then(|| kept.drain(..whole).collect()))
            })
        }
        ("holds", [name, hold]) => hold_for_ever(progress, name, hold),
        _ => Err("nobody knows how to do that".into()),
    }
}

/// Numbers of four bytes, appended to a file: nothing else would survive this process.
struct Progress(File);

impl Progress {
    fn add(&mut self, number: u32) -> Result<()> {
        Ok(self.0.write_all(&number.to_le_bytes())?)
    }
}

/// The numbers from `first`, one record each.
fn encode(first: u32, count: u32) -> Vec<u8> {
    (first..first + count).flat_map(|number| [number.to_le_bytes(), (number ^ MIX).to_le_bytes()]).flatten().collect()
}

/// Puts the numbers of a message down, which have to come one after the other.
fn check(message: &[u8], next: &mut u32, progress: &mut Progress) -> Result<()> {
    for record in message.chunks(RECORD) {
        if record != encode(*next, 1) {
            return Err(format!("{record:?} has come for {next}").into());
        }
        progress.add(*next)?;
        *next += 1;
    }
    Ok(())
}

/// So many records go into the next message: mostly few, sometimes up to `most`.
fn size(number: u32, most: u32) -> u32 {
    let chance = number.wrapping_mul(2_654_435_761) >> 8;
    1 + if chance.is_multiple_of(10) { chance / 10 % most } else { chance / 10 % most.min(32) }
}

fn send(mut progress: Progress, most: u32, mut message: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut next = 0;
    loop {
        let count = size(next, most);
        message(&encode(next, count))?;
        next += count;
        progress.add(next)?;
    }
}

fn receive(mut progress: Progress, mut message: impl FnMut() -> Result<Option<Vec<u8>>>) -> Result<()> {
    let mut next = 0;
    while let Some(data) = message()? {
        check(&data, &mut next, &mut progress)?;
    }
    Err("the end has come".into())
}

/// Sends and receives as either can be done.
fn both(mut received: Progress, mut sent: Progress, most: u32) -> Result<()> {
    let mut channel = Channel::from_fd(CHANNEL)?;
    let (mut next, mut expected) = (0, 0);
    loop {
        let count = size(next, most);
        if channel.try_send(&encode(next, count))? {
            next += count;
            sent.add(next)?;
        }
        match channel.try_receive()? {
            Next::Message(message) => check(&message.data, &mut expected, &mut received)?,
            Next::Nothing => std::thread::yield_now(),
            Next::End => return Err("the end has come".into()),
        }
    }
}

/// Writes 1 down when it has it, and 0 before it gives it back.
fn hold_for_ever(mut progress: Progress, name: &str, hold: &str) -> Result<()> {
    let (kind, hold) = match hold {
        "lock" => (Kind::Mutex, Hold::Alone),
        "read" => (Kind::RwLock, Hold::Read),
        _ => (Kind::RwLock, Hold::Write),
    };
    let lock = Lock::open(Name::new(kind, name)?, Options { mode: 0o600, any_owner: false, parties: 0 })?;
    loop {
        lock.take_here(hold, None)?;
        lock.enter(hold)?;
        progress.add(1)?;
        progress.add(0)?;
        lock.leave(hold)?;
    }
}
