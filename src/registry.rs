//! What this package has made for itself, for JS: see `core/src/registry/`.

use napi::Env;
use napi_derive::napi;
use os_ipc_core::registry::{Facts, Object, Registry};

use crate::error::OrThrow;

/// Something that a sweep has removed, or would.
#[napi(object)]
pub struct RegistryRemoved {
    pub kind: String,
    pub name: String,
    /// The number of a System V object.
    pub id: Option<i32>,
    pub uid: u32,
    pub mode: u32,
}

/// To be called before the object is made.
#[napi(catch_unwind)]
pub fn registry_record(env: Env, kind: String, name: String, identity: String) -> napi::Result<()> {
    Registry::of_process().record(Object { kind, name: name.into(), identity }).or_throw(&env)
}

/// To be called after the object has gone.
#[napi(catch_unwind)]
pub fn registry_forget(env: Env, kind: String, name: String) -> napi::Result<()> {
    Registry::of_process().forget(&kind, name.as_ref()).or_throw(&env)
}

#[napi(catch_unwind)]
pub fn registry_sweep(env: Env, dry_run: bool) -> napi::Result<Vec<RegistryRemoved>> {
    let swept = Registry::of_process().sweep(dry_run);
    // What could not be removed stays listed, for the next sweep.
    swept.map(|swept| swept.removed.into_iter().map(removed).collect()).or_throw(&env)
}

fn removed((object, Facts { uid, mode, id }): (Object, Facts)) -> RegistryRemoved {
    let name = object.name.to_string_lossy().into_owned();
    RegistryRemoved { kind: object.kind, name, id, uid, mode }
}
