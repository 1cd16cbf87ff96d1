//! The driver where there is no libuv: a thread of ours waits on the epoll descriptor by tokio and tells JS.
//!
//! A notice costs a hop between threads. Edges that come while one is on its way are told by that one.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use napi::Env;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};
use tokio::runtime;
use tokio::sync::Notify;

use super::Harvester;

type Tell = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

pub(super) fn start(env: &Env, notify: Function<'_, (), ()>, harvester: Rc<Harvester>) -> napi::Result<()> {
    let epoll = harvester.epoll.as_fd().try_clone_to_owned().map_err(failed)?;
    let tell: Tell = notify.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()?;
    let ending = Arc::new(Notify::new());
    let told = Arc::clone(&ending);
    let thread =
        thread::Builder::new().name("os-ipc-reactor".into()).spawn(move || run(epoll, tell, &told)).map_err(failed)?;
    env.add_env_cleanup_hook((), move |()| {
        harvester.waits.close();
        ending.notify_one();
        // It panics only if it is defective, and then it is gone all the same.
        drop(thread.join());
    })?;
    Ok(())
}

#[expect(deprecated, reason = "an OwnedFd keeps by itself what the unsafe successor of this call asks for")]
fn run(epoll: OwnedFd, tell: Tell, ending: &Notify) {
    os_ipc_core::sys::thread::mask_all();
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_io().build() else { return };
    runtime.block_on(async {
        let Ok(epoll) = AsyncFd::with_interest(epoll, Interest::READABLE) else { return };
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

fn failed(error: std::io::Error) -> napi::Error {
    napi::Error::from_reason(format!("the reactor could not be started: {error}"))
}
