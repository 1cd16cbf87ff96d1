//! The control line of an attached end, with its bell: what a channel waits on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::{Control, Desk, Frame, Received};
use super::end::End;
use super::frame::{self, Said};
use super::line::Line;
use crate::error::{Error, Result};
use crate::sys::control::Credentials;

/// A blocking wait is taken in slices of at most this, so that a bell that a hostile peer has silenced delays and no more.
const SLICE: Duration = Duration::from_millis(100);
/// The most frames with descriptors whose messages have not been taken.
const MOST_SUPPLIES: usize = 64;
/// So many frames at once are no conversation.
const FLOOD: usize = 1024;

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk::default());
}

/// See [`Line`].
#[derive(Debug)]
pub(super) struct Wire {
    // Dropped first: the memory says that this side has closed before the control line hangs up.
    end: Arc<End>,
    control: Control,
    /// The control line has ended.
    over: bool,
    /// Nobody is left who could ring the bell.
    deserted: bool,
    peer: Option<Credentials>,
    supplies: HashMap<u32, Vec<OwnedFd>>,
}

impl Wire {
    /// Of an end that is attached.
    pub(super) fn new(end: Arc<End>, control: Control, peer: Option<Credentials>) -> Self {
        Self { end, control, over: false, deserted: false, peer, supplies: HashMap::new() }
    }

    /// Who is there, by the kernel's word on its hello.
    pub(super) fn peer(&self) -> Option<Credentials> {
        self.peer
    }

    /// The end.
    pub(super) fn end(&self) -> &Arc<End> {
        &self.end
    }

    /// The descriptors that a message has announced.
    pub(super) fn supply(&mut self, sequence: u32) -> Result<Vec<OwnedFd>> {
        if !self.supplies.contains_key(&sequence) {
            // They were sent before the message.
            self.look()?;
        }
        self.supplies.remove(&sequence).ok_or(Error::Corrupt("a message has descriptors that were never sent"))
    }

    /// The other side sees that this one has gone.
    pub(super) fn hang_up(&mut self) {
        self.over = true;
        self.supplies.clear();
        // It may have gone by itself.
        drop(self.control.shutdown());
    }

    fn hear(&mut self, Frame { data, fds, sender, .. }: Frame) -> Result<()> {
        match frame::parse(&data)? {
            Said::Hello(_) => self.peer = sender.or(self.peer),
            Said::Supply(sequence) => {
                let crowded = self.supplies.len() >= MOST_SUPPLIES;
                match self.supplies.entry(sequence) {
                    Entry::Vacant(place) if !crowded => drop(place.insert(fds)),
                    _ => return Err(Error::Corrupt("there are descriptors of no message")),
                }
            }
            Said::Withdrawn(sequence) => drop(self.supplies.remove(&sequence)),
            Said::SetUp(_) | Said::Refusal(..) | Said::Unknown => {}
        }
        Ok(())
    }
}

impl Line for Wire {
    fn look(&mut self) -> Result<bool> {
        for _ in 0..FLOOD {
            if self.over {
                return Ok(true);
            }
            match DESK.with_borrow_mut(|desk| self.control.receive(desk))? {
                Received::Frame(frame) => self.hear(frame)?,
                Received::Nothing => return Ok(self.deserted),
                Received::End => self.over = true,
            }
        }
        Err(Error::Corrupt("there are frames without end"))
    }

    fn is_gone(&self) -> bool {
        self.over || self.deserted
    }

    fn has_ended(&self) -> bool {
        self.end.memory().is_ok_and(|memory| memory.has_ended(1 - self.end.side()))
    }

    fn wait(&mut self, until: Option<Instant>) -> Result<()> {
        let left = until.map_or(SLICE, |until| until.saturating_duration_since(Instant::now()).min(SLICE));
        let milliseconds = u8::try_from(left.as_millis().max(1)).unwrap_or(u8::MAX);
        let told = self.end.block(self.control.as_fd().as_raw_fd(), milliseconds)?;
        self.deserted |= self.end.hush()?.is_none();
        if told { self.look().map(drop) } else { Ok(()) }
    }
}
