//! Shared memory for JS: see `core/src/shm/`.
//!
//! What is called often has its operands in words that are shared with `lib/shared-memory/native.js`: an offset of up to
//! 2^53 and values of 64 bits would cost more to pass than the calls themselves.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue, Object, Unknown};
use napi_derive::napi;
use os_ipc_core::posix::Name;
use os_ipc_core::shm::{self, Advice, Changes, Kind, Memory, Operation, Options, Range, Seals, SegmentOptions, Trust};
use os_ipc_core::sys::futex::{Waited, wait_cancellable};
use os_ipc_core::sys::mman::Mapping;
use os_ipc_core::sysv::key::Key;
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::raw::{self, Body, SharedWords, View};
use crate::reactor;
use crate::table::{self, Table};

/// What JS has over the memory.
enum Shown {
    Buffer(Rc<View>),
    Shared(Arc<Mapping>),
}

thread_local! {
    pub(crate) static MEMORIES: Table<Memory> = const { Table::new() };
    static SHOWN: Table<Shown> = const { Table::new() };
    static WORDS: RefCell<Option<SharedWords>> = const { RefCell::new(None) };
}

// The words, two for each 64 bits: `lib/shared-memory/native.js` has the same numbers.
const OFFSET: usize = 0;
const VALUE: usize = 2;
const EXPECTED: usize = 4;

/// What came of a wait.
const BLOCKED: i32 = 0;
const NOT_EQUAL: i32 = 1;
const WOKEN: i32 = 2;

/// In place of milliseconds.
const FOR_EVER: u32 = u32::MAX;

/// What JS knows of memory from the start.
#[napi(object)]
pub struct SharedMemoryFacts {
    pub id: u32,
    pub fd: i32,
    pub kind: u32,
    pub size: f64,
    pub read_only: bool,
    pub skew: u32,
    pub segment: Option<i32>,
    pub key: Option<i32>,
    /// Where it was not JS that chose it.
    pub name: Option<String>,
}

/// How an object with a name is to be opened.
#[napi(object)]
pub struct SharedMemoryOptions {
    pub size: Option<f64>,
    pub create: bool,
    pub exclusive: bool,
    pub mode: u32,
    pub read_only: bool,
    pub offset: f64,
    pub length: Option<f64>,
    pub any_owner: bool,
}

/// How a segment is to be opened.
#[napi(object)]
pub struct SharedMemorySegmentOptions {
    pub size: f64,
    pub create: bool,
    pub exclusive: bool,
    pub mode: u32,
    pub read_only: bool,
    pub huge_pages: bool,
}

/// See `SysvSharedMemoryStat` in index.d.ts.
#[napi(object)]
pub struct SharedMemoryStat {
    pub id: i32,
    pub key: i32,
    pub uid: u32,
    pub gid: u32,
    pub creator_uid: u32,
    pub creator_gid: u32,
    pub mode: u32,
    pub size: f64,
    pub attached: f64,
    pub creator_pid: i32,
    pub last_pid: i32,
    pub attached_at: f64,
    pub detached_at: f64,
    pub changed_at: f64,
}

fn facts_of(id: u32, memory: &Memory) -> SharedMemoryFacts {
    let segment = memory.segment();
    SharedMemoryFacts {
        id,
        fd: memory.fd().map_or(-1, |fd| fd.as_raw_fd()),
        kind: match memory.kind() {
            Kind::Memfd => 0,
            Kind::Posix => 1,
            Kind::Sysv => 2,
            Kind::File => 3,
        },
        size: memory.len() as f64,
        read_only: memory.is_read_only(),
        skew: memory.mapping().skew() as u32,
        segment: segment.map(|(number, _)| number),
        key: segment.map(|(_, key)| key),
        name: None,
    }
}

fn enter(memory: Memory) -> SharedMemoryFacts {
    let facts = facts_of(0, &memory);
    SharedMemoryFacts { id: table::insert(&MEMORIES, memory), ..facts }
}

/// lib/ has checked that sizes and offsets are whole numbers from 0 to 2^53.
fn range(offset: f64, length: Option<f64>) -> Range {
    Range { offset: offset as u64, length: length.map(|bytes| bytes as u64) }
}

fn options(given: &SharedMemoryOptions) -> Options {
    Options {
        size: given.size.map(|bytes| bytes as u64),
        create: given.create,
        exclusive: given.exclusive,
        mode: given.mode,
        read_only: given.read_only,
        range: range(given.offset, given.length),
        any_owner: given.any_owner,
    }
}

/// Where operands and results of the calls below stand from now on.
#[napi(catch_unwind)]
pub fn shared_memory_words(env: Env, words: Object) -> napi::Result<()> {
    let words = SharedWords::new(&env, &words)?;
    WORDS.with_borrow_mut(|slot| *slot = Some(words));
    Ok(())
}

#[napi(catch_unwind)]
pub fn shared_memory_create(
    env: Env,
    size: f64,
    label: String,
    huge_pages: bool,
    seals: u32,
) -> napi::Result<SharedMemoryFacts> {
    Memory::create(size as u64, &label, huge_pages, Seals::from_bits(seals)).map(enter).or_throw(&env)
}

/// Without a name: makes one under a name that nobody can guess.
#[napi(catch_unwind)]
pub fn shared_memory_open(
    env: Env,
    name: Option<String>,
    given: SharedMemoryOptions,
) -> napi::Result<SharedMemoryFacts> {
    let options = options(&given);
    match name {
        Some(name) => Name::new(&name).and_then(|name| Memory::open(&name, options)).map(enter).or_throw(&env),
        None => Memory::create_unnamed(options)
            .map(|(memory, name)| SharedMemoryFacts { name: Some(name.to_string()), ..enter(memory) })
            .or_throw(&env),
    }
}

#[napi(catch_unwind)]
pub fn shared_memory_unlink(env: Env, name: String) -> napi::Result<()> {
    Name::new(&name).and_then(|name| shm::unlink(&name)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_map(env: Env, path: String, given: SharedMemoryOptions) -> napi::Result<SharedMemoryFacts> {
    Memory::map(&PathBuf::from(path), options(&given)).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_unlink_file(env: Env, path: String) -> napi::Result<()> {
    Memory::unlink_file(&PathBuf::from(path)).or_throw(&env)
}

/// Without a key: makes a private segment.
#[napi(catch_unwind)]
pub fn shared_memory_sysv(
    env: Env,
    key: Option<i32>,
    given: SharedMemorySegmentOptions,
) -> napi::Result<SharedMemoryFacts> {
    let options = SegmentOptions {
        create: given.create,
        exclusive: given.exclusive,
        mode: given.mode,
        size: given.size as u64,
        read_only: given.read_only,
        huge: given.huge_pages,
    };
    Memory::open_segment(key.map_or(Key::Private, Key::Number), options).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_from_sysv_id(env: Env, id: i32, read_only: bool) -> napi::Result<SharedMemoryFacts> {
    Memory::from_id(id, read_only).map(enter).or_throw(&env)
}

/// `trust`: 0 for memory that nobody can shorten, 1 for this user's own as well, else for any.
#[napi(catch_unwind)]
pub fn shared_memory_adopt(
    env: Env,
    fd: i32,
    read_only: bool,
    offset: f64,
    length: Option<f64>,
    trust: u32,
) -> napi::Result<SharedMemoryFacts> {
    let trust = match trust {
        0 => Trust::Sealed,
        1 => Trust::Own,
        _ => Trust::Anything,
    };
    Memory::adopt(fd, read_only, range(offset, length), trust).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_duplicate(env: Env, id: u32) -> napi::Result<SharedMemoryFacts> {
    table::with(&MEMORIES, id, Memory::duplicate).map(enter).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_close(id: u32) {
    drop(table::discard(&MEMORIES, id));
}

#[napi(catch_unwind)]
pub fn shared_memory_detach(env: Env, id: u32) -> napi::Result<i32> {
    let fd = table::discard(&MEMORIES, id).and_then(Memory::into_fd).ok_or(Error::Closed);
    fd.map(IntoRawFd::into_raw_fd).or_throw(&env)
}

/// `{ buffer, shown }`, or nothing where the runtime has no such buffers. `shown` is for [`shared_memory_revoke`] and
/// [`shared_memory_forget`].
#[napi(catch_unwind)]
pub fn shared_memory_buffer<'env>(env: &'env Env, id: u32, shared: bool) -> napi::Result<Option<Object<'env>>> {
    let mapping = table::with(&MEMORIES, id, |memory| {
        if shared || memory.is_read_only() { memory.map_anew() } else { Ok(memory.mapping()) }
    })
    .or_throw(env)?;
    let made = if shared {
        raw::shared_buffer(env, &mapping)?.map(|buffer| (buffer, Shown::Shared(mapping)))
    } else {
        View::buffer(env, mapping)?.map(|(buffer, view)| (buffer, Shown::Buffer(view)))
    };
    made.map(|(buffer, shown)| object_of(env, buffer, shown)).transpose()
}

fn object_of<'env>(env: &'env Env, buffer: Unknown<'env>, shown: Shown) -> napi::Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set_named_property("buffer", buffer)?;
    object.set_named_property("shown", table::insert(&SHOWN, shown))?;
    Ok(object)
}

/// The same of memory that is not a [`Memory`]'s.
pub(crate) fn show<'env>(env: &'env Env, mapping: Arc<Mapping>) -> napi::Result<Option<Object<'env>>> {
    let made = View::buffer(env, mapping)?;
    made.map(|(buffer, view)| object_of(env, buffer, Shown::Buffer(view))).transpose()
}

/// Takes the memory away from behind a buffer: it is detached where that can be, and zeros stand behind it.
#[napi(catch_unwind)]
pub fn shared_memory_revoke(env: Env, shown: u32, buffer: Unknown) -> napi::Result<()> {
    table::with(&SHOWN, shown, |shown| match shown {
        Shown::Buffer(view) => view.revoke(&env, &buffer),
        Shown::Shared(mapping) => mapping.retire(),
    })
    .or_throw(&env)
}

/// The buffer has been garbage-collected, so no call of anybody's can be using its memory.
#[napi(catch_unwind)]
pub fn shared_memory_forget(shown: u32) {
    drop(table::discard(&SHOWN, shown));
}

#[napi(catch_unwind)]
pub fn shared_memory_resize(env: Env, id: u32, size: f64) -> napi::Result<SharedMemoryFacts> {
    table::with(&MEMORIES, id, |memory| {
        // A buffer over the old mapping keeps it, and lib/ revokes that.
        drop(memory.resize(size as u64)?);
        Ok(facts_of(id, memory))
    })
    .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_seals(env: Env, id: u32) -> napi::Result<u32> {
    table::with(&MEMORIES, id, |memory| Ok(memory.seals().bits())).or_throw(&env)
}

/// Whether the handle has become read-only by it.
#[napi(catch_unwind)]
pub fn shared_memory_seal(env: Env, id: u32, seals: u32) -> napi::Result<bool> {
    table::with(&MEMORIES, id, |memory| memory.seal(Seals::from_bits(seals)))
        .map(|retired| retired.is_some())
        .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_read_only_fd(env: Env, id: u32) -> napi::Result<i32> {
    table::with(&MEMORIES, id, Memory::read_only_fd).map(IntoRawFd::into_raw_fd).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_flush(env: Env, id: u32) -> napi::Result<()> {
    table::with(&MEMORIES, id, Memory::flush).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_pin(env: Env, id: u32, pinned: bool) -> napi::Result<()> {
    table::with(&MEMORIES, id, |memory| if pinned { memory.pin() } else { memory.unpin() }).or_throw(&env)
}

/// `advice`: as `lib/shared-memory/memory.js` numbers them.
#[napi(catch_unwind)]
pub fn shared_memory_advise(env: Env, id: u32, advice: u32) -> napi::Result<()> {
    let advice = match advice {
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::HugePage,
        _ => Advice::Normal,
    };
    table::with(&MEMORIES, id, |memory| memory.advise(advice)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_stat(env: Env, id: u32) -> napi::Result<SharedMemoryStat> {
    table::with(&MEMORIES, id, |memory| {
        let stat = memory.stat()?;
        let permissions = stat.permissions;
        Ok(SharedMemoryStat {
            id: memory.segment().map_or(-1, |(number, _)| number),
            key: permissions.key,
            uid: permissions.uid,
            gid: permissions.gid,
            creator_uid: permissions.creator_uid,
            creator_gid: permissions.creator_gid,
            mode: permissions.mode,
            size: stat.size as f64,
            attached: stat.attached as f64,
            creator_pid: stat.creator,
            last_pid: stat.last,
            attached_at: stat.last_attach as f64,
            detached_at: stat.last_detach as f64,
            changed_at: stat.changed as f64,
        })
    })
    .or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_set(env: Env, id: u32, uid: Option<u32>, gid: Option<u32>, mode: Option<u32>) -> napi::Result<()> {
    table::with(&MEMORIES, id, |memory| memory.set(Changes { uid, gid, mode })).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn shared_memory_remove(env: Env, id: u32) -> napi::Result<()> {
    table::with(&MEMORIES, id, Memory::remove).or_throw(&env)
}

/// `NOT_EQUAL` at once if the word at `offset` is another one; else 0, and the wait goes on under `token`, to end with
/// `WOKEN`: what changes the word from here on, before the thread is asleep, is as good as a wake.
#[napi(catch_unwind)]
pub fn shared_memory_wait(
    env: Env,
    reactor: u32,
    token: u32,
    id: u32,
    offset: f64,
    expected: i32,
) -> napi::Result<i32> {
    let (offset, expected) = (offset as usize, expected.cast_unsigned());
    table::with(&MEMORIES, id, |memory| {
        if !memory.is_equal(offset, expected)? {
            return Ok(NOT_EQUAL);
        }
        let mapping = memory.mapping();
        reactor::start(
            reactor,
            token,
            move |flag| wait_cancellable(&mapping, offset, expected, flag).map_err(shm::of_word),
            |env, waited| waited.or_throw(env).map(|_| WOKEN.into()),
        )?;
        Ok(BLOCKED)
    })
    .or_throw(&env)
}

fn with_words<R>(body: impl FnOnce(&[Cell<u32>]) -> Result<R>) -> Result<R> {
    WORDS.with_borrow(|words| words.as_ref().map_or(Err(Error::Closed), |words| body(words.cells())))
}

fn word(cells: &[Cell<u32>], index: usize) -> u32 {
    cells.get(index).map_or(0, Cell::get)
}

fn long(cells: &[Cell<u32>], index: usize) -> u64 {
    u64::from(word(cells, index)) | u64::from(word(cells, index + 1)) << 32
}

/// A whole number from 0 to 2^53.
fn offset(cells: &[Cell<u32>]) -> usize {
    f64::from_bits(long(cells, OFFSET)) as usize
}

/// `sharedMemoryRead(id, target)`: fills it with what stands at OFFSET.
struct Read;

impl raw::Function for Read {
    const NAME: &CStr = c"sharedMemoryRead";
    const BODY: Body = |env, mut arguments| {
        let id = arguments.number(0);
        let target = arguments.memory(1);
        let from = with_words(|cells| Ok(offset(cells)));
        from.and_then(|from| table::with(&MEMORIES, id, |memory| memory.read(from, target))).map(|()| 0).or_throw(env)
    };
}

/// `sharedMemoryWrite(id, data)`: puts it to OFFSET.
struct Write;

impl raw::Function for Write {
    const NAME: &CStr = c"sharedMemoryWrite";
    const BODY: Body = |env, mut arguments| {
        let id = arguments.number(0);
        let data = &*arguments.memory(1);
        let to = with_words(|cells| Ok(offset(cells)));
        to.and_then(|to| table::with(&MEMORIES, id, |memory| memory.write(to, data))).map(|()| 0).or_throw(env)
    };
}

/// `sharedMemoryAtomic32(id, operation)`: on the word at OFFSET, with VALUE and EXPECTED; what stood there before.
struct Atomic32;

impl raw::Function for Atomic32 {
    const NAME: &CStr = c"sharedMemoryAtomic32";
    const BODY: Body = |env, arguments| {
        let (id, number) = (arguments.number(0), arguments.number(1));
        with_words(|cells| {
            let operation = operation(number, word(cells, VALUE), word(cells, EXPECTED));
            table::with(&MEMORIES, id, |memory| memory.atomic32(offset(cells), operation))
        })
        .map(u32::cast_signed)
        .or_throw(env)
    };
}

/// `sharedMemoryAtomic64(id, operation)`: the same, and what stood there before comes into VALUE.
struct Atomic64;

impl raw::Function for Atomic64 {
    const NAME: &CStr = c"sharedMemoryAtomic64";
    const BODY: Body = |env, arguments| {
        let (id, number) = (arguments.number(0), arguments.number(1));
        with_words(|cells| {
            let operation = operation(number, long(cells, VALUE), long(cells, EXPECTED));
            let before = table::with(&MEMORIES, id, |memory| memory.atomic64(offset(cells), operation))?;
            if let [low, high] = &cells[VALUE..VALUE + 2] {
                low.set(before as u32);
                high.set((before >> 32) as u32);
            }
            Ok(0)
        })
        .or_throw(env)
    };
}

/// As `lib/shared-memory/atomics.js` numbers them.
fn operation<T>(number: u32, value: T, expected: T) -> Operation<T> {
    match number {
        1 => Operation::Store(value),
        2 => Operation::Add(value),
        3 => Operation::Sub(value),
        4 => Operation::And(value),
        5 => Operation::Or(value),
        6 => Operation::Xor(value),
        7 => Operation::Exchange(value),
        8 => Operation::CompareExchange(expected, value),
        _ => Operation::Load,
    }
}

/// `sharedMemoryWaitSync(id, milliseconds)`: waits on this thread while the word at OFFSET is EXPECTED. `BLOCKED` if the
/// time is over, or a signal came.
struct WaitSync;

impl raw::Function for WaitSync {
    const NAME: &CStr = c"sharedMemoryWaitSync";
    const BODY: Body = |env, arguments| {
        let (id, milliseconds) = (arguments.number(0), arguments.number(1));
        let patience = (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()));
        with_words(|cells| {
            let expected = word(cells, EXPECTED);
            table::with(&MEMORIES, id, |memory| memory.wait(offset(cells), expected, patience))
        })
        .map(|waited| match waited {
            Waited::Woken => WOKEN,
            Waited::NotEqual => NOT_EQUAL,
            Waited::Ended => BLOCKED,
        })
        .or_throw(env)
    };
}

/// `sharedMemoryNotify(id, count)`: wakes at most so many who wait on the word at OFFSET; how many it were.
struct Notify;

impl raw::Function for Notify {
    const NAME: &CStr = c"sharedMemoryNotify";
    const BODY: Body = |env, arguments| {
        let (id, count) = (arguments.number(0), arguments.number(1));
        with_words(|cells| table::with(&MEMORIES, id, |memory| memory.wake(offset(cells), count)))
            .map(u32::cast_signed)
            .or_throw(env)
    };
}

/// The calls that are made often.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Read>(env, exports)?;
    raw::export::<Write>(env, exports)?;
    raw::export::<Atomic32>(env, exports)?;
    raw::export::<Atomic64>(env, exports)?;
    raw::export::<WaitSync>(env, exports)?;
    raw::export::<Notify>(env, exports)
}
