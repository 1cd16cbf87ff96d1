//! Processes for JS: see `core/src/process/mod.rs`.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

use napi::Env;
use napi_derive::napi;
use os_ipc_core::Error;
use os_ipc_core::process::{Facts, Process};
use os_ipc_core::sys::Attempt;
use os_ipc_core::sys::epoll::Interest;

use crate::error::OrThrow;
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static PROCESSES: Table<Process> = const { Table::new() };
}

/// In place of a status: it has not ended.
const RUNS: i32 = -1;
/// In place of a status: it has ended, and that is all that can be known.
const UNKNOWN: i32 = -2;

/// What JS knows of a process from the start.
#[napi(object)]
pub struct ProcessFacts {
    pub id: u32,
    pub fd: i32,
    pub pid: i32,
    pub parent: i32,
    /// Milliseconds since 1970.
    pub start: Option<f64>,
}

fn enter(process: Process, facts: Facts) -> ProcessFacts {
    ProcessFacts {
        fd: process.as_fd().as_raw_fd(),
        pid: process.pid(),
        parent: facts.parent,
        start: facts.start,
        id: table::insert(&PROCESSES, process),
    }
}

#[napi(catch_unwind)]
pub fn process_open(env: Env, pid: i32) -> napi::Result<ProcessFacts> {
    Process::open_with_facts(pid).map(|(process, facts)| enter(process, facts)).or_throw(&env)
}

/// `pid`: what is known of its number. Without facts if it has been reaped.
#[napi(catch_unwind)]
pub fn process_adopt(env: Env, fd: i32, pid: Option<i32>) -> napi::Result<ProcessFacts> {
    let process = Process::adopt(fd, pid).or_throw(&env)?;
    let facts = process.facts().unwrap_or_default();
    Ok(enter(process, facts))
}

#[napi(catch_unwind)]
pub fn process_duplicate(env: Env, id: u32) -> napi::Result<ProcessFacts> {
    let process = table::with(&PROCESSES, id, Process::duplicate).or_throw(&env)?;
    Ok(enter(process, Facts::default()))
}

#[napi(catch_unwind)]
pub fn process_close(id: u32) {
    drop(table::remove(&PROCESSES, id));
}

#[napi(catch_unwind)]
pub fn process_detach(env: Env, id: u32) -> napi::Result<i32> {
    let process = table::remove(&PROCESSES, id).ok_or(Error::Closed);
    process.map(|process| process.into_fd().into_raw_fd()).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn process_watch(env: Env, id: u32, reactor: u32, token: u32) -> napi::Result<()> {
    reactor::epoll(reactor).and_then(|epoll| table::watch(&PROCESSES, id, epoll, token, Interest::Read)).or_throw(&env)
}

/// Blocks this thread until it has ended, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn process_block(env: Env, id: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&PROCESSES, id, |process| process.block(milliseconds)).or_throw(&env)
}

/// Its parent's number now; nothing once it has been reaped.
#[napi(catch_unwind)]
pub fn process_parent(env: Env, id: u32) -> napi::Result<Option<i32>> {
    table::with(&PROCESSES, id, |process| Ok(process.facts().map(|facts| facts.parent))).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn process_alive(env: Env, id: u32) -> napi::Result<bool> {
    table::with(&PROCESSES, id, |process| process.has_ended().map(|ended| !ended)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn process_send(env: Env, id: u32, signal: i32, value: Option<i32>) -> napi::Result<()> {
    table::with(&PROCESSES, id, |process| process.send(signal, value)).or_throw(&env)
}

/// Its status as wait(2) gives it, `RUNS` or `UNKNOWN`. Reaps nobody.
#[napi(catch_unwind)]
pub fn process_status(env: Env, id: u32) -> napi::Result<i32> {
    let looked = table::with(&PROCESSES, id, Process::look).or_throw(&env)?;
    Ok(match looked {
        Attempt::WouldBlock => RUNS,
        Attempt::Done(status) => status.map_or(UNKNOWN, |status| status.0),
    })
}
