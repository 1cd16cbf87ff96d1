//! One for each thing that reads bytes.

pub(crate) mod ancillary;
mod arena;
pub(crate) mod channel;
mod descriptors;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod kernel;
pub(crate) mod locks;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod registry;
pub(crate) mod ring;
pub(crate) mod topic;
