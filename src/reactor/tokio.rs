//! The driver where there is no libuv: a thread of ours waits on the epoll descriptor by tokio and tells JS.
//!
//! A notice costs a hop between threads. Edges that come while one is on its way are told by that one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use napi::Env;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use os_ipc_core::{Error, Result};

use super::Harvester;
use crate::error::OrThrow;

type Tell = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

pub(super) fn start(env: &Env, notify: Function<'_, (), ()>, harvester: Rc<Harvester>) -> napi::Result<()> {
    // All that can fail fails here, and not in the thread, where nobody would hear of it.
    let (runtime, epoll) = prepare(harvester.epoll.as_fd()).or_throw(env)?;
    let tell: Tell = notify.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()?;
    let ending = Arc::new(Notify::new());
    let told = Arc::clone(&ending);
    let thread = thread::Builder::new()
        .name("os-ipc-reactor".into())
        .spawn(move || run(&runtime, epoll, tell, &told))
        .map_err(|error| Error::io(&error, "clone"))
        .or_throw(env)?;
    env.add_env_cleanup_hook((), move |()| {
        harvester.waits.close();
        ending.notify_one();
        // It panics only if it is defective, and then it is gone all the same.
        drop(thread.join());
    })?;
    Ok(())
}

#[expect(deprecated, reason = "an OwnedFd keeps by itself what the unsafe successor of this call asks for")]
fn prepare(epoll: BorrowedFd<'_>) -> Result<(Runtime, AsyncFd<OwnedFd>)> {
    let epoll = epoll.try_clone_to_owned().map_err(|error| Error::io(&error, "fcntl"))?;
    let made = Builder::new_current_thread().enable_io().build();
    let runtime = made.map_err(|error| Error::io(&error, "epoll_create1"))?;
    let entered = runtime.enter();
    let epoll = AsyncFd::with_interest(epoll, Interest::READABLE).map_err(|error| Error::io(&error, "epoll_ctl"))?;
    drop(entered);
    Ok((runtime, epoll))
}

fn run(runtime: &Runtime, epoll: AsyncFd<OwnedFd>, tell: Tell, ending: &Notify) {
    os_ipc_core::sys::thread::mask_all();
    runtime.block_on(async {
        loop {
            tokio::select! {
                () = ending.notified() => return,
                ready = epoll.readable() => {
                    let Ok(mut guard) = ready else { return };
                    guard.clear_ready_matching(Ready::READABLE);
                    tell.call((), ThreadsafeFunctionCallMode::NonBlocking);
                }
            }
        }
    });
}
