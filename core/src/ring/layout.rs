//! Where everything stands in a channel's memory: see `docs/channel-format.md`.

use crate::error::{Error, Result};
use crate::sys::mman::page_size;

/// What the memory begins with.
pub const MAGIC: [u8; 8] = *b"OSIPCCHN";
/// Of the format.
pub const VERSION: u32 = 1;

/// Where the words of a ring begin, and where each stands from there.
pub const WORDS: [usize; 2] = [512, 1024];
/// How much has been published.
pub const TAIL: usize = 0;
/// How much has been taken.
pub const HEAD: usize = 64;
/// The receiver wants to be told.
pub const RECEIVER_SLEEPS: usize = 128;
/// The sender wants to be told.
pub const SENDER_SLEEPS: usize = 192;
/// Of what.
pub const SENDER_WANTS: usize = 196;
/// Rendezvous.
pub const OFFER: usize = 256;

/// Where the states of the sides stand.
pub const STATES: [usize; 2] = [64, 128];
/// Somebody uses this side.
pub const ATTACHED: u32 = 1;
/// It sends no more.
pub const CLOSED: u32 = 2;

/// In a record: the bits of its length.
pub const LENGTH_MASK: u32 = (1 << 28) - 1;
/// How far its kind is shifted.
pub const KIND_SHIFT: u32 = 28;
/// Bytes before each payload.
pub const RECORD: usize = 8;

/// The size of a record with a payload of so many bytes, which must be less than 2^28.
#[must_use]
pub fn record_size(length: usize) -> u32 {
    u32::try_from((length + RECORD).next_multiple_of(8)).unwrap_or(u32::MAX)
}

/// The largest payload of one record in a ring of `capacity` bytes: half of it, and what a record's first word can say.
#[must_use]
pub fn largest_payload(capacity: u32) -> u32 {
    (capacity / 2 - RECORD as u32).min(LENGTH_MASK & !7)
}

/// In the word of flags: checksums.
pub const CHECKSUM: u32 = 4;
/// In the word of flags: a message is taken or it is not sent.
pub const RENDEZVOUS: u32 = 8;

/// Of the word of flags that may be set.
const KNOWN_FLAGS: u32 = 0b1111;

/// The largest ring.
pub const MOST_CAPACITY: u32 = 1 << 30;

/// What is written once, before anybody else has the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Where ring 0 begins.
    pub data_offset: u32,
    /// The sizes of the rings.
    pub capacity: [u32; 2],
    /// The longest message.
    pub max_message_size: u32,
    /// Codec, checksum, rendezvous.
    pub flags: u32,
}

/// How many bytes of the header are [`Geometry`].
pub const HEADER: usize = 32;

impl Geometry {
    /// Rings that hold at least `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u32, max_message_size: u32, flags: u32) -> Self {
        let page = u32::try_from(page_size()).unwrap_or(4096);
        let capacity = capacity.clamp(page, MOST_CAPACITY).next_power_of_two();
        Self { data_offset: page, capacity: [capacity; 2], max_message_size, flags }
    }

    /// Whether each record has a checksum.
    #[must_use]
    pub fn has_checksums(&self) -> bool {
        self.flags & CHECKSUM != 0
    }

    /// Whether a message is taken or not sent.
    #[must_use]
    pub fn is_rendezvous(&self) -> bool {
        self.flags & RENDEZVOUS != 0
    }

    /// How large the memory is.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from(self.data_offset) + u64::from(self.capacity[0]) + u64::from(self.capacity[1])
    }

    /// Where each ring begins in the memory.
    #[must_use]
    pub fn offset_in_file(&self, ring: usize) -> u64 {
        u64::from(self.data_offset) + if ring == 0 { 0 } else { u64::from(self.capacity[0]) }
    }

    /// As the header has it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let words = [VERSION, self.data_offset, self.capacity[0], self.capacity[1], self.max_message_size, self.flags];
        let (magic, rest) = bytes.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        for (place, word) in rest.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// What a header says, if this version can use it and it fits a memory of `size` bytes.
    pub fn parse(bytes: &[u8; HEADER], size: u64) -> Result<Self> {
        let word = |index: usize| {
            let at = index * 4;
            bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
        };
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(Error::Corrupt("the memory is not that of a channel"));
        }
        if word(2) != VERSION {
            return Err(Error::OtherVersion { theirs: word(2), ours: VERSION });
        }
        let geometry =
            Self { data_offset: word(3), capacity: [word(4), word(5)], max_message_size: word(6), flags: word(7) };
        if geometry.flags & !KNOWN_FLAGS != 0 || geometry.flags & 3 == 3 {
            return Err(Error::OtherVersion { theirs: word(2), ours: VERSION });
        }
        let page = page_size() as u64;
        let fits = u64::from(geometry.data_offset) >= page.max(4096)
            && u64::from(geometry.data_offset).is_multiple_of(page)
            && geometry.capacity.iter().all(|bytes| {
                bytes.is_power_of_two() && u64::from(*bytes).is_multiple_of(page) && *bytes <= MOST_CAPACITY
            })
            && geometry.max_message_size > 0
            && geometry.size() == size;
        if fits { Ok(geometry) } else { Err(Error::Corrupt("the geometry of the channel's memory is impossible")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_record_fits_its_first_word_and_half_of_the_ring() {
        for shift in 12..=30 {
            let largest = largest_payload(1 << shift);
            assert_eq!(largest & LENGTH_MASK, largest, "2^{shift}");
            assert!(largest.is_multiple_of(8) && record_size(largest as usize) <= (1 << shift) / 2, "2^{shift}");
            assert!(shift == 30 || record_size(largest as usize) == (1 << shift) / 2, "2^{shift}");
        }
    }
}
