//! Telling the service manager how it goes, as sd_notify(3) does: one datagram to the address in NOTIFY_SOCKET.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::SockFlag;

use super::address::Address;
use super::socket::{Kind, Socket, open};
use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::slice;

/// A manager that takes nothing for so long is not going to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends `state` with these descriptors. False where nobody listens; EAGAIN where the manager's queue stays full.
pub fn notify(address: &Address, state: &[u8], fds: &[RawFd]) -> Result<bool> {
    let socket = Socket::from_open(open(Kind::Datagram, SockFlag::empty())?, Kind::Datagram)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match socket.try_send(state, Some(address), fds) {
            Ok(Attempt::Done(_)) => return Ok(true),
            Ok(Attempt::WouldBlock) if Instant::now() < until => socket.block_for_room(address, slice::LENGTH)?,
            Ok(Attempt::WouldBlock) => return Err(Error::os(Errno::EAGAIN, "sendmsg").at(address.to_string())),
            Err(Error::Os { errno: Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTDIR, .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
