//! The receiving half. Nothing that stands in the ring is believed.

use nix::errno::Errno;

use super::layout::{Geometry, KIND_SHIFT, LENGTH_MASK, RECORD, record_size};
use super::place::{Place, Word};
use super::record::Kind;
use crate::error::{Error, Result};

/// Takes messages.
#[derive(Debug)]
pub struct Consumer<P> {
    place: P,
    head: u32,
    tail: u32,
    checksum: bool,
    rendezvous: bool,
    max_message_size: u32,
    /// A message in pieces: what has come, and how much there will be.
    partial: Option<(Vec<u8>, usize)>,
    announced: Option<(u32, u32)>,
    /// How many messages that had begun were given up since the last whole one, or since there was nothing.
    abandoned: u32,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A message, with the sequence number and the count of the handles that it has on the control line.
    Message(Vec<u8>, Option<(u32, u32)>),
    /// A message that had handles is not coming: what is on the control line under this number belongs to nobody.
    Withdrawn(u32),
    /// Nothing, now.
    Nothing,
}

impl<P: Place> Consumer<P> {
    /// Goes on from where the ring stands.
    pub fn new(place: P, geometry: &Geometry) -> Result<Self> {
        let head = place.load(Word::Head);
        if !head.is_multiple_of(8) {
            return Err(Error::Corrupt("the positions of the ring are impossible"));
        }
        let mut consumer = Self {
            place,
            head,
            tail: head,
            checksum: geometry.has_checksums(),
            rendezvous: geometry.is_rendezvous(),
            max_message_size: geometry.max_message_size,
            partial: None,
            announced: None,
            abandoned: 0,
        };
        if !consumer.rendezvous {
            consumer.refresh()?;
        }
        Ok(consumer)
    }

    /// The ring.
    pub fn place(&self) -> &P {
        &self.place
    }

    /// The next message, if it is there.
    pub fn take(&mut self) -> Result<Taken> {
        loop {
            if self.head == self.tail {
                let chooses = self.chooses();
                if chooses && !self.place.exchange(Word::Offer, 1, 2) {
                    return Ok(Taken::Nothing);
                }
                if !self.refresh()? {
                    // Whoever only looks is not kept busy by what was given up between its looks.
                    self.abandoned = 0;
                    return if chooses { Err(Error::Corrupt("an offer of nothing")) } else { Ok(Taken::Nothing) };
                }
            }
            let mut word = [0; 4];
            self.place.read(self.head, &mut word)?;
            let word = u32::from_ne_bytes(word);
            let length = word & LENGTH_MASK;
            let size = record_size(length as usize);
            if size > self.tail.wrapping_sub(self.head) {
                return Err(Error::Corrupt("a record is longer than what was sent"));
            }
            let taken = self.record(word >> KIND_SHIFT, length)?;
            crate::fault::point("ring-read");
            self.head = self.head.wrapping_add(size);
            self.tell();
            crate::fault::point("ring-taken");
            match taken {
                None => {}
                Some(Taken::Withdrawn(sequence)) => return Ok(Taken::Withdrawn(sequence)),
                Some(taken) => {
                    self.abandoned = 0;
                    return Ok(taken);
                }
            }
        }
    }

    /// Has the other side ring when it sends something. False if it has by now.
    pub fn sleep(&mut self) -> Result<bool> {
        self.place.store(Word::ReceiverSleeps, 1);
        let there = if self.chooses() { self.place.load(Word::Offer) == 1 } else { self.refresh()? };
        let sleeps = self.head == self.tail && !there;
        if sleeps {
            self.abandoned = 0;
        } else {
            // So that nobody rings for it.
            self.place.store(Word::ReceiverSleeps, 0);
        }
        Ok(sleeps)
    }

    /// Whether a message is half there.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// Whether what comes next is there only once it was taken.
    fn chooses(&self) -> bool {
        self.rendezvous && self.partial.is_none() && self.announced.is_none()
    }

    fn refresh(&mut self) -> Result<bool> {
        let tail = self.place.load(Word::Tail);
        let published = tail.wrapping_sub(self.head);
        if published > self.place.capacity() || !published.is_multiple_of(8) {
            return Err(Error::Corrupt("the positions of the ring are impossible"));
        }
        self.tail = tail;
        Ok(published != 0)
    }

    fn tell(&self) {
        self.place.store(Word::Head, self.head);
        if self.place.load(Word::SenderSleeps) == 0 {
            return;
        }
        let ahead = self.head.wrapping_sub(self.place.load(Word::SenderWants)).cast_signed();
        if ahead >= 0 && self.place.swap(Word::SenderSleeps, 0) == 1 {
            self.place.ring();
        }
    }

    fn record(&mut self, kind: u32, length: u32) -> Result<Option<Taken>> {
        let within = self.partial.is_some();
        match (Kind::from_bits(kind), length) {
            (Some(Kind::Whole), _) if !within => {
                let mut message = Vec::new();
                self.payload(self.acceptable(length, 0)?, &mut message)?;
                Ok(Some(Taken::Message(message, self.announced.take())))
            }
            (Some(Kind::Start), 8) if !within => {
                let [length, _] = self.words()?;
                let length = self.acceptable(length, 1)?;
                // Room comes with the pieces: an announcement alone costs nothing.
                self.partial = Some((Vec::new(), length));
                Ok(None)
            }
            (Some(Kind::Piece), 1..) => {
                let Some((mut message, wanted)) = self.partial.take() else {
                    return Err(Error::Corrupt("a piece of no message"));
                };
                if length as usize > wanted - message.len() {
                    return Err(Error::Corrupt("there are more pieces than were announced"));
                }
                self.payload(length as usize, &mut message)?;
                if message.len() < wanted {
                    self.partial = Some((message, wanted));
                    return Ok(None);
                }
                Ok(Some(Taken::Message(message, self.announced.take())))
            }
            (Some(Kind::Abort), _) if within => {
                self.partial = None;
                self.abandoned += 1;
                if self.abandoned > self.place.capacity() / 8 {
                    return Err(Error::Corrupt("messages are given up without end"));
                }
                Ok(self.announced.take().map(|(sequence, _)| Taken::Withdrawn(sequence)))
            }
            (Some(Kind::Handles), 8) if !within && self.announced.is_none() => {
                let [sequence, count] = self.words()?;
                self.announced = Some((sequence, count));
                Ok(None)
            }
            (Some(_), _) => Err(Error::Corrupt("a record stands where it cannot")),
            (None, _) => Err(Error::Corrupt("a record is of an unknown kind")),
        }
    }

    fn acceptable(&self, length: u32, least: u32) -> Result<usize> {
        if length < least || length > self.max_message_size {
            return Err(Error::Corrupt("a message is of an impossible length"));
        }
        Ok(length as usize)
    }

    fn words<const N: usize>(&self) -> Result<[u32; N]> {
        let mut bytes = Vec::new();
        self.payload(N * 4, &mut bytes)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = bytes.try_into().map_or(0, u32::from_ne_bytes);
        }
        Ok(words)
    }

    /// Appends a copy of the record's payload, checked: the other side may go on writing where it stands.
    fn payload(&self, length: usize, target: &mut Vec<u8>) -> Result<()> {
        let from = target.len();
        target.try_reserve(length).map_err(|_| Error::os(Errno::ENOMEM, "recv"))?;
        target.resize(from + length, 0);
        let bytes = &mut target[from..];
        self.place.read(self.head.wrapping_add(RECORD as u32), bytes)?;
        if self.checksum {
            let mut sum = [0; 4];
            self.place.read(self.head.wrapping_add(4), &mut sum)?;
            if u32::from_ne_bytes(sum) != crc32c::crc32c(bytes) {
                return Err(Error::Corrupt("a checksum is wrong"));
            }
        }
        Ok(())
    }
}
