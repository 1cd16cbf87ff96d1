//! What has become of the waits of a group. All of it stands under the group's lock; what has been taken and nobody wants is
//! handed out, to be dropped, and so given back, without that lock.

use std::collections::{HashMap, VecDeque};

/// Waits by token: those under way, each with what it is cancelled by, and the outcomes of those that have ended.
#[derive(Debug)]
pub struct Outcomes<T, W> {
    under_way: HashMap<u32, W>,
    ended: VecDeque<(u32, T)>,
    closed: bool,
}

impl<T, W> Default for Outcomes<T, W> {
    fn default() -> Self {
        Self { under_way: HashMap::new(), ended: VecDeque::new(), closed: false }
    }
}

impl<T, W: Clone> Outcomes<T, W> {
    /// A wait has begun. No other one may be under way under `token`.
    pub fn begin(&mut self, token: u32, wait: W) {
        self.under_way.insert(token, wait);
    }

    /// It has ended. Of what is closed nobody hears the outcome: then it comes back.
    #[must_use]
    pub fn end(&mut self, token: u32, outcome: T) -> Option<T> {
        self.under_way.remove(&token);
        if self.closed {
            return Some(outcome);
        }
        self.ended.push_back((token, outcome));
        None
    }

    /// At most `most` outcomes, oldest first.
    pub fn collect(&mut self, most: usize) -> Vec<(u32, T)> {
        let count = most.min(self.ended.len());
        self.ended.drain(..count).collect()
    }

    /// The outcome of one wait, out of turn.
    pub fn claim(&mut self, token: u32) -> Option<T> {
        let index = self.ended.iter().position(|(told, _)| *told == token)?;
        self.ended.remove(index).map(|(_, outcome)| outcome)
    }

    /// Whether there are outcomes to collect.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.ended.is_empty()
    }

    /// What the wait under `token` is cancelled by, while it is under way.
    #[must_use]
    pub fn under_way(&self, token: u32) -> Option<&W> {
        self.under_way.get(&token)
    }

    /// Whether no wait is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// What all waits under way are cancelled by.
    #[must_use]
    pub fn all_under_way(&self) -> Vec<W> {
        self.under_way.values().cloned().collect()
    }

    /// From here on nobody hears.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}
