//! A ring in the model's memory, with bells and a hang-up.

// Not loom's, which aborts where a model fails: nothing here depends on when it is dropped.
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use loom::sync::{Condvar, Mutex};
use os_ipc_core::Result;
use os_ipc_core::ring::layout::RENDEZVOUS;
use os_ipc_core::ring::{Geometry, Line, Place, Word};

/// Which step is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// All of it is there.
    Nothing,
    /// A load may come before an earlier store, as with release and acquire alone.
    Fences,
    /// What is published says nothing of what was written before it.
    Order,
    /// Who announces that it waits for a message does not look once more.
    LookForMessage,
    /// The same of room.
    LookForRoom,
    /// The same of an offer.
    LookForOffer,
    /// Taking and withdrawing are a look and a store, each.
    OneChoice,
    /// Who publishes looks first whether anybody sleeps.
    Publication,
    /// After the hang-up the ring is not looked at again.
    LookAfterHangUp,
    /// Who closes hangs up first.
    WordBeforeHangUp,
}

/// Runs `body` in all orders with at most two interruptions of a thread, or as many as `OS_IPC_MODELS` says.
pub fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let bound = std::env::var("OS_IPC_MODELS").ok().and_then(|text| text.parse().ok());
    builder.preemption_bound = Some(bound.unwrap_or(2));
    builder.max_branches = 10_000;
    builder.check(body);
}

/// The ring, and what is beside it.
pub struct Shared {
    words: [AtomicU32; 6],
    bytes: Vec<UnsafeCell<[u8; 8]>>,
    flags: u32,
    lacks: Lacks,
    /// What the sender waits on, and what the receiver does.
    told: [(Mutex<Told>, Condvar); 2],
    ended: [AtomicBool; 2],
}

// SAFETY: loom ends the model where two threads are at one of the bytes at once; the rest is made for many.
unsafe impl Send for Shared {}
// SAFETY: the same.
unsafe impl Sync for Shared {}

#[derive(Default)]
struct Told {
    rung: bool,
    hung_up: bool,
}

/// One side of the ring.
#[derive(Clone)]
pub struct Half {
    shared: Arc<Shared>,
    /// 0 sends, 1 receives.
    side: usize,
    memory: Arc<Memory>,
}

/// What a side that lacks a step keeps for itself. No part of the model: only this side looks at it.
#[derive(Default)]
struct Memory {
    tail: AtomicU64,
    head: AtomicU64,
    offer: AtomicU64,
    /// The next look shows what the last one has shown.
    stale: AtomicU64,
    unpublished: AtomicU64,
}

/// What a side waits on.
pub struct Bell {
    half: Half,
    gone: bool,
}

const WORDS: [Word; 6] =
    [Word::Tail, Word::Head, Word::ReceiverSleeps, Word::SenderSleeps, Word::SenderWants, Word::Offer];
const NONE: u64 = u64::MAX;

impl Shared {
    /// A ring of so many bytes, whose positions begin at `start`.
    pub fn new(capacity: usize, start: u32, lacks: Lacks) -> Self {
        let word = |word| AtomicU32::new(if matches!(word, Word::Tail | Word::Head) { start } else { 0 });
        Self {
            words: WORDS.map(word),
            bytes: (0..capacity / 8).map(|_| UnsafeCell::new([0; 8])).collect(),
            flags: 0,
            lacks,
            told: [(Mutex::default(), Condvar::new()), (Mutex::default(), Condvar::new())],
            ended: [AtomicBool::new(false), AtomicBool::new(false)],
        }
    }

    /// One in which a message is taken or not sent.
    pub fn rendezvous(capacity: usize, lacks: Lacks) -> Self {
        Self { flags: RENDEZVOUS, ..Self::new(capacity, 0, lacks) }
    }

    /// Who sends, and who receives.
    pub fn halves(self) -> (Half, Half) {
        let shared = Arc::new(self);
        let half = |side| {
            let memory = Memory { stale: NONE.into(), unpublished: NONE.into(), ..Memory::default() };
            Half { shared: Arc::clone(&shared), side, memory: Arc::new(memory) }
        };
        (half(0), half(1))
    }

    fn word(&self, word: Word) -> &AtomicU32 {
        &self.words[WORDS.iter().position(|other| *other == word).unwrap()]
    }
}

impl Half {
    pub fn geometry(&self) -> Geometry {
        let capacity = [self.capacity(); 2];
        Geometry { data_offset: 4096, capacity, max_message_size: 64, flags: self.shared.flags }
    }

    pub fn line(&self) -> Bell {
        Bell { half: self.clone(), gone: false }
    }

    /// The end of this side: with a word, or without.
    pub fn leave(&self, closes: bool) {
        let hang_up = || {
            let (told, changed) = &self.shared.told[1 - self.side];
            told.lock().unwrap().hung_up = true;
            changed.notify_all();
        };
        let late = self.shared.lacks == Lacks::WordBeforeHangUp;
        if late {
            hang_up();
        }
        if closes {
            self.shared.ended[self.side].store(true, Ordering::SeqCst);
        }
        if !late {
            hang_up();
        }
    }

    /// For loom a sequentially consistent load is one with acquire; these fences make it what it is.
    fn fence(&self) {
        if self.shared.lacks != Lacks::Fences {
            fence(Ordering::SeqCst);
        }
    }

    fn order(&self, order: Ordering) -> Ordering {
        if self.shared.lacks == Lacks::Order { Ordering::Relaxed } else { order }
    }

    fn seen(&self, word: Word) -> Option<&AtomicU64> {
        match word {
            Word::Tail => Some(&self.memory.tail),
            Word::Head => Some(&self.memory.head),
            Word::Offer => Some(&self.memory.offer),
            _ => None,
        }
    }

    /// From here on, once, `word` shows what it has shown.
    fn forget(&self, word: Word) {
        self.memory.stale.store(word as u64, Ordering::SeqCst);
    }

    fn publish(&self, word: Word, value: u32) {
        let order = self.order(Ordering::Release);
        if matches!(word, Word::ReceiverSleeps | Word::SenderSleeps | Word::Offer) {
            // Both sides write these. Where one does it by a store and the other by an exchange, loom takes either for the
            // last one, even if the exchange has not seen the store: more than the language allows. Two exchanges it
            // brings in order, and without acquire this one is nothing else.
            self.shared.word(word).swap(value, order);
        } else {
            self.shared.word(word).store(value, order);
        }
        self.fence();
    }

    fn cells(&self, position: u32, length: usize) -> impl Iterator<Item = (&UnsafeCell<[u8; 8]>, usize)> {
        let bytes = &self.shared.bytes;
        let from = position as usize % (bytes.len() * 8);
        (from..from + length).map(|at| (&bytes[at / 8 % bytes.len()], at % 8))
    }
}

impl Place for Half {
    fn load(&self, word: Word) -> u32 {
        if self.memory.stale.compare_exchange(word as u64, NONE, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            return self.seen(word).unwrap().load(Ordering::SeqCst) as u32;
        }
        self.fence();
        let value = self.shared.word(word).load(self.order(Ordering::Acquire));
        if let Some(seen) = self.seen(word) {
            seen.store(value.into(), Ordering::SeqCst);
        }
        let late = self.memory.unpublished.swap(NONE, Ordering::SeqCst);
        if late != NONE {
            self.publish(Word::Tail, late as u32);
        }
        value
    }

    fn store(&self, word: Word, value: u32) {
        match (self.shared.lacks, word, value) {
            (Lacks::Publication, Word::Tail, _) => {
                self.memory.unpublished.store(value.into(), Ordering::SeqCst);
                return;
            }
            (Lacks::LookForMessage, Word::ReceiverSleeps, 1) => self.forget(Word::Tail),
            (Lacks::LookForOffer, Word::ReceiverSleeps, 1) => self.forget(Word::Offer),
            (Lacks::LookForRoom, Word::SenderSleeps, 1) => self.forget(Word::Head),
            _ => {}
        }
        self.publish(word, value);
    }

    fn swap(&self, word: Word, value: u32) -> u32 {
        self.fence();
        let before = self.shared.word(word).swap(value, self.order(Ordering::AcqRel));
        self.fence();
        before
    }

    fn exchange(&self, word: Word, from: u32, to: u32) -> bool {
        self.fence();
        if self.shared.lacks == Lacks::OneChoice {
            let found = self.load(word) == from;
            if found {
                self.store(word, to);
            }
            return found;
        }
        let done = self.shared.word(word).compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        self.fence();
        done
    }

    fn capacity(&self) -> u32 {
        self.shared.bytes.len() as u32 * 8
    }

    fn write(&self, position: u32, data: &[u8]) -> Result<()> {
        for ((cell, at), byte) in self.cells(position, data.len()).zip(data) {
            // SAFETY: loom sees to it that nobody else is there.
            cell.with_mut(|bytes| unsafe { (*bytes)[at] = *byte });
        }
        Ok(())
    }

    fn read(&self, position: u32, target: &mut [u8]) -> Result<()> {
        for ((cell, at), byte) in self.cells(position, target.len()).zip(target) {
            // SAFETY: loom sees to it that nobody writes meanwhile.
            *byte = cell.with(|bytes| unsafe { (*bytes)[at] });
        }
        Ok(())
    }

    fn ring(&self) {
        let (told, changed) = &self.shared.told[1 - self.side];
        told.lock().unwrap().rung = true;
        changed.notify_all();
    }
}

impl Bell {
    fn hear(&mut self, told: &Told) {
        if told.hung_up && !self.gone {
            self.gone = true;
            if self.half.shared.lacks == Lacks::LookAfterHangUp {
                self.half.forget(Word::Tail);
            }
        }
    }
}

impl Line for Bell {
    fn look(&mut self) -> Result<bool> {
        let shared = Arc::clone(&self.half.shared);
        let told = shared.told[self.half.side].0.lock().unwrap();
        self.hear(&told);
        Ok(self.gone)
    }

    fn is_gone(&self) -> bool {
        self.gone
    }

    fn has_ended(&self) -> bool {
        self.half.shared.ended[1 - self.half.side].load(Ordering::SeqCst)
    }

    fn wait(&mut self, _until: Option<Instant>) -> Result<()> {
        let shared = Arc::clone(&self.half.shared);
        let (told, changed) = &shared.told[self.half.side];
        let mut told = told.lock().unwrap();
        while !told.rung && !told.hung_up {
            told = changed.wait(told).unwrap();
        }
        told.rung = false;
        self.hear(&told);
        Ok(())
    }
}
