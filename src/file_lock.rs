//! Locks of files for JS: see `core/src/file_lock/`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi_derive::napi;
use os_ipc_core::file_lock::{FileLock, Held, Range, Request};
use os_ipc_core::sys::Attempt;
use os_ipc_core::waiter::Wait;
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static FILES: Table<FileLock> = const { Table::new() };
    /// What this environment holds. It ends with it.
    static HELD: Table<Held> = const { Table::new() };
    /// Awaited locks, by reactor and token.
    static AWAITED: RefCell<HashMap<(u32, u32), Arc<Request>>> = RefCell::default();
    /// Locks that this thread blocks for.
    static BLOCKED: Table<Standing> = const { Table::new() };
    static HOOKED: Cell<bool> = const { Cell::new(false) };
}

/// The longest wait for a thread that has been called off to say what it had come to.
const PARTING: Duration = Duration::from_millis(100);

/// A waiter thread stands in the kernel's queue for this one.
struct Standing {
    request: Arc<Request>,
    wait: Wait,
}

impl Drop for Standing {
    fn drop(&mut self) {
        drop(self.request.withdraw());
        self.wait.cancel();
    }
}

/// What JS knows of a file from the start.
#[napi(object)]
pub struct FileLockFacts {
    pub id: u32,
    pub fd: i32,
}

fn enter(env: Env, file: FileLock) -> napi::Result<FileLockFacts> {
    if !HOOKED.replace(true) {
        env.add_env_cleanup_hook((), |()| end())?;
    }
    let fd = file.as_raw_fd();
    Ok(FileLockFacts { id: table::insert(&FILES, file), fd })
}

/// Nothing that this environment holds or waits for outlives it.
fn end() {
    HOOKED.set(false);
    for (_, request) in AWAITED.take() {
        drop(request.withdraw());
    }
    table::clear(&BLOCKED);
    table::clear(&HELD);
    table::clear(&FILES);
}

#[napi(catch_unwind)]
pub fn file_lock_open(env: Env, path: String, create: bool, mode: u32) -> napi::Result<FileLockFacts> {
    enter(env, FileLock::open(&PathBuf::from(path), create, mode).or_throw(&env)?)
}

#[napi(catch_unwind)]
pub fn file_lock_adopt(env: Env, fd: i32) -> napi::Result<FileLockFacts> {
    enter(env, FileLock::adopt(fd).or_throw(&env)?)
}

#[napi(catch_unwind)]
pub fn file_lock_duplicate(env: Env, id: u32) -> napi::Result<FileLockFacts> {
    enter(env, table::with(&FILES, id, FileLock::duplicate).or_throw(&env)?)
}

#[napi(catch_unwind)]
pub fn file_lock_close(id: u32) {
    drop(table::discard(&FILES, id));
}

#[napi(catch_unwind)]
pub fn file_lock_detach(env: Env, id: u32) -> napi::Result<i32> {
    let file = table::discard(&FILES, id).ok_or(Error::Closed).or_throw(&env)?;
    Ok(file.into_fd().into_raw_fd())
}

/// The number of what is held from then on, 0 if somebody else holds what would conflict.
#[napi(catch_unwind)]
pub fn file_lock_try(env: Env, id: u32, shared: bool, start: f64, length: f64) -> napi::Result<u32> {
    let range = range(shared, start, length);
    let attempt =
        table::with(&FILES, id, |file| file.description()?.try_lock(range).map_err(|error| file.locate_error(error)));
    match attempt.or_throw(&env)? {
        Attempt::Done(held) => Ok(table::insert(&HELD, held)),
        Attempt::WouldBlock => Ok(0),
    }
}

/// Waits on a thread; the outcome, under `token`, is the number of what is held from then on.
#[napi(catch_unwind)]
pub fn file_lock_wait(
    env: Env,
    reactor: u32,
    token: u32,
    id: u32,
    shared: bool,
    start: f64,
    length: f64,
) -> napi::Result<()> {
    let key = (reactor, token);
    let begun = table::with(&FILES, id, |file| {
        let (request, range, description) =
            (Arc::<Request>::default(), range(shared, start, length), file.description()?);
        let running = Arc::clone(&request);
        reactor::start(
            reactor,
            token,
            move |flag| {
                running.run(description, range, flag);
                Ok(())
            },
            move |env, ran| awaited(key, ran).or_throw(env),
        )?;
        AWAITED.with_borrow_mut(|awaited| awaited.insert(key, request));
        Ok(())
    });
    begun.or_throw(&env)
}

fn awaited(key: (u32, u32), ran: Result<()>) -> Result<f64> {
    let request = AWAITED.with_borrow_mut(|awaited| awaited.remove(&key)).ok_or(Error::Cancelled)?;
    ran?;
    request.take()?.map_or(Err(Error::Cancelled), |held| Ok(table::insert(&HELD, held).into()))
}

/// Gives up what is waited for under `token`: 0, unless it has been granted this moment, and is held from then on.
#[napi(catch_unwind)]
pub fn file_lock_withdraw(reactor: u32, token: u32) -> u32 {
    let request = AWAITED.with_borrow_mut(|awaited| awaited.remove(&(reactor, token)));
    let held = request.and_then(|request| request.withdraw());
    reactor::reactor_cancel(reactor, token);
    held.map_or(0, |held| table::insert(&HELD, held))
}

/// The number of a thread that stands in the kernel's queue for this one.
#[napi(catch_unwind)]
pub fn file_lock_stand(env: Env, id: u32, shared: bool, start: f64, length: f64) -> napi::Result<u32> {
    let standing = table::with(&FILES, id, |file| {
        let (request, range, description) =
            (Arc::<Request>::default(), range(shared, start, length), file.description()?);
        let (running, ended) = (Arc::clone(&request), Arc::clone(&request));
        let wait = Wait::start(
            move |flag| {
                running.run(description, range, flag);
                Ok(())
            },
            move |ran: Result<()>| {
                if let Err(error) = ran {
                    ended.fail(error);
                }
            },
        )?;
        Ok(Standing { request, wait })
    });
    Ok(table::insert(&BLOCKED, standing.or_throw(&env)?))
}

/// Blocks this thread for at most `milliseconds`: the number of what is held from then on, 0 if it still waits.
#[napi(catch_unwind)]
pub fn file_lock_block(env: Env, standing: u32, milliseconds: u32) -> napi::Result<u32> {
    let patience = Duration::from_millis(milliseconds.into());
    let held = table::with(&BLOCKED, standing, |standing| standing.request.block(patience)).or_throw(&env)?;
    Ok(held.map_or(0, |held| table::insert(&HELD, held)))
}

/// The thread is needed no more: 0, unless it was granted the lock this moment, which is held from then on.
#[napi(catch_unwind)]
pub fn file_lock_leave(standing: u32) -> u32 {
    let Some(standing) = table::discard(&BLOCKED, standing) else { return 0 };
    standing.wait.cancel();
    // It is on its way out. Whatever it fails with now, it has not got the lock.
    let held = standing.request.block(PARTING).unwrap_or_default().or_else(|| standing.request.withdraw());
    held.map_or(0, |held| table::insert(&HELD, held))
}

/// Gives back what is held.
#[napi(catch_unwind)]
pub fn file_lock_release(held: u32) {
    drop(table::discard(&HELD, held));
}

/// lib/ has checked that these are whole numbers.
fn range(shared: bool, start: f64, length: f64) -> Range {
    Range { shared, start: start as i64, length: length as i64 }
}
