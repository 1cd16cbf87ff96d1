//! Signals for JS: see `core/src/signal/`.

use napi::Env;
use napi_derive::napi;
use os_ipc_core::signal::name;
use os_ipc_core::signal::refusal::{Purpose, refusal};
use os_ipc_core::signal::send;
use os_ipc_core::sys::signal;

use crate::error::OrThrow;

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
