//! POSIX message queues for JS: see `core/src/posix/queue.rs`.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::Error;
use os_ipc_core::posix::notice::{Notice, Told};
use os_ipc_core::posix::queue::{self, Access, Options, Queue, Wanted};
use os_ipc_core::posix::{Name, catalog};
use os_ipc_core::sys::Attempt;
use os_ipc_core::sys::epoll::{Interest, READABLE, WRITABLE};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::table::{self, Table};

thread_local! {
    static QUEUES: Table<Queue> = const { Table::new() };
    static NOTICES: Table<Notice> = const { Table::new() };
}

/// What a call that would have to wait gives in place of a count.
const WOULD_BLOCK: i32 = -1;
/// In place of a time.
const FOR_EVER: u32 = u32::MAX;

/// How a queue is to be opened. `access`: 0 for receiving, 1 for sending, else both.
#[napi(object)]
pub struct PosixQueueOptions {
    pub create: bool,
    pub exclusive: bool,
    pub mode: u32,
    pub max_messages: Option<u32>,
    pub max_message_size: Option<u32>,
    pub access: u32,
}

/// What JS knows of a queue from the start.
#[napi(object)]
pub struct PosixQueueFacts {
    pub id: u32,
    pub fd: i32,
    pub max_messages: u32,
    pub max_message_size: u32,
    /// Where it was not JS that chose it.
    pub name: Option<String>,
}

fn enter(queue: Queue, name: Option<Name>) -> PosixQueueFacts {
    PosixQueueFacts {
        fd: queue.as_fd().as_raw_fd(),
        // The kernel's own limits are 65,536 and 16 MiB.
        max_messages: queue.max_messages() as u32,
        max_message_size: queue.max_message_size() as u32,
        id: table::insert(&QUEUES, queue),
        name: name.map(|name| name.to_string()),
    }
}

/// Without a name: makes one under a name that nobody can guess.
#[napi(catch_unwind)]
pub fn posix_queue_open(env: Env, name: Option<String>, options: PosixQueueOptions) -> napi::Result<PosixQueueFacts> {
    let options = Options {
        create: options.create,
        exclusive: options.exclusive,
        mode: options.mode,
        max_messages: options.max_messages,
        max_message_size: options.max_message_size,
        access: match options.access {
            0 => Access::Read,
            1 => Access::Write,
            _ => Access::Both,
        },
    };
    match name {
        Some(name) => {
            Name::new(&name).and_then(|name| Queue::open(&name, options)).map(|queue| enter(queue, None)).or_throw(&env)
        }
        None => Queue::create_unnamed(options).map(|(queue, name)| enter(queue, Some(name))).or_throw(&env),
    }
}

#[napi(catch_unwind)]
pub fn posix_queue_adopt(env: Env, fd: i32) -> napi::Result<PosixQueueFacts> {
    Queue::adopt(fd).map(|queue| enter(queue, None)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn posix_queue_duplicate(env: Env, id: u32) -> napi::Result<PosixQueueFacts> {
    table::with(&QUEUES, id, Queue::duplicate).map(|queue| enter(queue, None)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn posix_queue_close(id: u32) {
    drop(table::remove(&QUEUES, id));
}

#[napi(catch_unwind)]
pub fn posix_queue_detach(env: Env, id: u32) -> napi::Result<i32> {
    let queue = table::remove(&QUEUES, id).ok_or(Error::Closed);
    queue.map(|queue| queue.into_fd().into_raw_fd()).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn posix_queue_unlink(env: Env, name: String) -> napi::Result<()> {
    Name::new(&name).and_then(|name| queue::unlink(&name)).or_throw(&env)
}

/// `interest`: READABLE, WRITABLE, both or 0. Called again with the same token, it changes that. One direction at first: a process's own receives tell of room
/// as well, and its own sends of messages.
#[napi(catch_unwind)]
pub fn posix_queue_watch(env: Env, id: u32, reactor: u32, token: u32, interest: u32) -> napi::Result<()> {
    let interest = match interest {
        0 => return table::unwatch(&QUEUES, id).or_throw(&env),
        READABLE => Interest::Read,
        WRITABLE => Interest::Write,
        _ => Interest::Both,
    };
    reactor::epoll(reactor).and_then(|epoll| table::watch(&QUEUES, id, epoll, token, interest)).or_throw(&env)
}

/// Blocks this thread until there is room, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn posix_queue_block(env: Env, id: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&QUEUES, id, |queue| queue.block(Wanted::Room, milliseconds)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn posix_queue_size(env: Env, id: u32) -> napi::Result<u32> {
    table::with(&QUEUES, id, Queue::size).map(|messages| messages as u32).or_throw(&env)
}

/// `posixQueueSend(id, data, priority, milliseconds)`: 0, or `WOULD_BLOCK` if the queue is full. It blocks this thread for
/// at most so many milliseconds before it tries.
struct Send;

impl raw::Function for Send {
    const NAME: &CStr = c"posixQueueSend";
    const BODY: Body = |env, mut arguments| {
        let (id, priority, milliseconds) = (arguments.number(0), arguments.number(2), arguments.number(3));
        let data = arguments.memory(1);
        let sent = table::with(&QUEUES, id, |queue| {
            block(queue, Wanted::Room, milliseconds)?;
            queue.try_send(data, priority)
        });
        let sent = sent.or_throw(env)?;
        Ok(if sent == Attempt::WouldBlock { WOULD_BLOCK } else { 0 })
    };
}

/// `posixQueueReceive(id, target, from, milliseconds)`: the message's length, or `WOULD_BLOCK` if there is none. `target`
/// has room for the queue's longest message and two bytes more from there on: behind the message stands its priority, the
/// low byte first. It blocks this thread for at most so many milliseconds before it tries; `FOR_EVER` stands in mq_receive itself.
struct Receive;

impl raw::Function for Receive {
    const NAME: &CStr = c"posixQueueReceive";
    const BODY: Body = |env, mut arguments| {
        let (id, from, milliseconds) = (arguments.number(0), arguments.number(2) as usize, arguments.number(3));
        let target = arguments.memory(1);
        let from = from.min(target.len());
        let target = &mut target[from..];
        let received = table::with(&QUEUES, id, |queue| {
            if milliseconds == FOR_EVER {
                return queue.receive(message(queue, target));
            }
            block(queue, Wanted::Message, milliseconds)?;
            queue.try_receive(message(queue, target))
        });
        let Attempt::Done((length, priority)) = received.or_throw(env)? else { return Ok(WOULD_BLOCK) };
        for (byte, part) in target.iter_mut().skip(length).zip((priority as u16).to_le_bytes()) {
            *byte = part;
        }
        // 16 MiB is the kernel's limit.
        Ok(length as i32)
    };
}

/// Where the message arrives: the two bytes behind it are kept for its priority.
fn message<'a>(queue: &Queue, target: &'a mut [u8]) -> &'a mut [u8] {
    let size = queue.max_message_size().min(target.len());
    &mut target[..size]
}

/// A wait and a try in one call: for small messages the call itself costs as much.
fn block(queue: &Queue, wanted: Wanted, milliseconds: u32) -> os_ipc_core::Result<()> {
    if milliseconds == 0 {
        return Ok(());
    }
    // lib/ waits in slices of a tenth of a second.
    queue.block(wanted, milliseconds.min(u8::MAX.into()) as u8)
}

/// The calls that are made for each message.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Send>(env, exports)?;
    raw::export::<Receive>(env, exports)
}

/// Asks to be told of the next message that comes to the empty queue; gives the notice's number.
#[napi(catch_unwind)]
pub fn posix_notice_ask(env: Env, queue: u32) -> napi::Result<u32> {
    let notice = table::with(&QUEUES, queue, Notice::ask);
    notice.map(|notice| table::insert(&NOTICES, notice)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn posix_notice_watch(env: Env, id: u32, reactor: u32, token: u32) -> napi::Result<()> {
    reactor::epoll(reactor).and_then(|epoll| table::watch(&NOTICES, id, epoll, token, Interest::Read)).or_throw(&env)
}

/// What the notice has come to.
enum News {
    Nothing,
    Arrival,
    Renewed(Notice),
}

/// `id` while the notice has come to nothing, 0 for an arrival, else the number of another one, to be watched in its place
/// from now on.
#[napi(catch_unwind)]
pub fn posix_notice_look(env: Env, id: u32) -> napi::Result<u32> {
    let news = table::with(&NOTICES, id, |notice| match notice.look()? {
        Told::Nothing => Ok(News::Nothing),
        Told::Arrival => Ok(News::Arrival),
        Told::Removal => Ok(notice.renew()?.map_or(News::Arrival, News::Renewed)),
    });
    Ok(match news.or_throw(&env)? {
        News::Nothing => id,
        News::Arrival => 0,
        News::Renewed(notice) => table::insert(&NOTICES, notice),
    })
}

#[napi(catch_unwind)]
pub fn posix_notice_close(id: u32) {
    drop(table::remove(&NOTICES, id));
}

/// What a look at a queue tells.
#[napi(object)]
pub struct PosixQueueSeen {
    pub messages: u32,
    pub bytes: f64,
    pub max_messages: u32,
    pub max_message_size: u32,
}

/// A descriptor of the folder of all queues, which is the caller's.
#[napi(catch_unwind)]
pub fn posix_queue_folder(env: Env) -> napi::Result<i32> {
    catalog::folder().map(IntoRawFd::into_raw_fd).or_throw(&env)
}

/// `path` is that of a queue's file.
#[napi(catch_unwind)]
pub fn posix_queue_look(env: Env, path: String) -> napi::Result<PosixQueueSeen> {
    let seen = catalog::look(path.as_ref()).or_throw(&env)?;
    Ok(PosixQueueSeen {
        messages: seen.messages as u32,
        // Far below 2^53: messages of at most 16 MiB, 65,536 of them.
        bytes: seen.bytes as f64,
        max_messages: seen.max_messages as u32,
        max_message_size: seen.max_message_size as u32,
    })
}
