//! A semaphore set that has a name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::file::{Header, Name, Published, at};
use super::{Kind, Options};
use crate::error::{Error, Result};
use crate::registry::{self, Facts, Registry};
use crate::sys::cancel::Flag;
use crate::sys::mman::Mapping;
use crate::sys::semaphore_set::{self as sys, Figure, Operation};
use crate::sys::{Attempt, random};

/// In the registry: a set that is being made. It is struck out when it has its name, and is never removed then.
pub(crate) const REGISTRY_KIND: &str = "lock";

/// The semaphores behind those that a kind works with: what tells the set from another one with its number.
const IDENTITY: usize = 2;
const IDENTITY_BITS: u32 = 15;
/// Keys of sets in the making: above what people type, below what ftok(3) makes.
const KEYS: u32 = 0x0080_0000;
/// How often a name is tried that others make and unlink all the time.
const ATTEMPTS: u32 = 10_000;

/// An operation that stays when this process ends.
pub(super) const fn plain(index: u16, amount: i16) -> Operation {
    Operation::new(index, amount)
}

/// An operation that the kernel takes back when this process ends.
pub(super) const fn undone(index: u16, amount: i16) -> Operation {
    Operation::new(index, amount).undone(true)
}

/// An object as a process has it open.
#[derive(Debug)]
pub(super) struct Object {
    set: i32,
    mapping: Mapping,
    parties: u16,
}

enum Found {
    Object(Arc<Object>),
    /// Its set is gone: unlinked half-way, or removed by other means.
    Stale,
}

impl Object {
    /// Opens what has the name, or makes it with these values.
    pub(super) fn open(name: &Name, options: Options, values: &[u16]) -> Result<Arc<Self>> {
        for _ in 0..ATTEMPTS {
            match Published::existing(name)? {
                None => {
                    if let Some(object) = make(name, options, values)? {
                        return Ok(object);
                    }
                }
                Some(file) => match attach(&file, name, options, values.len())? {
                    Found::Object(object) => return Ok(object),
                    Found::Stale => drop(file.withdraw(name, || Ok(()))?),
                },
            }
        }
        Err(at(Errno::EAGAIN, "open", name))
    }

    pub(super) fn parties(&self) -> u16 {
        self.parties
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The values behind those of its kind, of which there are `count`.
    pub(super) fn identity(&self, count: usize) -> Result<[u16; IDENTITY]> {
        Ok([self.value(count as u16)?, self.value(count as u16 + 1)?])
    }

    pub(super) fn value(&self, index: u16) -> Result<u16> {
        value(self.set, index).map_err(removed)
    }

    pub(super) fn set_values(&self, values: &[u16]) -> Result<()> {
        sys::set_values(self.set, values).map_err(removed)
    }

    /// Does it now or not at all.
    pub(super) fn attempt(&self, operations: &[Operation]) -> Result<Attempt<()>> {
        let operate = || match operations {
            // The only one spares itself a list.
            &[one] => sys::operate_one(self.set, one),
            list => sys::operate(self.set, list),
        };
        crate::sys::attempt(operate).map_err(removed)
    }

    /// Does what never has to wait.
    pub(super) fn operate(&self, operations: &[Operation]) -> Result<()> {
        crate::sys::retry(|| sys::operate_within(self.set, operations, None)).map_err(removed)
    }

    /// Does it on this thread, until then.
    pub(super) fn operate_until(&self, operations: &[Operation], until: Option<Instant>) -> Result<Attempt<()>> {
        let patience = || until.map(|until| until.saturating_duration_since(Instant::now()));
        crate::sys::attempt(|| sys::operate_within(self.set, operations, patience())).map_err(removed)
    }

    /// Does it on a waiter thread.
    pub(super) fn operate_waiting(&self, operations: &[Operation], flag: &Flag) -> Result<()> {
        sys::operate_waiting(self.set, operations, flag).map_err(removed)
    }

    /// The same; EAGAIN after `patience`.
    pub(super) fn operate_waiting_within(
        &self,
        operations: &[Operation],
        patience: Duration,
        flag: &Flag,
    ) -> Result<()> {
        sys::operate_waiting_within(self.set, operations, patience, flag).map_err(removed)
    }
}

/// A set that was removed between two calls is EINVAL to the second.
fn removed(error: Error) -> Error {
    match error {
        Error::Os { errno: Errno::EINVAL, syscall, object } => Error::Os { errno: Errno::EIDRM, syscall, object },
        error => error,
    }
}

fn attach(file: &Published, name: &Name, options: Options, count: usize) -> Result<Found> {
    file.check_owner(name, options.any_owner)?;
    let header = file.header(name)?;
    if header.namespace != namespace()? {
        return Err(Error::NotSupported("the lock of that name belongs to another IPC namespace"));
    }
    if !is_alive(&header, count)? {
        return Ok(Found::Stale);
    }
    if header.parties != options.parties {
        return Err(Error::Parties { path: name.path().to_path_buf(), parties: header.parties });
    }
    Ok(Found::Object(Arc::new(Object { set: header.set, mapping: file.map()?, parties: header.parties })))
}

/// None if somebody else was faster.
fn make(name: &Name, options: Options, values: &[u16]) -> Result<Option<Arc<Object>>> {
    let file = Published::new(name, options.mode)?;
    let draft = Draft::make(name, file.mode(), values)?;
    let header = Header {
        kind: name.kind(),
        set: draft.set,
        identity: draft.identity,
        namespace: namespace()?,
        parties: options.parties,
    };
    file.write(&header, name)?;
    let object = Object { set: draft.set, mapping: file.map()?, parties: options.parties };
    crate::fault::point("lock-filled");
    if !file.publish(name)? {
        return Ok(None);
    }
    crate::fault::point("lock-published");
    draft.keep();
    Ok(Some(Arc::new(object)))
}

/// A set that has no name yet. It stands in the registry, so that it can be swept up if this process is killed now.
struct Draft {
    key: String,
    set: i32,
    identity: u32,
}

impl Draft {
    fn make(name: &Name, mode: u32, values: &[u16]) -> Result<Self> {
        let registry = Registry::of_process();
        loop {
            let bits = random::bits()?;
            let key = KEYS | (bits as u32 & (KEYS - 1));
            // Never 0, which a set has that was not filled.
            let identity = (bits >> 32) as u32 & ((1 << (2 * IDENTITY_BITS)) - 1) | 1;
            let text = key.to_string();
            registry.record(registry::Object {
                kind: REGISTRY_KIND.into(),
                name: text.clone().into(),
                identity: format!("{identity} {} {}", name.kind() as u32, name.path().display()),
            })?;
            let flags = libc::IPC_CREAT | libc::IPC_EXCL | mode.cast_signed();
            match sys::get(key.cast_signed(), (values.len() + IDENTITY) as u16, flags) {
                Ok(set) => {
                    let draft = Self { key: text, set, identity };
                    crate::fault::point("lock-set");
                    let halves = [identity, identity >> IDENTITY_BITS].map(|half| half as u16 & 0x7fff);
                    sys::set_values(set, &[values, &halves].concat())?;
                    return Ok(draft);
                }
                Err(error) => {
                    registry.forget(REGISTRY_KIND, text.as_ref())?;
                    if error.errno() != Some(Errno::EEXIST) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// It has its name.
    fn keep(mut self) {
        let key = std::mem::take(&mut self.key);
        std::mem::forget(self);
        // If it cannot be struck out, a sweep sees that it has its name.
        drop(Registry::of_process().forget(REGISTRY_KIND, key.as_ref()));
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        drop(sys::remove(self.set));
        drop(Registry::of_process().forget(REGISTRY_KIND, self.key.as_ref()));
    }
}

/// Whether the set is there and is the one that was meant.
fn is_alive(header: &Header, count: usize) -> Result<bool> {
    let read = || -> Result<u32> {
        let count = count as u16;
        let low = u32::from(value(header.set, count)?);
        Ok(low | u32::from(value(header.set, count + 1)?) << IDENTITY_BITS)
    };
    match read() {
        Ok(identity) => Ok(identity == header.identity),
        Err(Error::Os { errno: Errno::EINVAL | Errno::EIDRM, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn value(set: i32, index: u16) -> Result<u16> {
    // Values are at most 32,767.
    sys::figure(set, index, Figure::Value).map(|value| value as u16)
}

/// Ends the object of a file that is trusted.
pub(super) fn remove(header: &Header) -> Result<()> {
    if header.namespace != namespace()? || !is_alive(header, count_of(header.kind))? {
        return Ok(());
    }
    match sys::remove(header.set) {
        Err(Error::Os { errno: Errno::EINVAL | Errno::EIDRM, .. }) => Ok(()),
        removed => removed,
    }
}

fn count_of(kind: Kind) -> usize {
    match kind {
        Kind::Mutex => super::take::MUTEX.len(),
        Kind::RwLock => super::take::RW_LOCK.len(),
        Kind::Condition => super::condition::VALUES.len(),
        Kind::Barrier => super::barrier::VALUES.len(),
    }
}

/// Of this process; others have other sets under the same numbers.
fn namespace() -> Result<u64> {
    let path = "/proc/self/ns/ipc";
    fs::metadata(path).map(|file| file.ino()).map_err(|error| Error::io(&error, "stat").at(path))
}

/// For the registry: a set that has died without a name. One that has its name is its users', and is not found.
pub(crate) fn find_unpublished(object: &registry::Object) -> Result<Option<Facts>> {
    let Some((set, identity, name)) = listed(object) else { return Ok(None) };
    let permissions = match sys::stat(set) {
        Err(Error::Os { errno: Errno::EINVAL | Errno::EIDRM, .. }) => return Ok(None),
        stat => stat?.permissions,
    };
    let header = Header { kind: name.kind(), set, identity, namespace: namespace()?, parties: 0 };
    let unfilled = Header { identity: 0, ..header };
    let count = count_of(name.kind());
    let is_ours = is_alive(&header, count)? || is_alive(&unfilled, count)?;
    if permissions.uid != geteuid().as_raw() || !is_ours {
        return Ok(None);
    }
    let published = Published::existing(&name)?.map(|file| file.header(&name));
    let has_name = matches!(published, Some(Ok(other)) if (other.set, other.identity) == (set, identity));
    Ok((!has_name).then_some(Facts { uid: permissions.uid, mode: permissions.mode & 0o777, id: Some(set) }))
}

/// For the registry: removes what [`find_unpublished`] has found.
pub(crate) fn remove_unpublished(object: &registry::Object) -> Result<()> {
    let Some((set, ..)) = listed(object) else { return Ok(()) };
    match sys::remove(set) {
        Err(Error::Os { errno: Errno::EINVAL | Errno::EIDRM, .. }) => Ok(()),
        removed => removed,
    }
}

fn listed(object: &registry::Object) -> Option<(i32, u32, Name)> {
    let key: u32 = object.name.to_str()?.parse().ok()?;
    let mut parts = object.identity.splitn(3, ' ');
    let identity = parts.next()?.parse().ok()?;
    let kind = match parts.next()? {
        "0" => Kind::Mutex,
        "1" => Kind::RwLock,
        "2" => Kind::Condition,
        "3" => Kind::Barrier,
        _ => return None,
    };
    let name = Name::of_path(kind, parts.next()?)?;
    let set = sys::get(key.cast_signed(), 0, 0).ok()?;
    Some((set, identity, name))
}
