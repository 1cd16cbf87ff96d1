//! Where signals go: which are held back, who receives which, and who takes them from the kernel.
//!
//! Everything is taken under one lock, so the order of the kernel's queue is kept on the way to the receivers, and between
//! a look and a change nothing comes through.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dispatcher::Dispatcher;
use super::hub::Shared;
use super::receiver::Received;
use crate::error::Result;
use crate::sys::mask;
use crate::sys::signal::{self, Callable, Disposition, Handler, Info, Set, SignalFd};

/// So many signals are kept for a receiver that does not take them. More than the kernel keeps, as a rule.
const CAPACITY: usize = 131_072;
/// One that has more than this is behind: no more are taken than it has read meanwhile, and the rest waits in the kernel, whose
/// limit the sender sees.
const BEHIND: usize = CAPACITY / 2;
/// For so long since it last read. A receiver that is forgotten holds up nobody.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state.
pub(super) struct Office {
    /// What every thread holds back, for ever: it cannot be told when the last thread that must not see one has gone.
    masked: Set,
    /// What some threads hold back: that, and what was begun and has failed.
    begun: Set,
    /// What nobody is to take for now.
    held: Set,
    /// What is to be ignored once nobody receives it any more.
    ignored: Set,
    /// Which handlers of the program are called beside receivers.
    foreign: Callable,
    /// The process ends: nothing is delivered any more.
    ended: bool,
    hubs: Vec<Arc<Shared>>,
    boxes: HashMap<u64, Mailbox>,
    last_number: u64,
    dispatcher: Option<Arc<Dispatcher>>,
}

/// What has come for one receiver and was not asked for yet.
#[derive(Debug)]
struct Mailbox {
    hub: u64,
    wanted: Set,
    signals: VecDeque<Received>,
    dropped: u64,
    /// So many were read since signals were last taken from the kernel.
    read: usize,
    last_read: Option<Instant>,
}

impl Mailbox {
    /// How many may be taken from the kernel ahead of need, as far as this receiver goes.
    fn credit(&self) -> usize {
        let is_read = || self.last_read.is_some_and(|instant| instant.elapsed() < PATIENCE);
        if self.signals.len() > BEHIND && is_read() { self.read } else { AT_ONCE }
    }
}

/// What is left when signals have been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing, as far as is known.
    Nothing,
    /// Perhaps some.
    More,
    /// Some that are to wait a little: a receiver is behind.
    Later,
}

static OFFICE: Mutex<Option<Office>> = Mutex::new(None);
/// Held while threads are made to hold signals back: that takes a while, and receivers go on meanwhile.
static MASKING: Mutex<()> = Mutex::new(());

/// Runs `body` with the state.
pub(super) fn with<T>(body: impl FnOnce(&mut Office) -> T) -> T {
    let mut office = lock(&OFFICE);
    body(office.get_or_insert_with(Office::new))
}

/// No code under these locks can panic half-way, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees to it that every thread holds these back, and that somebody takes what nobody receives.
pub(super) fn mask(set: Set) -> Result<()> {
    let _masking = lock(&MASKING);
    let missing = with(|office| {
        if office.dispatcher.is_none() {
            office.dispatcher = Some(Dispatcher::start()?);
        }
        Ok(set.without(office.masked))
    })?;
    if missing == Set::EMPTY {
        return Ok(());
    }
    let masked = mask::hold_everywhere(missing);
    with(|office| {
        // Threads that have got so far hold them back from here on, whatever became of the others.
        office.begun = office.begun.and(missing);
        if masked.is_ok() {
            office.masked = office.masked.and(missing);
        }
        office.post_notices()
    })?;
    masked
}

/// Says which handlers of the program are called beside receivers.
pub fn learn(foreign: Callable) {
    with(|office| office.foreign = foreign);
}

/// A signal that does by default what it does, and that nobody receives: to try out what a runtime installs.
#[must_use]
pub fn spare() -> Option<i32> {
    let begun = with(|office| office.begun);
    let plain = |number: &i32| !begun.has(*number) && signal::disposition(*number) == Ok(Disposition::Default);
    (signal::min()..=signal::max()).rev().find(plain)
}

/// The process is about to end: from here on nobody takes anything, or a signal that nobody receives any more would end it
/// in another way than it was about to.
pub fn end() {
    with(|office| {
        office.ended = true;
        // It fails for descriptors that are none.
        drop(office.post_notices());
    });
}

/// Holds these back, for every receiver and every handler, until [`unblock`].
pub fn block(set: Set) -> Result<()> {
    // Before, so that none comes through on the way.
    let before = with(|office| {
        let before = office.held;
        office.held = before.and(set);
        before
    });
    let masked = mask(set);
    with(|office| {
        if masked.is_err() {
            office.held = before;
        }
        office.post_notices()
    })?;
    masked
}

/// Lets these go. What waited for a handler, or for what the signal does by default, gets it before this returns.
pub fn unblock(set: Set) -> Result<()> {
    let dispatcher = with(|office| {
        office.held = office.held.without(set);
        office.post_notices()?;
        Ok(office.dispatcher.clone())
    })?;
    match dispatcher {
        Some(dispatcher) => with(|office| office.take(&dispatcher.signals, None).map(drop)),
        None => Ok(()),
    }
}

/// What waits and is being held back, by [`block`] or by whoever has started this process.
pub fn pending() -> Result<Set> {
    let _masking = lock(&MASKING);
    let threads = mask::threads()?;
    let all = threads.iter().fold(mask::pending_for_process()?, |all, thread| all.and(thread.pending));
    // The others are on their way; and one is there for threads that hold everything back for ever, see `mask`.
    let all = all.without(Set::of(libc::SIGURG));
    Ok(with(|office| all.without(office.begun.without(office.held))))
}

/// Has signal `number` ignored, or do what it does by default. Where somebody receives it, he goes on to.
pub fn dispose(number: i32, ignore: bool) -> Result<()> {
    with(|office| {
        // What has come before meets what stood there before.
        if let Some(dispatcher) = office.dispatcher.clone() {
            office.take(&dispatcher.signals, None)?;
        }
        let set = Set::of(number);
        office.ignored = office.ignored.without(set);
        if ignore && office.received().meets(set) {
            // Done at once, it would take away what waits.
            office.ignored = office.ignored.and(set);
            return Ok(());
        }
        signal::dispose(number, ignore)
    })
}

impl Office {
    fn new() -> Self {
        Self {
            masked: Set::EMPTY,
            begun: Set::EMPTY,
            held: Set::EMPTY,
            ignored: Set::EMPTY,
            foreign: Callable::NOBODY,
            ended: false,
            hubs: Vec::new(),
            boxes: HashMap::new(),
            last_number: 0,
            dispatcher: None,
        }
    }

    fn received(&self) -> Set {
        self.boxes.values().fold(Set::EMPTY, |all, mailbox| all.and(mailbox.wanted))
    }

    /// What the threads that receive take, and the dispatcher need not. A signal that only workers receive is for the
    /// dispatcher too: a busy worker must not keep the main thread's handlers waiting. The runtime waits for SIGCHLD in
    /// places where it does not look at anything else.
    fn taken_by_hubs(&self) -> Set {
        let of_main = |mailbox: &&Mailbox| self.hubs.iter().any(|hub| hub.is_main && hub.number == mailbox.hub);
        let received = self.boxes.values().filter(of_main).fold(Set::EMPTY, |all, mailbox| all.and(mailbox.wanted));
        received.without(Set::of(libc::SIGCHLD))
    }

    /// Has everybody look for what is his now.
    fn post_notices(&self) -> Result<()> {
        let free = if self.ended { Set::EMPTY } else { self.begun.without(self.held) };
        for hub in &self.hubs {
            hub.signals.watch(free)?;
        }
        match &self.dispatcher {
            Some(dispatcher) => dispatcher.watch(free.without(self.taken_by_hubs())),
            None => Ok(()),
        }
    }

    pub(super) fn enter(&mut self, hub: Arc<Shared>) -> Result<()> {
        hub.signals.watch(self.begun.without(self.held))?;
        self.hubs.push(hub);
        Ok(())
    }

    /// The hub and all who receive by it.
    pub(super) fn leave(&mut self, number: u64) -> Result<()> {
        self.hubs.retain(|hub| hub.number != number);
        let before = self.received();
        self.boxes.retain(|_, mailbox| mailbox.hub != number);
        self.settle(before)
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn open(&mut self, hub: u64, wanted: Set) -> Result<u64> {
        let number = self.next_number();
        self.boxes
            .insert(number, Mailbox { hub, wanted, signals: VecDeque::new(), dropped: 0, read: 0, last_read: None });
        self.post_notices().inspect_err(|_| drop(self.boxes.remove(&number)))?;
        Ok(number)
    }

    pub(super) fn close(&mut self, number: u64) -> Result<()> {
        let before = self.received();
        self.boxes.remove(&number);
        self.settle(before)
    }

    /// Some may be received by nobody any more.
    fn settle(&mut self, before: Set) -> Result<()> {
        let orphaned = before.without(self.received());
        let ignored = orphaned.within(self.ignored);
        self.ignored = self.ignored.without(ignored);
        for number in ignored.numbers() {
            signal::dispose(number, true)?;
        }
        self.post_notices()
    }

    pub(super) fn dropped(&self, number: u64) -> u64 {
        self.boxes.get(&number).map_or(0, |mailbox| mailbox.dropped)
    }

    /// Gives the oldest that have come for receiver `number`, at most as many as there is room for.
    pub(super) fn collect(&mut self, number: u64, room: &mut Vec<Received>, most: usize) {
        if let Some(mailbox) = self.boxes.get_mut(&number) {
            let count = most.min(mailbox.signals.len());
            if mailbox.signals.len() > BEHIND {
                mailbox.read += count;
                mailbox.last_read = Some(Instant::now());
            }
            room.extend(mailbox.signals.drain(..count));
        }
    }

    /// Takes what is there, and hands it out. `asking` needs no bell for what is its own: it looks by itself.
    pub(super) fn take(&mut self, signals: &SignalFd, asking: Option<&Asking>) -> Result<Left> {
        let ahead = matches!(asking, Some(Asking::Hub(_) | Asking::Dispatcher));
        let credit = if ahead { self.boxes.values().map(Mailbox::credit).min().unwrap_or(AT_ONCE) } else { AT_ONCE };
        if credit == 0 {
            return Ok(Left::Later);
        }
        for mailbox in self.boxes.values_mut() {
            mailbox.read = 0;
        }
        let mut count = 0;
        let mut handlers = HashMap::new();
        let more = signals.take(|info| {
            self.hand_out(info, asking, &mut handlers);
            count += 1;
            count < credit.min(AT_ONCE)
        })?;
        Ok(if more { Left::More } else { Left::Nothing })
    }

    fn hand_out(&mut self, info: &Info, asking: Option<&Asking>, handlers: &mut HashMap<i32, Option<Handler>>) {
        let mut received = false;
        for (number, mailbox) in self.boxes.iter_mut().filter(|(_, mailbox)| mailbox.wanted.has(info.number)) {
            received = true;
            if mailbox.signals.len() >= CAPACITY {
                mailbox.dropped += 1;
                continue;
            }
            mailbox.signals.push_back(info.into());
            let looks = asking.is_some_and(|asking| asking.covers(*number, mailbox.hub));
            // One that has more than this has been rung for before.
            let rings = !looks && mailbox.signals.len() == 1;
            if let Some(hub) = self.hubs.iter().find(|hub| rings && hub.number == mailbox.hub) {
                hub.ring();
            }
        }
        if !received {
            signal::deliver_here(info);
            return;
        }
        let foreign = self.foreign;
        // Asked each time anew: it may have come or gone. But not for each of a batch.
        if let Some(handler) = handlers.entry(info.number).or_insert_with(|| foreign.standing(info.number)) {
            handler.call(info);
        }
    }
}

/// So many are taken before others get the lock.
const AT_ONCE: usize = 1024;

/// Who takes signals, and looks for what is his afterwards.
pub(super) enum Asking {
    /// All receivers of this hub.
    Hub(u64),
    /// One receiver.
    Receiver(u64),
    /// Nobody: it is taken for others.
    Dispatcher,
}

impl Asking {
    fn covers(&self, receiver: u64, hub: u64) -> bool {
        match self {
            Self::Hub(number) => *number == hub,
            Self::Receiver(number) => *number == receiver,
            Self::Dispatcher => false,
        }
    }
}
