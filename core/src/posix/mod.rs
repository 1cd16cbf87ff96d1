//! POSIX objects, which are known by a name of one word behind a slash.

pub mod catalog;
mod name;
pub mod notice;
pub mod queue;
pub mod semaphore;
pub(crate) mod unnamed;

pub use name::Name;
