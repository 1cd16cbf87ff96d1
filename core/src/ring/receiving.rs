//! Receiving, with sleep, and the end of the stream.

use std::time::Instant;

use super::consumer::{Consumer, Taken};
use super::line::Line;
use super::place::Place;
use super::sending::is_past;
use crate::error::{Error, Result};

/// What is there without waiting; None at the end. Who only looks learns of a hang-up by `Line::look`.
pub fn take<P: Place, L: Line>(consumer: &mut Consumer<P>, line: &L) -> Result<Option<Taken>> {
    // Before the ring: what was sent before the hang-up is there by now.
    let gone = line.is_gone();
    match consumer.take()? {
        Taken::Nothing if !gone => Ok(Some(Taken::Nothing)),
        Taken::Nothing if line.has_ended() => Ok(None),
        Taken::Nothing => Err(Error::PeerDied),
        taken => Ok(Some(taken)),
    }
}

/// The next message, as long as it takes; `Nothing` when the time is up, None at the end.
pub fn receive<P: Place, L: Line>(
    consumer: &mut Consumer<P>,
    line: &mut L,
    until: Option<Instant>,
) -> Result<Option<Taken>> {
    loop {
        let taken = take(consumer, line)?;
        if taken != Some(Taken::Nothing) || is_past(until) {
            return Ok(taken);
        }
        if consumer.sleep()? {
            line.wait(until)?;
        }
    }
}
