//! A condition: who waits is woken by a notice, one for each.
//!
//! `waiting` counts who waits and has no notice yet; it is undone when a process dies, so the dead are not notified.
//! `notices` counts what nobody has taken yet. Taking one takes both down, in one call of the kernel's queue. Whoever gives
//! up, and has none, is no longer counted; notices that nobody is left for are taken back then, and before anybody new
//! is counted: so a notice is never for somebody who came later.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Options;
use super::file::Name;
use super::gate::Gate;
use super::object::Object;
use super::object::{plain, undone};
use crate::error::Result;
use crate::sys::Attempt;
use crate::sys::cancel::Flag;
use crate::sys::semaphore_set::Operation;

const WAITING: u16 = 1;
const NOTICES: u16 = 2;
pub(super) const VALUES: [u16; 3] = [1, 0, 0];
const TAKE: [Operation; 2] = [plain(NOTICES, -1), undone(WAITING, -1)];

/// A condition as one thread of JS has it open.
#[derive(Debug)]
pub struct Condition {
    name: Name,
    options: Options,
    object: RefCell<Arc<Object>>,
}

impl Condition {
    /// Opens the condition of that name, or makes it.
    pub fn open(name: Name, options: Options) -> Result<Self> {
        let object = RefCell::new(Object::open(&name, options, &VALUES)?);
        Ok(Self { name, options, object })
    }

    /// After EIDRM: opens what has the name by now.
    pub fn reopen(&self) -> Result<()> {
        self.object.replace(Object::open(&self.name, self.options, &VALUES)?);
        Ok(())
    }

    /// From here on notices are for the caller too.
    pub fn begin(&self) -> Result<Waiting> {
        let object = Arc::clone(&self.object.borrow());
        let gate = Gate::enter(&object)?;
        forget_notices(&object)?;
        gate.leave_with(undone(WAITING, 1))?;
        Ok(Waiting { object: Some(object) })
    }

    /// Wakes at most so many; how many it were.
    pub fn notify(&self, most: u32) -> Result<u32> {
        notify(&self.object.borrow(), most)
    }
}

/// Somebody who is counted. Dropped, it has given up.
#[derive(Debug)]
pub struct Waiting {
    object: Option<Arc<Object>>,
}

impl Waiting {
    /// Waits for a notice on a waiter thread.
    pub fn wait(mut self, flag: &Flag) -> Result<Notified> {
        if let Some(object) = &self.object {
            object.operate_waiting(&TAKE, flag)?;
        }
        Ok(Notified { object: self.object.take() })
    }

    /// Waits on this thread, at most so long.
    pub fn wait_here(&mut self, patience: Option<Duration>) -> Result<Attempt<()>> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let Some(object) = &self.object else { return Ok(Attempt::Done(())) };
        let taken = object.operate_until(&TAKE, until)?;
        if taken == Attempt::Done(()) {
            self.object = None;
        }
        Ok(taken)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            // It fails only if the object has gone, and nobody waits for it any more.
            drop(give_up(&object));
        }
    }
}

/// Somebody who has had a notice. Dropped, it is somebody else's.
#[derive(Debug)]
pub struct Notified {
    object: Option<Arc<Object>>,
}

impl Notified {
    /// It has arrived.
    pub fn accept(mut self) {
        self.object = None;
    }
}

impl Drop for Notified {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            // It fails only if the object has gone, and nobody waits for it any more.
            drop(notify(&object, 1));
        }
    }
}

fn notify(object: &Object, most: u32) -> Result<u32> {
    let gate = Gate::enter(object)?;
    let (waiting, notices) = counts(object)?;
    let count = u32::from(waiting.saturating_sub(notices)).min(most);
    if count > 0 {
        // Counts of a semaphore, which are at most 32,767.
        gate.leave_with(plain(NOTICES, count as i16))?;
    }
    Ok(count)
}

fn give_up(object: &Object) -> Result<()> {
    let gate = Gate::enter(object)?;
    object.attempt(&[undone(WAITING, -1)])?;
    let forgotten = forget_notices(object);
    drop(gate);
    forgotten
}

/// Takes back notices whose receivers have died or given up. How many there are too many of does not change by a notice
/// that is taken meanwhile.
fn forget_notices(object: &Object) -> Result<()> {
    let (waiting, notices) = counts(object)?;
    for _ in waiting..notices {
        if object.attempt(&[plain(NOTICES, -1)])? == Attempt::WouldBlock {
            break;
        }
    }
    Ok(())
}

/// Who waits and which notices there are, of one moment: under the gate, `waiting` can only fall, and does so with each
/// notice that is taken.
fn counts(object: &Object) -> Result<(u16, u16)> {
    let mut waiting = object.value(WAITING)?;
    loop {
        let notices = object.value(NOTICES)?;
        let again = object.value(WAITING)?;
        if again == waiting {
            return Ok((waiting, notices));
        }
        waiting = again;
    }
}
