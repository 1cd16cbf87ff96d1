//! An open socket that messages or bytes go through.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, Shutdown, SockFlag, SockType, shutdown, socket, socketpair};

use super::address::Address;
use super::place::{self, OnStale};
use super::room::RoomWatch;
use crate::error::{Error, Result};
use crate::sys::cancel::Flag;
use crate::sys::control::Credentials;
use crate::sys::socket::{self as sys, Arrival, Inbox};
use crate::sys::{Attempt, attempt, fd as sys_fd, retry, slice};

/// What travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes, through a connection.
    Stream,
    /// Messages, to whoever has an address.
    Datagram,
    /// Messages, through a connection.
    Seqpacket,
}

/// Which way a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Something to receive.
    Message,
    /// Room to send.
    Room,
}

/// A socket that is not a listener. It asks the kernel who has sent each message (SO_PASSCRED): that is also what tells an
/// empty message of a seqpacket socket from the end.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    kind: Kind,
}

impl Socket {
    /// socketpair(2): two that are connected to each other.
    pub fn pair(kind: Kind) -> Result<(Self, Self)> {
        let pair = socketpair(AddressFamily::Unix, kind.number(), None, SockFlag::SOCK_CLOEXEC);
        let (one, other) = pair.map_err(|errno| Error::os(errno, "socketpair"))?;
        Ok((Self::from_open(one, kind)?, Self::from_open(other, kind)?))
    }

    /// Connects to who listens there, or to whom datagrams shall go. [`Attempt::WouldBlock`] where as many as the
    /// listener allows wait already to be accepted: nobody tells when that ends, so a waiter thread has to
    /// [wait](Self::connect_waiting).
    pub fn connect(kind: Kind, address: &Address) -> Result<Attempt<Self>> {
        let fd = open(kind, SockFlag::SOCK_NONBLOCK)?;
        // Before it connects, so that the first message that comes says already who has sent it.
        let socket = Self::from_open(fd, kind)?;
        let connected = attempt(|| sys::connect(socket.fd.as_fd(), address.bytes()));
        Ok(match connected.map_err(|error| error.at(address.to_string()))? {
            Attempt::WouldBlock => Attempt::WouldBlock,
            Attempt::Done(()) => {
                // Ours alone still: from here on an ordinary, blocking socket for whoever inherits it.
                let flags = fcntl(&socket.fd, FcntlArg::F_SETFL(OFlag::empty()));
                flags.map_err(|errno| Error::os(errno, "fcntl"))?;
                Attempt::Done(socket)
            }
        })
    }

    /// The same, waiting in line. For a waiter thread.
    pub fn connect_waiting(kind: Kind, address: &Address, flag: &Flag) -> Result<Self> {
        let socket = Self::from_open(open(kind, SockFlag::empty())?, kind)?;
        sys::connect_waiting(socket.fd.as_fd(), address.bytes(), flag)
            .map_err(|error| error.at(address.to_string()))?;
        Ok(socket)
    }

    /// A socket for datagrams with an address of its own; None has the kernel choose an abstract one. A file gets these
    /// permissions, less the umask, from the start.
    pub fn bind(address: Option<&Address>, mode: u32, on_stale: OnStale) -> Result<Self> {
        let bind = || bound(Kind::Datagram, address, mode);
        let fd = address.map_or_else(bind, |address| place::take(address, on_stale, bind))?;
        Self::from_open(fd, Kind::Datagram)
    }

    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched.
    pub fn adopt(number: RawFd) -> Result<Self> {
        let (fd, kind) = sys_fd::adopt(number, kind_of_connected)?;
        Self::from_open(fd, kind)
    }

    /// A copy of a descriptor that belongs to somebody else.
    pub fn copy_of(number: RawFd) -> Result<Self> {
        let fd = sys_fd::copy_of(number)?;
        let kind = kind_of_connected(fd.as_fd())?;
        Self::from_open(fd, kind)
    }

    /// Takes a descriptor that is known to be such a socket.
    pub(crate) fn from_open(fd: OwnedFd, kind: Kind) -> Result<Self> {
        sys::set_option(fd.as_fd(), libc::SO_PASSCRED, 1)?;
        Ok(Self { fd, kind })
    }

    /// Another descriptor of the same socket.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { fd: sys_fd::duplicate(self.fd.as_fd())?, kind: self.kind })
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// What travels.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it can be found, if anywhere.
    pub fn address(&self) -> Result<Option<Address>> {
        sys::name(self.fd.as_fd()).map(|path| Address::from_kernel(&path))
    }

    /// Where the other end can be found, if anywhere.
    pub fn peer_address(&self) -> Result<Option<Address>> {
        match sys::peer_name(self.fd.as_fd()) {
            Ok(path) => Ok(Address::from_kernel(&path)),
            Err(Error::Os { errno: Errno::ENOTCONN, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who has connected, or listened; of a pair, who made it. None of a datagram socket that is no end of a pair.
    pub fn peer(&self) -> Result<Option<Credentials>> {
        let told = sys::peer_credentials(self.fd.as_fd())?;
        let known = told.uid != u32::MAX;
        Ok(known.then_some(Credentials { pid: told.pid, uid: told.uid, gid: told.gid }))
    }

    /// The groups that the other side was in besides. None where the kernel does not tell.
    pub fn peer_groups(&self) -> Result<Option<Vec<u32>>> {
        match sys::peer_groups(self.fd.as_fd()) {
            Ok(groups) => Ok(Some(groups)),
            Err(Error::Os { errno: Errno::ENODATA | Errno::ENOPROTOOPT, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The process at the other side, as a descriptor. None where the kernel cannot give one; ESRCH if it is gone and
    /// has been reaped.
    pub fn peer_process(&self) -> Result<Option<OwnedFd>> {
        match sys::peer_pidfd(self.fd.as_fd()) {
            Ok(fd) => Ok(Some(fd)),
            Err(Error::Os { errno: Errno::ENODATA | Errno::ENOPROTOOPT | Errno::EINVAL, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a message whole, or as many bytes of a stream as there is room for, with these descriptors beside. `to` is
    /// for a datagram socket that is not connected. The numbers are the caller's and stay his.
    pub fn try_send(&self, data: &[u8], to: Option<&Address>, fds: &[RawFd]) -> Result<Attempt<usize>> {
        attempt(|| sys::send(self.fd.as_fd(), data, path_of(to), fds)).map_err(|error| about(error, to))
    }

    /// Sends as many as it can of these messages, which stand one behind the other in `data`.
    pub fn try_send_many(&self, data: &[u8], lengths: &[usize], to: Option<&Address>) -> Result<Attempt<usize>> {
        attempt(|| sys::send_many(self.fd.as_fd(), data, lengths, path_of(to))).map_err(|error| about(error, to))
    }

    /// Takes what has come: see [`Inbox::receive`].
    pub fn try_receive(
        &self,
        inbox: &mut Inbox,
        target: &mut [u8],
        slot: usize,
        mut tails: Option<(&mut [u8], usize)>,
        most: usize,
        mut arrived: impl FnMut(usize, Arrival, &[u8]),
    ) -> Result<Attempt<usize>> {
        attempt(|| {
            let tails = tails.as_mut().map(|(memory, size)| (&mut **memory, *size));
            inbox.receive(self.fd.as_fd(), target, slot, tails, most, &mut arrived)
        })
    }

    /// Whether an arrival is no message: the other side sends no more.
    #[must_use]
    pub fn is_end(&self, arrival: &Arrival) -> bool {
        arrival.length == 0
            && match self.kind {
                Kind::Stream => true,
                Kind::Seqpacket => !arrival.control.sent && arrival.control.fds.is_empty(),
                Kind::Datagram => false,
            }
    }

    /// Bytes sent that nobody has read, as the kernel counts them: with what it needs to keep them.
    pub fn queued(&self) -> Result<usize> {
        sys::queued(self.fd.as_fd())
    }

    /// The sizes of the buffers, for sending and receiving, as the kernel counts them: twice what was asked for.
    pub fn buffer_sizes(&self) -> Result<(usize, usize)> {
        let size = |option| sys::option(self.fd.as_fd(), option).map(|bytes| bytes.unsigned_abs() as usize);
        Ok((size(libc::SO_SNDBUF)?, size(libc::SO_RCVBUF)?))
    }

    /// Asks for other sizes. What goes beyond net.core.wmem_max and rmem_max the kernel cuts, but for root.
    pub fn set_buffer_sizes(&self, send: Option<i32>, receive: Option<i32>) -> Result<()> {
        let set = |force, option, bytes: Option<i32>| match bytes {
            None => Ok(()),
            Some(bytes) => match sys::set_option(self.fd.as_fd(), force, bytes) {
                Err(Error::Os { errno: Errno::EPERM, .. }) => sys::set_option(self.fd.as_fd(), option, bytes),
                done => done,
            },
        };
        set(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, send)?;
        set(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, receive)
    }

    /// shutdown(2).
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        use std::os::fd::AsRawFd;
        shutdown(self.fd.as_raw_fd(), how).map_err(|errno| Error::os(errno, "shutdown"))
    }

    /// Whether the socket itself has room to send. Where it has and a datagram would wait nevertheless, it is the
    /// receiver's queue that is full: see [`RoomWatch`].
    pub fn has_room(&self) -> Result<bool> {
        slice::ready(self.fd.as_fd(), libc::POLLOUT)
    }

    /// Blocks for at most `milliseconds` until a call would not wait. A signal may end it early, or the end of a slice.
    pub fn block(&self, wanted: Wanted, milliseconds: u8) -> Result<()> {
        let events = match wanted {
            Wanted::Message => libc::POLLIN,
            Wanted::Room => libc::POLLOUT,
        };
        slice::wait(self.fd.as_fd(), events, milliseconds)
    }

    /// The same for room to send a datagram to that address.
    pub fn block_for_room(&self, to: &Address, milliseconds: u8) -> Result<()> {
        if !self.has_room()? {
            return self.block(Wanted::Room, milliseconds);
        }
        match RoomWatch::new(to) {
            Ok(room) => slice::wait(room.as_fd(), libc::POLLOUT, milliseconds),
            // The send says why.
            Err(_) => Ok(()),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Kind {
    fn number(self) -> SockType {
        match self {
            Self::Stream => SockType::Stream,
            Self::Datagram => SockType::Datagram,
            Self::Seqpacket => SockType::SeqPacket,
        }
    }
}

/// A new socket, close-on-exec.
pub(super) fn open(kind: Kind, flags: SockFlag) -> Result<OwnedFd> {
    let made = socket(AddressFamily::Unix, kind.number(), flags | SockFlag::SOCK_CLOEXEC, None);
    made.map_err(|errno| Error::os(errno, "socket"))
}

/// A new socket with an address.
pub(super) fn bound(kind: Kind, address: Option<&Address>, mode: u32) -> Result<OwnedFd> {
    let fd = open(kind, SockFlag::empty())?;
    // What bind gives the file is the socket's own mode: there is no moment at which others could connect.
    sys::set_mode(fd.as_fd(), mode)?;
    let name = address.map(Address::bytes).unwrap_or_default();
    retry(|| sys::bind(fd.as_fd(), name)).map_err(|error| match address {
        Some(address) => error.at(address.to_string()),
        None => error,
    })?;
    Ok(fd)
}

/// What kind of Unix socket it is, if messages or bytes go through it.
fn kind_of_connected(fd: BorrowedFd<'_>) -> Result<Kind> {
    match look(fd)? {
        (kind, false) => Ok(kind),
        (_, true) => Err(Error::WrongKind { expected: "a socket that is connected: it listens", path: None }),
    }
}

/// What kind of Unix socket it is, and whether it listens.
pub(super) fn look(fd: BorrowedFd<'_>) -> Result<(Kind, bool)> {
    let not_one = || Error::WrongKind { expected: "a Unix domain socket", path: None };
    let option = |option| match sys::option(fd, option) {
        Err(Error::Os { errno: Errno::ENOTSOCK, .. }) => Err(not_one()),
        told => told,
    };
    if option(libc::SO_DOMAIN)? != libc::AF_UNIX {
        return Err(not_one());
    }
    let kind = match option(libc::SO_TYPE)? {
        libc::SOCK_STREAM => Kind::Stream,
        libc::SOCK_DGRAM => Kind::Datagram,
        libc::SOCK_SEQPACKET => Kind::Seqpacket,
        _ => return Err(not_one()),
    };
    Ok((kind, option(libc::SO_ACCEPTCONN)? != 0))
}

fn path_of(address: Option<&Address>) -> &[u8] {
    address.map(Address::bytes).unwrap_or_default()
}

fn about(error: Error, to: Option<&Address>) -> Error {
    match to {
        Some(address) => error.at(address.to_string()),
        None => error,
    }
}
