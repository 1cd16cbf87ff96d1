//! Sending, with sleep, in pieces where a message is too large for one record.

use std::time::Instant;

use nix::errno::Errno;

use super::line::Line;
use super::place::Place;
use super::producer::{Producer, Sent};
use crate::error::{Error, Result};

/// Whether the time is up.
pub(super) fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

/// Sends all of `message`, as long as it takes. When the time is up nothing of it is received: ETIMEDOUT. Of a rendezvous it
/// has been taken by then.
pub fn send<P: Place, L: Line>(
    producer: &mut Producer<P>,
    line: &mut L,
    message: &[u8],
    until: Option<Instant>,
) -> Result<()> {
    // What was given up and could not be said then.
    wait_for(producer, line, 0, until, Producer::abort)?;
    if producer.is_rendezvous() {
        flush(producer, line, until)?;
    }
    let position = producer.position();
    if message.len() <= producer.largest() {
        wait_for(producer, line, message.len(), until, |producer| producer.send(message))?;
        return offer(producer, line, position, until);
    }
    let length = u32::try_from(message.len()).map_err(|_| Error::os(Errno::EMSGSIZE, "send"))?;
    wait_for(producer, line, 8, until, |producer| producer.begin(length))?;
    offer(producer, line, position, until)?;
    let mut done = 0;
    let size = producer.piece().min(message.len());
    let sent = wait_for(producer, line, size, until, |producer| {
        done += producer.proceed(&message[done..])?;
        Ok(if done == message.len() { Sent::Done } else { Sent::NoRoom })
    });
    if sent.is_err() {
        // If there is no room for that either, the next message begins with it.
        producer.abort()?;
    }
    sent
}

/// Of a rendezvous: waits until what begins at `position` is taken, or takes it back.
fn offer<P: Place, L: Line>(
    producer: &mut Producer<P>,
    line: &mut L,
    position: u32,
    until: Option<Instant>,
) -> Result<()> {
    if !producer.is_rendezvous() {
        return Ok(());
    }
    producer.offer();
    loop {
        let gone = line.is_gone();
        if producer.collect()? {
            return Ok(());
        }
        // Whoever takes it at this moment has it: then that is seen in the next round.
        if gone && producer.withdraw(position) {
            return Err(broken(line));
        }
        if is_past(until) && producer.withdraw(position) {
            return Err(Error::os(Errno::ETIMEDOUT, "send"));
        }
        if producer.sleep_until_offer_taken() {
            line.wait(until)?;
        }
    }
}

/// Waits until the other side has taken everything.
pub fn flush<P: Place, L: Line>(producer: &mut Producer<P>, line: &mut L, until: Option<Instant>) -> Result<()> {
    loop {
        let gone = line.is_gone();
        if producer.is_taken()? {
            return Ok(());
        }
        if gone {
            return Err(broken(line));
        }
        if is_past(until) {
            return Err(Error::os(Errno::ETIMEDOUT, "flush"));
        }
        if producer.sleep_until_taken()? {
            line.wait(until)?;
        }
    }
}

fn wait_for<P: Place, L: Line>(
    producer: &mut Producer<P>,
    line: &mut L,
    length: usize,
    until: Option<Instant>,
    mut attempt: impl FnMut(&mut Producer<P>) -> Result<Sent>,
) -> Result<()> {
    loop {
        if line.is_gone() || line.has_ended() {
            return Err(broken(line));
        }
        if attempt(producer)? == Sent::Done {
            return Ok(());
        }
        if is_past(until) {
            return Err(Error::os(Errno::ETIMEDOUT, "send"));
        }
        if producer.sleep(length)? {
            line.wait(until)?;
        }
    }
}

fn broken(line: &impl Line) -> Error {
    if line.has_ended() { Error::os(Errno::EPIPE, "send") } else { Error::PeerDied }
}
