//! Pipes for JS: see `core/src/pipe.rs`.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::pipe::{Options, PipeEnd, Side, pipe};
use os_ipc_core::sys::Attempt;
use os_ipc_core::sys::epoll::Interest;

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    pub(crate) static PIPES: Table<PipeEnd> = const { Table::new() };
}

/// What a call that would have to wait gives in place of a count.
pub(crate) const WOULD_BLOCK: i32 = -1;

/// What JS knows of an end from the start.
#[napi(object)]
pub struct PipeFacts {
    pub id: u32,
    pub fd: i32,
    pub capacity: u32,
    pub packet: bool,
}

fn enter(end: PipeEnd) -> os_ipc_core::Result<PipeFacts> {
    let capacity = end.capacity()?;
    Ok(enter_with(end, capacity))
}

fn enter_with(end: PipeEnd, capacity: usize) -> PipeFacts {
    let (fd, packet) = (end.as_fd().as_raw_fd(), end.packet());
    PipeFacts { id: table::insert(&PIPES, end), fd, capacity: capacity as u32, packet }
}

#[napi(catch_unwind)]
pub fn pipe_create(env: Env, capacity: Option<u32>, packet: bool) -> napi::Result<Vec<PipeFacts>> {
    let made = pipe(Options { capacity: capacity.map(|bytes| bytes as usize), packet });
    made.and_then(|(reader, writer)| {
        // All that can fail comes before anything is entered: what is in the table stays open.
        let capacity = writer.capacity()?;
        Ok(vec![enter_with(reader, capacity), enter_with(writer, capacity)])
    })
    .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_adopt(env: Env, fd: i32, writer: bool) -> napi::Result<PipeFacts> {
    PipeEnd::adopt(fd, if writer { Side::Writer } else { Side::Reader }).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_duplicate(env: Env, id: u32) -> napi::Result<PipeFacts> {
    table::with(&PIPES, id, PipeEnd::duplicate).and_then(enter).or_throw(&env)
}

/// For an end that a waiter thread has opened.
#[napi(catch_unwind)]
pub fn pipe_facts(env: Env, id: u32) -> napi::Result<PipeFacts> {
    table::with(&PIPES, id, |end| {
        let capacity = end.capacity()? as u32;
        Ok(PipeFacts { id, fd: end.as_fd().as_raw_fd(), capacity, packet: end.packet() })
    })
    .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_close(id: u32) {
    drop(table::remove(&PIPES, id));
}

#[napi(catch_unwind)]
pub fn pipe_detach(env: Env, id: u32) -> napi::Result<i32> {
    let end = table::remove(&PIPES, id).ok_or(os_ipc_core::Error::Closed);
    end.map(|end| end.into_fd().into_raw_fd()).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_watch(env: Env, id: u32, reactor: u32, token: u32, writer: bool) -> napi::Result<()> {
    let interest = if writer { Interest::Write } else { Interest::Read };
    reactor::epoll(reactor).and_then(|epoll| table::watch(&PIPES, id, epoll, token, interest)).or_throw(&env)
}

/// Blocks this thread, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn pipe_block(env: Env, id: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&PIPES, id, |end| end.block(milliseconds)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_set_capacity(env: Env, id: u32, bytes: u32) -> napi::Result<u32> {
    table::with(&PIPES, id, |end| end.set_capacity(bytes as usize)).map(|given| given as u32).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn pipe_pending(env: Env, id: u32) -> napi::Result<u32> {
    table::with(&PIPES, id, PipeEnd::pending).map(|bytes| bytes as u32).or_throw(&env)
}

/// `pipeRead(id, target, length)`: the number of bytes read, 0 at the end, `WOULD_BLOCK` if there are none yet.
struct Read;

impl raw::Function for Read {
    const NAME: &CStr = c"pipeRead";
    const BODY: Body = |env, mut arguments| {
        let (id, length) = (arguments.number(0), arguments.number(2) as usize);
        let target = arguments.memory(1);
        let length = length.min(target.len());
        table::with(&PIPES, id, |end| end.try_read(&mut target[..length])).map(count).or_throw(env)
    };
}

/// `pipeWrite(id, data, from)`: the number of bytes written, `WOULD_BLOCK` if there is room for none.
struct Write;

impl raw::Function for Write {
    const NAME: &CStr = c"pipeWrite";
    const BODY: Body = |env, mut arguments| {
        let (id, from) = (arguments.number(0), arguments.number(2) as usize);
        let data = arguments.memory(1);
        let from = from.min(data.len());
        table::with(&PIPES, id, |end| end.try_write(&data[from..])).map(count).or_throw(env)
    };
}

/// The calls that are made for each message.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Read>(env, exports)?;
    raw::export::<Write>(env, exports)
}

/// The kernel moves at most 2 GiB at once, so a count is an i32.
fn count(attempt: Attempt<usize>) -> i32 {
    match attempt {
        Attempt::Done(bytes) => bytes as i32,
        Attempt::WouldBlock => WOULD_BLOCK,
    }
}
