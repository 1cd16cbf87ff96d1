//! One end of a channel, but for its control line: memory, bells, and which side it is.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::ear::{self, Ear, Heard};
use super::layout::Geometry;
use super::memory::{self, Memory};
use crate::error::{Error, Result};
use crate::pipe::{Options, PipeEnd, Side, pipe};
use crate::sys::{Attempt, fd as sys_fd, slice};

/// The three descriptors of an end, in the order in which they travel.
#[derive(Debug)]
pub struct Parts {
    /// The memory.
    pub memory: OwnedFd,
    /// What the other end rings.
    pub bell: PipeEnd,
    /// The other end's bell.
    pub other: PipeEnd,
}

/// One end. When it is dropped while it is attached, or was to [announce](Self::announce) it, the other side is told that this
/// one has closed: to be dropped before the control line hangs up.
#[derive(Debug)]
pub struct End {
    parts: Parts,
    side: usize,
    geometry: Geometry,
    attached: OnceLock<Memory>,
    announces: AtomicBool,
    ear: OnceLock<Ear>,
}

/// Bytes that a bell has room for: two pages, which is the least that every user gets. Nobody counts how often it was rung,
/// so it need not be large; but somebody may leave some ringings in the first page, and whoever polls before he rings is to
/// find the second one free. It is emptied by one call, so a hostile ringer makes no endless loop of it.
const ROOM: usize = 2 * 4096;

impl End {
    /// Both ends of a new channel.
    pub fn pair(geometry: Geometry) -> Result<[Self; 2]> {
        Self::pair_from(geometry, [0, 0])
    }

    /// The same, with positions that begin where the caller says: multiples of 8. For tests, which begin before a wrap.
    pub fn pair_from(geometry: Geometry, starts: [u32; 2]) -> Result<[Self; 2]> {
        let first = memory::create(&geometry, starts)?;
        let second = memory::duplicate(&first)?;
        let size = Options { capacity: Some(ROOM), packet: false };
        let ((bell0, ring0), (bell1, ring1)) = (pipe(size)?, pipe(size)?);
        let end = |memory, bell, other, side| Self {
            parts: Parts { memory, bell, other },
            side,
            geometry,
            attached: OnceLock::new(),
            announces: AtomicBool::new(false),
            ear: OnceLock::new(),
        };
        Ok([end(first, bell0, ring1, 0), end(second, bell1, ring0, 1)])
    }

    /// Adopts descriptors that were received. On failure the numbers have not been touched.
    pub fn adopt(numbers: [RawFd; 3], side: usize) -> Result<Self> {
        // All three are looked at before the first one is taken.
        let borrowed = |number| sys_fd::copy_of(number);
        let geometry = memory::inspect(borrowed(numbers[0])?.as_fd())?;
        for (number, wanted) in [(numbers[1], Side::Reader), (numbers[2], Side::Writer)] {
            let copy = std::os::fd::IntoRawFd::into_raw_fd(borrowed(number)?);
            if let Err(error) = PipeEnd::adopt(copy, wanted) {
                // Not adopted, so it is still ours alone.
                drop(sys_fd::adopt(copy, |_| Ok(())));
                return Err(error);
            }
        }
        let (memory, ()) = sys_fd::adopt(numbers[0], |_| Ok(()))?;
        let bell = PipeEnd::adopt(numbers[1], Side::Reader)?;
        let other = PipeEnd::adopt(numbers[2], Side::Writer)?;
        let (attached, announces) = (OnceLock::new(), AtomicBool::new(false));
        Ok(Self {
            parts: Parts { memory, bell, other },
            side: side & 1,
            geometry,
            attached,
            announces,
            ear: OnceLock::new(),
        })
    }

    /// Maps the memory and takes the side.
    pub fn attach(&self) -> Result<&Memory> {
        if self.attached.get().is_none() {
            let memory = Memory::map(self.parts.memory.as_fd(), self.geometry)?;
            memory.attach(self.side)?;
            drop(self.attached.set(memory));
        }
        self.memory()
    }

    /// Leaves the side to whoever comes next, and keeps the memory: to be followed by [`leave`](Self::leave), or by
    /// [`stay`](Self::stay) if nobody comes.
    pub fn vacate(&self) -> Result<()> {
        self.attached.get().map_or(Ok(()), |memory| memory.leave(self.side))
    }

    /// Takes the side again.
    pub fn stay(&self) -> Result<()> {
        self.attached.get().map_or(Ok(()), |memory| memory.attach(self.side))
    }

    /// Goes away without a word, after [`vacate`](Self::vacate): somebody else has this end.
    pub fn leave(mut self) {
        self.announce(false);
        drop(self.attached.take());
    }

    /// Whether the other side is told that this end has closed although it was never attached: nobody else can have it.
    pub fn announce(&self, announces: bool) {
        self.announces.store(announces, Ordering::Relaxed);
    }

    /// Says that this side sends no more, also if it was never attached, or cannot be since the other one says so.
    pub fn end(&self) -> Result<()> {
        match self.attached.get() {
            Some(memory) => memory.end(self.side),
            None => Memory::map(self.parts.memory.as_fd(), self.geometry)?.end(self.side),
        }
    }

    /// The memory, once it is attached.
    pub fn memory(&self) -> Result<&Memory> {
        self.attached.get().ok_or(Error::Closed)
    }

    /// What the memory is like.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// 0 or 1.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// The numbers of its descriptors, in the order in which they travel.
    #[must_use]
    pub fn numbers(&self) -> [RawFd; 3] {
        let Parts { memory, bell, other } = &self.parts;
        [memory.as_raw_fd(), bell.as_fd().as_raw_fd(), other.as_fd().as_raw_fd()]
    }

    /// The descriptor of the memory.
    #[must_use]
    pub fn memory_fd(&self) -> BorrowedFd<'_> {
        self.parts.memory.as_fd()
    }

    /// Rings the other end's bell. One that nobody hears is not an error: the control line tells of that.
    pub fn ring(&self) -> Result<()> {
        match self.parts.other.try_write(&[1]) {
            Ok(_) | Err(Error::Os { errno: Errno::EPIPE, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Empties the own bell. Whether it had rung; None where nobody is left who could ring it.
    pub fn hush(&self) -> Result<Option<bool>> {
        let mut clapper = [0; ROOM];
        match self.parts.bell.try_read(&mut clapper)? {
            Attempt::Done(0) => Ok(None),
            Attempt::Done(_) => Ok(Some(true)),
            Attempt::WouldBlock => Ok(Some(false)),
        }
    }

    /// Blocks until the own bell rings or something happens to `control`, always the same one, for at most a slice
    /// ([`slice::LENGTH`]). The bell may be rung still afterwards: whoever lets it ring more than a thousand times empties it.
    pub fn listen(&self, control: RawFd) -> Result<Heard> {
        let ear = match self.ear.get() {
            Some(ear) => ear,
            None => match Ear::new(self.as_fd(), control) {
                Ok(made) => self.ear.get_or_init(|| made),
                // Where there are no descriptors left it can be waited for all the same.
                Err(_) => return self.block_and_hush(control, slice::LENGTH),
            },
        };
        let mut heard = ear.listen()?;
        if heard.bell && !ear::hears_each_ringing() {
            heard.line |= self.hush()?.is_none();
        }
        Ok(heard)
    }

    /// The same for at most so many milliseconds, and the bell is emptied.
    pub fn block_and_hush(&self, control: RawFd, milliseconds: u8) -> Result<Heard> {
        let line = self.block(control, milliseconds)?;
        let rung = self.hush()?;
        // A bell that nobody can ring is the other side's end, as the line is.
        Ok(Heard { bell: rung == Some(true), line: line || rung.is_none() })
    }

    /// Whether it is told of each ringing of a bell that is not emptied, by an epoll(7) that tells of edges.
    #[must_use]
    pub fn hears_each_ringing() -> bool {
        ear::hears_each_ringing()
    }

    /// Blocks until the own bell rings or something happens to `control`, for at most so many milliseconds. Whether it
    /// was the latter.
    pub fn block(&self, control: RawFd, milliseconds: u8) -> Result<bool> {
        sys_fd::lend(control, |control| {
            let bell = PollFd::new(self.parts.bell.as_fd(), PollFlags::POLLIN);
            let mut watched = [bell, PollFd::new(control, PollFlags::POLLIN)];
            let wait = |watched: &mut [PollFd<'_>]| match poll(watched, PollTimeout::from(milliseconds)) {
                Ok(_) | Err(Errno::EINTR) => Ok(()),
                Err(errno) => Err(Error::os(errno, "poll")),
            };
            wait(&mut watched)?;
            // A bell that nobody can ring any more shows that for ever: whoever has let go of it and stays is not to keep
            // this thread busy.
            let [bell, line] = &watched;
            if bell.revents() == Some(PollFlags::POLLHUP) && line.any() == Some(false) {
                wait(&mut watched[1..])?;
            }
            Ok(watched[1].any().unwrap_or(true))
        })
    }
}

impl AsFd for End {
    /// The own bell, which is what is watched.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.parts.bell.as_fd()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if self.attached.get().is_some() || self.announces.load(Ordering::Relaxed) {
            // Nobody is left to be told of a failure.
            drop(self.end());
        }
    }
}
