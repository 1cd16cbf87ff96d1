//! Finding and making sets.
//!
//! A set that has a key is found by others from the moment when it is made, and its semaphores are 0 then. So the values
//! are not set but *added*, all in one semop: whoever has come in between and takes waits for them, and what he has given
//! is not lost. That one call also sets the time of the last operation, by which programs in C have always told a set that
//! is ready; and so does [`open`]. A set of somebody who sets values and never operates is told by the process that
//! has set them, which the kernel remembers for each semaphore.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;

use super::{Figure, Opening, Operation, is_gone, sys};
use crate::error::{Error, Result};
use crate::sysv::key::Key;

/// How long a set may be without values before whoever makes it is given up.
const PATIENCE: Duration = Duration::from_millis(900);
const PAUSE: Duration = Duration::from_millis(1);
/// How long a set that has values is given to be operated upon: its maker may not have come to the last of them.
const GRACE: Duration = Duration::from_millis(100);
/// In whole seconds of the wall clock: nobody is about to give a set its values that was made longer ago.
const STALE: i64 = 2;

/// The id, and how many semaphores.
pub(super) fn open(opening: &Opening<'_>) -> Result<(i32, u16)> {
    let Opening { key, create, exclusive, mode, count, .. } = *opening;
    if exclusive || key == Key::Private {
        return make(opening);
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let result = match sys::get(key.raw(), count.unwrap_or(0), (mode & 0o777).cast_signed()) {
            Ok(id) => await_values(id, deadline).map(|count| (id, count)),
            Err(Error::Os { errno: Errno::ENOENT, .. }) if create => make(opening),
            Err(error) => Err(error),
        };
        // Somebody else has made it, or has removed it, since the call before.
        let again = match &result {
            Err(Error::Os { errno: Errno::EEXIST, .. }) => true,
            Err(error @ Error::Os { object: Some(_), .. }) => is_gone(error),
            _ => false,
        };
        if !again || Instant::now() >= deadline {
            return result;
        }
    }
}

pub(super) fn count_of(raw: &sys::RawSet) -> u16 {
    // Semaphores are numbered by 16 bits: those beyond are out of everybody's reach.
    u16::try_from(raw.count).unwrap_or(u16::MAX)
}

fn make(opening: &Opening<'_>) -> Result<(i32, u16)> {
    let mode = opening.mode & 0o777;
    let count = opening.count.unwrap_or(1);
    // Its maker has to be allowed to give it values, whatever is to hold afterwards.
    let at_first = mode | 0o600;
    let id = sys::get(opening.key.raw(), count, at_first.cast_signed() | libc::IPC_CREAT | libc::IPC_EXCL)?;
    let made = initialize(id, count, opening.values).and_then(|()| {
        if mode == at_first {
            return Ok(());
        }
        let mut raw = sys::stat(id)?;
        raw.permissions.mode = mode;
        sys::set(id, raw)
    });
    made.map(|()| (id, count)).map_err(|error| {
        // Half of a set is of no use to anybody; it may have gone already.
        drop(sys::remove(id));
        error.about(id)
    })
}

fn initialize(id: i32, count: u16, values: &[u16]) -> Result<()> {
    let additions: Vec<Operation> = (0..)
        .zip(values.iter().take(count.into()))
        .filter(|(_, value)| **value > 0)
        .map(|(index, value)| Operation::new(index, i16::try_from(*value).unwrap_or(i16::MAX)))
        .collect();
    if additions.is_empty() {
        return sys::operate(id, &[Operation::new(0, 1), Operation::new(0, -1)]);
    }
    match sys::operate(id, &additions) {
        Err(Error::Os { errno: Errno::E2BIG, .. }) => set_all(id, count, values),
        result => result,
    }
}

/// More values than one call can add. They are set at once too, but over what others have given by then.
fn set_all(id: i32, count: u16, values: &[u16]) -> Result<()> {
    let mut all = vec![0; count.into()];
    for (place, value) in all.iter_mut().zip(values) {
        *place = *value;
    }
    sys::set_values(id, &all)?;
    let first = if all.first().is_some_and(|value| *value > 0) { -1 } else { 1 };
    match sys::operate(id, &[Operation::new(0, first), Operation::new(0, -first)]) {
        // Somebody has taken it by now, and that was an operation too.
        Err(Error::Os { errno: Errno::EAGAIN, .. }) => Ok(()),
        result => result,
    }
}

/// Waits until somebody has given the set its values; how many semaphores it has.
fn await_values(id: i32, deadline: Instant) -> Result<u16> {
    let grace = Instant::now() + GRACE;
    loop {
        let raw = sys::stat(id).map_err(|error| error.about(id))?;
        let count = count_of(&raw);
        let is_stale = raw.changed + STALE < now();
        if raw.last_operation != 0 || ((is_stale || Instant::now() >= grace) && is_set(id, count)?) {
            return Ok(count);
        }
        if is_stale || Instant::now() >= deadline {
            return Err(Error::NoValues { id });
        }
        thread::sleep(PAUSE);
    }
}

/// Whether somebody has set every one of them.
fn is_set(id: i32, count: u16) -> Result<bool> {
    for index in 0..count {
        if sys::figure(id, index, Figure::LastPid).map_err(|error| error.about(id))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
