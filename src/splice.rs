//! Splices for JS: see `core/src/splice.rs`. Each goes on under its token and ends with the number of bytes moved.

use std::os::fd::AsFd;

use napi::Env;
use napi_derive::napi;
use os_ipc_core::Result;
use os_ipc_core::splice::{Moved, Splice};

use crate::error::{OrThrow, throw_left};
use crate::pipe::PIPES;
use crate::reactor;
use crate::table;

#[napi(catch_unwind)]
pub fn splice_pipes(
    env: Env,
    reactor: u32,
    token: u32,
    source: u32,
    target: u32,
    limit: Option<f64>,
) -> napi::Result<()> {
    let splice = table::with(&PIPES, source, |source| {
        table::with(&PIPES, target, |target| Splice::new(source.as_fd(), target.as_fd()))
    });
    start(reactor, token, splice, limit).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn splice_to_number(
    env: Env,
    reactor: u32,
    token: u32,
    source: u32,
    target: i32,
    limit: Option<f64>,
) -> napi::Result<()> {
    let splice = table::with(&PIPES, source, |source| Splice::to_number(source.as_fd(), target));
    start(reactor, token, splice, limit).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn splice_from_number(
    env: Env,
    reactor: u32,
    token: u32,
    source: i32,
    target: u32,
    limit: Option<f64>,
) -> napi::Result<()> {
    let splice = table::with(&PIPES, target, |target| Splice::from_number(source, target.as_fd()));
    start(reactor, token, splice, limit).or_throw(&env)
}

fn start(reactor: u32, token: u32, splice: Result<Splice>, limit: Option<f64>) -> Result<()> {
    let splice = splice?;
    // lib/ has checked that it is a whole number from 0 to 2^53.
    let limit = limit.map(|bytes| bytes as u64);
    reactor::start(
        reactor,
        token,
        move |flag| Ok(splice.run(limit, flag)),
        |env, moved| {
            let Moved { bytes, error, taken } = moved.or_throw(env)?;
            match error {
                None => Ok(bytes as f64),
                Some(error) => Err(throw_left(env, &error, bytes as f64, taken)),
            }
        },
    )
}
