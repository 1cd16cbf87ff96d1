//! Sockets that listen, and what a service manager hands over and is told, for JS: see `core/src/unix_socket/`.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use os_ipc_core::sys::epoll::Interest;
use os_ipc_core::sys::{Attempt, fd as sys_fd};
use os_ipc_core::unix_socket::{Address, Listener, OnStale, notify};
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::reactor;
use crate::table::{self, Table};
use crate::unix_socket::{UnixSocketFacts, enter as enter_socket, kind_of, number_of};

thread_local! {
    pub(crate) static LISTENERS: Table<Listener> = const { Table::new() };
}

/// How a socket is to listen. `kind`: as for sockets.
#[napi(object)]
pub struct UnixListenerOptions {
    pub kind: u32,
    pub mode: u32,
    pub backlog: i32,
    pub replace: bool,
}

/// What JS knows of a listener from the start.
#[napi(object)]
pub struct UnixListenerFacts {
    pub id: u32,
    pub fd: i32,
    pub kind: u32,
    pub address: Option<String>,
}

fn enter(listener: Listener) -> Result<UnixListenerFacts> {
    let address = listener.address()?.map(|address| address.to_string());
    let (fd, kind) = (listener.as_fd().as_raw_fd(), number_of(listener.kind()));
    Ok(UnixListenerFacts { id: table::insert(&LISTENERS, listener), fd, kind, address })
}

/// `replace`: what stands in the way, if it is a socket of this user's that nobody has open any more.
pub(crate) fn on_stale(replace: bool) -> OnStale {
    if replace { OnStale::Replace } else { OnStale::Fail }
}

#[napi(catch_unwind)]
pub fn unix_listener_open(env: Env, address: String, options: UnixListenerOptions) -> napi::Result<UnixListenerFacts> {
    let UnixListenerOptions { kind, mode, backlog, replace } = options;
    Address::new(&address)
        .and_then(|address| Listener::bind(kind_of(kind), &address, mode, backlog, on_stale(replace)))
        .and_then(enter)
        .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_listener_adopt(env: Env, fd: i32) -> napi::Result<UnixListenerFacts> {
    Listener::adopt(fd).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_listener_duplicate(env: Env, id: u32) -> napi::Result<UnixListenerFacts> {
    table::with(&LISTENERS, id, Listener::duplicate).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_listener_close(id: u32) {
    drop(table::remove(&LISTENERS, id));
}

#[napi(catch_unwind)]
pub fn unix_listener_detach(env: Env, id: u32) -> napi::Result<i32> {
    let listener = table::remove(&LISTENERS, id).ok_or(Error::Closed);
    listener.map(|listener| listener.into_fd().into_raw_fd()).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_listener_watch(env: Env, id: u32, reactor: u32, token: u32) -> napi::Result<()> {
    reactor::epoll(reactor).and_then(|epoll| table::watch(&LISTENERS, id, epoll, token, Interest::Read)).or_throw(&env)
}

/// Blocks this thread until somebody waits to be accepted, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn unix_listener_block(env: Env, id: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&LISTENERS, id, |listener| listener.block(milliseconds)).or_throw(&env)
}

/// Takes a connection; nothing if there is none.
#[napi(catch_unwind)]
pub fn unix_listener_accept(env: Env, id: u32) -> napi::Result<Option<UnixSocketFacts>> {
    match table::with(&LISTENERS, id, Listener::try_accept).or_throw(&env)? {
        Attempt::WouldBlock => Ok(None),
        Attempt::Done(socket) => enter_socket(socket).map(Some).or_throw(&env),
    }
}

/// A descriptor that was inherited is not to be inherited again.
#[napi(catch_unwind)]
pub fn listen_fd_keep(env: Env, fd: i32) -> napi::Result<()> {
    sys_fd::keep(fd).or_throw(&env)
}

/// False where nobody listens.
#[napi(catch_unwind)]
pub fn systemd_notify(env: Env, address: String, state: Buffer, fds: Vec<i32>) -> napi::Result<bool> {
    Address::new(&address).and_then(|address| notify::notify(&address, &state, &fds)).or_throw(&env)
}
