//! What a thread that blocks on a channel listens by: one call for the bell, the control line and the end of a slice.
//!
//! It is told of the edges alone, so the bell need not be read after each ringing, and no timer is set and taken back for a
//! wait: both cost a good part of what a short wait does.

use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::OnceLock;

use crate::error::Result;
use crate::pipe::{Options, pipe};
use crate::sys::epoll::{Epoll, HANGUP, Interest};
use crate::sys::fd as sys_fd;
use crate::sys::slice::Tick;

const BELL: u32 = 0;
const LINE: u32 = 1;
const TICK: u32 = 2;

/// Made at the first wait, of one end and for one control line.
#[derive(Debug)]
pub(super) struct Ear {
    epoll: Epoll,
    tick: Tick,
}

/// What was heard. Nothing, where the slice is over or a signal came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The bell has rung.
    pub bell: bool,
    /// Something has happened to the control line, or nobody is left who could ring the bell.
    pub line: bool,
}

impl Ear {
    pub(super) fn new(bell: BorrowedFd<'_>, control: RawFd) -> Result<Self> {
        let (epoll, tick) = (Epoll::new()?, Tick::new()?);
        epoll.add(bell, BELL, Interest::Read)?;
        epoll.add(tick.as_fd(), TICK, Interest::Read)?;
        sys_fd::lend(control, |control| epoll.add(control, LINE, Interest::Read))?;
        Ok(Self { epoll, tick })
    }

    /// Blocks until there is something to be heard, or the slice is over.
    pub(super) fn listen(&self) -> Result<Heard> {
        let mut heard = Heard::default();
        let mut told = [0; 6];
        let count = self.epoll.wait(&mut told)?;
        for pair in told.chunks_exact(2).take(count) {
            match *pair {
                [BELL, events] => {
                    heard.bell = true;
                    heard.line |= events & HANGUP != 0;
                }
                [TICK, _] => self.tick.rewind()?,
                _ => heard.line = true,
            }
        }
        Ok(heard)
    }
}

/// Whether the kernel tells of a bell that rings again before it was read. Those from 5.5 to 5.13 do not.
pub(super) fn hears_each_ringing() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| try_out().unwrap_or(false))
}

fn try_out() -> Result<bool> {
    let epoll = Epoll::new()?;
    let (bell, ring) = pipe(Options { capacity: Some(4096), packet: false })?;
    epoll.add(bell.as_fd(), BELL, Interest::Read)?;
    for _ in 0..2 {
        ring.try_write(&[1])?;
        if epoll.harvest(&mut [0; 2])? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
