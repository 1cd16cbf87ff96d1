//! Pipes: a byte stream (or, with `packet`, a queue of small messages) from the processes that hold the write end to
//! those that hold the read end. Also FIFOs once they are open. See pipe(7).
//!
//! Not for messages of more than 4 KiB that must stay whole, and not for talking back: that is a socket.
//!
//! No transfer here relies on O_NONBLOCK: that flag belongs to the open file description, which a child or another
//! process may share, and is never set on a descriptor that somebody else can get hold of.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};

use crate::error::{Error, Result};
use crate::sys::{Attempt, attempt, fd as sys_fd, pipe as sys};

/// The most that one packet holds, and the most that one write puts in without other writers' bytes between: PIPE_BUF.
pub const PACKET_SIZE: usize = 4096;

/// The most that one system call is asked to move. Calls that move a megabyte at once leave the other side waiting
/// meanwhile: in pieces both work at the same time, and a stream of large messages was measured at two to eight times the
/// speed. Pieces of 16 KiB, on either side, lose a third of that or more.
const PIECE: usize = 8 * 1024;

/// Which end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that bytes come out of.
    Reader,
    /// The end that bytes go into.
    Writer,
}

/// How a pipe is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The size of the kernel's buffer; the kernel rounds it up.
    pub capacity: Option<usize>,
    /// Keep the boundaries of writes (O_DIRECT).
    pub packet: bool,
}

/// One end of a pipe or of an open FIFO.
#[derive(Debug)]
pub struct PipeEnd {
    fd: OwnedFd,
    side: Side,
    packet: bool,
    /// A description of our own with O_NONBLOCK, for those that know no RWF_NOWAIT (FIFOs, old kernels); opened when
    /// that turns out.
    own: OnceLock<OwnedFd>,
}

/// A new pipe: reader and writer.
pub fn pipe(options: Options) -> Result<(PipeEnd, PipeEnd)> {
    let flags = if options.packet { OFlag::O_CLOEXEC | OFlag::O_DIRECT } else { OFlag::O_CLOEXEC };
    let (reader, writer) = nix::unistd::pipe2(flags).map_err(|errno| Error::os(errno, "pipe2"))?;
    let reader = PipeEnd::from_open(reader, Side::Reader, options.packet);
    let writer = PipeEnd::from_open(writer, Side::Writer, options.packet);
    if let Some(bytes) = options.capacity {
        writer.set_capacity(bytes)?;
    }
    Ok((reader, writer))
}

impl PipeEnd {
    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched.
    pub fn adopt(number: RawFd, side: Side) -> Result<Self> {
        let (fd, packet) = sys_fd::adopt(number, |fd| check(fd, side))?;
        Ok(Self::from_open(fd, side, packet))
    }

    /// Takes a descriptor that is known to be this end of a pipe or FIFO.
    pub(crate) fn from_open(fd: OwnedFd, side: Side, packet: bool) -> Self {
        Self { fd, side, packet, own: OnceLock::new() }
    }

    /// Another descriptor of the same end.
    pub fn duplicate(&self) -> Result<Self> {
        let fd = sys_fd::duplicate(self.fd.as_fd())?;
        Ok(Self::from_open(fd, self.side, self.packet))
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Whether boundaries of writes are kept.
    #[must_use]
    pub fn packet(&self) -> bool {
        self.packet
    }

    /// The size of the kernel's buffer.
    pub fn capacity(&self) -> Result<usize> {
        let bytes = fcntl(&self.fd, FcntlArg::F_GETPIPE_SZ).map_err(|errno| Error::os(errno, "fcntl"))?;
        Ok(bytes.unsigned_abs() as usize)
    }

    /// Asks for another size and gives what the kernel made of it. EBUSY if what is in the pipe would not fit, EPERM
    /// above /proc/sys/fs/pipe-max-size.
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        let wanted = libc::c_int::try_from(bytes).map_err(|_| Error::os(Errno::EINVAL, "fcntl"))?;
        let given = fcntl(&self.fd, FcntlArg::F_SETPIPE_SZ(wanted)).map_err(|errno| Error::os(errno, "fcntl"))?;
        Ok(given.unsigned_abs() as usize)
    }

    /// Bytes in the kernel's buffer now.
    pub fn pending(&self) -> Result<usize> {
        sys::pending(self.fd.as_fd())
    }

    /// Reads what is there into `target`; 0 is the end.
    pub fn try_read(&self, target: &mut [u8]) -> Result<Attempt<usize>> {
        if self.packet {
            return self.read_piece(target);
        }
        in_pieces(target.chunks_mut(PIECE), |piece| Ok((self.read_piece(piece)?, piece.len())))
    }

    fn read_piece(&self, target: &mut [u8]) -> Result<Attempt<usize>> {
        if self.own.get().is_none() {
            match attempt(|| sys::read_nowait(self.fd.as_fd(), target)) {
                Err(Error::Os { errno: Errno::EOPNOTSUPP | Errno::ENOSYS, .. }) => {}
                done => return done,
            }
        }
        let own = self.own_description()?;
        attempt(|| nix::unistd::read(own, target).map_err(|errno| Error::os(errno, "read")))
    }

    /// Writes as much of `data` as there is room for.
    pub fn try_write(&self, data: &[u8]) -> Result<Attempt<usize>> {
        in_pieces(data.chunks(PIECE), |piece| Ok((self.write_piece(piece)?, piece.len())))
    }

    fn write_piece(&self, data: &[u8]) -> Result<Attempt<usize>> {
        if self.own.get().is_none() {
            match attempt(|| sys::write_nowait(self.fd.as_fd(), data)) {
                Err(Error::Os { errno: Errno::EOPNOTSUPP | Errno::ENOSYS, .. }) => {}
                done => return done,
            }
        }
        let own = self.own_description()?;
        attempt(|| nix::unistd::write(own, data).map_err(|errno| Error::os(errno, "write")))
    }

    /// Blocks for at most `milliseconds` until a transfer would not wait. A signal may end it early.
    pub fn block(&self, milliseconds: u8) -> Result<()> {
        let wanted = match self.side {
            Side::Reader => PollFlags::POLLIN,
            Side::Writer => PollFlags::POLLOUT,
        };
        let mut fds = [PollFd::new(self.fd.as_fd(), wanted)];
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::os(errno, "poll")),
        }
    }

    fn own_description(&self) -> Result<BorrowedFd<'_>> {
        if let Some(own) = self.own.get() {
            return Ok(own.as_fd());
        }
        let access = match self.side {
            Side::Reader => OFlag::O_RDONLY,
            Side::Writer => OFlag::O_WRONLY,
        };
        let opened = match sys_fd::open_anew(self.fd.as_fd(), access | OFlag::O_NONBLOCK) {
            // That is how open(2) says of a FIFO what write(2) would say: nobody has it open for reading.
            Err(Error::Os { errno: Errno::ENXIO, .. }) => return Err(Error::os(Errno::EPIPE, "write")),
            opened => opened?,
        };
        if self.packet {
            // Boundaries are kept for what is written through a description that says so; open(2) takes no O_DIRECT here.
            let flags = OFlag::O_NONBLOCK | OFlag::O_DIRECT;
            fcntl(&opened, FcntlArg::F_SETFL(flags)).map_err(|errno| Error::os(errno, "fcntl"))?;
        }
        Ok(self.own.get_or_init(|| opened).as_fd())
    }
}

/// Moves piece by piece until one is not moved whole. Once something has been moved that is what is told: an error comes
/// again with the next call.
fn in_pieces<T>(
    pieces: impl Iterator<Item = T>,
    mut one: impl FnMut(T) -> Result<(Attempt<usize>, usize)>,
) -> Result<Attempt<usize>> {
    let mut moved = 0;
    for piece in pieces {
        match one(piece) {
            Ok((Attempt::Done(bytes), asked)) => {
                moved += bytes;
                if bytes < asked {
                    break;
                }
            }
            other if moved == 0 => return other.map(|(attempt, _)| attempt),
            _ => break,
        }
    }
    Ok(Attempt::Done(moved))
}

impl AsFd for PipeEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Tells whether `fd` is that end of a pipe, and whether it keeps boundaries.
fn check(fd: BorrowedFd<'_>, side: Side) -> Result<bool> {
    let stat = fstat(fd).map_err(|errno| Error::os(errno, "fstat"))?;
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFIFO {
        return Err(Error::WrongKind { expected: "a pipe", path: None });
    }
    let flags = sys_fd::status_flags(fd)?;
    let access = flags & OFlag::O_ACCMODE;
    let wanted = match side {
        Side::Reader => OFlag::O_RDONLY,
        Side::Writer => OFlag::O_WRONLY,
    };
    if flags.contains(OFlag::O_PATH) || (access != wanted && access != OFlag::O_RDWR) {
        let expected = match side {
            Side::Reader => "the read end of a pipe",
            Side::Writer => "the write end of a pipe",
        };
        return Err(Error::WrongKind { expected, path: None });
    }
    Ok(flags.contains(OFlag::O_DIRECT))
}
