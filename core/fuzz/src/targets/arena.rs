//! A ring in plain memory that an enemy writes as well: at once, or in between two looks of honest code, which is when it
//! hurts most.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use os_ipc_core::Result;
use os_ipc_core::ring::{Place, Word};

/// All words of a ring.
pub(super) const WORDS: [Word; 6] =
    [Word::Tail, Word::Head, Word::ReceiverSleeps, Word::SenderSleeps, Word::SenderWants, Word::Offer];

/// Something that an enemy writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Strike {
    /// A word of the ring.
    Word(Word, u32),
    /// Four bytes at a position.
    Bytes(u32, u32),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Arena(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    words: [Cell<u32>; WORDS.len()],
    bytes: RefCell<Vec<u8>>,
    /// Strikes to come: after so many looks.
    pending: RefCell<Vec<(u64, Strike)>>,
    looks: Cell<u64>,
    /// Where looking would be a loop without end.
    bound: Cell<u64>,
}

impl Arena {
    pub(super) fn new(capacity: u32, start: u32) -> Self {
        let arena = Self(Rc::new(Shared {
            words: Default::default(),
            bytes: RefCell::new(vec![0; capacity as usize]),
            pending: RefCell::default(),
            looks: Cell::new(0),
            bound: Cell::new(u64::MAX),
        }));
        arena.strike(Strike::Word(Word::Tail, start));
        arena.strike(Strike::Word(Word::Head, start));
        arena
    }

    /// What stands there, unseen by anybody.
    pub(super) fn peek(&self, word: Word) -> u32 {
        self.cell(word).get()
    }

    pub(super) fn strike(&self, strike: Strike) {
        match strike {
            Strike::Word(word, value) => self.cell(word).set(value),
            Strike::Bytes(position, value) => self.spread(position, &value.to_ne_bytes()),
        }
    }

    /// Strikes after `looks` more looks.
    pub(super) fn strike_later(&self, looks: u8, strike: Strike) {
        self.0.pending.borrow_mut().push((self.0.looks.get() + u64::from(looks), strike));
    }

    /// The next call of honest code looks at no more than this.
    pub(super) fn limit(&self) {
        let records = u64::from(self.capacity()) / 8 + 1;
        self.0.bound.set(self.0.looks.get() + 64 + 16 * records);
    }

    fn cell(&self, word: Word) -> &Cell<u32> {
        &self.0.words[WORDS.iter().position(|&other| other == word).expect("all are listed")]
    }

    fn spread(&self, position: u32, data: &[u8]) {
        let mut bytes = self.0.bytes.borrow_mut();
        let mask = bytes.len() - 1;
        for (index, &byte) in data.iter().enumerate() {
            bytes[(position as usize + index) & mask] = byte;
        }
    }

    fn look(&self) {
        let looks = self.0.looks.get() + 1;
        self.0.looks.set(looks);
        assert!(looks < self.0.bound.get(), "a loop without end");
        let due: Vec<_> = self.0.pending.borrow_mut().extract_if(.., |(at, _)| *at <= looks).collect();
        for (_, strike) in due {
            self.strike(strike);
        }
    }
}

impl Place for Arena {
    fn load(&self, word: Word) -> u32 {
        self.look();
        self.peek(word)
    }

    fn store(&self, word: Word, value: u32) {
        self.look();
        self.cell(word).set(value);
    }

    fn swap(&self, word: Word, value: u32) -> u32 {
        self.look();
        self.cell(word).replace(value)
    }

    fn exchange(&self, word: Word, from: u32, to: u32) -> bool {
        self.look();
        let was = self.peek(word) == from;
        if was {
            self.cell(word).set(to);
        }
        was
    }

    fn capacity(&self) -> u32 {
        self.0.bytes.borrow().len() as u32
    }

    fn write(&self, position: u32, data: &[u8]) -> Result<()> {
        self.look();
        assert!(data.len() <= self.capacity() as usize / 2, "more is written than half a ring");
        self.spread(position, data);
        Ok(())
    }

    fn read(&self, position: u32, target: &mut [u8]) -> Result<()> {
        self.look();
        let bytes = self.0.bytes.borrow();
        assert!(target.len() <= bytes.len(), "more is read than a ring");
        let mask = bytes.len() - 1;
        for (index, byte) in target.iter_mut().enumerate() {
            *byte = bytes[(position as usize + index) & mask];
        }
        Ok(())
    }

    fn ring(&self) {
        self.look();
    }
}
