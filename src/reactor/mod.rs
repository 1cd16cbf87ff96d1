//! Readiness: one epoll descriptor for each environment tells JS that something can be done; JS then does it.
//!
//! A driver watches that descriptor and calls back into JS: [`uv`] on Node's own loop, without a thread; [`tokio`] where
//! there is no libuv. JS then harvests. Waits that need a thread ([`waiter`]) end by a bell in the same epoll.

mod tokio;
mod uv;
mod waiter;

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Function};
use napi_derive::napi;
use os_ipc_core::sys::cancel::Flag;
use os_ipc_core::sys::epoll::{Epoll, Interest};
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use waiter::Waits;

/// The token of the bell. JS numbers what it watches from 1.
const BELL: u32 = 0;
/// Pairs told at once, at most; half of them may be of readiness, so that ends always have room.
const BATCH: usize = 128;
/// In harvested events: the wait under this token has ended.
const ENDED: u32 = 4;

struct Reactor {
    epoll: Rc<Epoll>,
    waits: Rc<Waits>,
    driver: Driver,
}

enum Driver {
    Uv(uv::Driver),
    Tokio,
}

thread_local! {
    /// Usually one. Never removed before the environment ends, so numbers stay valid.
    static REACTORS: RefCell<Vec<Reactor>> = const { RefCell::new(Vec::new()) };
}

fn with<R>(id: u32, body: impl FnOnce(&Reactor) -> Result<R>) -> Result<R> {
    REACTORS.with_borrow(|reactors| reactors.get(id as usize).map_or(Err(Error::Closed), body))
}

/// The epoll of reactor `id`.
pub(crate) fn epoll(id: u32) -> Result<Rc<Epoll>> {
    with(id, |reactor| Ok(Rc::clone(&reactor.epoll)))
}

/// Runs `job` on a waiter thread; JS hears of its end under `token` and then asks for what `finish` makes of it.
pub(crate) fn start<T: Send + 'static>(
    id: u32,
    token: u32,
    job: impl FnOnce(&Flag) -> Result<T> + Send + 'static,
    finish: impl FnOnce(&Env, Result<T>) -> napi::Result<f64> + Send + 'static,
) -> Result<()> {
    with(id, |reactor| reactor.waits.start(token, job, finish))
}

/// Begins to watch. `notify` is called, without arguments, whenever there is something to harvest.
#[napi(catch_unwind)]
pub fn reactor_start(env: Env, on_tokio: bool, notify: Function<(), ()>) -> napi::Result<u32> {
    let (epoll, waits) = prepare().or_throw(&env)?;
    let driver = if on_tokio {
        tokio::start(&env, epoll.as_fd(), notify, Rc::clone(&waits))?;
        Driver::Tokio
    } else {
        Driver::Uv(uv::Driver::start(&env, epoll.as_fd(), notify, Rc::clone(&waits))?)
    };
    Ok(REACTORS.with_borrow_mut(|reactors| {
        reactors.push(Reactor { epoll, waits, driver });
        reactors.len() as u32 - 1
    }))
}

fn prepare() -> Result<(Rc<Epoll>, Rc<Waits>)> {
    let epoll = Rc::new(Epoll::new()?);
    let waits = Rc::new(Waits::new()?);
    epoll.add(waits.bell(), BELL, Interest::Read)?;
    Ok((epoll, waits))
}

/// Writes tokens and what happened into `target`, as pairs of native 32-bit words; gives the number of pairs. Never waits.
#[napi(catch_unwind)]
pub fn reactor_harvest(env: Env, id: u32, mut target: BufferSlice<'_>) -> napi::Result<u32> {
    with(id, |reactor| {
        let mut pairs = [0; 2 * BATCH];
        let told = reactor.epoll.harvest(&mut pairs[..BATCH])?;
        let rung = pairs[..2 * told].chunks_exact(2).any(|pair| pair.first() == Some(&BELL));
        let ended = if rung { reactor.waits.collect(&mut pairs[2 * told..], ENDED) } else { 0 };
        for (place, word) in target.chunks_exact_mut(size_of::<u32>()).zip(&pairs[..2 * (told + ended)]) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        Ok((told + ended) as u32)
    })
    .or_throw(&env)
}

/// Whether the loop is to be kept alive. (The tokio driver never does: lib/ keeps it alive by other means there.)
#[napi(catch_unwind)]
pub fn reactor_keep_alive(id: u32, alive: bool) {
    // A reactor that is not there keeps nothing alive.
    let _closed = with(id, |reactor| {
        if let Driver::Uv(driver) = &reactor.driver {
            driver.keep_alive(alive);
        }
        Ok(())
    });
}

/// Ends the wait under `token`. It is told of as ever, with what it had come to.
#[napi(catch_unwind)]
pub fn reactor_cancel(id: u32, token: u32) {
    // A reactor that is not there has no waits.
    let _closed = with(id, |reactor| {
        reactor.waits.cancel(token);
        Ok(())
    });
}

/// What the wait under `token`, of which JS has been told, came to.
#[napi(catch_unwind)]
pub fn reactor_take(env: Env, id: u32, token: u32) -> napi::Result<f64> {
    let finish = with(id, |reactor| reactor.waits.take(token)).or_throw(&env)?;
    finish(&env)
}
