//! The addon: converts arguments and calls os-ipc-core. There is no logic here, and no system call.
//!
//! Objects live in a [`table`] for each thread, and JS names them by number: that costs a hot call nothing, where a class
//! method or an external value costs a look-up under a lock. `lib/` owns the numbers and sees to it that each is given
//! back, by close or by garbage collection.

mod channel;
mod endpoint;
mod error;
#[cfg(feature = "fault-inject")]
mod fault;
mod fifo;
mod file_lock;
mod lock;
mod pipe;
mod posix_queue;
mod posix_semaphore;
mod process;
mod raw;
mod reactor;
mod registry;
mod shared_memory;
mod signal;
mod splice;
mod sysv_queue;
mod sysv_semaphore;
mod table;
mod topic;
mod unix_listener;
mod unix_socket;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

/// Adds the functions that are not made by napi-rs: see [`raw`].
#[napi(module_exports)]
pub fn init(exports: Object<'_>, env: Env) -> napi::Result<()> {
    lock::export(&env, &exports)?;
    channel::export(&env, &exports)?;
    pipe::export(&env, &exports)?;
    posix_queue::export(&env, &exports)?;
    posix_semaphore::export(&env, &exports)?;
    shared_memory::export(&env, &exports)?;
    signal::export(&env, &exports)?;
    sysv_queue::export(&env, &exports)?;
    sysv_semaphore::export(&env, &exports)?;
    topic::export(&env, &exports)?;
    unix_socket::export(&env, &exports)
}
