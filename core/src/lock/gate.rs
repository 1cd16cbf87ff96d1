//! A semaphore of a set that its other values are looked at and changed under. It is held for a few calls, never while
//! anything is waited for.

use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::object::Object;
use super::object::undone;
use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::semaphore_set::Operation;

/// The first semaphore of a set that has one.
const GATE: u16 = 0;
/// A process that is stopped in the middle holds others up: so long at most.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Gate<'a> {
    object: &'a Object,
    open: bool,
}

impl<'a> Gate<'a> {
    pub(super) fn enter(object: &'a Object) -> Result<Self> {
        match object.operate_until(&[undone(GATE, -1)], Instant::now().checked_add(PATIENCE))? {
            Attempt::Done(()) => Ok(Self { object, open: false }),
            Attempt::WouldBlock => Err(Error::os(Errno::EBUSY, "semop")),
        }
    }

    /// A last change that never has to wait, and leaves, in one call.
    pub(super) fn leave_with(mut self, operation: Operation) -> Result<()> {
        self.object.operate(&[operation, undone(GATE, 1)])?;
        self.open = true;
        Ok(())
    }

    /// All values anew, the gate's own too.
    pub(super) fn leave_setting(mut self, values: &[u16]) -> Result<()> {
        self.object.set_values(values)?;
        self.open = true;
        Ok(())
    }
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        if !self.open {
            // It fails only if the object has gone.
            drop(self.object.operate(&[undone(GATE, 1)]));
        }
    }
}
