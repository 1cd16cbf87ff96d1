//! Mutexes, read-write locks, conditions and barriers for JS: see `core/src/lock/`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::lock::{
    self, Arrival, Arrived, Barrier, Condition, Hold, Kind, Lock, Name, Notified, Options, Permit, Waiting,
};
use os_ipc_core::sys::Attempt;
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static LOCKS: Table<Lock> = const { Table::new() };
    static CONDITIONS: Table<Condition> = const { Table::new() };
    static BARRIERS: Table<Barrier> = const { Table::new() };
    /// What blocking forms of this thread wait for between two slices, by the numbers of their objects. One at a time for
    /// each, since they block.
    static WAITING: RefCell<HashMap<u32, Waiting>> = RefCell::default();
    static ARRIVED: RefCell<HashMap<u32, Arrival>> = RefCell::default();
}

/// It would have to wait, or the slice is over.
const WOULD_BLOCK: i32 = -1;
const DONE: i32 = 0;
/// Taken after a holder that has died.
const ABANDONED: i32 = 1;
/// In place of milliseconds.
const FOR_EVER: u32 = u32::MAX;

/// How a lock of a name is opened.
#[napi(object)]
pub struct LockOptions {
    pub mode: u32,
    pub any_owner: bool,
    /// Of a barrier.
    pub parties: Option<u32>,
}

fn options(given: &LockOptions) -> Options {
    // lib/ has checked that it is at most 32,767.
    let parties = given.parties.unwrap_or(0) as u16;
    Options { mode: given.mode, any_owner: given.any_owner, parties }
}

/// As `lib/lock/native.js` numbers them.
fn kind(number: u32) -> Kind {
    match number {
        0 => Kind::Mutex,
        1 => Kind::RwLock,
        2 => Kind::Condition,
        _ => Kind::Barrier,
    }
}

/// As `lib/lock/native.js` numbers them.
fn hold(number: u32) -> Hold {
    match number {
        0 => Hold::Alone,
        1 => Hold::Read,
        _ => Hold::Write,
    }
}

/// What this thread of JS holds goes back with it: the kernel would wait for the end of the process.
fn at_end(env: &Env) -> napi::Result<()> {
    thread_local! {
        static ASKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    if !ASKED.replace(true) {
        env.add_env_cleanup_hook((), |()| {
            drop(WAITING.take());
            drop(ARRIVED.take());
            table::clear(&LOCKS);
            ASKED.set(false);
        })?;
    }
    Ok(())
}

#[napi(catch_unwind)]
pub fn lock_open(env: Env, number: u32, name: String, given: LockOptions) -> napi::Result<u32> {
    at_end(&env)?;
    let kind = kind(number);
    let opened = Name::new(kind, &name).and_then(|name| match kind {
        Kind::Mutex | Kind::RwLock => Ok(table::insert(&LOCKS, Lock::open(name, options(&given))?)),
        Kind::Condition => Ok(table::insert(&CONDITIONS, Condition::open(name, options(&given))?)),
        Kind::Barrier => Ok(table::insert(&BARRIERS, Barrier::open(name, options(&given))?)),
    });
    opened.or_throw(&env)
}

#[napi(catch_unwind)]
pub fn lock_unlink(env: Env, number: u32, name: String) -> napi::Result<()> {
    Name::new(kind(number), &name).and_then(|name| lock::unlink(&name)).or_throw(&env)
}

/// The object has gone: opens what has its name by now.
#[napi(catch_unwind)]
pub fn lock_reopen(env: Env, number: u32, id: u32) -> napi::Result<()> {
    let reopened = match kind(number) {
        Kind::Mutex | Kind::RwLock => table::with(&LOCKS, id, Lock::reopen),
        Kind::Condition => table::with(&CONDITIONS, id, Condition::reopen),
        Kind::Barrier => table::with(&BARRIERS, id, Barrier::reopen),
    };
    reopened.or_throw(&env)
}

#[napi(catch_unwind)]
pub fn lock_close(id: u32) {
    drop(table::discard(&LOCKS, id));
}

#[napi(catch_unwind)]
pub fn condition_close(id: u32) {
    drop(WAITING.with_borrow_mut(|waiting| waiting.remove(&id)));
    drop(table::discard(&CONDITIONS, id));
}

#[napi(catch_unwind)]
pub fn barrier_close(id: u32) {
    drop(ARRIVED.with_borrow_mut(|arrived| arrived.remove(&id)));
    drop(table::discard(&BARRIERS, id));
}

#[napi(catch_unwind)]
pub fn lock_is_held(env: Env, id: u32) -> napi::Result<bool> {
    table::with(&LOCKS, id, Lock::is_locked).or_throw(&env)
}

/// How many writers have come to wait, of all processes.
#[napi(catch_unwind)]
pub fn lock_writers(env: Env, id: u32) -> napi::Result<u32> {
    table::with(&LOCKS, id, Lock::writers).or_throw(&env)
}

/// Takes on a waiter thread, and tells of it under `token`. Nobody has entered by then.
#[napi(catch_unwind)]
pub fn lock_wait(env: Env, reactor: u32, token: u32, id: u32, how: u32) -> napi::Result<()> {
    let begun = table::with(&LOCKS, id, |lock| lock.taking(hold(how))).and_then(|job| {
        reactor::start(reactor, token, job, move |env, permit: Result<Permit>| {
            permit.and_then(|permit| table::with(&LOCKS, id, |lock| lock.accept(permit))).map(|()| 0.0).or_throw(env)
        })
    });
    begun.or_throw(&env)
}

/// From now on notices are for JS too, and a waiter thread waits for one.
#[napi(catch_unwind)]
pub fn condition_wait(env: Env, reactor: u32, token: u32, id: u32) -> napi::Result<()> {
    let begun = table::with(&CONDITIONS, id, Condition::begin).and_then(|waiting| {
        reactor::start(
            reactor,
            token,
            |flag| waiting.wait(flag),
            |env, notified: Result<Notified>| notified.map(Notified::accept).map(|()| 0.0).or_throw(env),
        )
    });
    begun.or_throw(&env)
}

/// The same for a blocking form, which is to call `conditionWaitSync`.
#[napi(catch_unwind)]
pub fn condition_begin(env: Env, id: u32) -> napi::Result<()> {
    let waiting = table::with(&CONDITIONS, id, Condition::begin).or_throw(&env)?;
    drop(WAITING.with_borrow_mut(|all| all.insert(id, waiting)));
    Ok(())
}

/// The blocking form has had enough.
#[napi(catch_unwind)]
pub fn condition_give_up(id: u32) {
    drop(WAITING.with_borrow_mut(|all| all.remove(&id)));
}

/// How many it has woken.
#[napi(catch_unwind)]
pub fn condition_notify(env: Env, id: u32, most: u32) -> napi::Result<u32> {
    table::with(&CONDITIONS, id, |condition| condition.notify(most)).or_throw(&env)
}

/// Arrives: 1 if all are there now, else a waiter thread waits for them.
#[napi(catch_unwind)]
pub fn barrier_wait(env: Env, reactor: u32, token: u32, id: u32) -> napi::Result<u32> {
    let begun = table::with(&BARRIERS, id, Barrier::arrive).and_then(|arrived| match arrived {
        Arrived::Last => Ok(1),
        Arrived::Waiting(arrival) => {
            let job = |flag: &_| arrival.wait(flag);
            reactor::start(reactor, token, job, |env, all: Result<()>| all.map(|()| 0.0).or_throw(env)).map(|()| 0)
        }
    });
    begun.or_throw(&env)
}

/// The same for a blocking form, which is to call `barrierWaitSync` if this is false.
#[napi(catch_unwind)]
pub fn barrier_arrive(env: Env, id: u32) -> napi::Result<bool> {
    match table::with(&BARRIERS, id, Barrier::arrive).or_throw(&env)? {
        Arrived::Last => Ok(true),
        Arrived::Waiting(arrival) => {
            drop(ARRIVED.with_borrow_mut(|all| all.insert(id, arrival)));
            Ok(false)
        }
    }
}

/// The blocking form has had enough: false if all were there by then.
#[napi(catch_unwind)]
pub fn barrier_withdraw(env: Env, id: u32) -> napi::Result<bool> {
    let arrival = ARRIVED.with_borrow_mut(|all| all.remove(&id));
    arrival.map_or(Ok(true), |mut arrival| arrival.withdraw()).or_throw(&env)
}

/// `lockTry(id, how)`: `DONE`, `ABANDONED`, or `WOULD_BLOCK`.
struct Try;

impl raw::Function for Try {
    const NAME: &CStr = c"lockTry";
    const BODY: Body = |env, arguments| {
        let (id, hold) = (arguments.number(0), hold(arguments.number(1)));
        table::with(&LOCKS, id, |lock| entered(lock, hold, lock.try_take(hold)?)).or_throw(env)
    };
}

/// `lockJoin(id)`: one reader more, while this process reads: `DONE` or `ABANDONED`.
struct Join;

impl raw::Function for Join {
    const NAME: &CStr = c"lockJoin";
    const BODY: Body = |env, arguments| {
        let joined = table::with(&LOCKS, arguments.number(0), |lock| {
            lock.join()?;
            entered(lock, Hold::Read, Attempt::Done(()))
        });
        joined.or_throw(env)
    };
}

/// `lockTake(id, how, milliseconds)`: the same on this thread, after so long.
struct Take;

impl raw::Function for Take {
    const NAME: &CStr = c"lockTake";
    const BODY: Body = |env, arguments| {
        let (id, hold) = (arguments.number(0), hold(arguments.number(1)));
        let patience = patience(arguments.number(2));
        table::with(&LOCKS, id, |lock| entered(lock, hold, lock.take_here(hold, patience)?)).or_throw(env)
    };
}

/// `lockEnter(id, how)`: what was taken by a thread is held from here on: `DONE` or `ABANDONED`.
struct Enter;

impl raw::Function for Enter {
    const NAME: &CStr = c"lockEnter";
    const BODY: Body = |env, arguments| {
        let (id, hold) = (arguments.number(0), hold(arguments.number(1)));
        table::with(&LOCKS, id, |lock| entered(lock, hold, Attempt::Done(()))).or_throw(env)
    };
}

/// `lockLeave(id, how)`: gives back what was held.
struct Leave;

impl raw::Function for Leave {
    const NAME: &CStr = c"lockLeave";
    const BODY: Body = |env, arguments| {
        let (id, hold) = (arguments.number(0), hold(arguments.number(1)));
        table::with(&LOCKS, id, |lock| lock.leave(hold)).map(|()| DONE).or_throw(env)
    };
}

/// `lockGiveBack(id, how)`: gives back what a thread has taken and nobody has entered.
struct GiveBack;

impl raw::Function for GiveBack {
    const NAME: &CStr = c"lockGiveBack";
    const BODY: Body = |env, arguments| {
        let (id, hold) = (arguments.number(0), hold(arguments.number(1)));
        table::with(&LOCKS, id, |lock| lock.give_back(hold)).map(|()| DONE).or_throw(env)
    };
}

/// `conditionWaitSync(id, milliseconds)`: `DONE` or `WOULD_BLOCK`.
struct ConditionWaitSync;

impl raw::Function for ConditionWaitSync {
    const NAME: &CStr = c"conditionWaitSync";
    const BODY: Body = |env, arguments| {
        let (id, patience) = (arguments.number(0), patience(arguments.number(1)));
        let waited = WAITING.with_borrow_mut(|all| match all.get_mut(&id) {
            None => Err(Error::Closed),
            Some(waiting) => waiting.wait_here(patience),
        });
        waited.map(status).or_throw(env)
    };
}

/// `barrierWaitSync(id, milliseconds)`: `DONE` or `WOULD_BLOCK`.
struct BarrierWaitSync;

impl raw::Function for BarrierWaitSync {
    const NAME: &CStr = c"barrierWaitSync";
    const BODY: Body = |env, arguments| {
        let (id, patience) = (arguments.number(0), Duration::from_millis(arguments.number(1).into()));
        let waited = ARRIVED.with_borrow_mut(|all| match all.get_mut(&id) {
            None => Err(Error::Closed),
            Some(arrival) => arrival.wait_here(patience),
        });
        waited.map(status).or_throw(env)
    };
}

/// The calls that are made for each lock.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Try>(env, exports)?;
    raw::export::<Join>(env, exports)?;
    raw::export::<Take>(env, exports)?;
    raw::export::<Enter>(env, exports)?;
    raw::export::<Leave>(env, exports)?;
    raw::export::<GiveBack>(env, exports)?;
    raw::export::<ConditionWaitSync>(env, exports)?;
    raw::export::<BarrierWaitSync>(env, exports)
}

fn entered(lock: &Lock, hold: Hold, taken: Attempt<()>) -> Result<i32> {
    match taken {
        Attempt::WouldBlock => Ok(WOULD_BLOCK),
        Attempt::Done(()) => Ok(if lock.enter(hold)? { ABANDONED } else { DONE }),
    }
}

fn patience(milliseconds: u32) -> Option<Duration> {
    (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()))
}

fn status(attempt: Attempt<()>) -> i32 {
    match attempt {
        Attempt::Done(()) => DONE,
        Attempt::WouldBlock => WOULD_BLOCK,
    }
}
