//! Readiness: one epoll descriptor for each environment tells JS that something can be done; JS then does it.
//!
//! A driver watches that descriptor and calls back into JS: [`uv`] on Node's own loop, without a thread; [`tokio`] where
//! there is no libuv. JS then harvests. Waits that need a thread ([`waiter`]) end by a bell in the same epoll.

mod tokio;
mod uv;
mod waiter;

use std::cell::{Cell, RefCell};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use os_ipc_core::sys::cancel::Flag;
use os_ipc_core::sys::epoll::{Epoll, Interest};
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::raw::SharedWords;
pub(crate) use uv::{any_signal_handler, signal_handler};
use waiter::Waits;

/// The token of the bell. JS numbers what it watches from 1.
const BELL: u32 = 0;
/// In harvested events: the wait under this token has ended.
const ENDED: u32 = 4;
/// Pairs told at once, at most; half of them may be of readiness, so that ends always have room.
const BATCH: usize = 128;

/// The words that are shared with `lib/reactor.js`, which has the same numbers: how many pairs have been harvested.
const COUNT: usize = 0;
/// How many operations wait that are to keep the loop alive. Written by JS.
const ALIVE: usize = 1;
/// Whether the loop is being kept alive.
const KEPT: usize = 2;
/// Whether JS is being called from here, so that KEPT is brought in line with ALIVE afterwards anyway.
const IN_TURN: usize = 3;
/// Whether JS knows whom to try first: then it is told at once, and asks for a harvest if that was in vain.
const GUESS: usize = 4;
/// From here on, the pairs: token and events.
const PAIRS: usize = 5;

/// Collects what has happened into the shared words.
struct Harvester {
    epoll: Rc<Epoll>,
    waits: Rc<Waits>,
    words: SharedWords,
}

impl Harvester {
    fn run(&self) -> Result<usize> {
        let mut pairs = [0; 2 * BATCH];
        let told = self.epoll.harvest(&mut pairs[..BATCH])?;
        let rung = pairs[..2 * told].chunks_exact(2).any(|pair| pair.first() == Some(&BELL));
        let ended = if rung { self.waits.collect(&mut pairs[2 * told..], ENDED) } else { 0 };
        let cells = self.words.cells();
        for (cell, word) in cells.iter().skip(PAIRS).zip(&pairs[..2 * (told + ended)]) {
            cell.set(*word);
        }
        self.set(COUNT, (told + ended) as u32);
        Ok(told + ended)
    }

    fn get(&self, index: usize) -> u32 {
        self.words.cells().get(index).map_or(0, Cell::get)
    }

    fn set(&self, index: usize, word: u32) {
        if let Some(cell) = self.words.cells().get(index) {
            cell.set(word);
        }
    }
}

struct Reactor {
    harvester: Rc<Harvester>,
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
    with(id, |reactor| Ok(Rc::clone(&reactor.harvester.epoll)))
}

/// Has the loop itself tell of `fd`, or no more: JS is called without a harvest then, so it has to know whom to ask. False
/// where there is no such loop.
pub(crate) fn express(id: u32, fd: BorrowedFd<'_>, on: bool) -> Result<bool> {
    with(id, |reactor| match &reactor.driver {
        Driver::Uv(driver) => driver.express(fd, on),
        Driver::Tokio => Ok(false),
    })
}

/// Runs `job` on a waiter thread; JS hears of its end under `token` and then asks for what `finish` makes of it.
pub(crate) fn start<T: Send + 'static>(
    id: u32,
    token: u32,
    job: impl FnOnce(&Flag) -> Result<T> + Send + 'static,
    finish: impl FnOnce(&Env, Result<T>) -> napi::Result<f64> + Send + 'static,
) -> Result<()> {
    with(id, |reactor| reactor.harvester.waits.start(token, job, finish))
}

/// Begins to watch. `notify` is called, without arguments, whenever something has happened: on libuv it has been
/// harvested into `words` by then, elsewhere JS asks for that.
#[napi(catch_unwind)]
pub fn reactor_start(env: Env, on_tokio: bool, notify: Function<(), ()>, words: Object) -> napi::Result<u32> {
    let words = SharedWords::new(&env, &words)?;
    let (epoll, waits) = prepare().or_throw(&env)?;
    let harvester = Rc::new(Harvester { epoll, waits, words });
    let driver = if on_tokio {
        tokio::start(&env, notify, Rc::clone(&harvester))?;
        Driver::Tokio
    } else {
        Driver::Uv(uv::Driver::start(&env, notify, Rc::clone(&harvester))?)
    };
    Ok(REACTORS.with_borrow_mut(|reactors| {
        reactors.push(Reactor { harvester, driver });
        reactors.len() as u32 - 1
    }))
}

fn prepare() -> Result<(Rc<Epoll>, Rc<Waits>)> {
    let epoll = Rc::new(Epoll::new()?);
    let waits = Rc::new(Waits::new()?);
    epoll.add(waits.bell(), BELL, Interest::Read)?;
    Ok((epoll, waits))
}

/// Harvests into the shared words. Never waits.
#[napi(catch_unwind)]
pub fn reactor_harvest(env: Env, id: u32) -> napi::Result<()> {
    with(id, |reactor| reactor.harvester.run().map(drop)).or_throw(&env)
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
        reactor.harvester.waits.cancel(token);
        Ok(())
    });
}

/// What the wait under `token`, of which JS has been told, came to.
#[napi(catch_unwind)]
pub fn reactor_take(env: Env, id: u32, token: u32) -> napi::Result<f64> {
    let finish = with(id, |reactor| reactor.harvester.waits.take(token)).or_throw(&env)?;
    finish(&env)
}

/// Nobody wants what the wait under `token` came to: what it has taken is given back.
#[napi(catch_unwind)]
pub fn reactor_drop(id: u32, token: u32) {
    // Told already and taken, or never heard of: then there is nothing to give back.
    drop(with(id, |reactor| reactor.harvester.waits.take(token)));
}

/// Blocks until the wait under `token` has ended, for at most `milliseconds`: what it came to, or nothing yet. JS is not
/// told of it in any other way.
#[napi(catch_unwind)]
pub fn reactor_claim(env: Env, id: u32, token: u32, milliseconds: u32) -> napi::Result<Option<f64>> {
    let patience = Duration::from_millis(milliseconds.into());
    // Not under `with`: what is made of an outcome may look for its reactor.
    let waits = with(id, |reactor| Ok(Rc::clone(&reactor.harvester.waits))).or_throw(&env)?;
    waits.claim(token, patience).map(|finish| finish(&env)).transpose()
}

/// The process is about to end: all waits end, and what they have taken for nobody is given back.
#[napi(catch_unwind)]
pub fn reactor_leave(id: u32) {
    let _closed = with(id, |reactor| {
        reactor.harvester.waits.close();
        Ok(())
    });
}
