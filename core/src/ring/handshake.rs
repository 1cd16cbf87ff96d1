//! How two processes come to have the two ends: see "The control line" in `docs/channel-format.md`.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::control::{Control, Desk, Frame, Received};
use super::end::End;
use super::frame::{self, Said};
use super::layout::VERSION;
use super::sending::is_past;
use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::control::Credentials;
use crate::sys::fd as sys_fd;

/// Milliseconds that a wait for a frame sleeps at once.
const SLICE: u8 = 100;

/// The end that the other side sets up, in answer to a hello or before anybody asked.
pub(super) fn receive_set_up(control: &Control, until: Option<Instant>) -> Result<(End, Option<Credentials>)> {
    let mut peer = None;
    loop {
        let Frame { data, fds, sender, lost } = next(control, until)?;
        match frame::parse(&data)? {
            Said::SetUp(_) if lost => return Err(Error::os(Errno::EMFILE, "recvmsg")),
            Said::SetUp(side) => return Ok((adopt(fds, side)?, peer.or(sender))),
            Said::Hello(_) => peer = sender,
            Said::Refusal(code, _) if code == "ERR_IPC_VERSION" => {
                return Err(Error::OtherVersion { theirs: 0, ours: VERSION });
            }
            Said::Refusal(..) => return Err(Error::os(Errno::ECONNREFUSED, "connect")),
            _ => {}
        }
    }
}

/// Waits for a hello, and refuses other versions.
pub(super) fn receive_hello(control: &Control, until: Option<Instant>) -> Result<Option<Credentials>> {
    let Frame { data, sender, .. } = next(control, until)?;
    let theirs = match frame::parse(&data) {
        Ok(Said::Hello(VERSION)) => return Ok(sender),
        Ok(Said::Hello(theirs)) => theirs,
        _ => 0,
    };
    // Whoever has gone need not be told.
    drop(control.send(&frame::refusal("ERR_IPC_VERSION", &format!("this is version {VERSION} of the format")), &[]));
    Err(Error::OtherVersion { theirs, ours: VERSION })
}

/// Sends `end`, which goes with it.
pub(super) fn give(control: &Control, end: End) -> Result<()> {
    let sent = control.send(&frame::set_up(end.side()), &end.numbers())?;
    end.leave();
    match sent {
        Attempt::Done(()) => Ok(()),
        Attempt::WouldBlock => Err(Error::os(Errno::EAGAIN, "sendmsg")),
    }
}

/// The first frame of whoever attaches.
pub(super) fn greet(control: &Control) -> Result<()> {
    match control.send(&frame::hello(), &[]) {
        // Nobody is there to be greeted; the hang-up says so.
        Ok(_) | Err(Error::Os { errno: Errno::EPIPE | Errno::ECONNRESET, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn next(control: &Control, until: Option<Instant>) -> Result<Frame> {
    let mut desk = Desk::default();
    loop {
        match control.receive(&mut desk)? {
            Received::Frame(frame) => return Ok(frame),
            Received::End => return Err(Error::os(Errno::ECONNRESET, "recvmsg")),
            Received::Nothing if is_past(until) => return Err(Error::os(Errno::ETIMEDOUT, "recvmsg")),
            Received::Nothing => {}
        }
        match poll(&mut [PollFd::new(control.as_fd(), PollFlags::POLLIN)], PollTimeout::from(SLICE)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::os(errno, "poll")),
        }
    }
}

fn adopt(fds: Vec<OwnedFd>, side: usize) -> Result<End> {
    let Ok(three) = <[OwnedFd; 3]>::try_from(fds) else {
        return Err(Error::Corrupt("the set-up has not three descriptors"));
    };
    // What cannot be adopted is closed with these.
    let copies: [RawFd; 3] = {
        let [memory, bell, other] = &three;
        let copies = [duplicate(memory)?, duplicate(bell)?, duplicate(other)?];
        copies.map(IntoRawFd::into_raw_fd)
    };
    End::adopt(copies, side).inspect_err(|_| {
        for number in copies {
            drop(sys_fd::adopt(number, |_| Ok(())));
        }
    })
}

fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    sys_fd::copy_of(fd.as_raw_fd())
}
