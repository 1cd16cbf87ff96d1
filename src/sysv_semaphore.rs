//! System V semaphore sets for JS: see `core/src/sysv/semaphore/`.
//!
//! A list of operations is memory of `lib/`'s: for each the index, the amount and whether it is undone, as 16-bit words.

use std::ffi::CStr;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Object};
use napi_derive::napi;
use os_ipc_core::Result;
use os_ipc_core::sys::Attempt;
use os_ipc_core::sysv::key::Key;
use os_ipc_core::sysv::semaphore::{self, Changes, Figure, Opening, Operation, Set, Taken};

use crate::error::OrThrow;
use crate::raw::{self, Arguments, Body};
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static SETS: Table<Set> = const { Table::new() };
}

/// What a call gives that would have had to wait; 0 when it was done.
const WOULD_BLOCK: i32 = -1;
/// In place of milliseconds.
const FOR_EVER: u32 = u32::MAX;
/// Bytes of one operation in a list.
const OPERATION: usize = 6;

/// What JS knows of a set from the start.
#[napi(object)]
pub struct SysvSemaphoreFacts {
    pub id: u32,
    pub key: i32,
    pub number: i32,
    pub count: u32,
}

fn enter(set: Set) -> SysvSemaphoreFacts {
    let (key, number, count) = (set.key(), set.id(), set.count().into());
    SysvSemaphoreFacts { id: table::insert(&SETS, set), key, number, count }
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_open(
    env: Env,
    key: Option<i32>,
    create: bool,
    exclusive: bool,
    mode: u32,
    count: Option<u32>,
    values: Vec<u32>,
) -> napi::Result<SysvSemaphoreFacts> {
    let key = key.map_or(Key::Private, Key::Number);
    // lib/ has checked that they fit.
    let values: Vec<u16> = values.into_iter().map(|value| value as u16).collect();
    let count = count.map(|count| count as u16);
    let opening = Opening { key, create, exclusive, mode, count, values: &values };
    Set::open(&opening).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_from_id(env: Env, number: i32) -> napi::Result<SysvSemaphoreFacts> {
    Set::from_id(number).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_duplicate(env: Env, id: u32) -> napi::Result<SysvSemaphoreFacts> {
    table::with(&SETS, id, |set| Ok(set.duplicate())).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_close(id: u32) {
    drop(table::discard(&SETS, id));
}

/// Has the end of this environment give back what it has taken with undo: for workers, whose process goes on.
#[napi(catch_unwind)]
pub fn sysv_semaphore_settle_at_end(env: Env) -> napi::Result<()> {
    env.add_env_cleanup_hook((), |()| {
        table::clear(&SETS);
        semaphore::settle();
    })?;
    Ok(())
}

/// Operates on a waiter thread, and tells under `token` when it has been done.
#[napi(catch_unwind)]
pub fn sysv_semaphore_wait(env: Env, reactor: u32, token: u32, id: u32, list: BufferSlice<'_>) -> napi::Result<()> {
    let operations = operations(&list);
    let begun = table::with(&SETS, id, |set| Ok(set.id())).and_then(|number| {
        reactor::start(
            reactor,
            token,
            move |flag| Taken::wait(number, operations, flag),
            |env, taken| {
                taken.or_throw(env)?.hand_over();
                Ok(0.0)
            },
        )
    });
    begun.or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_values(env: Env, id: u32) -> napi::Result<Vec<u32>> {
    let values = table::with(&SETS, id, Set::values).or_throw(&env)?;
    Ok(values.into_iter().map(u32::from).collect())
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_set_values(env: Env, id: u32, values: Vec<u32>) -> napi::Result<()> {
    let values: Vec<u16> = values.into_iter().map(|value| value as u16).collect();
    table::with(&SETS, id, |set| set.set_values(&values)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_set_value(env: Env, id: u32, index: u32, value: u32) -> napi::Result<()> {
    table::with(&SETS, id, |set| set.set_value(index as u16, value as u16)).or_throw(&env)
}

#[napi(object)]
pub struct SysvSemaphoreFigures {
    pub value: i32,
    pub last_pid: i32,
    pub waiting: i32,
    pub waiting_for_zero: i32,
}

/// Times are seconds since 1970, 0 for never.
#[napi(object)]
pub struct SysvSemaphoreStat {
    pub key: i32,
    pub uid: u32,
    pub gid: u32,
    pub creator_uid: u32,
    pub creator_gid: u32,
    pub mode: u32,
    pub count: f64,
    pub operated: f64,
    pub changed: f64,
    pub semaphores: Vec<SysvSemaphoreFigures>,
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_stat(env: Env, id: u32) -> napi::Result<SysvSemaphoreStat> {
    table::with(&SETS, id, stat).or_throw(&env)
}

fn stat(set: &Set) -> Result<SysvSemaphoreStat> {
    let stat = set.stat()?;
    let figures = |index| {
        Ok(SysvSemaphoreFigures {
            value: set.figure(index, Figure::Value)?,
            last_pid: set.figure(index, Figure::LastPid)?,
            waiting: set.figure(index, Figure::Waiting)?,
            waiting_for_zero: set.figure(index, Figure::WaitingForZero)?,
        })
    };
    let permissions = stat.permissions;
    Ok(SysvSemaphoreStat {
        key: permissions.key,
        uid: permissions.uid,
        gid: permissions.gid,
        creator_uid: permissions.creator_uid,
        creator_gid: permissions.creator_gid,
        mode: permissions.mode,
        count: stat.count as f64,
        operated: stat.last_operation as f64,
        changed: stat.changed as f64,
        semaphores: (0..set.count()).map(figures).collect::<Result<_>>()?,
    })
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_set(
    env: Env,
    id: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
) -> napi::Result<()> {
    table::with(&SETS, id, |set| set.set(Changes { uid, gid, mode })).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_semaphore_remove(env: Env, id: u32) -> napi::Result<()> {
    table::with(&SETS, id, Set::remove).or_throw(&env)
}

/// `sysvSemaphoreOperateOne(id, index, amount, undo)`: 0, or `WOULD_BLOCK`. The amount is the low 16 bits.
struct OperateOne;

impl raw::Function for OperateOne {
    const NAME: &CStr = c"sysvSemaphoreOperateOne";
    const BODY: Body = |env, arguments| {
        let operation = operation([1, 2, 3].map(|place| arguments.number(place) as u16));
        table::with(&SETS, arguments.number(0), |set| set.try_operate_one(operation)).map(status).or_throw(env)
    };
}

/// `sysvSemaphoreOperate(id, list)`: 0, or `WOULD_BLOCK`.
struct Operate;

impl raw::Function for Operate {
    const NAME: &CStr = c"sysvSemaphoreOperate";
    const BODY: Body = |env, mut arguments| {
        let list = operations(arguments.memory(1));
        table::with(&SETS, arguments.number(0), |set| set.try_operate(&list)).map(status).or_throw(env)
    };
}

/// `sysvSemaphoreOperateHere(id, list, milliseconds)`: the same, after so long.
struct OperateHere;

impl raw::Function for OperateHere {
    const NAME: &CStr = c"sysvSemaphoreOperateHere";
    const BODY: Body = |env, mut arguments| {
        let list = operations(arguments.memory(1));
        let milliseconds = arguments.number(2);
        let patience = (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()));
        table::with(&SETS, arguments.number(0), |set| set.operate_here(&list, patience)).map(status).or_throw(env)
    };
}

/// `sysvSemaphoreValue(id, index)`.
struct Value;

impl raw::Function for Value {
    const NAME: &CStr = c"sysvSemaphoreValue";
    const BODY: Body = |env, arguments: Arguments<'_>| {
        let index = arguments.number(1) as u16;
        table::with(&SETS, arguments.number(0), |set| set.figure(index, Figure::Value)).or_throw(env)
    };
}

/// The calls that are made for each permit.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<OperateOne>(env, exports)?;
    raw::export::<Operate>(env, exports)?;
    raw::export::<OperateHere>(env, exports)?;
    raw::export::<Value>(env, exports)
}

fn operation([index, amount, undo]: [u16; 3]) -> Operation {
    Operation::new(index, amount.cast_signed()).undone(undo != 0)
}

fn operations(list: &[u8]) -> Vec<Operation> {
    let words = |bytes: &[u8]| {
        let mut words = bytes.chunks_exact(2).map(|word| u16::from_ne_bytes([word[0], word[1]]));
        [(); 3].map(|()| words.next().unwrap_or_default())
    };
    list.chunks_exact(OPERATION).map(|bytes| operation(words(bytes))).collect()
}

fn status(attempt: Attempt<()>) -> i32 {
    match attempt {
        Attempt::Done(()) => 0,
        Attempt::WouldBlock => WOULD_BLOCK,
    }
}
