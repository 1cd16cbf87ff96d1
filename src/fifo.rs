//! FIFOs for JS: see `core/src/fifo.rs`.

use std::path::PathBuf;

use napi::Env;
use napi_derive::napi;
use os_ipc_core::fifo;
use os_ipc_core::pipe::Side;
use os_ipc_core::sys::Attempt;

use crate::error::OrThrow;
use crate::pipe::PIPES;
use crate::reactor;
use crate::table;

#[napi(catch_unwind)]
pub fn fifo_create(env: Env, path: String, mode: u32, exclusive: bool) -> napi::Result<()> {
    fifo::create(&PathBuf::from(path), mode, exclusive).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn fifo_unlink(env: Env, path: String) -> napi::Result<()> {
    fifo::unlink(&PathBuf::from(path)).or_throw(&env)
}

/// The end if it could be opened at once; else 0, and the wait goes on under `token`.
#[napi(catch_unwind)]
pub fn fifo_open(env: Env, reactor: u32, token: u32, path: String, writer: bool, any_owner: bool) -> napi::Result<u32> {
    let path = PathBuf::from(path);
    let side = if writer { Side::Writer } else { Side::Reader };
    fifo::locate(&path, any_owner)
        .and_then(|located| {
            if writer && let Attempt::Done(end) = located.try_open_writer(&path)? {
                return Ok(table::insert(&PIPES, end));
            }
            reactor::start(
                reactor,
                token,
                move |flag| located.open(side, &path, flag),
                |env, opened| opened.map(|end| table::insert(&PIPES, end).into()).or_throw(env),
            )?;
            Ok(0)
        })
        .or_throw(&env)
}
