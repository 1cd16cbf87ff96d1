//! A channel for Rust programs: one end, used by one thread at a time.
//!
//! ```no_run
//! use os_ipc_core::ring::Channel;
//!
//! let mut channel = Channel::connect("/run/user/1000/service.sock", None)?;
//! channel.send(b"hello", None)?;
//! while let Some(message) = channel.receive(None)? {
//!     println!("{} bytes", message.data.len());
//! }
//! # Ok::<(), os_ipc_core::Error>(())
//! ```

use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;

use super::consumer::{Consumer, Taken};
use super::control::Control;
use super::end::End;
use super::layout::Geometry;
use super::line::Line;
use super::memory::Memory;
use super::place::Mapped;
use super::producer::{Producer, Sent};
use super::wire::Wire;
use super::{handshake, receiving, sending};
use crate::error::{Error, Result};
use crate::sys::control::Credentials;
use crate::unix_socket::{Address, Kind, Socket};
use crate::waiter::wait_here;

/// One end. When it is dropped the other side reads what was sent, and then the end of the stream.
///
/// Everything that waits takes the time at which it gives up, or None; then the error is ETIMEDOUT, and nothing was sent or
/// taken.
#[derive(Debug)]
pub struct Channel {
    producer: Producer<Mapped>,
    consumer: Consumer<Mapped>,
    wire: Wire,
    /// The other side has broken the format: nothing of it is believed from then on.
    failure: Option<Error>,
}

/// What was received.
#[derive(Debug)]
pub struct Message {
    /// Its bytes.
    pub data: Vec<u8>,
    /// The descriptors of the handles that came with it, in order.
    pub fds: Vec<OwnedFd>,
}

/// What is there without waiting.
#[derive(Debug)]
pub enum Next {
    /// A message.
    Message(Message),
    /// Nothing, now.
    Nothing,
    /// The other side has closed, and everything that it sent was received.
    End,
}

impl Channel {
    /// Connects to whoever listens there (`ChannelListener` of the package, or [`answer`](Self::answer)).
    pub fn connect(address: &str, until: Option<Instant>) -> Result<Self> {
        let address = Address::new(address)?;
        let connect = |flag: &_| Socket::connect_waiting(Kind::Seqpacket, &address, flag);
        let socket = wait_here(NOBODY, until, connect).map_err(|error| match error {
            Error::Cancelled => Error::os(Errno::ETIMEDOUT, "connect"),
            error => error,
        })?;
        let control = Control::from_socket(socket)?;
        handshake::greet(&control)?;
        let (end, peer) = handshake::receive_set_up(&control, until)?;
        Self::attach(end, control, peer)
    }

    /// Adopts an end that this process has inherited, by the number of its descriptor.
    pub fn from_fd(number: RawFd) -> Result<Self> {
        let control = Control::adopt(number)?;
        // It was left there before this process began.
        let (end, peer) = handshake::receive_set_up(&control, Some(Instant::now()))?;
        Self::attach(end, control, peer)
    }

    /// Answers who has connected to a socket of the kind [`Kind::Seqpacket`]: makes the channel, and sends the other end.
    /// `starts` says where the positions of the rings begin: multiples of 8, as a rule zeros.
    pub fn answer(socket: Socket, geometry: Geometry, starts: [u32; 2], until: Option<Instant>) -> Result<Self> {
        let control = Control::from_socket(socket)?;
        let peer = handshake::receive_hello(&control, until)?;
        Self::give(control, geometry, starts, peer)
    }

    /// A channel, and the descriptor that a child inherits for [`from_fd`](Self::from_fd), or `Channel.fromFd` of the
    /// package. To be closed here once the child has it.
    pub fn for_child(geometry: Geometry, starts: [u32; 2]) -> Result<(Self, OwnedFd)> {
        let [ours, theirs] = Control::pair()?;
        Ok((Self::give(ours, geometry, starts, None)?, theirs.into_fd()))
    }

    /// Sends a message, of any size up to the channel's limit.
    pub fn send(&mut self, message: &[u8], until: Option<Instant>) -> Result<()> {
        if message.len() > self.geometry().max_message_size as usize {
            return Err(Error::os(Errno::EMSGSIZE, "send"));
        }
        self.guard(|channel| sending::send(&mut channel.producer, &mut channel.wire, message, until))
    }

    /// Sends a message of one record, if there is room: false if not. Longer ones need [`send`](Self::send),
    /// and so does a channel of capacity 0.
    pub fn try_send(&mut self, message: &[u8]) -> Result<bool> {
        self.guard(|channel| {
            if channel.producer.is_rendezvous() {
                return Err(Error::NotSupported("On a channel of capacity 0 a message is offered, which takes time"));
            }
            if channel.wire.has_ended() {
                return Err(Error::os(Errno::EPIPE, "send"));
            }
            Ok(channel.producer.abort()? == Sent::Done && channel.producer.send(message)? == Sent::Done)
        })
    }

    /// Waits for the next message. None at the end.
    pub fn receive(&mut self, until: Option<Instant>) -> Result<Option<Message>> {
        self.guard(|channel| {
            loop {
                match receiving::receive(&mut channel.consumer, &mut channel.wire, until)? {
                    None => return Ok(None),
                    Some(Taken::Nothing) => return Err(Error::os(Errno::ETIMEDOUT, "recv")),
                    Some(taken) => {
                        if let Some(message) = channel.complete(taken)? {
                            return Ok(Some(message));
                        }
                    }
                }
            }
        })
    }

    /// Takes the next message if it is there.
    pub fn try_receive(&mut self) -> Result<Next> {
        self.guard(|channel| {
            let mut looked = false;
            loop {
                match receiving::take(&mut channel.consumer, &channel.wire)? {
                    None => return Ok(Next::End),
                    Some(Taken::Nothing) if looked => return Ok(Next::Nothing),
                    Some(Taken::Nothing) => {
                        channel.wire.look()?;
                        looked = true;
                    }
                    Some(taken) => {
                        if let Some(message) = channel.complete(taken)? {
                            return Ok(Next::Message(message));
                        }
                    }
                }
            }
        })
    }

    /// Waits until the other side has received everything that was sent.
    pub fn flush(&mut self, until: Option<Instant>) -> Result<()> {
        self.guard(|channel| sending::flush(&mut channel.producer, &mut channel.wire, until))
    }

    /// What the channel is like.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        self.wire.end().geometry()
    }

    /// The memory: for tests.
    pub fn memory(&self) -> Result<&Memory> {
        self.wire.end().memory()
    }

    /// The process at the other end, by the kernel's word; None until it has attached.
    #[must_use]
    pub fn peer(&self) -> Option<Credentials> {
        self.wire.peer()
    }

    fn give(control: Control, geometry: Geometry, starts: [u32; 2], peer: Option<Credentials>) -> Result<Self> {
        let [ours, theirs] = End::pair_from(geometry, starts)?;
        handshake::give(&control, theirs)?;
        Self::attach(ours, control, peer)
    }

    /// Of an end that nobody uses, and its control line.
    pub fn new(end: End, control: Control) -> Result<Self> {
        Self::attach(end, control, None)
    }

    fn attach(end: End, control: Control, peer: Option<Credentials>) -> Result<Self> {
        end.attach()?;
        let end = Arc::new(end);
        let producer = Producer::new(Mapped::outgoing(&end)?, end.geometry())?;
        let consumer = Consumer::new(Mapped::incoming(&end)?, end.geometry())?;
        handshake::greet(&control)?;
        Ok(Self { producer, consumer, wire: Wire::new(end, control, peer), failure: None })
    }

    fn guard<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        body(self).inspect_err(|error| {
            if matches!(error, Error::Corrupt(_)) {
                self.failure = Some(error.clone());
                self.wire.hang_up();
            }
        })
    }

    /// A message, with what it has on the control line.
    fn complete(&mut self, taken: Taken) -> Result<Option<Message>> {
        let (data, handles) = match taken {
            Taken::Message(data, handles) => (data, handles),
            Taken::Withdrawn(sequence) => {
                self.wire.supply(sequence)?;
                return Ok(None);
            }
            Taken::Nothing => return Ok(None),
        };
        let fds = handles.map_or(Ok(Vec::new()), |(sequence, _)| self.wire.supply(sequence))?;
        Ok(Some(Message { data, fds }))
    }
}

/// Whom nobody else calls off: see [`wait_here`].
const NOBODY: RawFd = -1;
