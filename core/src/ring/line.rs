//! What tells of the other side, beside the ring: its bell and its hang-up.

use std::time::Instant;

use crate::error::Result;

/// How an end waits, and what it learns of the other one's end.
pub trait Line {
    /// Takes what has come, without waiting. Whether the other side has hung up.
    fn look(&mut self) -> Result<bool>;
    /// Whether it was seen to have hung up.
    fn is_gone(&self) -> bool;
    /// Whether the other side has said, in the memory, that it sends no more.
    fn has_ended(&self) -> bool;
    /// Blocks this thread until the own bell rings or the other side hangs up, at the latest until then; then silences the
    /// bell and looks. It may end early.
    fn wait(&mut self, until: Option<Instant>) -> Result<()>;
}
