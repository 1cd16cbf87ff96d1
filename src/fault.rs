//! Panics at named points, for the tests: see `core/src/fault.rs`. In no published build.

use napi_derive::napi;

/// Arms the point `name`, or none.
#[napi(catch_unwind)]
pub fn fault_arm(name: Option<String>) {
    os_ipc_core::fault::arm(name);
}

/// Panics if "call" is armed.
#[napi(catch_unwind)]
pub fn fault_call() {
    os_ipc_core::fault::point("call");
}
