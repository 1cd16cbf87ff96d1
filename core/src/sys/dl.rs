//! dlsym(3): functions that the program may or may not have.

use std::ffi::{CStr, c_void};

/// The address of a symbol of the program or its libraries; null if there is none.
#[must_use]
pub fn symbol(name: &CStr) -> *mut c_void {
    // SAFETY: a null-terminated name; the result is only an address.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}
