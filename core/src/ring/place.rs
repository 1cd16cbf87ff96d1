//! One ring, wherever it stands: in mapped memory, or in a model of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::end::End;
use super::layout::{HEAD, OFFER, RECEIVER_SLEEPS, SENDER_SLEEPS, SENDER_WANTS, TAIL, WORDS};
use super::memory::Memory;
use crate::error::Result;

/// The words that both sides look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// How much has been published.
    Tail,
    /// How much has been taken.
    Head,
    /// The receiver wants to be told.
    ReceiverSleeps,
    /// The sender wants to be told.
    SenderSleeps,
    /// Of which position.
    SenderWants,
    /// Rendezvous.
    Offer,
}

impl Word {
    fn offset(self) -> usize {
        match self {
            Self::Tail => TAIL,
            Self::Head => HEAD,
            Self::ReceiverSleeps => RECEIVER_SLEEPS,
            Self::SenderSleeps => SENDER_SLEEPS,
            Self::SenderWants => SENDER_WANTS,
            Self::Offer => OFFER,
        }
    }
}

/// The words and the bytes of one ring. All of it may be changed by the other side at any time; words are sequentially
/// consistent.
pub trait Place {
    /// A word as it is now.
    fn load(&self, word: Word) -> u32;
    /// Changes a word.
    fn store(&self, word: Word, value: u32);
    /// Changes a word, and gives what it was.
    fn swap(&self, word: Word, value: u32) -> u32;
    /// Changes a word that is `from`; whether it was.
    fn exchange(&self, word: Word, from: u32, to: u32) -> bool;
    /// How many bytes the ring has: a power of two.
    fn capacity(&self) -> u32;
    /// Copies in, from a position on. At most half a ring.
    fn write(&self, position: u32, data: &[u8]) -> Result<()>;
    /// Copies out, from a position on. At most a ring.
    fn read(&self, position: u32, target: &mut [u8]) -> Result<()>;
    /// The other side's bell.
    fn ring(&self);
}

/// A ring in mapped memory.
#[derive(Debug)]
pub struct Mapped {
    memory: Memory,
    ring: usize,
    end: Arc<End>,
}

impl Mapped {
    /// The ring that `end`, which is attached, writes.
    pub fn outgoing(end: &Arc<End>) -> Result<Self> {
        Ok(Self { memory: end.memory()?.clone(), ring: end.side(), end: Arc::clone(end) })
    }

    /// The one that it reads.
    pub fn incoming(end: &Arc<End>) -> Result<Self> {
        Ok(Self { memory: end.memory()?.clone(), ring: 1 - end.side(), end: Arc::clone(end) })
    }

    fn word(&self, word: Word) -> Option<&AtomicU32> {
        // Within the header, and aligned: the geometry was checked when it was mapped.
        self.memory.mapping().word32(WORDS[self.ring] + word.offset()).ok()
    }

    fn offset(&self, position: u32) -> usize {
        self.memory.offset_of(self.ring) + (position & (self.capacity() - 1)) as usize
    }
}

impl Place for Mapped {
    fn load(&self, word: Word) -> u32 {
        self.word(word).map_or(0, |word| word.load(Ordering::SeqCst))
    }

    fn store(&self, word: Word, value: u32) {
        if let Some(word) = self.word(word) {
            word.store(value, Ordering::SeqCst);
        }
    }

    fn swap(&self, word: Word, value: u32) -> u32 {
        self.word(word).map_or(0, |word| word.swap(value, Ordering::SeqCst))
    }

    fn exchange(&self, word: Word, from: u32, to: u32) -> bool {
        self.word(word).is_some_and(|word| word.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok())
    }

    fn capacity(&self) -> u32 {
        self.memory.geometry().capacity[self.ring]
    }

    fn write(&self, position: u32, data: &[u8]) -> Result<()> {
        self.memory.mapping().copy_in(self.offset(position), data)
    }

    fn read(&self, position: u32, target: &mut [u8]) -> Result<()> {
        self.memory.mapping().copy_out(self.offset(position), target)
    }

    fn ring(&self) {
        // What is wrong with the bell is wrong with the channel, which the control line tells of.
        drop(self.end.ring());
    }
}
