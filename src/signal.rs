//! Signals for JS: see `core/src/signal/`.

use std::cell::RefCell;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use os_ipc_core::signal::hub::Hub;
use os_ipc_core::signal::receiver::{Received, Receiver};
use os_ipc_core::signal::refusal::{Purpose, refusal};
use os_ipc_core::signal::{self as office, Left, name, send};
use os_ipc_core::sys::epoll::{Epoll, Interest};
use os_ipc_core::sys::signal::{self, Set};
use os_ipc_core::{Error, Result};

use crate::error::OrThrow;
use crate::raw::{self, Body};
use crate::reactor;
use crate::table::{self, Table};

// Never dropped with the thread: at the end of the process a flood of signals that nobody receives any more would make
// another end of it.
thread_local! {
    static RECEIVERS: Table<ManuallyDrop<Receiver>> = const { Table::new() };
    static HUB: RefCell<Option<ManuallyDrop<Watched>>> = const { RefCell::new(None) };
    static ROOM: RefCell<Vec<Received>> = const { RefCell::new(Vec::new()) };
}

/// The hub of one environment.
struct Watched {
    hub: Hub,
    epoll: Option<Rc<Epoll>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(epoll) = &self.epoll {
            epoll.remove(self.hub.signals());
            epoll.remove(self.hub.bell());
        }
    }
}

fn with_hub<T>(body: impl FnOnce(&Watched) -> Result<T>) -> Result<T> {
    HUB.with_borrow(|hub| hub.as_ref().map_or(Err(Error::Closed), |hub| body(hub)))
}

/// The first and the last realtime signal.
#[napi(catch_unwind)]
pub fn signal_range() -> Vec<i32> {
    vec![signal::min(), signal::max()]
}

/// Every name of a signal, and its number at the same place in the other list.
#[napi(object)]
pub struct SignalNames {
    pub names: Vec<String>,
    pub numbers: Vec<i32>,
}

#[napi(catch_unwind)]
pub fn signal_names() -> SignalNames {
    let (names, numbers) = name::all().into_iter().unzip();
    SignalNames { names, numbers }
}

/// What each signal is called, by number; nothing for those without a name.
#[napi(catch_unwind)]
pub fn signal_labels() -> Vec<Option<String>> {
    (0..=signal::max()).map(name::name).collect()
}

/// Why nobody may do this to a signal, as the end of a sentence, by number. `purpose`: 0 to receive it, 1 to hold it, else to
/// change what it does.
#[napi(catch_unwind)]
pub fn signal_refusals(purpose: u32) -> Vec<Option<&'static str>> {
    let purpose = match purpose {
        0 => Purpose::Receive,
        1 => Purpose::Hold,
        _ => Purpose::Dispose,
    };
    (0..=signal::max()).map(|number| refusal(number, purpose)).collect()
}

#[napi(catch_unwind)]
pub fn signal_send(env: Env, pid: i32, number: i32, value: Option<i32>, thread: Option<i32>) -> napi::Result<()> {
    send::send(pid, number, value, thread).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn signal_send_to_group(env: Env, pgid: i32, number: i32) -> napi::Result<()> {
    send::send_to_group(pgid, number).or_throw(&env)
}

/// Begins to take signals in this environment, unless it has. `is_main`: it is the one that the runtime tells of signals. `on_libuv`: the
/// runtime does so by libuv.
#[napi(catch_unwind)]
pub fn signal_hub_start(env: Env, is_main: bool, on_libuv: bool) -> napi::Result<()> {
    if HUB.with_borrow(Option::is_some) {
        return Ok(());
    }
    let callable = match on_libuv {
        true => office::spare().and_then(reactor::signal_handler),
        false => Some(reactor::any_signal_handler()),
    };
    if let Some(callable) = callable {
        office::learn(callable);
    }
    let hub = Hub::new(is_main).or_throw(&env)?;
    HUB.set(Some(ManuallyDrop::new(Watched { hub, epoll: None })));
    env.add_env_cleanup_hook(is_main, |is_main| {
        if is_main {
            office::end();
        } else if let Some(watched) = HUB.take() {
            // And with it all its receivers.
            drop(ManuallyDrop::into_inner(watched));
        }
    })?;
    Ok(())
}

/// Has the reactor tell of signals under one token, and under the other of those that another thread has taken.
#[napi(catch_unwind)]
pub fn signal_hub_watch(env: Env, reactor: u32, token: u32, of_bell: bool) -> napi::Result<()> {
    let watch = |epoll: Rc<Epoll>| {
        HUB.with_borrow_mut(|watched| {
            let watched = watched.as_mut().ok_or(Error::Closed)?;
            let fd: BorrowedFd<'_> = if of_bell { watched.hub.bell() } else { watched.hub.signals() };
            epoll.add(fd, token, Interest::Read)?;
            watched.epoll = Some(epoll);
            Ok(())
        })
    };
    reactor::epoll(reactor).and_then(watch).or_throw(&env)
}

/// Takes what is there for all receivers of this environment. 0: that was all; 1: there may be more; 2: there may be, but it is
/// to wait a little.
#[napi(catch_unwind)]
pub fn signal_take(env: Env) -> napi::Result<u32> {
    let left = with_hub(|watched| watched.hub.take()).or_throw(&env)?;
    Ok(match left {
        Left::Nothing => 0,
        Left::More => 1,
        Left::Later => 2,
    })
}

/// Receives these signals from here on, and gives the receiver's number.
#[napi(catch_unwind)]
pub fn signal_open(env: Env, numbers: Vec<i32>) -> napi::Result<u32> {
    let receiver = with_hub(|watched| Receiver::open(&watched.hub, set(&numbers)));
    receiver.map(|receiver| table::insert(&RECEIVERS, ManuallyDrop::new(receiver))).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn signal_close(id: u32) {
    drop(table::discard(&RECEIVERS, id).map(ManuallyDrop::into_inner));
}

/// How many have been thrown away.
#[napi(catch_unwind)]
pub fn signal_dropped(id: u32) -> f64 {
    table::with(&RECEIVERS, id, |receiver| Ok(receiver.dropped() as f64)).unwrap_or(0.0)
}

/// `signalReceive(id, target, milliseconds)`: how many have been written into `target`, six words each. It blocks this
/// thread for at most so many milliseconds if there is none.
struct Receive;

/// Number, code, pid, uid, whether there is a value, value.
const WORDS: usize = 6;

impl raw::Function for Receive {
    const NAME: &CStr = c"signalReceive";
    const BODY: Body = |env, mut arguments| {
        // lib/ waits in slices of a tenth of a second.
        let (id, milliseconds) = (arguments.number(0), arguments.number(2).min(u8::MAX.into()) as u8);
        let target = arguments.memory(1);
        let most = target.len() / (WORDS * size_of::<i32>());
        ROOM.with_borrow_mut(|room| {
            let received = with_hub(|Watched { hub, .. }| {
                table::with(&RECEIVERS, id, |receiver| {
                    receiver.receive(hub, room, most)?;
                    if room.is_empty() && milliseconds > 0 {
                        hub.block(milliseconds)?;
                        receiver.receive(hub, room, most)?;
                    }
                    Ok(())
                })
            });
            received.or_throw(env)?;
            let words = room.iter().flat_map(|Received { number, code, pid, uid, value }| {
                [*number, *code, *pid, uid.cast_signed(), value.is_some().into(), value.unwrap_or(0)]
            });
            for (bytes, word) in target.chunks_exact_mut(size_of::<i32>()).zip(words) {
                bytes.copy_from_slice(&word.to_ne_bytes());
            }
            Ok(room.len() as i32)
        })
    };
}

/// The call that is made for each few signals.
pub(crate) fn export(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    raw::export::<Receive>(env, exports)
}

#[napi(catch_unwind)]
pub fn signal_block(env: Env, numbers: Vec<i32>) -> napi::Result<()> {
    office::block(set(&numbers)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn signal_unblock(env: Env, numbers: Vec<i32>) -> napi::Result<()> {
    office::unblock(set(&numbers)).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn signal_pending(env: Env) -> napi::Result<Vec<i32>> {
    office::pending().map(|set| set.numbers().collect()).or_throw(&env)
}

/// Has the signal ignored, or do what it does by default.
#[napi(catch_unwind)]
pub fn signal_dispose(env: Env, number: i32, ignore: bool) -> napi::Result<()> {
    office::dispose(number, ignore).or_throw(&env)
}

fn set(numbers: &[i32]) -> Set {
    numbers.iter().fold(Set::EMPTY, |set, number| set.and(Set::of(*number)))
}
