//! POSIX semaphores for JS: see `core/src/posix/semaphore/`.

use std::ffi::CStr;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::Result;
use os_ipc_core::posix::Name;
use os_ipc_core::posix::semaphore::{self, Identity, Options, SIZE, Semaphore};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::shared_memory::MEMORIES;
use crate::table::{self, Table};

thread_local! {
    static SEMAPHORES: Table<Semaphore> = const { Table::new() };
}

/// In place of milliseconds.
const FOR_EVER: u32 = u32::MAX;
/// What came of a try or a wait: a permit was taken, or not.
const TAKEN: i32 = 1;

/// What JS knows of a semaphore from the start.
#[napi(object)]
pub struct PosixSemaphoreFacts {
    pub id: u32,
    /// Of one that was opened by a name.
    pub name: Option<String>,
    /// Which one it is, whatever stands under that name by now.
    pub identity: Option<String>,
}

/// How a semaphore is to be opened.
#[napi(object)]
pub struct PosixSemaphoreOptions {
    pub create: bool,
    pub exclusive: bool,
    pub mode: u32,
    pub value: u32,
    pub any_owner: bool,
}

fn enter(semaphore: Semaphore, named: Option<(Identity, &Name)>) -> PosixSemaphoreFacts {
    PosixSemaphoreFacts {
        id: table::insert(&SEMAPHORES, semaphore),
        name: named.map(|(_, name)| name.to_string()),
        identity: named.map(|(Identity { device, inode }, _)| format!("{device}:{inode}")),
    }
}

/// The bytes of a semaphore in memory.
#[napi(catch_unwind)]
pub fn posix_semaphore_size() -> u32 {
    SIZE as u32
}

/// Without a name: makes one under a name that nobody can guess.
#[napi(catch_unwind)]
pub fn posix_semaphore_open(
    env: Env,
    name: Option<String>,
    given: PosixSemaphoreOptions,
) -> napi::Result<PosixSemaphoreFacts> {
    let PosixSemaphoreOptions { create, exclusive, mode, value, any_owner } = given;
    let options = Options { create, exclusive, mode, value, any_owner };
    let opened = match name {
        Some(name) => Name::new(&name).and_then(|name| {
            let (semaphore, identity) = Semaphore::open(&name, options)?;
            Ok(enter(semaphore, Some((identity, &name))))
        }),
        None => Semaphore::create_unnamed(options)
            .map(|(semaphore, identity, name)| enter(semaphore, Some((identity, &name)))),
    };
    opened.or_throw(&env)
}

/// `memory`: the number of a SharedMemory.
#[napi(catch_unwind)]
pub fn posix_semaphore_in_memory(
    env: Env,
    memory: u32,
    offset: f64,
    initialize: Option<u32>,
) -> napi::Result<PosixSemaphoreFacts> {
    // lib/ has checked that it is a whole number from 0 to 2^53.
    table::with(&MEMORIES, memory, |memory| Semaphore::in_memory(memory, offset as usize, initialize))
        .map(|semaphore| enter(semaphore, None))
        .or_throw(&env)
}

/// The number of another handle of it.
#[napi(catch_unwind)]
pub fn posix_semaphore_duplicate(env: Env, id: u32) -> napi::Result<u32> {
    let copy = table::with(&SEMAPHORES, id, |semaphore| Ok(semaphore.clone())).or_throw(&env)?;
    Ok(table::insert(&SEMAPHORES, copy))
}

#[napi(catch_unwind)]
pub fn posix_semaphore_close(id: u32) {
    drop(table::discard(&SEMAPHORES, id));
}

#[napi(catch_unwind)]
pub fn posix_semaphore_unlink(env: Env, name: String) -> napi::Result<()> {
    Name::new(&name).and_then(|name| semaphore::unlink(&name)).or_throw(&env)
}

/// Takes a permit on a waiter thread, however long that takes; JS hears of it under `token`. A permit that JS does not ask
/// for goes back.
#[napi(catch_unwind)]
pub fn posix_semaphore_take(env: Env, reactor: u32, token: u32, id: u32) -> napi::Result<()> {
    let semaphore = table::with(&SEMAPHORES, id, |semaphore| Ok(semaphore.clone())).or_throw(&env)?;
    let job = move |flag: &_| semaphore.take(flag);
    let begun = reactor::start(reactor, token, job, |env, taken| {
        taken.map(|taken| taken.keep().map_or(0.0, |()| TAKEN.into())).or_throw(env)
    });
    begun.or_throw(&env)
}

fn number(taken: bool) -> i32 {
    if taken { TAKEN } else { 0 }
}

fn with<R>(id: u32, body: impl FnOnce(&Semaphore) -> Result<R>) -> Result<R> {
    table::with(&SEMAPHORES, id, body)
}

/// `posixSemaphoreTryTake(id)`: 1, or 0 where there is no permit.
struct TryTake;

impl raw::Function for TryTake {
    const NAME: &CStr = c"posixSemaphoreTryTake";
    const BODY: Body = |env, arguments| with(arguments.number(0), Semaphore::try_take).map(number).or_throw(env);
}

/// `posixSemaphoreTakeHere(id, milliseconds)`: the same, after so long on this thread.
struct TakeHere;

impl raw::Function for TakeHere {
    const NAME: &CStr = c"posixSemaphoreTakeHere";
    const BODY: Body = |env, arguments| {
        let milliseconds = arguments.number(1);
        let patience = (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()));
        with(arguments.number(0), |semaphore| semaphore.take_here(patience)).map(number).or_throw(env)
    };
}

/// `posixSemaphorePost(id, count)`: 0.
struct Post;

impl raw::Function for Post {
    const NAME: &CStr = c"posixSemaphorePost";
    const BODY: Body = |env, arguments| {
        let (id, count) = (arguments.number(0), arguments.number(1));
        with(id, |semaphore| semaphore.post(count)).map(|()| 0).or_throw(env)
    };
}

/// `posixSemaphoreValue(id)`: as 32 bits, for what another process has scribbled there may be anything.
struct Value;

impl raw::Function for Value {
    const NAME: &CStr = c"posixSemaphoreValue";
    const BODY: Body = |env, arguments| with(arguments.number(0), Semaphore::value).map(u32::cast_signed).or_throw(env);
}

/// The calls that are made often.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<TryTake>(env, exports)?;
    raw::export::<TakeHere>(env, exports)?;
    raw::export::<Post>(env, exports)?;
    raw::export::<Value>(env, exports)
}
