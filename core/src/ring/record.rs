//! What stands in a ring.

/// Of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A message.
    Whole = 0,
    /// The length of one that follows in pieces.
    Start = 1,
    /// A piece.
    Piece = 2,
    /// The message that had begun is not coming.
    Abort = 3,
    /// The next message has handles.
    Handles = 4,
}

impl Kind {
    /// None for what this version does not know.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        Some(match bits {
            0 => Self::Whole,
            1 => Self::Start,
            2 => Self::Piece,
            3 => Self::Abort,
            4 => Self::Handles,
            _ => return None,
        })
    }
}
