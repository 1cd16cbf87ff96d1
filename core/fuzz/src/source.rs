//! An input, read piece by piece. Where it has ended it goes on with zeros.

/// How large a step of a plan is, and the words that come before the first.
pub const STEP: usize = 8;

/// See the module.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    rest: &'a [u8],
}

/// One step of a plan: which, and what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which.
    pub op: u8,
    /// To what.
    pub which: u8,
    /// How the value is meant: see [`crate::number::value`].
    pub class: u8,
    /// When.
    pub delay: u8,
    /// A number.
    pub value: u32,
}

impl<'a> Source<'a> {
    /// From the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// So many bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let (taken, rest) = self.rest.split_at(self.rest.len().min(N));
        bytes[..taken.len()].copy_from_slice(taken);
        self.rest = rest;
        bytes
    }

    /// At most so many bytes: those that there are.
    #[must_use]
    pub fn slice(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(self.rest.len().min(most));
        self.rest = rest;
        taken
    }

    /// The next step, while there is a whole one.
    #[must_use]
    pub fn step(&mut self) -> Option<Step> {
        if self.rest.len() < STEP {
            return None;
        }
        let [op, which, class, delay, a, b, c, d] = self.bytes();
        Some(Step { op, which, class, delay, value: u32::from_le_bytes([a, b, c, d]) })
    }

    /// All that is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}
