//! Ends of channels for JS: see `core/src/ring/`. Messages are written and read by JS, in the memory itself.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::Error;
use os_ipc_core::ring::control::{Desk, Received};
use os_ipc_core::ring::{Control, End, Geometry, Heard, memory};
use os_ipc_core::sys::epoll::Interest;
use os_ipc_core::sys::{Attempt, slice};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::shared_memory;
use crate::table::{self, Table};

thread_local! {
    static CHANNELS: Table<End> = const { Table::new() };
    static CONTROLS: Table<Control> = const { Table::new() };
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    static HOOKED: Cell<bool> = const { Cell::new(false) };
    /// Control lines whose descriptors are somebody else's until their ends have been adopted.
    static LENT: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// What JS knows of an end from the start.
#[napi(object)]
pub struct ChannelFacts {
    pub id: u32,
    pub side: u32,
    /// Where ring 0 begins in the buffer.
    pub offset: u32,
    pub capacity0: u32,
    pub capacity1: u32,
    pub max_message_size: u32,
    pub flags: u32,
}

/// At the end of this environment, the other sides are told before the control lines hang up.
fn hook(env: &Env) -> napi::Result<()> {
    if !HOOKED.replace(true) {
        // `process.exit()` of the main thread calls no hooks: there the thread's own variables are dropped, those that were
        // used first at last.
        CONTROLS.with(|_| ());
        env.add_env_cleanup_hook((), |()| {
            table::clear(&CHANNELS);
            for id in LENT.take() {
                table::remove(&CONTROLS, id).map(|control| control.into_fd().into_raw_fd());
            }
            table::clear(&CONTROLS);
        })?;
    }
    Ok(())
}

/// Nobody else can have it, so also if it is never attached its close is to be told.
fn enter(env: &Env, end: End) -> napi::Result<ChannelFacts> {
    hook(env)?;
    end.announce(true);
    let Geometry { data_offset, capacity, max_message_size, flags } = *end.geometry();
    let side = end.side() as u32;
    let id = table::insert(&CHANNELS, end);
    Ok(ChannelFacts {
        id,
        side,
        offset: data_offset,
        capacity0: capacity[0],
        capacity1: capacity[1],
        max_message_size,
        flags,
    })
}

#[napi(catch_unwind)]
pub fn channel_pair(env: Env, capacity: u32, max_message_size: u32, flags: u32) -> napi::Result<Vec<ChannelFacts>> {
    let ends = End::pair(Geometry::new(capacity, max_message_size, flags)).or_throw(&env)?;
    ends.into_iter().map(|end| enter(&env, end)).collect()
}

/// On failure the numbers have not been touched. `fds`: memory, own bell, other's bell. With the end its control line is
/// this environment's own.
#[napi(catch_unwind)]
pub fn channel_adopt(env: Env, fds: Vec<i32>, side: u32, control: u32) -> napi::Result<ChannelFacts> {
    let numbers = <[i32; 3]>::try_from(fds).map_err(|_| Error::Corrupt("an end has three descriptors"));
    let end = numbers.and_then(|numbers| End::adopt(numbers, side as usize)).or_throw(&env)?;
    own(control);
    enter(&env, end)
}

/// Whether the close of an end that was never attached is told: not once others may have it.
#[napi(catch_unwind)]
pub fn channel_announce(env: Env, id: u32, on: bool) -> napi::Result<()> {
    let told = table::with(&CHANNELS, id, |end| {
        end.announce(on);
        Ok(())
    });
    told.or_throw(&env)
}

/// Memory, own bell, other's bell.
#[napi(catch_unwind)]
pub fn channel_descriptors(env: Env, id: u32) -> napi::Result<Vec<i32>> {
    table::with(&CHANNELS, id, |end| Ok(end.numbers().to_vec())).or_throw(&env)
}

/// Takes the side and gives the memory: `{ buffer, shown }`, the header and then each ring twice in a row; or nothing
/// where the runtime has no such buffers.
#[napi(catch_unwind)]
pub fn channel_attach(env: &Env, id: u32) -> napi::Result<Option<Object<'_>>> {
    let mapping =
        table::with(&CHANNELS, id, |end| end.attach().map(|memory| Arc::clone(memory.mapping()))).or_throw(env)?;
    shared_memory::show(env, mapping)
}

/// One ring alone, twice in a row, for what is lent to the program: the same as above.
#[napi(catch_unwind)]
pub fn channel_lend(env: &Env, id: u32, ring: u32) -> napi::Result<Option<Object<'_>>> {
    let mapping = table::with(&CHANNELS, id, |end| memory::map_ring(end.memory_fd(), end.geometry(), ring as usize))
        .or_throw(env)?;
    shared_memory::show(env, Arc::new(mapping))
}

#[napi(catch_unwind)]
pub fn channel_watch(env: Env, id: u32, reactor: u32, token: u32) -> napi::Result<()> {
    reactor::epoll(reactor).and_then(|epoll| table::watch(&CHANNELS, id, epoll, token, Interest::Read)).or_throw(&env)
}

/// Has the loop itself tell of the bell, at its edges, or the reactor again; whether it does. Whoever is told by the loop need
/// not empty the bell each time.
#[napi(catch_unwind)]
pub fn channel_express(env: Env, id: u32, reactor: u32, token: u32, on: bool) -> napi::Result<bool> {
    if on && !End::hears_each_ringing() {
        return Ok(false);
    }
    // Told of twice in between rather than by nobody: each begins with what is true already.
    let moved = if on {
        table::with(&CHANNELS, id, |end| reactor::express(reactor, end.as_fd(), true))
            .and_then(|done| if done { table::unwatch(&CHANNELS, id).map(|()| true) } else { Ok(false) })
    } else {
        reactor::epoll(reactor)
            .and_then(|epoll| table::watch(&CHANNELS, id, epoll, token, Interest::Read))
            .and_then(|()| table::with(&CHANNELS, id, |end| reactor::express(reactor, end.as_fd(), false)))
    };
    moved.or_throw(&env)
}

/// The other side is told, if this one has been attached, or with `announce`.
#[napi(catch_unwind)]
pub fn channel_close(env: Env, id: u32, announce: bool) -> napi::Result<()> {
    let Some(end) = table::remove(&CHANNELS, id) else { return Ok(()) };
    let told = if announce { end.end() } else { Ok(()) };
    end.announce(false);
    drop(end);
    told.or_throw(&env)
}

/// Leaves the side to another process, or takes it again.
#[napi(catch_unwind)]
pub fn channel_vacate(env: Env, id: u32, stay: bool) -> napi::Result<()> {
    table::with(&CHANNELS, id, |end| if stay { end.stay() } else { end.vacate() }).or_throw(&env)
}

/// Goes away without a word: another process has this end by now, or nobody has been told of it yet.
#[napi(catch_unwind)]
pub fn channel_leave(id: u32) {
    if let Some(end) = table::remove(&CHANNELS, id) {
        end.leave();
    }
}

/// What JS knows of a control line from the start.
#[napi(object)]
pub struct ControlFacts {
    pub id: u32,
    pub fd: i32,
}

/// A frame, with descriptors that JS owns from now on.
#[napi(object)]
pub struct ControlFrame {
    pub data: String,
    pub fds: Vec<i32>,
    /// Some descriptors did not arrive, so none did.
    pub lost: bool,
    /// Of the data, in bytes.
    pub length: u32,
    /// -1 where the kernel does not know.
    pub pid: i32,
    pub uid: u32,
    pub gid: u32,
}

fn enter_control(control: Control) -> ControlFacts {
    let fd = control.as_fd().as_raw_fd();
    ControlFacts { id: table::insert(&CONTROLS, control), fd }
}

#[napi(catch_unwind)]
pub fn control_pair(env: Env) -> napi::Result<Vec<ControlFacts>> {
    Control::pair().map(|ends| ends.into_iter().map(enter_control).collect()).or_throw(&env)
}

/// On failure the number has not been touched. `lent`: it is not closed by the end of this environment unless an end has
/// been adopted with it.
#[napi(catch_unwind)]
pub fn control_adopt(env: Env, fd: i32, lent: bool) -> napi::Result<ControlFacts> {
    hook(&env)?;
    let facts = Control::adopt(fd).map(enter_control).or_throw(&env)?;
    if lent {
        LENT.with_borrow_mut(|ids| ids.push(facts.id));
    }
    Ok(facts)
}

fn own(control: u32) {
    LENT.with_borrow_mut(|ids| ids.retain(|&id| id != control));
}

#[napi(catch_unwind)]
pub fn control_watch(env: Env, id: u32, reactor: u32, token: u32, room: bool) -> napi::Result<()> {
    let interest = if room { Interest::Both } else { Interest::Read };
    reactor::epoll(reactor).and_then(|epoll| table::watch(&CONTROLS, id, epoll, token, interest)).or_throw(&env)
}

/// A frame; nothing where there is none yet; false at the end.
#[napi(catch_unwind)]
pub fn control_receive(env: Env, id: u32) -> napi::Result<Option<napi::Either<ControlFrame, bool>>> {
    let received = at_desk(id, Control::receive);
    Ok(shown(received.or_throw(&env)?))
}

/// The same of the frame that begins behind so many bytes, which stays where it is.
#[napi(catch_unwind)]
pub fn control_peek(env: Env, id: u32, behind: u32) -> napi::Result<Option<napi::Either<ControlFrame, bool>>> {
    let received = at_desk(id, |control, desk| control.peek(desk, behind));
    Ok(shown(received.or_throw(&env)?))
}

fn at_desk(
    id: u32,
    receive: impl FnOnce(&Control, &mut Desk) -> os_ipc_core::Result<Received>,
) -> os_ipc_core::Result<Received> {
    DESK.with_borrow_mut(|desk| {
        let desk = desk.get_or_insert_default();
        table::with(&CONTROLS, id, |control| receive(control, desk))
    })
}

fn shown(received: Received) -> Option<napi::Either<ControlFrame, bool>> {
    match received {
        Received::Nothing => None,
        Received::End => Some(napi::Either::B(false)),
        Received::Frame(frame) => {
            let sender = frame.sender;
            Some(napi::Either::A(ControlFrame {
                data: String::from_utf8_lossy(&frame.data).into_owned(),
                fds: frame.fds.into_iter().map(IntoRawFd::into_raw_fd).collect(),
                lost: frame.lost,
                length: u32::try_from(frame.data.len()).unwrap_or(u32::MAX),
                pid: sender.map_or(-1, |sender| sender.pid),
                uid: sender.map_or(u32::MAX, |sender| sender.uid),
                gid: sender.map_or(u32::MAX, |sender| sender.gid),
            }))
        }
    }
}

/// Whether there was room. The numbers stay the caller's.
#[napi(catch_unwind)]
pub fn control_send(env: Env, id: u32, data: String, fds: Vec<i32>) -> napi::Result<bool> {
    let sent = table::with(&CONTROLS, id, |control| control.send(data.as_bytes(), &fds));
    sent.map(|attempt| matches!(attempt, Attempt::Done(()))).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn control_close(id: u32) {
    own(id);
    drop(table::remove(&CONTROLS, id));
}

/// The other side sees a hang-up; the number stays.
#[napi(catch_unwind)]
pub fn control_shutdown(env: Env, id: u32) -> napi::Result<()> {
    table::with(&CONTROLS, id, Control::shutdown).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn control_detach(env: Env, id: u32) -> napi::Result<i32> {
    own(id);
    let control = table::remove(&CONTROLS, id).ok_or(Error::Closed);
    control.map(|control| control.into_fd().into_raw_fd()).or_throw(&env)
}

/// Large messages come and go: what was freed is to be used again.
#[napi(catch_unwind)]
pub fn keep_freed_memory() {
    os_ipc_core::sys::heap::keep_freed_memory();
}

/// `channelRing(id)`: rings the other side's bell; 0.
struct Ring;

impl raw::Function for Ring {
    const NAME: &CStr = c"channelRing";
    const BODY: Body =
        |env, arguments| table::with(&CHANNELS, arguments.number(0), End::ring).map(|()| 0).or_throw(env);
}

/// `channelHush(id)`: empties the own bell; 1 if it had rung.
struct Hush;

impl raw::Function for Hush {
    const NAME: &CStr = c"channelHush";
    const BODY: Body = |env, arguments| {
        table::with(&CHANNELS, arguments.number(0), End::hush).map(|rung| i32::from(rung == Some(true))).or_throw(env)
    };
}

/// `channelBlock(id, control, milliseconds)`: until the bell rings, or something happens to the control line; 1 for the bell,
/// 2 for the line. After a wait of a whole slice, which is the cheaper one, the bell may be rung still.
struct Block;

impl raw::Function for Block {
    const NAME: &CStr = c"channelBlock";
    const BODY: Body = |env, arguments| {
        let (id, milliseconds) = (arguments.number(0), arguments.number(2));
        let control = arguments.number(1).cast_signed();
        let milliseconds = u8::try_from(milliseconds).unwrap_or(u8::MAX);
        let heard = table::with(&CHANNELS, id, |end| {
            if milliseconds >= slice::LENGTH { end.listen(control) } else { end.block_and_hush(control, milliseconds) }
        });
        heard.map(|Heard { bell, line }| i32::from(bell) | (i32::from(line) << 1)).or_throw(env)
    };
}

/// Copies of all of them, which JS owns; or none.
#[napi(catch_unwind)]
pub fn descriptors_copy(env: Env, fds: Vec<i32>) -> napi::Result<Vec<i32>> {
    let copies: Result<Vec<_>, _> = fds.into_iter().map(os_ipc_core::sys::fd::copy_of).collect();
    Ok(copies.or_throw(&env)?.into_iter().map(IntoRawFd::into_raw_fd).collect())
}

/// Closes a descriptor that a frame has brought and nobody wants.
#[napi(catch_unwind)]
pub fn descriptor_close(env: Env, fd: i32) -> napi::Result<()> {
    os_ipc_core::sys::fd::adopt(fd, |_| Ok(())).map(drop).or_throw(&env)
}

/// `checksum(bytes, from, length)`: the CRC-32C of a part of private memory.
struct Checksum;

impl raw::Function for Checksum {
    const NAME: &CStr = c"checksum";
    const BODY: Body = |_, mut arguments| {
        let (from, length) = (arguments.number(1) as usize, arguments.number(2) as usize);
        let bytes = arguments.memory(0);
        let part = bytes.get(from..from.saturating_add(length)).unwrap_or_default();
        Ok(os_ipc_core::ring::checksum(part).cast_signed())
    };
}

pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Ring>(env, exports)?;
    raw::export::<Hush>(env, exports)?;
    raw::export::<Block>(env, exports)?;
    raw::export::<Checksum>(env, exports)
}
