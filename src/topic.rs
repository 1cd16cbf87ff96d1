//! Topics for JS: see `core/src/topic/`. Messages are written and read by JS, in the memory itself.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::Result;
use os_ipc_core::topic::{self, Address, Geometry, Options, Topic};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::shared_memory;
use crate::table::{self, Table};

thread_local! {
    static TOPICS: Table<Topic> = const { Table::new() };
}

/// What came of a wait, as `lib/topic/member.js` numbers it.
const BLOCKED: i32 = 0;
const NOT_EQUAL: i32 = 1;
const ENDED: i32 = 2;

/// What JS knows of a topic from the start.
#[napi(object)]
pub struct TopicFacts {
    pub id: u32,
    /// The number of this member.
    pub member: u32,
    /// Where the ring begins in the buffer.
    pub offset: u32,
    pub capacity: u32,
    pub slots: u32,
    pub flags: u32,
    /// Whether nobody but this user can write there.
    pub private: bool,
}

/// How a topic is to be made.
#[napi(object)]
pub struct TopicOptions {
    pub capacity: u32,
    pub slots: u32,
    pub flags: u32,
    pub mode: u32,
    pub any_owner: bool,
}

fn enter(topic: Topic) -> TopicFacts {
    let Geometry { data_offset, capacity, slots, flags } = *topic.geometry();
    let (member, private) = (topic.number(), topic.is_private());
    let id = table::insert(&TOPICS, topic);
    TopicFacts { id, member, offset: data_offset, capacity, slots, flags, private }
}

#[napi(catch_unwind)]
pub fn topic_open(env: Env, address: String, given: TopicOptions) -> napi::Result<TopicFacts> {
    let TopicOptions { capacity, slots, flags, mode, any_owner } = given;
    let options = Options { geometry: Geometry::new(capacity, slots, flags), mode, any_owner };
    Address::new(&address).and_then(|address| Topic::open(&address, options)).map(enter).or_throw(&env)
}

/// On failure the number has not been touched.
#[napi(catch_unwind)]
pub fn topic_join(env: Env, fd: i32) -> napi::Result<TopicFacts> {
    Topic::join(fd).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn topic_again(env: Env, id: u32) -> napi::Result<TopicFacts> {
    table::with(&TOPICS, id, Topic::again).map(enter).or_throw(&env)
}

/// A descriptor that another process can join by. It stays the topic's.
#[napi(catch_unwind)]
pub fn topic_spare(env: Env, id: u32) -> napi::Result<i32> {
    table::with(&TOPICS, id, |topic| topic.spare().map(|fd| fd.as_raw_fd())).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn topic_unlink(env: Env, address: String) -> napi::Result<()> {
    Address::new(&address).and_then(|address| topic::unlink(&address)).or_throw(&env)
}

/// The memory: `{ buffer, shown }`, the header and then the ring twice in a row; or nothing where the runtime has no such
/// buffers.
#[napi(catch_unwind)]
pub fn topic_memory(env: &Env, id: u32) -> napi::Result<Option<Object<'_>>> {
    let mapping = table::with(&TOPICS, id, Topic::memory).or_throw(env)?;
    shared_memory::show(env, mapping)
}

/// Whether somebody has shortened the memory.
#[napi(catch_unwind)]
pub fn topic_is_damaged(env: Env, id: u32) -> napi::Result<bool> {
    table::with(&TOPICS, id, |topic| Ok(topic.is_damaged())).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn topic_close(id: u32) {
    drop(table::discard(&TOPICS, id));
}

/// Closes it as if it had not been opened: what was made for it is gone again.
#[napi(catch_unwind)]
pub fn topic_abandon(id: u32, address: String) {
    if let (Some(topic), Ok(address)) = (table::discard(&TOPICS, id), Address::new(&address)) {
        topic.abandon(&address);
    }
}

/// `NOT_EQUAL` at once if the word at `offset` is another one; else 0, and the wait goes on under `token`.
#[napi(catch_unwind)]
pub fn topic_wait(env: Env, reactor: u32, token: u32, id: u32, offset: u32, expected: i32) -> napi::Result<i32> {
    table::with(&TOPICS, id, |topic| {
        let Some(job) = topic.waiting(offset as usize, expected.cast_unsigned())? else { return Ok(NOT_EQUAL) };
        reactor::start(reactor, token, job, |env, waited: Result<bool>| waited.or_throw(env).map(|_| ENDED.into()))?;
        Ok(BLOCKED)
    })
    .or_throw(&env)
}

/// Goes on under `token` until that member is gone.
#[napi(catch_unwind)]
pub fn topic_watch(env: Env, reactor: u32, token: u32, id: u32, member: u32) -> napi::Result<i32> {
    table::with(&TOPICS, id, |topic| {
        let job = topic.watching(member);
        reactor::start(reactor, token, job, |env, watched: Result<()>| watched.or_throw(env).map(|()| ENDED.into()))?;
        Ok(BLOCKED)
    })
    .or_throw(&env)
}

/// `topicIsAlive(id, member)`: 1, or 0 if there is no such member.
struct IsAlive;

impl raw::Function for IsAlive {
    const NAME: &CStr = c"topicIsAlive";
    const BODY: Body = |env, arguments| {
        let (id, member) = (arguments.number(0), arguments.number(1));
        table::with(&TOPICS, id, |topic| topic.is_alive(member)).map(i32::from).or_throw(env)
    };
}

/// `topicRing(id, offset)`: wakes all who wait on the word at `offset`; 0.
struct Ring;

impl raw::Function for Ring {
    const NAME: &CStr = c"topicRing";
    const BODY: Body = |env, arguments| {
        let (id, offset) = (arguments.number(0), arguments.number(1) as usize);
        table::with(&TOPICS, id, |topic| topic.ring(offset)).map(|()| 0).or_throw(env)
    };
}

/// `topicBlock(id, offset, expected, milliseconds)`: waits on this thread for at most so long while the word is that; 0.
struct Block;

impl raw::Function for Block {
    const NAME: &CStr = c"topicBlock";
    const BODY: Body = |env, arguments| {
        let (id, offset, expected) = (arguments.number(0), arguments.number(1) as usize, arguments.number(2));
        let patience = Duration::from_millis(arguments.number(3).into());
        table::with(&TOPICS, id, |topic| topic.block(offset, expected, patience)).map(|_| 0).or_throw(env)
    };
}

pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<IsAlive>(env, exports)?;
    raw::export::<Ring>(env, exports)?;
    raw::export::<Block>(env, exports)
}
