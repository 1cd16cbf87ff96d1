//! What is done for each message, by bare Node-API: napi-rs's wrapper of a function costs as much as the system call that
//! the function makes. Also buffers over memory that is not JS's. With [`crate::reactor`]'s libuv driver this is the
//! binding's only unsafe code.
//!
//! Everything here runs on the thread of its environment, and JS calls it from `lib/` alone, with arguments that have been
//! checked there. A wrong one is an error all the same, never undefined behaviour.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::OnceLock;

use napi::bindgen_prelude::{FromNapiValue, Object, Unknown};
use napi::{Env, JsValue, Status, sys};
use os_ipc_core::sys::dl;
use os_ipc_core::sys::mman::Mapping;

/// A function for JS: numbers and at most one piece of memory in, a number out.
pub(crate) type Body = fn(&Env, Arguments<'_>) -> napi::Result<i32>;

/// What JS has passed.
pub(crate) struct Arguments<'a> {
    env: sys::napi_env,
    values: &'a [sys::napi_value],
}

impl<'a> Arguments<'a> {
    /// The integer at `index`, 0 if it is none.
    pub(crate) fn number(&self, index: usize) -> u32 {
        let mut number = 0;
        if let Some(value) = self.values.get(index) {
            // SAFETY: a live value of this call; anything but a number leaves `number` alone.
            unsafe { sys::napi_get_value_uint32(self.env, *value, &raw mut number) };
        }
        number
    }

    /// The memory of the view at `index`, empty if it is none or detached. JS does not run before the call returns, so
    /// nobody else changes it; `&mut self` sees to it that there is one borrow at a time.
    pub(crate) fn memory(&mut self, index: usize) -> &mut [u8] {
        let mut data: *mut std::ffi::c_void = ptr::null_mut();
        let mut length = 0;
        if let Some(value) = self.values.get(index) {
            // SAFETY: a live value of this call; anything but a view leaves both alone.
            unsafe { sys::napi_get_buffer_info(self.env, *value, &raw mut data, &raw mut length) };
        }
        if data.is_null() || length == 0 {
            return &mut [];
        }
        // SAFETY: the view's bytes, which stay where they are until JS runs again, for the time of this borrow.
        unsafe { std::slice::from_raw_parts_mut(data.cast(), length) }
    }
}

/// Gives `exports` the function `NAME`, which calls `body`.
pub(crate) fn export<F: Function>(env: &Env, exports: &Object<'_>) -> napi::Result<()> {
    let mut function = ptr::null_mut();
    let name = F::NAME;
    // SAFETY: a name of the length given, a callback of the right type, no data.
    let status = unsafe {
        sys::napi_create_function(
            env.raw(),
            name.as_ptr(),
            name.count_bytes() as isize,
            Some(call::<F>),
            ptr::null_mut(),
            &raw mut function,
        )
    };
    check(status)?;
    // SAFETY: a live object and a live value of this environment; the name ends with a null byte.
    check(unsafe { sys::napi_set_named_property(env.raw(), exports.raw(), name.as_ptr(), function) })
}

/// A type that stands for a function: what [`export`] makes a callback of.
pub(crate) trait Function {
    /// Its name in JS.
    const NAME: &'static std::ffi::CStr;
    /// What it does.
    const BODY: Body;
}

// SAFETY: given to Node-API alone, which calls it with a live environment and the info of that call.
unsafe extern "C" fn call<F: Function>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut values = [ptr::null_mut(); 4];
    let mut count = values.len();
    // SAFETY: the call's own info; at most `count` values are written.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &raw mut count, values.as_mut_ptr(), ptr::null_mut(), ptr::null_mut())
    };
    if status != sys::Status::napi_ok {
        return ptr::null_mut();
    }
    let values = values.get(..count).unwrap_or(&values);
    let outcome = catch_unwind(AssertUnwindSafe(|| (F::BODY)(&Env::from_raw(env), Arguments { env, values })));
    let number = match outcome {
        Ok(Ok(number)) => number,
        Ok(Err(error)) => {
            if error.status != Status::PendingException {
                throw(env, &error.reason);
            }
            return ptr::null_mut();
        }
        Err(_) => {
            throw(env, "a native function of os-ipc panicked");
            return ptr::null_mut();
        }
    };
    let mut result = ptr::null_mut();
    // SAFETY: a live environment and a place for the value.
    unsafe { sys::napi_create_int32(env, number, &raw mut result) };
    result
}

fn throw(env: sys::napi_env, message: &str) {
    // It fails only where an exception stands already, and then that one is the better one.
    let _pending = Env::from_raw(env).throw_error(message, Some("ERR_IPC_INTERNAL"));
}

fn check(status: sys::napi_status) -> napi::Result<()> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(napi::Error::from_status(Status::from(status))) }
}

/// Words of a `Uint32Array` of JS that this side reads and writes without a call. The array belongs to `lib/`, which
/// never gives it away, so it is never detached, and the reference keeps it.
pub(crate) struct SharedWords {
    words: NonNull<Cell<u32>>,
    length: usize,
}

impl SharedWords {
    pub(crate) fn new(env: &Env, array: &Object<'_>) -> napi::Result<Self> {
        let mut kind = 0;
        let mut length = 0;
        let mut data = ptr::null_mut();
        // SAFETY: asks for kind, length and data of a live value; it fails if that is no typed array.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env.raw(),
                array.raw(),
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(status)?;
        let words = NonNull::new(data.cast());
        let words = words
            .filter(|_| kind == sys::TypedarrayType::uint32_array)
            .ok_or_else(|| napi::Error::from_status(Status::InvalidArg))?;
        let mut reference = ptr::null_mut();
        // SAFETY: a live value; the reference lives as long as the environment, and so does every SharedWords.
        check(unsafe { sys::napi_create_reference(env.raw(), array.raw(), 1, &raw mut reference) })?;
        Ok(Self { words, length })
    }

    /// All of them. Cells, for JS writes them too, between calls.
    pub(crate) fn cells(&self) -> &[Cell<u32>] {
        // SAFETY: the array's memory, of that length, kept by the reference; JS runs on this same thread, not meanwhile.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.length) }
    }
}

/// A mapping that JS has as a buffer. The mapping stays for as long as anybody may have its address: JS's backing store,
/// which may have moved into another buffer (`transfer()`), and calls of Node's that run on other threads.
///
/// JS takes it for memory of its own, and collects garbage the sooner. Giving the size back by
/// napi_adjust_external_memory is not safe: V8 13 ends the process when a buffer goes and there is less to subtract from.
pub(crate) struct View {
    mapping: Arc<Mapping>,
}

/// What a buffer's finaliser gives back.
type Owner = Rc<Cell<Option<Rc<View>>>>;

impl View {
    /// An ArrayBuffer over the mapping; None where the runtime has none over memory that is not its own.
    pub(crate) fn buffer<'env>(
        env: &'env Env,
        mapping: Arc<Mapping>,
    ) -> napi::Result<Option<(Unknown<'env>, Rc<Self>)>> {
        let (address, length) = (mapping.address(), mapping.len());
        let view = Rc::new(Self { mapping });
        // Where it fails (of too large a size, for one) the callback is called all the same or it is not, at once or later,
        // and nobody says which: so what it owns is a place of its own, from which the view is taken back then.
        let owner: Owner = Rc::new(Cell::new(Some(Rc::clone(&view))));
        let mut buffer = ptr::null_mut();
        // SAFETY: memory that stays where it is until `forget_view` gives its last owner back; the hint has one of them.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(
                env.raw(),
                address.as_ptr().cast(),
                length,
                Some(forget_view),
                Rc::into_raw(Rc::clone(&owner)).cast_mut().cast(),
                &raw mut buffer,
            )
        };
        if status != sys::Status::napi_ok {
            drop(owner.take());
            return if status == sys::Status::napi_no_external_buffers_allowed { Ok(None) } else { Err(error(status)) };
        }
        if !stands_at(env, buffer, address) {
            return Ok(None);
        }
        // SAFETY: a live value that was just made.
        Ok(Some((unsafe { Unknown::from_napi_value(env.raw(), buffer) }?, view)))
    }

    /// Detaches the buffer, and leaves zeros to whoever still has its address.
    pub(crate) fn revoke(&self, env: &Env, buffer: &Unknown<'_>) -> os_ipc_core::Result<()> {
        // SAFETY: a live value; it fails for what is no ArrayBuffer, or is detached.
        let _detached_already = unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) };
        self.mapping.retire()
    }
}

// SAFETY: given to Node-API alone, as the finaliser of what `hint` owns.
unsafe extern "C" fn forget_view(_env: sys::napi_env, _data: *mut std::ffi::c_void, hint: *mut std::ffi::c_void) {
    // SAFETY: the owner that `View::buffer` gave away; this is called at most once, on the thread of the environment.
    drop(unsafe { Rc::from_raw(hint.cast::<Cell<Option<Rc<View>>>>()) });
}

/// Some runtimes copy in silence.
fn stands_at(env: &Env, buffer: sys::napi_value, address: NonNull<u8>) -> bool {
    let mut data = ptr::null_mut();
    let mut length = 0;
    // SAFETY: a live value, and places for the results.
    unsafe { sys::napi_get_arraybuffer_info(env.raw(), buffer, &raw mut data, &raw mut length) };
    data == address.as_ptr().cast()
}

/// Of Node-API: it wants a live environment, memory of that length that stays until the finaliser has been called, which
/// may happen on any thread, and a place for the value.
type CreateShared = unsafe extern "C" fn(
    sys::napi_env,
    *mut std::ffi::c_void,
    usize,
    Option<unsafe extern "C" fn(*mut std::ffi::c_void, *mut std::ffi::c_void)>,
    *mut std::ffi::c_void,
    *mut sys::napi_value,
) -> sys::napi_status;

/// A SharedArrayBuffer over the mapping; None where the runtime has none over memory that is not its own.
pub(crate) fn shared_buffer<'env>(env: &'env Env, mapping: &Arc<Mapping>) -> napi::Result<Option<Unknown<'env>>> {
    static CREATE: OnceLock<Option<CreateShared>> = OnceLock::new();
    let create = CREATE.get_or_init(|| {
        let address = dl::symbol(c"node_api_create_external_sharedarraybuffer");
        // SAFETY: null, or the function that Node-API documents under this name.
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, Option<CreateShared>>(address) }
    });
    let Some(create) = create else { return Ok(None) };
    let mut buffer = ptr::null_mut();
    let owner = Arc::into_raw(Arc::clone(mapping)).cast_mut();
    // SAFETY: memory that stays where it is until `forget_mapping` gives its last owner back; the hint is one of them.
    let status = unsafe {
        create(
            env.raw(),
            mapping.address().as_ptr().cast(),
            mapping.len(),
            Some(forget_mapping),
            owner.cast(),
            &raw mut buffer,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: nobody else will: the callback is not called for what was not made.
        drop(unsafe { Arc::from_raw(owner) });
        return if status == sys::Status::napi_no_external_buffers_allowed { Ok(None) } else { Err(error(status)) };
    }
    // SAFETY: a live value that was just made.
    unsafe { Unknown::from_napi_value(env.raw(), buffer) }.map(Some)
}

// SAFETY: given to Node-API alone, as the finaliser of what `hint` owns. It comes on any thread, which a Mapping allows.
unsafe extern "C" fn forget_mapping(_data: *mut std::ffi::c_void, hint: *mut std::ffi::c_void) {
    // SAFETY: the owner that `shared_buffer` gave away; this is called once.
    drop(unsafe { Arc::from_raw(hint.cast::<Mapping>()) });
}

fn error(status: sys::napi_status) -> napi::Error {
    napi::Error::from_status(Status::from(status))
}
