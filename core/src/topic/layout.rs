//! Where everything stands in a topic's memory: see `docs/topic-format.md`.

use crate::error::{Error, Result};
use crate::sys::mman::page_size;

/// What the memory begins with.
pub const MAGIC: [u8; 8] = *b"OSIPCTPC";
/// Of the format.
pub const VERSION: u32 = 1;

/// Bit 0: nothing is published any more.
pub const STATE: usize = 320;
/// See [`STATE`].
pub const ENDED: u32 = 1;
/// Who waits for messages, for room, and for the lock: who wants to be woken, what was woken last, and the word that is
/// slept on.
pub const BELLS: [usize; 3] = [384, 448, 512];
/// From a bell's beginning on: the word that is slept on.
pub const BELL: usize = 8;
/// Where the slots of subscribers begin.
pub const SLOTS: usize = 1024;
/// How large each is.
pub const SLOT: usize = 64;

/// The largest ring.
pub const MOST_CAPACITY: u32 = 1 << 30;
/// The most slots.
pub const MOST_SLOTS: u32 = 4096;

/// Of the word of flags that may be set.
const KNOWN_FLAGS: u32 = 0b111;
/// What is no codec.
const CODEC: u32 = 0b11;

/// How many bytes of the header are [`Geometry`].
pub const HEADER: usize = 32;

/// What is written once, before anybody else has the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Where the ring begins.
    pub data_offset: u32,
    /// The size of the ring.
    pub capacity: u32,
    /// How many subscribers there can be.
    pub slots: u32,
    /// Codec, overflow.
    pub flags: u32,
}

impl Geometry {
    /// A ring that holds at least `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u32, slots: u32, flags: u32) -> Self {
        let page = page();
        let capacity = capacity.clamp(page, MOST_CAPACITY).next_power_of_two();
        let slots = slots.clamp(1, MOST_SLOTS);
        Self { data_offset: offset_of_data(slots, page), capacity, slots, flags }
    }

    /// How large the memory is.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from(self.data_offset) + u64::from(self.capacity)
    }

    /// As it stands in memory.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let (magic, rest) = bytes.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        let words = [VERSION, self.data_offset, self.capacity, self.slots, self.flags];
        for (place, word) in rest.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// What memory of `size` bytes says of itself; None if it is none of a topic's.
    pub fn parse(bytes: &[u8; HEADER], size: u64) -> Result<Option<Self>> {
        let (magic, rest) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            return Ok(None);
        }
        let mut words = rest.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_ne_bytes));
        let mut next = || words.next().unwrap_or(0);
        let (version, data_offset, capacity, slots, flags) = (next(), next(), next(), next(), next());
        if version != VERSION {
            return Err(Error::OtherVersion { theirs: version, ours: VERSION });
        }
        let geometry = Self { data_offset, capacity, slots, flags };
        let page = page();
        let fits = capacity.is_power_of_two()
            && (page..=MOST_CAPACITY).contains(&capacity)
            && (1..=MOST_SLOTS).contains(&slots)
            && data_offset == offset_of_data(slots, page)
            && flags & !KNOWN_FLAGS == 0
            && flags & CODEC != CODEC
            && geometry.size() <= size;
        if fits { Ok(Some(geometry)) } else { Err(Error::Corrupt("the header of the topic says what cannot be")) }
    }
}

fn offset_of_data(slots: u32, page: u32) -> u32 {
    (SLOTS as u32 + slots * SLOT as u32).next_multiple_of(page)
}

fn page() -> u32 {
    u32::try_from(page_size()).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (capacity, slots, flags) in [(1, 1, 0), (1 << 20, 64, 0b101), (u32::MAX >> 1, MOST_SLOTS, 0b10)] {
            let geometry = Geometry::new(capacity, slots, flags);
            assert_eq!(Geometry::parse(&geometry.to_bytes(), geometry.size()), Ok(Some(geometry)));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = Geometry::new(1 << 20, 64, 1);
        let bytes = good.to_bytes();
        assert_eq!(Geometry::parse(&[0; HEADER], 1 << 30), Ok(None));
        assert!(matches!(Geometry::parse(&bytes, good.size() - 1), Err(Error::Corrupt(_))));
        let mut other = bytes;
        other[8] = 2;
        assert!(matches!(Geometry::parse(&other, good.size()), Err(Error::OtherVersion { theirs: 2, .. })));
        for wrong in [
            Geometry { capacity: 3 << 19, ..good },
            Geometry { capacity: 2048, ..good },
            Geometry { capacity: 1 << 31, ..good },
            Geometry { slots: 0, ..good },
            Geometry { slots: MOST_SLOTS + 1, ..good },
            Geometry { data_offset: good.data_offset + 4096, ..good },
            Geometry { flags: 3, ..good },
            Geometry { flags: 8, ..good },
        ] {
            assert!(matches!(Geometry::parse(&wrong.to_bytes(), u64::MAX), Err(Error::Corrupt(_))), "{wrong:?}");
        }
    }
}
