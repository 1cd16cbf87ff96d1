//! The one place where an error of the core becomes an error in JS, with Node's fields.

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue};
use napi::{Env, JsValue, Status};
use os_ipc_core::{Error, Object as Subject, Result};

/// What an exported function returns: a failure of the core is thrown by then.
pub(crate) trait OrThrow<T> {
    fn or_throw(self, env: &Env) -> napi::Result<T>;
}

impl<T> OrThrow<T> for Result<T> {
    fn or_throw(self, env: &Env) -> napi::Result<T> {
        self.map_err(|error| throw(env, &error, None))
    }
}

/// Throws `error`; `bytes_sent` tells how far it got.
pub(crate) fn throw(env: &Env, error: &Error, bytes_sent: Option<f64>) -> napi::Error {
    match build(env, error, bytes_sent).and_then(|object| env.throw(object)) {
        Ok(()) => napi::Error::from_status(Status::PendingException),
        Err(failure) => failure,
    }
}

/// The same where bytes were taken that have not got there: they are the error's `data`.
pub(crate) fn throw_left(env: &Env, error: &Error, bytes_sent: f64, data: Vec<u8>) -> napi::Error {
    let built = build(env, error, Some(bytes_sent)).and_then(|mut object| {
        if !data.is_empty() {
            set(&mut object, "data", napi::bindgen_prelude::Buffer::from(data))?;
        }
        env.throw(object)
    });
    match built {
        Ok(()) => napi::Error::from_status(Status::PendingException),
        Err(failure) => failure,
    }
}

fn build<'env>(env: &'env Env, error: &Error, bytes_sent: Option<f64>) -> napi::Result<Object<'env>> {
    let code = code(error);
    let message = match error {
        Error::Os { .. } | Error::NoHugePages { .. } => format!("{code}: {error}"),
        _ => error.to_string(),
    };
    let mut object = match error {
        Error::WrongKind { .. } | Error::Parties { .. } | Error::InvalidName { .. } => type_error(env, message)?,
        _ => env.create_error(napi::Error::from_reason(message))?,
    };
    set(&mut object, "code", code)?;
    if let Error::NoHugePages { errno, syscall } = error {
        set(&mut object, "errno", -(*errno as i32))?;
        set(&mut object, "syscall", *syscall)?;
    }
    if let Error::Os { errno, syscall, object: subject } = error {
        set(&mut object, "errno", -(*errno as i32))?;
        set(&mut object, "syscall", *syscall)?;
        match subject {
            Some(Subject::Path(path)) => set(&mut object, "path", path.to_string_lossy().into_owned())?,
            Some(Subject::Id(id)) => set(&mut object, "id", *id)?,
            None => {}
        }
    }
    if let Error::NoValues { id } = error {
        set(&mut object, "id", *id)?;
    }
    if let Error::UntrustedOwner { path, .. }
    | Error::UntrustedFolder { path, .. }
    | Error::WrongKind { path: Some(path), .. }
    | Error::Version { path }
    | Error::Parties { path, .. }
    | Error::NotInitialized { path: Some(path) } = error
    {
        set(&mut object, "path", path.to_string_lossy().into_owned())?;
    }
    if let Some(hint) = error.hint() {
        set(&mut object, "hint", hint)?;
    }
    if let Some(bytes) = bytes_sent {
        set(&mut object, "bytesSent", bytes)?;
    }
    Ok(object)
}

fn code(error: &Error) -> String {
    match error {
        Error::Os { errno, .. } | Error::NoHugePages { errno, .. } => format!("{errno:?}"),
        Error::Closed => "ERR_IPC_CLOSED".into(),
        // Never seen by users: lib/ puts the reason for which it cancelled in its place.
        Error::Cancelled => "ERR_IPC_CANCELLED".into(),
        Error::TooManyWaiters => "ERR_IPC_LIMIT".into(),
        Error::UntrustedOwner { .. } | Error::UntrustedFolder { .. } | Error::Shrinkable => {
            "ERR_IPC_UNTRUSTED_OWNER".into()
        }
        Error::NotInitialized { .. } | Error::NoValues { .. } => "ERR_IPC_NOT_INITIALIZED".into(),
        Error::Shortened => "ERR_IPC_TRUNCATED".into(),
        Error::NotSupported(_) => "ERR_IPC_NOT_SUPPORTED".into(),
        Error::Version { .. } | Error::OtherVersion { .. } => "ERR_IPC_VERSION".into(),
        Error::WrongKind { .. } | Error::Parties { .. } => "ERR_INVALID_ARG_VALUE".into(),
        Error::InvalidName { .. } => "ERR_IPC_INVALID_NAME".into(),
        Error::Corrupt(_) => "ERR_IPC_CORRUPT".into(),
        Error::PeerDied => "ERR_IPC_PEER_DIED".into(),
        Error::Exclusive(_) => "ERR_IPC_EXCLUSIVE".into(),
        Error::Panicked(_) => "ERR_IPC_INTERNAL".into(),
    }
}

fn type_error(env: &Env, message: String) -> napi::Result<Object<'_>> {
    let error = napi::JsTypeError::from(napi::Error::from_reason(message));
    error.into_unknown(*env).coerce_to_object()
}

fn set(object: &mut Object<'_>, name: &str, value: impl ToNapiValue) -> napi::Result<()> {
    object.set_named_property(name, value)
}
