//! What endpoints ask of the kernel beside sockets: where those of this user stand, and which of many has something.

use std::os::fd::AsFd;
use std::path::PathBuf;

use napi::Env;
use napi_derive::napi;
use os_ipc_core::registry::Registry;
use os_ipc_core::sys::slice;

use crate::error::OrThrow;
use crate::table;
use crate::unix_listener::LISTENERS;
use crate::unix_socket::SOCKETS;

/// The folder for this process's endpoint, which is made if there is none.
#[napi(catch_unwind)]
pub fn endpoint_folder(env: Env) -> napi::Result<String> {
    Registry::home().map(text).or_throw(&env)
}

/// The folders where that of a process may stand which was started with a run-time folder of its own.
#[napi(catch_unwind)]
pub fn endpoint_folders(env: Env, elsewhere: Option<String>) -> napi::Result<Vec<String>> {
    let folders = Registry::homes(elsewhere.map(PathBuf::from));
    folders.map(|folders| folders.into_iter().map(text).collect()).or_throw(&env)
}

/// Blocks this thread until one of these has something, for at most `milliseconds`; tells which, listeners first.
#[napi(catch_unwind)]
pub fn endpoint_block(env: Env, listeners: Vec<u32>, sockets: Vec<u32>, milliseconds: u8) -> napi::Result<Vec<bool>> {
    table::with_all(&LISTENERS, &listeners, |listeners| {
        table::with_all(&SOCKETS, &sockets, |sockets| {
            let fds: Vec<_> = listeners.iter().map(AsFd::as_fd).chain(sockets.iter().map(AsFd::as_fd)).collect();
            slice::wait_any(&fds, milliseconds)
        })
    })
    .or_throw(&env)
}

fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}
