//! System V message queues for JS: see `core/src/sysv/queue.rs`.
//!
//! A frame is a message in `lib/`'s memory: its type in the first eight bytes, then its text. For a receive the selecting
//! type stands there before the call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::path::PathBuf;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::sys::Attempt;
use os_ipc_core::sys::epoll::Interest;
use os_ipc_core::sysv::key::{self, Key};
use os_ipc_core::sysv::queue::{self, Changes, HEADER, Queue, Received, Selector, Subscription};
use os_ipc_core::waiter::Group;
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::raw::{self, Arguments, Body, SharedWords};
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static QUEUES: Table<Queue> = const { Table::new() };
    /// Usually one. A program may have loaded `lib/` twice, as test runners do that give each test modules of its own. Never
    /// removed before the environment ends, so numbers stay valid.
    static WAITS: RefCell<Vec<Waits>> = const { RefCell::new(Vec::new()) };
}

/// In place of a length: there is no message, there is no room.
const WOULD_BLOCK: i32 = -1;
/// In place of a length: the frame is too small for the message.
const TOO_LONG: i32 = -2;
/// In place of milliseconds.
const FOR_EVER: u32 = u32::MAX;

/// What came of a wait.
const DONE: u32 = 0;
const CANCELLED: u32 = 1;
const FAILED: u32 = 2;

/// What this environment waits for: sends that have a thread each, and receives that are to learn of a message. Both
/// have tokens of JS, and one bell tells when some have ended.
struct Waits {
    group: Group<Result<()>>,
    learning: HashMap<u32, Subscription>,
    failures: HashMap<u32, Error>,
    words: SharedWords,
}

fn waits<R>(number: u32, body: impl FnOnce(&mut Waits) -> Result<R>) -> Result<R> {
    WAITS.with_borrow_mut(|all| all.get_mut(number as usize).map_or(Err(Error::Closed), body))
}

/// What JS knows of a queue from the start.
#[napi(object)]
pub struct SysvQueueFacts {
    pub id: u32,
    pub key: i32,
    pub number: i32,
}

fn enter(queue: Queue) -> SysvQueueFacts {
    let (key, number) = (queue.key(), queue.id());
    SysvQueueFacts { id: table::insert(&QUEUES, queue), key, number }
}

#[napi(catch_unwind)]
pub fn sysv_ftok(env: Env, path: String, project: u8) -> napi::Result<i32> {
    key::ftok(&PathBuf::from(path), project).or_throw(&env)
}

/// The most bytes of one message.
#[napi(catch_unwind)]
pub fn sysv_queue_limit(env: Env) -> napi::Result<u32> {
    queue::limits().map(|limits| limits.message as u32).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_queue_open(
    env: Env,
    key: Option<i32>,
    create: bool,
    exclusive: bool,
    mode: u32,
) -> napi::Result<SysvQueueFacts> {
    let key = key.map_or(Key::Private, Key::Number);
    Queue::open(key, create, exclusive, mode).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_queue_from_id(env: Env, number: i32) -> napi::Result<SysvQueueFacts> {
    Queue::from_id(number).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_queue_duplicate(env: Env, id: u32) -> napi::Result<SysvQueueFacts> {
    table::with(&QUEUES, id, |queue| Ok(queue.duplicate())).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_queue_close(id: u32) {
    drop(table::discard(&QUEUES, id));
}

/// Times are seconds since 1970, 0 for never.
#[napi(object)]
pub struct SysvQueueFigures {
    pub key: i32,
    pub uid: u32,
    pub gid: u32,
    pub creator_uid: u32,
    pub creator_gid: u32,
    pub mode: u32,
    pub messages: f64,
    pub bytes: f64,
    pub max_bytes: f64,
    pub last_send_pid: i32,
    pub last_recv_pid: i32,
    pub last_send: f64,
    pub last_recv: f64,
    pub changed: f64,
}

#[napi(catch_unwind)]
pub fn sysv_queue_stat(env: Env, id: u32) -> napi::Result<SysvQueueFigures> {
    let stat = table::with(&QUEUES, id, Queue::stat).or_throw(&env)?;
    let permissions = stat.permissions;
    Ok(SysvQueueFigures {
        key: permissions.key,
        uid: permissions.uid,
        gid: permissions.gid,
        creator_uid: permissions.creator_uid,
        creator_gid: permissions.creator_gid,
        mode: permissions.mode,
        messages: stat.messages as f64,
        bytes: stat.bytes as f64,
        max_bytes: stat.max_bytes as f64,
        last_send_pid: stat.last_sender,
        last_recv_pid: stat.last_receiver,
        last_send: stat.last_send as f64,
        last_recv: stat.last_receive as f64,
        changed: stat.changed as f64,
    })
}

#[napi(catch_unwind)]
pub fn sysv_queue_set(
    env: Env,
    id: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
    max_bytes: Option<f64>,
) -> napi::Result<()> {
    // lib/ has checked that it is a whole number.
    let max_bytes = max_bytes.map(|bytes| bytes as u64);
    table::with(&QUEUES, id, |queue| queue.set(Changes { uid, gid, mode, max_bytes })).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn sysv_queue_remove(env: Env, id: u32) -> napi::Result<()> {
    table::with(&QUEUES, id, Queue::remove).or_throw(&env)
}

/// Has the reactor tell under `token` when waits have ended; they are then collected into `words`, as pairs.
/// Gives the number that stands for these waits from then on.
#[napi(catch_unwind)]
pub fn sysv_queue_watch(env: Env, reactor: u32, token: u32, words: Object) -> napi::Result<u32> {
    let words = SharedWords::new(&env, &words)?;
    let begun = reactor::epoll(reactor).and_then(|epoll| {
        let group = Group::new()?;
        epoll.add(group.bell(), token, Interest::Read)?;
        Ok(Waits { group, learning: HashMap::new(), failures: HashMap::new(), words })
    });
    let begun = begun.or_throw(&env)?;
    env.add_env_cleanup_hook((), |()| end())?;
    Ok(WAITS.with_borrow_mut(|all| {
        all.push(begun);
        all.len() as u32 - 1
    }))
}

/// No thread of this environment's outlives it, and what only it has taken goes back.
fn end() {
    for Waits { group, learning, .. } in WAITS.take() {
        drop(learning);
        group.close();
    }
    table::clear(&QUEUES);
}

/// Writes token and outcome of waits that have ended into the words; gives the number of pairs.
#[napi(catch_unwind)]
pub fn sysv_queue_collect(env: Env, number: u32) -> napi::Result<u32> {
    waits(number, |Waits { group, learning, failures, words }| {
        let cells = words.cells();
        let ended = group.collect(cells.len() / 2);
        let count = ended.len() as u32;
        for (pair, (token, result)) in cells.chunks_exact(2).zip(ended) {
            learning.remove(&token);
            let outcome = match result {
                Ok(()) => DONE,
                Err(Error::Cancelled) => CANCELLED,
                Err(error) => {
                    failures.insert(token, error);
                    FAILED
                }
            };
            for (cell, word) in pair.iter().zip([token, outcome]) {
                cell.set(word);
            }
        }
        Ok(count)
    })
    .or_throw(&env)
}

/// Throws the error that the wait under `token` has failed with.
#[napi(catch_unwind)]
pub fn sysv_queue_failure(env: Env, token: u32, number: u32) -> napi::Result<()> {
    waits(number, |waits| Err(waits.failures.remove(&token).unwrap_or(Error::Closed))).or_throw(&env)
}

/// Blocks this thread until a wait has ended, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn sysv_queue_block(env: Env, milliseconds: u8, number: u32) -> napi::Result<()> {
    waits(number, |waits| waits.group.block(milliseconds)).or_throw(&env)
}

/// Tells under `token`, once, when there may be a message for that selector.
#[napi(catch_unwind)]
pub fn sysv_queue_learn(env: Env, id: u32, token: u32, kind: f64, except: bool, number: u32) -> napi::Result<()> {
    waits(number, |waits| {
        let teller = waits.group.teller();
        // lib/ has checked that it is a whole number.
        let selector = Selector::new(kind as i64, except);
        let subscription =
            table::with(&QUEUES, id, |queue| queue.learn(selector, move |result| teller.tell(token, result)))?;
        waits.learning.insert(token, subscription);
        Ok(())
    })
    .or_throw(&env)
}

/// Nobody wants to know any more. It may have been told already.
#[napi(catch_unwind)]
pub fn sysv_queue_forget(env: Env, token: u32, number: u32) -> napi::Result<()> {
    waits(number, |waits| {
        drop(waits.learning.remove(&token));
        Ok(())
    })
    .or_throw(&env)
}

/// Sends on a waiter thread, and tells under `token` what came of it.
#[napi(catch_unwind)]
pub fn sysv_queue_send_waiting(
    env: Env,
    id: u32,
    token: u32,
    frame: napi::bindgen_prelude::BufferSlice<'_>,
    number: u32,
) -> napi::Result<()> {
    let frame = frame.to_vec();
    waits(number, |waits| {
        let queue = table::with(&QUEUES, id, |queue| Ok(queue.id()))?;
        waits.group.start(token, move |flag| queue::send(queue, &frame, flag), |result| result)
    })
    .or_throw(&env)
}

/// Ends the send under `token`. It is told of as ever, with what it had come to.
#[napi(catch_unwind)]
pub fn sysv_queue_cancel(env: Env, token: u32, number: u32) -> napi::Result<()> {
    waits(number, |waits| {
        waits.group.cancel(token);
        Ok(())
    })
    .or_throw(&env)
}

/// The process is about to end.
#[napi(catch_unwind)]
pub fn sysv_queue_leave_all() {
    queue::leave_all();
}

/// `sysvQueueSend(id, frame, length)`: 0, or `WOULD_BLOCK`. The text has `length` bytes.
struct Send;

impl raw::Function for Send {
    const NAME: &CStr = c"sysvQueueSend";
    const BODY: Body = |env, mut arguments| {
        let id = arguments.number(0);
        let frame = sent(&mut arguments);
        table::with(&QUEUES, id, |queue| queue.try_send(frame)).map(status).or_throw(env)
    };
}

/// `sysvQueueSendSync(id, frame, length, milliseconds)`: the same, after so long.
struct SendSync;

impl raw::Function for SendSync {
    const NAME: &CStr = c"sysvQueueSendSync";
    const BODY: Body = |env, mut arguments| {
        let (id, patience) = (arguments.number(0), patience(&arguments));
        let frame = sent(&mut arguments);
        table::with(&QUEUES, id, |queue| queue.send_here(frame, patience)).map(status).or_throw(env)
    };
}

/// `sysvQueueReceive(id, frame, except)`: the length of the text, `WOULD_BLOCK` or `TOO_LONG`.
struct Receive;

impl raw::Function for Receive {
    const NAME: &CStr = c"sysvQueueReceive";
    const BODY: Body = |env, mut arguments| {
        let (id, except) = (arguments.number(0), arguments.number(2) != 0);
        let frame = arguments.memory(1);
        let selector = selector(frame, except);
        table::with(&QUEUES, id, |queue| queue.try_receive(selector, frame)).map(length).or_throw(env)
    };
}

/// `sysvQueueReceiveSync(id, frame, except, milliseconds)`: the same, after so long.
struct ReceiveSync;

impl raw::Function for ReceiveSync {
    const NAME: &CStr = c"sysvQueueReceiveSync";
    const BODY: Body = |env, mut arguments| {
        let (id, except, patience) = (arguments.number(0), arguments.number(2) != 0, patience(&arguments));
        let frame = arguments.memory(1);
        let selector = selector(frame, except);
        table::with(&QUEUES, id, |queue| queue.receive_here(selector, frame, patience)).map(length).or_throw(env)
    };
}

/// `sysvQueuePeek(id, frame, index)`: as for a receive.
struct Peek;

impl raw::Function for Peek {
    const NAME: &CStr = c"sysvQueuePeek";
    const BODY: Body = |env, mut arguments| {
        let (id, index) = (arguments.number(0), arguments.number(2) as usize);
        let frame = arguments.memory(1);
        table::with(&QUEUES, id, |queue| queue.peek(index, frame)).map(length).or_throw(env)
    };
}

/// The calls that are made for each message.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Send>(env, exports)?;
    raw::export::<SendSync>(env, exports)?;
    raw::export::<Receive>(env, exports)?;
    raw::export::<ReceiveSync>(env, exports)?;
    raw::export::<Peek>(env, exports)
}

/// The frame of the message to be sent: memory at 1, of which the text has as many bytes as 2 says.
fn sent<'a>(arguments: &'a mut Arguments<'_>) -> &'a [u8] {
    let length = arguments.number(2) as usize;
    let memory = arguments.memory(1);
    let end = length.saturating_add(HEADER).min(memory.len());
    &memory[..end]
}

fn selector(frame: &[u8], except: bool) -> Selector {
    Selector::new(frame.first_chunk().map_or(0, |header| i64::from_ne_bytes(*header)), except)
}

fn patience(arguments: &Arguments<'_>) -> Option<Duration> {
    let milliseconds = arguments.number(3);
    (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()))
}

fn status(attempt: Attempt<()>) -> i32 {
    match attempt {
        Attempt::Done(()) => 0,
        Attempt::WouldBlock => WOULD_BLOCK,
    }
}

/// The kernel's messages have less than 2 GiB, so a length is an i32.
fn length(received: Received) -> i32 {
    match received {
        Received::Message(bytes) => bytes as i32,
        Received::Nothing => WOULD_BLOCK,
        Received::TooLong => TOO_LONG,
    }
}
