//! A channel: messages over shared memory, between two ends in different processes. See `docs/channel-format.md`.
//!
//! Not for more than two: that is a topic. Not where the other end cannot be told to map memory: that is a socket.
//!
//! The other side is never believed. Everything read from the memory is checked against a copy of the geometry that was
//! made when the memory was mapped.

pub mod channel;
mod consumer;
pub mod control;
mod ear;
mod end;
pub(crate) mod frame;
mod handshake;
pub mod layout;
pub mod line;
pub mod memory;
mod place;
mod producer;
pub mod receiving;
mod record;
pub mod sending;
mod wire;

pub use channel::{Channel, Message, Next};
pub use consumer::{Consumer, Taken};
pub use control::Control;
pub use ear::Heard;
pub use end::{End, Parts};
pub use layout::Geometry;
pub use line::Line;
pub use memory::Memory;
pub use place::{Mapped, Place, Word};
pub use producer::{Producer, Sent};
pub use record::Kind;

/// CRC-32C, as iSCSI and ext4 have it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}
