//! The control line of a channel: a seqpacket socket for what is not messages. Its hang-up is how the other side's end is
//! seen.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::sys::Attempt;
use crate::sys::control::Credentials;
use crate::sys::fd as sys_fd;
use crate::sys::socket::{self, Inbox};
use crate::unix_socket::{Kind, Socket};

/// The longest frame.
pub const LONGEST: usize = 64 * 1024;

/// One end of it.
#[derive(Debug)]
pub struct Control(Socket);

/// Where frames arrive: memory that is used again for each of them.
#[derive(Default)]
pub struct Desk {
    inbox: Inbox,
    room: Vec<u8>,
}

/// What has come.
#[derive(Debug)]
pub enum Received {
    /// A frame.
    Frame(Frame),
    /// Nothing yet.
    Nothing,
    /// The other side has hung up, and there will be nothing more.
    End,
}

/// One packet.
#[derive(Debug)]
pub struct Frame {
    /// Its bytes.
    pub data: Vec<u8>,
    /// Its descriptors.
    pub fds: Vec<OwnedFd>,
    /// Who has sent it, if the kernel knows.
    pub sender: Option<Credentials>,
    /// There were more descriptors than this process could take: none are left.
    pub lost: bool,
}

impl Control {
    /// Two that are connected.
    pub fn pair() -> Result<[Self; 2]> {
        let (one, other) = Socket::pair(Kind::Seqpacket)?;
        Ok([Self(one), Self(other)])
    }

    /// Adopts a descriptor that was inherited or accepted. On failure the number has not been touched.
    pub fn adopt(number: RawFd) -> Result<Self> {
        // Looked at by a copy, for a number of the wrong kind is not to be taken.
        let looked = sys_fd::lend(number, |fd| {
            let copy = sys_fd::duplicate(fd)?;
            let number = std::os::fd::IntoRawFd::into_raw_fd(copy);
            match Socket::adopt(number) {
                Ok(socket) => Ok(socket.kind()),
                Err(error) => {
                    // Not adopted, so it is still ours alone.
                    drop(sys_fd::adopt(number, |_| Ok(())));
                    Err(error)
                }
            }
        })?;
        if looked != Kind::Seqpacket {
            return Err(Error::WrongKind { expected: "a seqpacket socket", path: None });
        }
        Socket::adopt(number).map(Self)
    }

    /// Takes a socket of the kind [`Kind::Seqpacket`].
    pub fn from_socket(socket: Socket) -> Result<Self> {
        if socket.kind() == Kind::Seqpacket {
            Ok(Self(socket))
        } else {
            Err(Error::WrongKind { expected: "a seqpacket socket", path: None })
        }
    }

    /// Sends a frame whole.
    pub fn send(&self, data: &[u8], fds: &[RawFd]) -> Result<Attempt<()>> {
        Ok(match self.0.try_send(data, None, fds)? {
            Attempt::Done(_) => Attempt::Done(()),
            Attempt::WouldBlock => Attempt::WouldBlock,
        })
    }

    /// Takes the next frame.
    pub fn receive(&self, Desk { inbox, room }: &mut Desk) -> Result<Received> {
        room.resize(LONGEST, 0);
        let mut arrived = None;
        let mut take = || {
            self.0.try_receive(inbox, room, LONGEST, None, 1, |_, arrival, _| {
                if !self.0.is_end(&arrival) {
                    arrived = Some((arrival.length, arrival.control));
                }
            })
        };
        let taken = match take() {
            // It has gone with something of ours unread. The kernel says so once, before what it had sent itself.
            Err(Error::Os { errno: Errno::ECONNRESET, .. }) => take(),
            taken => taken,
        };
        match taken {
            Ok(Attempt::WouldBlock) => return Ok(Received::Nothing),
            Ok(Attempt::Done(_)) => {}
            Err(Error::Os { errno: Errno::ECONNRESET, .. }) => return Ok(Received::End),
            Err(error) => return Err(error),
        }
        let Some((length, control)) = arrived else { return Ok(Received::End) };
        let crate::sys::control::Control { fds, credentials: sender, lost, .. } = control;
        let data = room.get(..length).unwrap_or_default().to_vec();
        Ok(Received::Frame(Frame { data, fds, sender, lost }))
    }

    /// Looks at the frame that begins behind so many bytes, and leaves all where it is. Its descriptors are copies.
    pub fn peek(&self, desk: &mut Desk, behind: u32) -> Result<Received> {
        /// From the beginning, and without going on by itself.
        const NOWHERE: i32 = -1;
        let from = i32::try_from(behind).map_err(|_| Error::os(Errno::EMSGSIZE, "recvmsg"))?;
        socket::set_option(self.as_fd(), libc::SO_PEEK_OFF, from)?;
        desk.inbox.peeks = true;
        let received = self.receive(desk);
        desk.inbox.peeks = false;
        socket::set_option(self.as_fd(), libc::SO_PEEK_OFF, NOWHERE)?;
        received
    }

    /// Who connected or listens, by the kernel's word; of a pair, who made it.
    pub fn peer(&self) -> Result<Option<Credentials>> {
        self.0.peer()
    }

    /// The other side sees that this one has gone.
    pub fn shutdown(&self) -> Result<()> {
        self.0.shutdown(nix::sys::socket::Shutdown::Both)
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.0.into_fd()
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn text(received: Received) -> (String, usize) {
        match received {
            Received::Frame(frame) => (String::from_utf8(frame.data).unwrap(), frame.fds.len()),
            Received::Nothing => ("nothing".to_owned(), 0),
            Received::End => ("end".to_owned(), 0),
        }
    }

    #[test]
    fn what_is_looked_at_stays_in_its_order() {
        let [near, far] = Control::pair().unwrap();
        let mut desk = Desk::default();
        assert_eq!(text(far.peek(&mut desk, 0).unwrap()).0, "nothing");
        assert!(matches!(near.send(b"first", &[]).unwrap(), Attempt::Done(())));
        assert!(matches!(near.send(b"second", &[near.as_fd().as_raw_fd()]).unwrap(), Attempt::Done(())));
        for _ in 0..3 {
            assert_eq!(text(far.peek(&mut desk, 0).unwrap()), ("first".to_owned(), 0));
            assert_eq!(text(far.peek(&mut desk, 5).unwrap()), ("second".to_owned(), 1));
            assert_eq!(text(far.peek(&mut desk, 11).unwrap()).0, "nothing");
        }
        for expected in ["first", "second", "nothing"] {
            assert_eq!(text(far.receive(&mut desk).unwrap()).0, expected);
        }
    }
}
