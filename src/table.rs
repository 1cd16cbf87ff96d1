//! The objects of one thread, by number. 0 is never given out, so a closed handle in JS is the number 0.

use std::cell::{Cell, RefCell};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::thread::LocalKey;

use os_ipc_core::sys::epoll::{Epoll, Interest};
use os_ipc_core::{Error, Result};

pub(crate) struct Table<T> {
    slots: RefCell<Vec<Option<Entry<T>>>>,
    free: RefCell<Vec<u32>>,
}

struct Entry<T> {
    object: T,
    watched_by: Cell<Option<Rc<Epoll>>>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: RefCell::new(Vec::new()), free: RefCell::new(Vec::new()) }
    }

    fn insert(&self, object: T) -> u32 {
        let entry = Some(Entry { object, watched_by: Cell::new(None) });
        let mut slots = self.slots.borrow_mut();
        if let Some(id) = self.free.borrow_mut().pop() {
            if let Some(slot) = slots.get_mut(id as usize - 1) {
                *slot = entry;
            }
            return id;
        }
        slots.push(entry);
        // Each slot holds a descriptor at least, and those are ints.
        slots.len() as u32
    }

    fn with<R>(&self, id: u32, body: impl FnOnce(&Entry<T>) -> Result<R>) -> Result<R> {
        let slots = self.slots.borrow();
        match (id as usize).checked_sub(1).and_then(|index| slots.get(index)) {
            Some(Some(entry)) => body(entry),
            _ => Err(Error::Closed),
        }
    }

    fn take(&self, id: u32) -> Option<Entry<T>> {
        let index = (id as usize).checked_sub(1)?;
        let entry = self.slots.borrow_mut().get_mut(index)?.take()?;
        self.free.borrow_mut().push(id);
        Some(entry)
    }
}

/// Enters `object` and gives its number.
pub(crate) fn insert<T>(table: &'static LocalKey<Table<T>>, object: T) -> u32 {
    table.with(|table| table.insert(object))
}

/// Calls `body` with the object `id`, or says that it is closed. `body` must not enter or remove objects.
pub(crate) fn with<T, R>(table: &'static LocalKey<Table<T>>, id: u32, body: impl FnOnce(&T) -> Result<R>) -> Result<R> {
    table.with(|table| table.with(id, |entry| body(&entry.object)))
}

/// The same with many of them.
pub(crate) fn with_all<T, R>(
    table: &'static LocalKey<Table<T>>,
    ids: &[u32],
    body: impl FnOnce(&[&T]) -> Result<R>,
) -> Result<R> {
    table.with(|table| {
        let slots = table.slots.borrow();
        let object = |&id: &u32| (id as usize).checked_sub(1).and_then(|index| slots.get(index)?.as_ref());
        let objects: Option<Vec<&T>> = ids.iter().map(|id| object(id).map(|entry| &entry.object)).collect();
        body(&objects.ok_or(Error::Closed)?)
    })
}

/// Has `epoll` tell of the object under `token`, from now to its removal. A second call, with the same epoll and token,
/// changes what is watched for.
pub(crate) fn watch<T: AsFd>(
    table: &'static LocalKey<Table<T>>,
    id: u32,
    epoll: Rc<Epoll>,
    token: u32,
    interest: Interest,
) -> Result<()> {
    table.with(|table| {
        table.with(id, |entry| {
            let before = entry.watched_by.replace(Some(Rc::clone(&epoll)));
            let (fd, watched) = (entry.object.as_fd(), before.is_some());
            let told = if watched { epoll.change(fd, token, interest) } else { epoll.add(fd, token, interest) };
            told.inspect_err(|_| entry.watched_by.set(before))
        })
    })
}

/// Has nobody told of the object, until the next `watch`.
pub(crate) fn unwatch<T: AsFd>(table: &'static LocalKey<Table<T>>, id: u32) -> Result<()> {
    table.with(|table| {
        table.with(id, |entry| {
            if let Some(epoll) = entry.watched_by.take() {
                epoll.remove(entry.object.as_fd());
            }
            Ok(())
        })
    })
}

/// Removes the object, which nobody watches any more. A number that is free already gives None.
pub(crate) fn remove<T: AsFd>(table: &'static LocalKey<Table<T>>, id: u32) -> Option<T> {
    let Entry { object, watched_by } = table.with(|table| table.take(id))?;
    // Before the descriptor closes: its description may live on in another process and would go on telling.
    if let Some(epoll) = watched_by.take() {
        epoll.remove(object.as_fd());
    }
    Some(object)
}

/// Removes an object that nobody can watch. A number that is free already gives None.
pub(crate) fn discard<T>(table: &'static LocalKey<Table<T>>, id: u32) -> Option<T> {
    table.with(|table| table.take(id)).map(|entry| entry.object)
}

/// Removes all of them: the environment ends.
pub(crate) fn clear<T>(table: &'static LocalKey<Table<T>>) {
    // Taken out first, since what they do when they are dropped may look into the table.
    let entries = table.with(|table| table.slots.take());
    drop(entries);
}
