//! Unix domain sockets for JS: see `core/src/unix_socket/`.
//!
//! What goes beside the bytes of a message (descriptors, credentials, addresses) goes through words that `lib/` and this
//! side share: see `lib/unix-socket/words.js`, which has the same numbers.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::Error;
use os_ipc_core::sys::epoll::{Interest, READABLE, WRITABLE};
use os_ipc_core::sys::tails::{TAIL, Tails};
use os_ipc_core::sys::{Attempt, fd as sys_fd};
use os_ipc_core::unix_socket::catalog;
use os_ipc_core::unix_socket::socket::Wanted;
use os_ipc_core::unix_socket::{Address, Arrival, BATCH, Inbox, Kind, RoomWatch, Shutdown, Socket};

use crate::error::OrThrow;
use crate::raw::{self, Body, SharedWords};
use crate::reactor;
use crate::table::{self, Table};
use crate::unix_listener::on_stale;

thread_local! {
    pub(crate) static SOCKETS: Table<Socket> = const { Table::new() };
    static ROOMS: Table<RoomWatch> = const { Table::new() };
    static ADDRESSES: Table<Address> = const { Table::new() };
    /// Descriptors that have arrived and nobody has asked for yet, and copies of those that wait to be sent.
    static PARCELS: Table<Vec<OwnedFd>> = const { Table::new() };
    static POST: RefCell<Option<Post>> = const { RefCell::new(None) };
}

/// What a call that would have to wait gives in place of a count.
const WOULD_BLOCK: i32 = -1;

/// The words of each message that has arrived.
const RECORD: usize = 10;
const LENGTH: usize = 0;
const FLAGS: usize = 1;
const PID: usize = 2;
const UID: usize = 3;
const GID: usize = 4;
const PARCEL: usize = 5;
const FD_COUNT: usize = 6;
const FROM_AT: usize = 7;
const FROM_LENGTH: usize = 8;
/// Where the texts of addresses begin, and how many words there are for each.
const TEXTS: usize = BATCH * RECORD;
const TEXT: usize = 82;
/// Where the descriptors of a message to be sent stand, then its address.
const FDS: usize = TEXTS + BATCH * TEXT;
const TO: usize = FDS + 256;

const TRUNCATED: u32 = 1;
const END: u32 = 2;
const FDS_LOST: u32 = 4;
const CREDENTIALS: u32 = 8;
const SAME_SENDER: u32 = 16;

/// In place of a number of descriptors: the word has that of a parcel.
const PARCELLED: u32 = 0x100;

/// How receives are made: many messages may come, and each is to come whole.
const WHOLE: u32 = 0x100;
const LAST: u32 = 0x100;

/// What one environment needs for messages.
struct Post {
    words: SharedWords,
    inbox: Inbox,
    tail: Option<Tails>,
    tails: Option<Tails>,
    /// Which of the two the last receive has used.
    batch: bool,
    /// The sender that JS was told of last.
    sender: Vec<u8>,
}

/// Says where the shared words are.
#[napi(catch_unwind)]
pub fn unix_socket_share(env: Env, words: Object<'_>) -> napi::Result<()> {
    let words = SharedWords::new(&env, &words)?;
    if words.cells().len() <= TO {
        return Err(napi::Error::from_status(napi::Status::InvalidArg));
    }
    let post = Post { words, inbox: Inbox::new(), tail: None, tails: None, batch: false, sender: Vec::new() };
    POST.with_borrow_mut(|slot| *slot = Some(post));
    Ok(())
}

fn with_post<R>(body: impl FnOnce(&mut Post) -> os_ipc_core::Result<R>) -> os_ipc_core::Result<R> {
    POST.with_borrow_mut(|post| post.as_mut().map_or(Err(Error::Closed), body))
}

/// What JS knows of a socket from the start.
#[napi(object)]
pub struct UnixSocketFacts {
    pub id: u32,
    pub fd: i32,
    /// 0 stream, 1 datagram, 2 seqpacket.
    pub kind: u32,
    pub address: Option<String>,
    /// Its pid, uid and gid.
    pub peer: Option<Vec<u32>>,
    pub peer_groups: Option<Vec<u32>>,
}

pub(crate) fn kind_of(number: u32) -> Kind {
    match number {
        0 => Kind::Stream,
        1 => Kind::Datagram,
        _ => Kind::Seqpacket,
    }
}

pub(crate) fn number_of(kind: Kind) -> u32 {
    match kind {
        Kind::Stream => 0,
        Kind::Datagram => 1,
        Kind::Seqpacket => 2,
    }
}

/// All that can fail, before the socket is entered: what is in the table stays open.
fn facts(socket: &Socket) -> os_ipc_core::Result<UnixSocketFacts> {
    let peer = socket.peer()?;
    Ok(UnixSocketFacts {
        id: 0,
        fd: socket.as_fd().as_raw_fd(),
        kind: number_of(socket.kind()),
        address: socket.address()?.map(|address| address.to_string()),
        peer: peer.map(|peer| vec![peer.pid.unsigned_abs(), peer.uid, peer.gid]),
        peer_groups: if peer.is_some() { socket.peer_groups()? } else { None },
    })
}

pub(crate) fn enter(socket: Socket) -> os_ipc_core::Result<UnixSocketFacts> {
    let known = facts(&socket)?;
    Ok(UnixSocketFacts { id: table::insert(&SOCKETS, socket), ..known })
}

#[napi(catch_unwind)]
pub fn unix_socket_pair(env: Env, kind: u32) -> napi::Result<Vec<UnixSocketFacts>> {
    Socket::pair(kind_of(kind))
        .and_then(|(one, other)| {
            let known = [facts(&one)?, facts(&other)?];
            let ids = [one, other].map(|socket| table::insert(&SOCKETS, socket));
            Ok(known.into_iter().zip(ids).map(|(known, id)| UnixSocketFacts { id, ..known }).collect())
        })
        .or_throw(&env)
}

/// Nothing where it would have to wait.
#[napi(catch_unwind)]
pub fn unix_socket_connect(env: Env, kind: u32, address: String) -> napi::Result<Option<UnixSocketFacts>> {
    let connected = Address::new(&address).and_then(|address| Socket::connect(kind_of(kind), &address));
    match connected.or_throw(&env)? {
        Attempt::Done(socket) => enter(socket).map(Some).or_throw(&env),
        Attempt::WouldBlock => Ok(None),
    }
}

/// Goes on under `token`, and ends with the number of the socket.
#[napi(catch_unwind)]
pub fn unix_socket_connect_waiting(env: Env, reactor: u32, token: u32, kind: u32, address: String) -> napi::Result<()> {
    Address::new(&address)
        .and_then(|address| {
            reactor::start(
                reactor,
                token,
                move |flag| Socket::connect_waiting(kind_of(kind), &address, flag),
                |env, connected| connected.map(|socket| table::insert(&SOCKETS, socket).into()).or_throw(env),
            )
        })
        .or_throw(&env)
}

/// For a socket that a waiter thread has connected.
#[napi(catch_unwind)]
pub fn unix_socket_facts(env: Env, id: u32) -> napi::Result<UnixSocketFacts> {
    table::with(&SOCKETS, id, |socket| Ok(UnixSocketFacts { id, ..facts(socket)? })).or_throw(&env)
}

/// Without an address the kernel chooses one.
#[napi(catch_unwind)]
pub fn unix_socket_bind(env: Env, address: Option<String>, mode: u32, replace: bool) -> napi::Result<UnixSocketFacts> {
    let address = address.map(|address| Address::new(&address)).transpose();
    let bind = |address: Option<Address>| Socket::bind(address.as_ref(), mode, on_stale(replace));
    address.and_then(bind).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_socket_adopt(env: Env, fd: i32) -> napi::Result<UnixSocketFacts> {
    Socket::adopt(fd).and_then(enter).or_throw(&env)
}

/// A copy of a descriptor that belongs to somebody else.
#[napi(catch_unwind)]
pub fn unix_socket_copy(env: Env, fd: i32) -> napi::Result<UnixSocketFacts> {
    Socket::copy_of(fd).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_socket_duplicate(env: Env, id: u32) -> napi::Result<UnixSocketFacts> {
    table::with(&SOCKETS, id, Socket::duplicate).and_then(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_socket_close(id: u32) {
    drop(table::remove(&SOCKETS, id));
}

#[napi(catch_unwind)]
pub fn unix_socket_detach(env: Env, id: u32) -> napi::Result<i32> {
    let socket = table::remove(&SOCKETS, id).ok_or(Error::Closed);
    socket.map(|socket| socket.into_fd().into_raw_fd()).or_throw(&env)
}

/// `interest`: READABLE, WRITABLE or both. Called again with the same token, it changes that.
#[napi(catch_unwind)]
pub fn unix_socket_watch(env: Env, id: u32, reactor: u32, token: u32, interest: u32) -> napi::Result<()> {
    let interest = match interest {
        0 => return table::unwatch(&SOCKETS, id).or_throw(&env),
        READABLE => Interest::Read,
        WRITABLE => Interest::Write,
        _ => Interest::Both,
    };
    reactor::epoll(reactor).and_then(|epoll| table::watch(&SOCKETS, id, epoll, token, interest)).or_throw(&env)
}

/// Blocks this thread until something can be received, for at most `milliseconds`.
#[napi(catch_unwind)]
pub fn unix_socket_block(env: Env, id: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&SOCKETS, id, |socket| socket.block(Wanted::Message, milliseconds)).or_throw(&env)
}

/// Blocks this thread until something can be sent (to the address of that number, unless it is 0).
#[napi(catch_unwind)]
pub fn unix_socket_block_for_room(env: Env, id: u32, to: u32, milliseconds: u8) -> napi::Result<()> {
    table::with(&SOCKETS, id, |socket| match to {
        0 => socket.block(Wanted::Room, milliseconds),
        to => table::with(&ADDRESSES, to, |to| socket.block_for_room(to, milliseconds)),
    })
    .or_throw(&env)
}

/// Whether it is not the socket's own buffer that a datagram waits for.
#[napi(catch_unwind)]
pub fn unix_socket_has_room(env: Env, id: u32) -> napi::Result<bool> {
    table::with(&SOCKETS, id, Socket::has_room).or_throw(&env)
}

/// A watch for room at an address, by its number.
#[napi(catch_unwind)]
pub fn unix_room_open(env: Env, to: u32) -> napi::Result<u32> {
    table::with(&ADDRESSES, to, RoomWatch::new).map(|room| table::insert(&ROOMS, room)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_room_watch(env: Env, id: u32, reactor: u32, token: u32) -> napi::Result<()> {
    reactor::epoll(reactor).and_then(|epoll| table::watch(&ROOMS, id, epoll, token, Interest::Write)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_room_close(id: u32) {
    drop(table::remove(&ROOMS, id));
}

/// Checks an address, and gives it a number.
#[napi(catch_unwind)]
pub fn unix_address(env: Env, text: String) -> napi::Result<u32> {
    Address::new(&text).map(|address| table::insert(&ADDRESSES, address)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_address_forget(id: u32) {
    drop(table::discard(&ADDRESSES, id));
}

#[napi(catch_unwind)]
pub fn unix_socket_peer_address(env: Env, id: u32) -> napi::Result<Option<String>> {
    let address = table::with(&SOCKETS, id, Socket::peer_address);
    address.map(|address| address.map(|address| address.to_string())).or_throw(&env)
}

/// A pidfd, which is the caller's; nothing where the kernel has none.
#[napi(catch_unwind)]
pub fn unix_socket_peer_process(env: Env, id: u32) -> napi::Result<Option<i32>> {
    table::with(&SOCKETS, id, Socket::peer_process).map(|fd| fd.map(IntoRawFd::into_raw_fd)).or_throw(&env)
}

/// Those for sending and for receiving.
#[napi(catch_unwind)]
pub fn unix_socket_buffer_sizes(env: Env, id: u32) -> napi::Result<Vec<u32>> {
    let sizes = table::with(&SOCKETS, id, Socket::buffer_sizes);
    sizes.map(|(send, receive)| vec![send as u32, receive as u32]).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_socket_set_buffer_sizes(env: Env, id: u32, send: Option<i32>, receive: Option<i32>) -> napi::Result<()> {
    table::with(&SOCKETS, id, |socket| socket.set_buffer_sizes(send, receive)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn unix_socket_queued(env: Env, id: u32) -> napi::Result<f64> {
    table::with(&SOCKETS, id, Socket::queued).map(|bytes| bytes as f64).or_throw(&env)
}

/// 0 reading, 1 writing, else both.
#[napi(catch_unwind)]
pub fn unix_socket_shutdown(env: Env, id: u32, how: u32) -> napi::Result<()> {
    let how = match how {
        0 => Shutdown::Read,
        1 => Shutdown::Write,
        _ => Shutdown::Both,
    };
    table::with(&SOCKETS, id, |socket| socket.shutdown(how)).or_throw(&env)
}

/// Copies the first `count` descriptors of the words, and gives the parcel's number.
#[napi(catch_unwind)]
pub fn unix_parcel_hold(env: Env, count: u32) -> napi::Result<u32> {
    with_post(|post| numbers(&post.words, count).into_iter().map(sys_fd::copy_of).collect())
        .map(|fds: Vec<OwnedFd>| table::insert(&PARCELS, fds))
        .or_throw(&env)
}

/// Gives the descriptors of a parcel away.
#[napi(catch_unwind)]
pub fn unix_parcel_take(env: Env, id: u32) -> napi::Result<Vec<i32>> {
    let fds = table::discard(&PARCELS, id).ok_or(Error::Closed).or_throw(&env)?;
    Ok(fds.into_iter().map(IntoRawFd::into_raw_fd).collect())
}

/// How many descriptors this process may have open.
#[napi(catch_unwind)]
pub fn unix_descriptor_limit() -> f64 {
    sys_fd::limit() as f64
}

/// Closes the descriptors of a parcel.
#[napi(catch_unwind)]
pub fn unix_parcel_drop(id: u32) {
    drop(table::discard(&PARCELS, id));
}

fn numbers(words: &SharedWords, count: u32) -> Vec<RawFd> {
    words.cells()[FDS..TO].iter().take(count as usize).map(|word| word.get().cast_signed()).collect()
}

/// `unixSocketSend(id, data, from, fds)`: the number of bytes sent, or `WOULD_BLOCK`. `fds` says how many descriptors stand
/// in the words, or `PARCELLED`; where it goes stands there too.
struct Send;

impl raw::Function for Send {
    const NAME: &CStr = c"unixSocketSend";
    const BODY: Body = |env, mut arguments| {
        let (id, from, fds) = (arguments.number(0), arguments.number(2) as usize, arguments.number(3));
        let data = arguments.memory(1);
        let data = &data[from.min(data.len())..];
        let sent = with_post(|post| {
            let to = post.words.cells()[TO].get();
            let send = |fds: &[RawFd]| send(id, to, |socket, to| socket.try_send(data, to, fds));
            match fds {
                0 => send(&[]),
                PARCELLED => table::with(&PARCELS, post.words.cells()[FDS].get(), |fds| {
                    send(&fds.iter().map(AsRawFd::as_raw_fd).collect::<Vec<_>>())
                }),
                count => send(&numbers(&post.words, count)),
            }
        });
        sent.map(count).or_throw(env)
    };
}

/// `unixSocketSendMany(id, data, count)`: how many messages were sent, or `WOULD_BLOCK`. They stand one behind the other,
/// their lengths in the words, and where they go.
struct SendMany;

impl raw::Function for SendMany {
    const NAME: &CStr = c"unixSocketSendMany";
    const BODY: Body = |env, mut arguments| {
        let (id, messages) = (arguments.number(0), arguments.number(2) as usize);
        let data = arguments.memory(1);
        let sent = with_post(|post| {
            let cells = post.words.cells();
            let lengths: Vec<usize> = cells.iter().take(messages.min(BATCH)).map(|word| word.get() as usize).collect();
            send(id, cells[TO].get(), |socket, to| socket.try_send_many(data, &lengths, to))
        });
        sent.map(count).or_throw(env)
    };
}

fn send<R>(
    id: u32,
    to: u32,
    body: impl FnOnce(&Socket, Option<&Address>) -> os_ipc_core::Result<R>,
) -> os_ipc_core::Result<R> {
    table::with(&SOCKETS, id, |socket| match to {
        0 => body(socket, None),
        to => table::with(&ADDRESSES, to, |to| body(socket, Some(to))),
    })
}

fn count(attempt: Attempt<usize>) -> i32 {
    match attempt {
        // The kernel moves at most 2 GiB at once.
        Attempt::Done(count) => count as i32,
        Attempt::WouldBlock => WOULD_BLOCK,
    }
}

/// `unixSocketReceive(id, target, slot, most)`: how many messages have come, or `WOULD_BLOCK`. Each takes at most `slot`
/// bytes of `target`; with `WHOLE` what is longer goes on in a tail. Of more than one they are moved together: each to the
/// next multiple of eight bytes, if `slot` is one.
struct Receive;

impl raw::Function for Receive {
    const NAME: &CStr = c"unixSocketReceive";
    const BODY: Body = |env, mut arguments| {
        let (id, slot, how) = (arguments.number(0), arguments.number(2) as usize, arguments.number(3));
        let target = arguments.memory(1);
        let taken = with_post(|post| receive(post, id, target, slot, how));
        taken.map(count).or_throw(env)
    };
}

fn receive(post: &mut Post, id: u32, target: &mut [u8], slot: usize, how: u32) -> os_ipc_core::Result<Attempt<usize>> {
    let mut most = (how & 0xff) as usize;
    let Post { words, inbox, tail, tails, batch, sender, .. } = post;
    *batch = most > 1;
    let tails = if how & WHOLE == 0 {
        None
    } else {
        if *batch && tails.is_none() {
            match Tails::new(BATCH) {
                Ok(made) => *tails = Some(made),
                // Not as much space: one by one.
                Err(_) => (most, *batch) = (1, false),
            }
        }
        if !*batch && tail.is_none() {
            *tail = Some(Tails::new(1)?);
        }
        let used = if *batch { tails } else { tail };
        used.as_mut().map(|tails| (tails.memory(), TAIL))
    };
    let cells = words.cells();
    let taken = table::with(&SOCKETS, id, |socket| {
        socket.try_receive(inbox, target, slot, tails, most, |index, arrival, path| {
            let end = socket.is_end(&arrival);
            tell(cells, index, arrival, end);
            if socket.kind() == Kind::Datagram {
                tell_sender(cells, index, path, sender);
            }
        })
    })?;
    if let Attempt::Done(taken @ 2..) = taken {
        // Never further than they stand, so that none is written over.
        let alignment = if slot.is_multiple_of(8) { 8 } else { 1 };
        let mut to = 0;
        for index in 0..taken {
            let length = (cells[index * RECORD + LENGTH].get() as usize).min(slot);
            target.copy_within(index * slot..index * slot + length, to);
            to += length.next_multiple_of(alignment);
        }
    }
    Ok(taken)
}

fn tell(cells: &[Cell<u32>], index: usize, arrival: Arrival, end: bool) {
    let record = &cells[index * RECORD..][..RECORD];
    let Arrival { length, truncated, control } = arrival;
    let mut flags = if truncated { TRUNCATED } else { 0 } | if end { END } else { 0 };
    if control.lost {
        flags |= FDS_LOST;
    }
    if let Some(sender) = control.credentials {
        flags |= CREDENTIALS;
        record[PID].set(sender.pid.unsigned_abs());
        record[UID].set(sender.uid);
        record[GID].set(sender.gid);
    }
    let fds = control.fds.len();
    record[FD_COUNT].set(fds as u32);
    record[PARCEL].set(0);
    if fds > 0 {
        record[PARCEL].set(table::insert(&PARCELS, control.fds));
    }
    record[LENGTH].set(length as u32);
    record[FLAGS].set(flags);
}

/// Text is made of an address only if it is not that of the message before.
fn tell_sender(cells: &[Cell<u32>], index: usize, path: &[u8], sender: &mut Vec<u8>) {
    let record = &cells[index * RECORD..][..RECORD];
    if path == sender.as_slice() {
        record[FLAGS].set(record[FLAGS].get() | SAME_SENDER);
        return;
    }
    sender.clear();
    sender.extend_from_slice(path);
    let text = Address::from_kernel(path).map(|address| address.to_string()).unwrap_or_default();
    let at = TEXTS + index * TEXT;
    for (word, bytes) in cells[at..at + TEXT].iter().zip(text.as_bytes().chunks(4)) {
        let mut four = [0; 4];
        for (byte, given) in four.iter_mut().zip(bytes) {
            *byte = *given;
        }
        word.set(u32::from_ne_bytes(four));
    }
    record[FROM_AT].set((at * 4) as u32);
    record[FROM_LENGTH].set(text.len().min(TEXT * 4) as u32);
}

/// `unixSocketTail(index, target, from, last)`: what did not fit into the slot of that message of the last receive, copied
/// to `target` from there on. With `LAST` their memory is given back.
struct Tail;

impl raw::Function for Tail {
    const NAME: &CStr = c"unixSocketTail";
    const BODY: Body = |env, mut arguments| {
        let (index, from, last) = (arguments.number(0) as usize, arguments.number(2) as usize, arguments.number(3));
        let target = arguments.memory(1);
        let from = from.min(target.len());
        let copied = with_post(|post| {
            let tails = if post.batch { &mut post.tails } else { &mut post.tail };
            let tails = tails.as_mut().ok_or(Error::Closed)?;
            let tail = tails.memory().chunks_exact(TAIL).nth(index).unwrap_or_default();
            let length = tail.len().min(target.len() - from);
            target[from..from + length].copy_from_slice(&tail[..length]);
            if last == LAST {
                tails.clear();
            }
            Ok(0)
        });
        copied.or_throw(env)
    };
}

/// The calls that are made for each message.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Send>(env, exports)?;
    raw::export::<SendMany>(env, exports)?;
    raw::export::<Receive>(env, exports)?;
    raw::export::<Tail>(env, exports)
}

/// A socket of any process, as the kernel tells of it.
#[napi(object)]
pub struct UnixSocketSeen {
    pub inode: u32,
    pub kind: u32,
    pub state: u32,
    /// Of an abstract one with `@` first, empty where it has none.
    pub name: String,
    pub file: Option<u32>,
    pub uid: Option<u32>,
    pub queued: u32,
}

#[napi(catch_unwind)]
pub fn unix_sockets(env: Env) -> napi::Result<Vec<UnixSocketSeen>> {
    let sockets = catalog::all().or_throw(&env)?;
    Ok(sockets
        .into_iter()
        .map(|seen| UnixSocketSeen {
            inode: seen.inode,
            kind: seen.kind.into(),
            state: seen.state.into(),
            name: shown(&seen.name),
            file: seen.file,
            uid: seen.uid,
            queued: seen.queued,
        })
        .collect())
}

fn shown(name: &[u8]) -> String {
    match name.split_first() {
        Some((0, rest)) => format!("@{}", String::from_utf8_lossy(rest)),
        _ => String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(name)).into_owned(),
    }
}
