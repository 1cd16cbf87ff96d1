//! The driver on Node's own loop: one `uv_poll` over the epoll descriptor, so that readiness costs no thread hop.
//!
//! The `uv_` functions come from the node binary and are looked up at run time: other runtimes load this addon too.
//! A `uv_poll` that is still open when a worker ends aborts the whole process, so an asynchronous clean-up hook closes
//! it and holds the environment's end up until libuv says that it is closed.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;

use napi::bindgen_prelude::Function;
use napi::{Env, JsValue, Status, sys};
use os_ipc_core::sys::epoll;
use os_ipc_core::sys::signal::{Callable, Disposition, disposition};
use os_ipc_core::{Error, Result};

use super::{ALIVE, COUNT, GUESS, Harvester, IN_TURN, KEPT};
use crate::error::OrThrow;

/// From libuv's ABI, which is stable within its major version 1.
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

/// Memory of the size that libuv asks for, which stays where it is from `PollInit` until `OnClose` has been called. No
/// function below is called outside that time, nor on another thread than the loop's own.
type Handle = *mut c_void;
/// What libuv calls: on the thread of the loop, from within its run, with the handle that it was given for.
type OnPoll = unsafe extern "C" fn(Handle, c_int, c_int);
type OnClose = unsafe extern "C" fn(Handle);

/// A live loop, and for a handle the descriptor, open until `Close`: libuv owns neither.
type PollInit = unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int;
type PollStart = unsafe extern "C" fn(Handle, c_int, OnPoll) -> c_int;

type HandleSize = unsafe extern "C" fn(c_int) -> usize;
type Close = unsafe extern "C" fn(Handle, OnClose);
type SetData = unsafe extern "C" fn(Handle, *mut c_void);
type GetData = unsafe extern "C" fn(Handle) -> *mut c_void;
type Change = unsafe extern "C" fn(Handle);
type BackendFd = unsafe extern "C" fn(*mut sys::uv_loop_s) -> c_int;

struct Uv {
    handle_size: HandleSize,
    poll_init: PollInit,
    poll_start: PollStart,
    close: Close,
    set_data: SetData,
    get_data: GetData,
    reference: Change,
    unreference: Change,
    backend_fd: BackendFd,
}

/// The function of that name, or `None` from the function around it.
macro_rules! function {
    ($name:literal, $type:ty) => {{
        let address = symbol($name)?;
        // SAFETY: the symbol has this type in libuv's ABI, and a function pointer is as wide as a data pointer.
        unsafe { transmute::<*mut c_void, $type>(address) }
    }};
}

/// A `uv_poll` that is open, or closing.
struct Poll {
    uv: &'static Uv,
    /// The loop's own epoll descriptor.
    backend: c_int,
    /// `uv_handle_size(UV_POLL)` bytes, which never move and are freed in `on_close` alone.
    memory: Box<[u128]>,
    env: sys::napi_env,
    context: sys::napi_async_context,
    notify: sys::napi_ref,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    closing: Cell<bool>,
    harvester: Rc<Harvester>,
}

/// Watches one descriptor until the environment ends.
pub(super) struct Driver(Rc<Poll>);

impl Driver {
    pub(super) fn start(env: &Env, notify: Function<'_, (), ()>, harvester: Rc<Harvester>) -> napi::Result<Self> {
        let uv = Uv::get().ok_or_else(|| napi::Error::from_reason("this runtime has no libuv"))?;
        // SAFETY: takes an integer and gives a size.
        let bytes = unsafe { (uv.handle_size)(UV_POLL) };
        let mut memory = room(bytes);
        let handle: Handle = memory.as_mut_ptr().cast();

        let mut reference = ptr::null_mut();
        // SAFETY: `notify` is a live value of this environment.
        let status = unsafe { sys::napi_create_reference(env.raw(), notify.raw(), 1, &raw mut reference) };
        check(status, "napi_create_reference")?;
        let name = env.create_string("os-ipc")?;
        let mut context = ptr::null_mut();
        // SAFETY: no resource object; `name` is a live string of this environment.
        let status = unsafe { sys::napi_async_init(env.raw(), ptr::null_mut(), name.raw(), &raw mut context) };
        check(status, "napi_async_init")?;

        // SAFETY: the memory is of the size that libuv asked for, zeroed, and stays where it is.
        let status = unsafe { (uv.poll_init)(env.get_uv_event_loop()?, handle, harvester.epoll.as_fd().as_raw_fd()) };
        if let Err(error) = check_uv(status, "uv_poll_init") {
            // SAFETY: it was made above, and nobody else knows of it.
            unsafe { sys::napi_async_destroy(env.raw(), context) };
            // SAFETY: so was this one.
            unsafe { sys::napi_delete_reference(env.raw(), reference) };
            return Err(error).or_throw(env);
        }
        // SAFETY: the loop of a live environment.
        let backend = unsafe { (uv.backend_fd)(env.get_uv_event_loop()?) };
        let poll = Rc::new(Poll {
            uv,
            backend,
            memory,
            env: env.raw(),
            context,
            notify: reference,
            hook: Cell::new(ptr::null_mut()),
            closing: Cell::new(false),
            harvester,
        });
        // From here on libuv holds a share of its own, which on_close gives back.
        let data = Rc::into_raw(Rc::clone(&poll)).cast_mut().cast::<c_void>();
        // SAFETY: an initialised handle.
        unsafe { (poll.uv.set_data)(handle, data) };
        // SAFETY: an initialised handle; `on_poll` has the signature of a uv_poll_cb.
        check_uv(unsafe { (poll.uv.poll_start)(handle, UV_READABLE, on_poll) }, "uv_poll_start").or_throw(env)?;
        // SAFETY: an initialised handle. Idle, it keeps no loop alive.
        unsafe { (poll.uv.unreference)(handle) };

        let mut hook = ptr::null_mut();
        let status =
            // SAFETY: `data` is valid until on_close, which runs after the hook.
            unsafe { sys::napi_add_async_cleanup_hook(env.raw(), Some(on_environment_end), data, &raw mut hook) };
        check(status, "napi_add_async_cleanup_hook")?;
        poll.hook.set(hook);
        Ok(Self(poll))
    }

    /// What the loop's own epoll says under the number of ours is told as if ours had said it. So a descriptor that stands
    /// there directly saves a harvest; and when our handle is closed, libuv takes no notice of it any more.
    pub(super) fn express(&self, fd: BorrowedFd<'_>, on: bool) -> Result<bool> {
        let Poll { backend, closing, harvester, .. } = &*self.0;
        if closing.get() {
            return Ok(false);
        }
        let ours = harvester.epoll.as_fd().as_raw_fd();
        os_ipc_core::sys::fd::lend(*backend, |backend| {
            if on { epoll::enter(backend, fd, ours) } else { epoll::leave(backend, fd) }
        })?;
        Ok(true)
    }

    pub(super) fn keep_alive(&self, alive: bool) {
        if !self.0.closing.get() {
            self.0.keep_alive(alive);
        }
    }
}

impl Poll {
    fn handle(&self) -> Handle {
        self.memory.as_ptr().cast_mut().cast()
    }

    /// Only while the handle is open.
    fn keep_alive(&self, alive: bool) {
        let change = if alive { self.uv.reference } else { self.uv.unreference };
        // SAFETY: the handle is open.
        unsafe { change(self.handle()) };
        self.harvester.set(KEPT, alive.into());
    }
}

/// Harvests, and tells JS.
// SAFETY: given to libuv alone, which calls it on the thread of its loop, with the handle that `start` made.
unsafe extern "C" fn on_poll(handle: Handle, _status: c_int, _events: c_int) {
    let Some(poll) = poll_of(handle) else { return };
    if poll.closing.get() {
        return;
    }
    // An error of epoll_wait(2) would be one of its arguments: nothing to be told to anybody.
    if poll.harvester.get(GUESS) == 0 && poll.harvester.run().unwrap_or(0) == 0 {
        return;
    }
    poll.harvester.set(IN_TURN, 1);
    notify(poll);
    poll.harvester.set(IN_TURN, 0);
    poll.harvester.set(COUNT, 0);
    // While JS ran, waits ended and began without a word to the loop: what counts is how it stands now.
    let alive = poll.harvester.get(ALIVE) != 0;
    if alive != (poll.harvester.get(KEPT) != 0) && !poll.closing.get() {
        poll.keep_alive(alive);
    }
}

/// Calls into JS, as a turn of its own: microtasks run when the outermost such call ends.
fn notify(poll: &Poll) {
    let env = poll.env;
    let mut scope = ptr::null_mut();
    // SAFETY: the environment lives, for its end closes this handle first; this is its thread.
    if unsafe { sys::napi_open_handle_scope(env, &raw mut scope) } != sys::Status::napi_ok {
        return;
    }
    let mut function = ptr::null_mut();
    // SAFETY: a reference made in `start` and never deleted while the environment lives.
    unsafe { sys::napi_get_reference_value(env, poll.notify, &raw mut function) };
    let mut receiver = ptr::null_mut();
    // SAFETY: gives the global object.
    unsafe { sys::napi_get_global(env, &raw mut receiver) };
    let mut result = ptr::null_mut();
    let status =
        // SAFETY: live values, no arguments, within a handle scope.
        unsafe { sys::napi_make_callback(env, poll.context, receiver, function, 0, ptr::null(), &raw mut result) };
    if status == sys::Status::napi_pending_exception {
        report_exception(env);
    }
    // SAFETY: the scope opened above.
    unsafe { sys::napi_close_handle_scope(env, scope) };
}

/// What a callback of libuv's has thrown is an uncaught exception. (None of ours throws unless it is defective.)
fn report_exception(env: sys::napi_env) {
    let mut error = ptr::null_mut();
    // SAFETY: takes the pending exception of a live environment.
    if unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut error) } == sys::Status::napi_ok {
        // SAFETY: the value just taken. Fails where the worker is being terminated: then nobody is to be told.
        unsafe { sys::napi_fatal_exception(env, error) };
    }
}

// SAFETY: given to Node-API alone, which calls it once, on the thread of the environment, with the `data` of `start`.
unsafe extern "C" fn on_environment_end(_hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: libuv's share of the Poll, which on_close gives back; so it is valid here.
    let poll = unsafe { &*data.cast::<Poll>() };
    poll.closing.set(true);
    poll.harvester.waits.close();
    // SAFETY: an open handle, closed once: a clean-up hook runs once.
    unsafe { (poll.uv.close)(poll.handle(), on_close) };
}

// SAFETY: given to libuv alone, which calls it once, when it is done with the handle that `on_environment_end` closes.
unsafe extern "C" fn on_close(handle: Handle) {
    let Some(poll) = poll_of(handle) else { return };
    // SAFETY: the hook that this close was waiting for; this lets the environment end.
    unsafe { sys::napi_remove_async_cleanup_hook(poll.hook.get()) };
    // SAFETY: the share that `start` gave to libuv, which is done with the handle now. `poll` is not used after it.
    drop(unsafe { Rc::from_raw(ptr::from_ref(poll)) });
}

fn poll_of<'a>(handle: Handle) -> Option<&'a Poll> {
    let uv = Uv::get()?;
    // SAFETY: an initialised handle.
    let data = unsafe { (uv.get_data)(handle) };
    // SAFETY: set in `start`, valid until on_close gives that share back.
    unsafe { data.cast::<Poll>().as_ref() }
}

impl Uv {
    /// The functions of the node binary; None in a runtime that has no libuv.
    fn get() -> Option<&'static Self> {
        static UV: OnceLock<Option<Uv>> = OnceLock::new();
        UV.get_or_init(Self::look_up).as_ref()
    }

    fn look_up() -> Option<Self> {
        Some(Self {
            handle_size: function!(c"uv_handle_size", HandleSize),
            poll_init: function!(c"uv_poll_init", PollInit),
            poll_start: function!(c"uv_poll_start", PollStart),
            close: function!(c"uv_close", Close),
            set_data: function!(c"uv_handle_set_data", SetData),
            get_data: function!(c"uv_handle_get_data", GetData),
            reference: function!(c"uv_ref", Change),
            unreference: function!(c"uv_unref", Change),
            backend_fd: function!(c"uv_backend_fd", BackendFd),
        })
    }
}

/// What libuv installs for signals: it tells the loops that asked, on whatever thread it runs, and looks at nothing but the
/// number. `spare` is a signal that nobody uses. None without libuv, or where that differs from what is known of it.
pub(crate) fn signal_handler(spare: c_int) -> Option<Callable> {
    const UV_SIGNAL: c_int = 16;
    // The first Handle of `Init`, and that of `OnLoop` and `Run`, is a loop: memory that stays until it is closed.
    type LoopSize = unsafe extern "C" fn() -> usize;
    type OnLoop = unsafe extern "C" fn(Handle) -> c_int;
    type Run = unsafe extern "C" fn(Handle, c_int) -> c_int;
    type Init = unsafe extern "C" fn(Handle, Handle) -> c_int;
    type Start = unsafe extern "C" fn(Handle, OnSignal, c_int) -> c_int;
    type OnSignal = unsafe extern "C" fn(Handle, c_int);
    // SAFETY: both look at nothing.
    unsafe extern "C" fn unheard(_: Handle, _: c_int) {}
    unsafe extern "C" fn closed(_: Handle) {}

    let uv = Uv::get()?;
    let loop_size = function!(c"uv_loop_size", LoopSize);
    let loop_init = function!(c"uv_loop_init", OnLoop);
    let loop_close = function!(c"uv_loop_close", OnLoop);
    let run = function!(c"uv_run", Run);
    let init = function!(c"uv_signal_init", Init);
    let start = function!(c"uv_signal_start", Start);
    // SAFETY: gives a size.
    let mut own_loop = room(unsafe { loop_size() });
    let own_loop: Handle = own_loop.as_mut_ptr().cast();
    // SAFETY: memory of the size that libuv asked for, which stays where it is until the loop is closed below.
    if unsafe { loop_init(own_loop) } != 0 {
        return None;
    }
    // SAFETY: takes an integer and gives a size.
    let mut watcher = room(unsafe { (uv.handle_size)(UV_SIGNAL) });
    let watcher: Handle = watcher.as_mut_ptr().cast();
    let mut standing = Ok(Disposition::Default);
    // SAFETY: an initialised loop, and memory that stays where it is until the handle is closed below.
    if unsafe { init(own_loop, watcher) } == 0 {
        // SAFETY: an initialised handle, a callback of the right type.
        if unsafe { start(watcher, unheard, spare) } == 0 {
            standing = disposition(spare);
        }
        // SAFETY: an initialised handle; closing it stops it.
        unsafe { (uv.close)(watcher, closed) };
        // SAFETY: an initialised loop. With nothing but a handle that closes it does not wait.
        unsafe { run(own_loop, 0) };
    }
    // SAFETY: an initialised loop, without handles.
    unsafe { loop_close(own_loop) };
    match standing {
        // SAFETY: uv__signal_handler, which takes the number and nothing else.
        Ok(Disposition::Handler(address)) => Some(unsafe { Callable::only(address) }),
        _ => None,
    }
}

/// The same of runtimes without libuv: their handlers too write the number somewhere, and leave.
pub(crate) fn any_signal_handler() -> Callable {
    // SAFETY: Bun's takes the number alone, and Deno's the number and who has sent it.
    unsafe { Callable::any() }
}

/// Zeroed memory for what libuv keeps.
fn room(bytes: usize) -> Box<[u128]> {
    vec![0_u128; bytes.div_ceil(size_of::<u128>())].into_boxed_slice()
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    let address = os_ipc_core::sys::dl::symbol(name);
    (!address.is_null()).then_some(address)
}

fn check(status: sys::napi_status, call: &str) -> napi::Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::new(Status::from(status), format!("{call} failed")))
    }
}

/// What libuv gives is an error number of the system, negated.
fn check_uv(status: c_int, call: &'static str) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(Error::io(&std::io::Error::from_raw_os_error(-status), call)) }
}
