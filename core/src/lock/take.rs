//! A mutex, or readers and a writer.
//!
//! **Mutex**: one semaphore, 1 when free. **Readers and a writer**: `turn`, 1 when free, and `readers`, how many there
//! are. A reader passes through `turn` and is counted, in one call; a writer takes `turn`, so whoever comes later stands
//! behind it, waits until there are no readers, and keeps `turn` until it leaves. So arrivals r r w r r w are served in
//! those groups.
//!
//! A word beside the set is not zero while somebody holds alone. It is set after taking and cleared before giving back, so
//! whoever takes and finds it set comes after a holder that has died.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::file::{HELD, Name, WRITERS};
use super::object::Object;
use super::object::{plain, undone};
use super::{Kind, Options};
use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::cancel::Flag;
use crate::sys::semaphore_set::Operation;

/// Of the mutex.
const FREE: u16 = 0;
pub(super) const MUTEX: [u16; 1] = [1];

const TURN: u16 = 0;
const READERS: u16 = 1;
pub(super) const RW_LOCK: [u16; 2] = [1, 0];
/// Past whoever has the turn, and counted.
const READ: [Operation; 3] = [plain(TURN, -1), plain(TURN, 1), undone(READERS, 1)];

/// How something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A mutex.
    Alone,
    /// By a reader, with others.
    Read,
    /// By a writer.
    Write,
}

impl Hold {
    /// Takes without waiting, all of it at once.
    fn attempt(self, object: &Object) -> Result<Attempt<()>> {
        match self {
            Self::Alone => object.attempt(&[undone(FREE, -1)]),
            Self::Read => object.attempt(&READ),
            Self::Write => object.attempt(&[undone(TURN, -1), plain(READERS, 0)]),
        }
    }

    fn return_to(self, object: &Object) -> Result<()> {
        match self {
            Self::Alone => object.operate(&[undone(FREE, 1)]),
            Self::Read => object.operate(&[undone(READERS, -1)]),
            Self::Write => object.operate(&[undone(TURN, 1)]),
        }
    }
}

/// What a thread has taken and nobody holds yet: dropped, it is given back.
#[derive(Debug)]
pub struct Permit {
    object: Option<Arc<Object>>,
    hold: Hold,
}

impl Permit {
    fn new(object: Arc<Object>, hold: Hold) -> Self {
        Self { object: Some(object), hold }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            // It fails only if the object has gone, and with it what was held.
            drop(self.hold.return_to(&object));
        }
    }
}

/// A lock as one thread of JS has it open. Dropped, it gives back what that thread holds, as the end of the process would.
#[derive(Debug)]
pub struct Lock {
    name: Name,
    options: Options,
    object: RefCell<Arc<Object>>,
    held: [Cell<u32>; 3],
}

impl Lock {
    /// Opens the lock of that name, or makes it.
    pub fn open(name: Name, options: Options) -> Result<Self> {
        let object = RefCell::new(open(&name, options)?);
        Ok(Self { name, options, object, held: Default::default() })
    }

    /// After EIDRM: opens what has the name by now. What was held of the old one is nobody's any more.
    pub fn reopen(&self) -> Result<()> {
        self.object.replace(open(&self.name, self.options)?);
        for count in &self.held {
            count.set(0);
        }
        Ok(())
    }

    /// Takes it if that can be done at once.
    pub fn try_take(&self, hold: Hold) -> Result<Attempt<()>> {
        let taken = hold.attempt(&self.object.borrow())?;
        if taken == Attempt::Done(()) {
            self.count(hold, 1);
        }
        Ok(taken)
    }

    /// How many writers have come to wait, of all processes: readers between whose arrivals it has not changed may go in
    /// together.
    pub fn writers(&self) -> Result<u32> {
        Ok(self.object.borrow().mapping().word32(WRITERS)?.load(Ordering::SeqCst))
    }

    /// One writer more has come.
    fn announce(&self, hold: Hold) -> Result<()> {
        if hold == Hold::Write {
            self.object.borrow().mapping().word32(WRITERS)?.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// One reader more, past whoever waits for its turn. For those who stood together in one line of this thread's, of which
    /// the first reads by now: so this never has to wait, and whoever waits does so for this group alone.
    pub fn join(&self) -> Result<()> {
        self.object.borrow().operate(&[undone(READERS, 1)])?;
        self.count(Hold::Read, 1);
        Ok(())
    }

    /// Takes it on this thread, which waits for at most so long.
    pub fn take_here(&self, hold: Hold, patience: Option<Duration>) -> Result<Attempt<()>> {
        self.announce(hold)?;
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let object = Arc::clone(&self.object.borrow());
        let taken = match hold {
            Hold::Alone => object.operate_until(&[undone(FREE, -1)], until)?,
            Hold::Read => object.operate_until(&READ, until)?,
            Hold::Write => match object.operate_until(&[undone(TURN, -1)], until)? {
                Attempt::Done(()) => {
                    let turn = Permit::new(Arc::clone(&object), Hold::Write);
                    let taken = object.operate_until(&[plain(READERS, 0)], until)?;
                    if taken == Attempt::Done(()) {
                        turn.keep();
                    }
                    taken
                }
                Attempt::WouldBlock => Attempt::WouldBlock,
            },
        };
        if taken == Attempt::Done(()) {
            self.count(hold, 1);
        }
        Ok(taken)
    }

    /// What takes it on a waiter thread.
    pub fn taking(&self, hold: Hold) -> Result<impl FnOnce(&Flag) -> Result<Permit> + Send + use<>> {
        self.announce(hold)?;
        let object = Arc::clone(&self.object.borrow());
        Ok(move |flag: &Flag| {
            match hold {
                Hold::Alone => object.operate_waiting(&[undone(FREE, -1)], flag)?,
                Hold::Read => object.operate_waiting(&READ, flag)?,
                Hold::Write => {
                    object.operate_waiting(&[undone(TURN, -1)], flag)?;
                    let turn = Permit::new(Arc::clone(&object), Hold::Write);
                    object.operate_waiting(&[plain(READERS, 0)], flag)?;
                    return Ok(turn);
                }
            }
            Ok(Permit::new(object, hold))
        })
    }

    /// What a waiter thread has taken is this thread's now. One of an object that was left for another is given back.
    pub fn accept(&self, mut permit: Permit) -> Result<()> {
        match permit.object.take_if(|object| Arc::ptr_eq(object, &self.object.borrow())) {
            Some(_) => self.count(permit.hold, 1),
            None => return Err(Error::os(Errno::EIDRM, "semop")),
        }
        Ok(())
    }

    /// It is really held from here on: whether whoever held it alone has died, or ended otherwise without a word.
    pub fn enter(&self, hold: Hold) -> Result<bool> {
        let object = self.object.borrow();
        let word = object.mapping().word32(HELD)?;
        // The set's own operations put this in order between processes.
        Ok(match hold {
            Hold::Read => word.load(Ordering::SeqCst) != 0,
            Hold::Alone | Hold::Write => word.swap(1, Ordering::SeqCst) != 0,
        })
    }

    /// Gives back what was entered.
    pub fn leave(&self, hold: Hold) -> Result<()> {
        if hold != Hold::Read {
            self.object.borrow().mapping().word32(HELD)?.store(0, Ordering::SeqCst);
        }
        self.give_back(hold)
    }

    /// Gives back what was taken and not entered.
    pub fn give_back(&self, hold: Hold) -> Result<()> {
        self.count(hold, -1);
        match hold.return_to(&self.object.borrow()) {
            // It was removed meanwhile, and nobody holds it.
            Err(Error::Os { errno: Errno::EIDRM, .. }) => Ok(()),
            returned => returned,
        }
    }

    /// Whether somebody holds the mutex.
    pub fn is_locked(&self) -> Result<bool> {
        Ok(self.object.borrow().value(FREE)? == 0)
    }

    fn count(&self, hold: Hold, by: i32) {
        if let Some(count) = self.held.get(hold as usize) {
            count.set(count.get().saturating_add_signed(by));
        }
    }
}

impl Permit {
    fn keep(mut self) {
        self.object = None;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for hold in [Hold::Alone, Hold::Read, Hold::Write] {
            for _ in 0..self.held.get(hold as usize).map_or(0, Cell::get) {
                // It fails only if the object has gone, and with it what was held.
                drop(hold.return_to(&self.object.borrow()));
            }
        }
    }
}

fn open(name: &Name, options: Options) -> Result<Arc<Object>> {
    let values: &[u16] = if name.kind() == Kind::RwLock { &RW_LOCK } else { &MUTEX };
    Object::open(name, options, values)
}
