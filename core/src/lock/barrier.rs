//! A barrier: parties that wait for each other, again and again.
//!
//! `arrived` counts those who wait; it is undone when a process dies. Whoever makes it complete sets all values in one call
//! that leaves nobody's undo: `arrived` to 0, the generation to the next one, and the doors. A generation waits until its
//! door is 0. There are four of them, so a door stays open while three more generations go through: whoever comes to it late
//! finds it open, and looks at the generation first.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::Options;
use super::file::Name;
use super::gate::Gate;
use super::object::Object;
use super::object::{plain, undone};
use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::cancel::Flag;

const ARRIVED: u16 = 1;
const GENERATION: u16 = 2;
const DOORS: u16 = 3;
const DOOR_COUNT: u16 = 4;
pub(super) const VALUES: [u16; 7] = [1, 0, 0, 1, 0, 0, 0];
/// A semaphore's values end at 32,767.
const LAST_GENERATION: u16 = 0x7fff;
/// Whoever was kept from its door until it was closed again looks at the generation after this time.
const LOOK: Duration = Duration::from_secs(10);

/// A barrier as one thread of JS has it open.
#[derive(Debug)]
pub struct Barrier {
    name: Name,
    options: Options,
    object: RefCell<Arc<Object>>,
}

/// What arriving came to.
#[derive(Debug)]
pub enum Arrived {
    /// All are there now, and go on.
    Last,
    /// Others are still to come.
    Waiting(Arrival),
}

impl Barrier {
    /// Opens the barrier of that name, or makes it.
    pub fn open(name: Name, options: Options) -> Result<Self> {
        let object = RefCell::new(Object::open(&name, options, &VALUES)?);
        Ok(Self { name, options, object })
    }

    /// After EIDRM: opens what has the name by now.
    pub fn reopen(&self) -> Result<()> {
        self.object.replace(Object::open(&self.name, self.options, &VALUES)?);
        Ok(())
    }

    /// One party more.
    pub fn arrive(&self) -> Result<Arrived> {
        let object = Arc::clone(&self.object.borrow());
        let gate = Gate::enter(&object)?;
        let (arrived, generation) = (object.value(ARRIVED)?, object.value(GENERATION)?);
        if arrived + 1 < object.parties() {
            gate.leave_with(undone(ARRIVED, 1))?;
            return Ok(Arrived::Waiting(Arrival { object: Some(object), generation }));
        }
        gate.leave_setting(&complete(&object, generation)?)?;
        Ok(Arrived::Last)
    }
}

/// A party that waits. Dropped, it is withdrawn.
#[derive(Debug)]
pub struct Arrival {
    object: Option<Arc<Object>>,
    generation: u16,
}

impl Arrival {
    /// Waits for the others on a waiter thread. Cancelled, it is withdrawn, unless they are all there by then.
    pub fn wait(mut self, flag: &Flag) -> Result<()> {
        loop {
            let Some(object) = &self.object else { return Ok(()) };
            if object.value(GENERATION)? != self.generation {
                self.object = None;
                return Ok(());
            }
            match object.operate_waiting_within(&[plain(door(self.generation), 0)], LOOK, flag) {
                Ok(()) | Err(Error::Os { errno: Errno::EAGAIN, .. }) => {}
                Err(Error::Cancelled) => {
                    return if self.withdraw()? { Err(Error::Cancelled) } else { Ok(()) };
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits on this thread, at most so long.
    pub fn wait_here(&mut self, patience: Duration) -> Result<Attempt<()>> {
        let Some(object) = &self.object else { return Ok(Attempt::Done(())) };
        if object.value(GENERATION)? == self.generation {
            let until = Instant::now().checked_add(patience);
            object.operate_until(&[plain(door(self.generation), 0)], until)?;
            if object.value(GENERATION)? == self.generation {
                return Ok(Attempt::WouldBlock);
            }
        }
        self.object = None;
        Ok(Attempt::Done(()))
    }

    /// Gives up: false if all were there by then.
    pub fn withdraw(&mut self) -> Result<bool> {
        let Some(object) = self.object.take() else { return Ok(false) };
        let gate = Gate::enter(&object)?;
        if object.value(GENERATION)? != self.generation {
            return Ok(false);
        }
        gate.leave_with(undone(ARRIVED, -1))?;
        Ok(true)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        // It fails only if the object has gone, and nobody waits for it any more.
        drop(self.withdraw());
    }
}

fn door(generation: u16) -> u16 {
    DOORS + generation % DOOR_COUNT
}

/// The values after `generation`.
fn complete(object: &Object, generation: u16) -> Result<Vec<u16>> {
    let next = (generation + 1) & LAST_GENERATION;
    let mut values = VALUES.to_vec();
    for number in 0..DOOR_COUNT {
        values[usize::from(DOORS + number)] = u16::from(number == next % DOOR_COUNT);
    }
    values[usize::from(GENERATION)] = next;
    values.extend(object.identity(VALUES.len())?);
    Ok(values)
}
