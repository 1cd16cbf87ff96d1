//! What the core does with the bytes of an enemy. Each target reads its input as a plan: what an enemy does, step by
//! step, among what honest code does. A target panics where a promise is broken, and so does the core where it should not.
//!
//! `npm run campaign -- fuzz` runs them under libFuzzer and AddressSanitizer, with the mutations of [`mutate`], which know
//! the grammar of each. `cargo test -p os-ipc-fuzz` runs the corpus, and a few thousand mutations of it.

mod mutate;
mod number;
mod source;
mod targets;

pub use mutate::{Grammar, mutate};
pub use source::Source;

/// Something that reads bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called, and the folder of its corpus.
    pub name: &'static str,
    /// What its input is made of.
    pub grammar: Grammar,
    /// Reads an input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    targets::ring::TARGET,
    targets::channel::TARGET,
    targets::handshake::TARGET,
    targets::frame::TARGET,
    targets::ancillary::TARGET,
    targets::messages::TARGET,
    targets::topic::TARGET,
    targets::names::TARGET,
    targets::registry::TARGET,
    targets::locks::TARGET,
    targets::kernel::TARGET,
];

/// The one of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
