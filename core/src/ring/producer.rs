//! The sending half.

use nix::errno::Errno;

use super::layout::{Geometry, KIND_SHIFT, RECORD, largest_payload, record_size};
use super::place::{Place, Word};
use super::record::Kind;
use crate::error::{Error, Result};

/// Writes records. It keeps its own copy of where it stands; what the other side writes is only checked, never taken over.
#[derive(Debug)]
pub struct Producer<P> {
    place: P,
    tail: u32,
    head: u32,
    checksum: bool,
    rendezvous: bool,
    max_message_size: u32,
    /// Of a message in pieces: how many bytes are to come.
    left: usize,
}

/// What became of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is published.
    Done,
    /// There is no room for it now.
    NoRoom,
}

impl<P: Place> Producer<P> {
    /// Goes on from where the ring stands.
    pub fn new(place: P, geometry: &Geometry) -> Result<Self> {
        let (tail, head) = (place.load(Word::Tail), place.load(Word::Head));
        let used = tail.wrapping_sub(head);
        if used > place.capacity() || !tail.is_multiple_of(8) || !head.is_multiple_of(8) {
            return Err(Error::Corrupt("the positions of the ring are impossible"));
        }
        Ok(Self {
            place,
            tail,
            head,
            checksum: geometry.has_checksums(),
            rendezvous: geometry.is_rendezvous(),
            max_message_size: geometry.max_message_size,
            left: 0,
        })
    }

    /// The ring.
    pub fn place(&self) -> &P {
        &self.place
    }

    /// The largest payload of one record.
    #[must_use]
    pub fn largest(&self) -> usize {
        largest_payload(self.place.capacity()) as usize
    }

    /// Sends a message of one record. Longer ones go by [`begin`](Self::begin) and [`proceed`](Self::proceed).
    pub fn send(&mut self, message: &[u8]) -> Result<Sent> {
        if message.len() > self.largest() || message.len() > self.max_message_size as usize {
            return Err(Error::os(Errno::EMSGSIZE, "send"));
        }
        self.between()?;
        self.record(Kind::Whole, message)
    }

    /// Announces a message of that length, which follows in pieces.
    pub fn begin(&mut self, length: u32) -> Result<Sent> {
        if length == 0 || length > self.max_message_size {
            return Err(Error::os(Errno::EMSGSIZE, "send"));
        }
        self.between()?;
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&length.to_ne_bytes());
        let sent = self.record(Kind::Start, &payload)?;
        if sent == Sent::Done {
            self.left = length as usize;
        }
        Ok(sent)
    }

    /// The largest piece: several fit into the ring, so that both sides work at once.
    #[must_use]
    pub fn piece(&self) -> usize {
        ((self.place.capacity() / 4) as usize - RECORD).max(8)
    }

    /// Sends as many pieces of `rest` as there is room for, and gives how many bytes that were.
    pub fn proceed(&mut self, rest: &[u8]) -> Result<usize> {
        if rest.len() > self.left {
            return Err(Error::os(Errno::EMSGSIZE, "send"));
        }
        let mut sent = 0;
        for part in rest.chunks(self.piece()) {
            if self.record(Kind::Piece, part)? == Sent::NoRoom {
                break;
            }
            sent += part.len();
            self.left -= part.len();
        }
        Ok(sent)
    }

    /// Says that the message which had begun is not coming.
    pub fn abort(&mut self) -> Result<Sent> {
        let sent = if self.left == 0 { Sent::Done } else { self.record(Kind::Abort, &[])? };
        if sent == Sent::Done {
            self.left = 0;
        }
        Ok(sent)
    }

    fn between(&self) -> Result<()> {
        if self.left == 0 { Ok(()) } else { Err(Error::os(Errno::EINPROGRESS, "send")) }
    }

    /// Has the other side ring when there is room for `length` bytes of payload. False if there is by now.
    pub fn sleep(&mut self, length: usize) -> Result<bool> {
        let capacity = self.place.capacity();
        let room = record_size(length).max(capacity / 2).min(capacity);
        self.place.store(Word::SenderWants, self.tail.wrapping_add(room).wrapping_sub(capacity));
        self.place.store(Word::SenderSleeps, 1);
        Ok(!self.look(record_size(length))?)
    }

    /// Whether the other side has taken everything.
    pub fn is_taken(&mut self) -> Result<bool> {
        self.look(0)?;
        Ok(self.head == self.tail)
    }

    /// Has the other side ring when it has taken everything. False if it has by now.
    pub fn sleep_until_taken(&mut self) -> Result<bool> {
        self.place.store(Word::SenderWants, self.tail);
        self.place.store(Word::SenderSleeps, 1);
        Ok(!self.is_taken()?)
    }

    /// Whether messages are offered: whoever sends one [offers](Self::offer) it, and then [collects](Self::collect) or
    /// [withdraws](Self::withdraw).
    #[must_use]
    pub fn is_rendezvous(&self) -> bool {
        self.rendezvous
    }

    /// Where the next record begins.
    #[must_use]
    pub fn position(&self) -> u32 {
        self.tail
    }

    /// Has the other side choose: what was sent last is offered.
    pub fn offer(&self) {
        self.place.store(Word::Offer, 1);
        self.wake();
    }

    /// Whether the offer was taken. Then there may be another one.
    pub fn collect(&self) -> Result<bool> {
        match self.place.load(Word::Offer) {
            1 => Ok(false),
            2 => {
                self.place.store(Word::Offer, 0);
                Ok(true)
            }
            _ => Err(Error::Corrupt("an offer that was never made was taken")),
        }
    }

    /// Has the other side ring when it takes the offer. False if it has by now.
    #[must_use]
    pub fn sleep_until_offer_taken(&self) -> bool {
        // Whatever is taken is to ring.
        self.place.store(Word::SenderWants, self.head);
        self.place.store(Word::SenderSleeps, 1);
        self.place.load(Word::Offer) == 1
    }

    /// Takes the offer back, which began at `position`. False if it was taken.
    pub fn withdraw(&mut self, position: u32) -> bool {
        if !self.place.exchange(Word::Offer, 1, 0) {
            return false;
        }
        self.left = 0;
        self.tail = position;
        self.place.store(Word::Tail, position);
        true
    }

    fn look(&mut self, size: u32) -> Result<bool> {
        let head = self.place.load(Word::Head);
        let used = self.tail.wrapping_sub(self.head);
        if used > self.place.capacity() || head.wrapping_sub(self.head) > used {
            return Err(Error::Corrupt("more was taken than was sent"));
        }
        self.head = head;
        Ok(size <= self.place.capacity() - self.tail.wrapping_sub(head))
    }

    fn record(&mut self, kind: Kind, payload: &[u8]) -> Result<Sent> {
        let size = record_size(payload.len());
        // Who has taken what was offered, and lets it be withdrawn all the same, is ahead of the tail.
        let Some(free) = self.place.capacity().checked_sub(self.tail.wrapping_sub(self.head)) else {
            return Err(Error::Corrupt("more was taken than was sent"));
        };
        if size > free && !self.look(size)? {
            return Ok(Sent::NoRoom);
        }
        crate::fault::point("ring-record");
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut head = [0; RECORD];
        head[..4].copy_from_slice(&(length | ((kind as u32) << KIND_SHIFT)).to_ne_bytes());
        if self.checksum {
            head[4..].copy_from_slice(&crc32c::crc32c(payload).to_ne_bytes());
        }
        self.place.write(self.tail, &head)?;
        crate::fault::point("ring-head");
        self.place.write(self.tail.wrapping_add(RECORD as u32), payload)?;
        crate::fault::point("ring-payload");
        self.tail = self.tail.wrapping_add(size);
        self.place.store(Word::Tail, self.tail);
        crate::fault::point("ring-published");
        // What is offered is told of by the offer.
        if !self.rendezvous || self.left != 0 || kind == Kind::Abort {
            self.wake();
        }
        Ok(Sent::Done)
    }

    fn wake(&self) {
        if self.place.load(Word::ReceiverSleeps) != 0 && self.place.swap(Word::ReceiverSleeps, 0) == 1 {
            self.place.ring();
        }
    }
}
