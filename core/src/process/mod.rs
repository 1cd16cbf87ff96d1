//! Processes by pidfd: whoever holds one cannot take another process, to which the kernel has given the same number since,
//! for the one that was meant. See pidfd_open(2).
//!
//! Any process can be waited for, child or not; a wait reaps nobody. A number is as good as its source: whether the process
//! that has it at the time of opening is the right one, only its time of start can tell.

pub(crate) mod stat;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::{fs, io};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use crate::error::{Error, Result};
use crate::sys::{Attempt, fd as sys_fd, pidfd, retry, slice};

/// Clock ticks a second as /proc tells them: USER_HZ, which is the same wherever this package runs.
const TICKS: u64 = 100;

/// What wait(2) says of the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

/// What /proc tells of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whose child it is; 0 where that is outside this PID namespace, or cannot be told.
    pub parent: i32,
    /// When it was started, in milliseconds since 1970, to a clock tick (10 ms); None where that cannot be told.
    pub start: Option<f64>,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    fd: OwnedFd,
    pid: i32,
}

impl Process {
    /// The process that has this number now. ESRCH if there is none.
    pub fn open(pid: i32) -> Result<Self> {
        Ok(Self { fd: pidfd::open(pid)?, pid })
    }

    /// The same, with what /proc tells of that very process.
    pub fn open_with_facts(pid: i32) -> Result<(Self, Facts)> {
        let process = Self::open(pid)?;
        match process.facts() {
            Some(facts) => Ok((process, facts)),
            // Reaped meanwhile: the same as if it had been before.
            None => Err(Error::os(Errno::ESRCH, "pidfd_open")),
        }
    }

    /// Adopts a descriptor that was inherited or received. On failure the number has not been touched. `pid` is what is
    /// known of its number, for who has been reaped has none any more.
    pub fn adopt(number: RawFd, pid: Option<i32>) -> Result<Self> {
        let (fd, told) = sys_fd::adopt(number, pid_of)?;
        Ok(Self { fd, pid: if told >= 0 { told } else { pid.unwrap_or(0) } })
    }

    /// Another descriptor of the same process.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { fd: sys_fd::duplicate(self.fd.as_fd())?, pid: self.pid })
    }

    /// Gives the descriptor up.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Its number, in this PID namespace; 0 if it has none here.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// What /proc tells now. None once it has been reaped: then the number is nobody's, or somebody else's.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid));
        // Only now, for it may have been reaped meanwhile, and that may have been another process.
        if self.is_reaped() {
            return None;
        }
        let Ok(stat) = stat else { return Some(Facts::default()) };
        Some(Facts { parent: stat::parent(&stat).unwrap_or(0), start: stat::start(&stat).and_then(time_of) })
    }

    /// Whether it can be seen to have ended, reaped or not.
    pub fn has_ended(&self) -> Result<bool> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        let told = retry(|| poll(&mut fds, PollTimeout::ZERO).map_err(|errno| Error::os(errno, "poll")))?;
        Ok(told > 0)
    }

    /// Its status, once it has ended; None where the kernel does not tell. Reaps nobody.
    pub fn look(&self) -> Result<Attempt<Option<Status>>> {
        if !self.has_ended()? {
            return Ok(Attempt::WouldBlock);
        }
        let status = self
            .reaped_status()
            .or_else(|| pidfd::peek_status(self.fd.as_fd()).ok().flatten())
            .or_else(|| self.zombie_status())
            // Whoever reaped it was quicker than that.
            .or_else(|| self.reaped_status());
        Ok(Attempt::Done(status.map(Status)))
    }

    /// Blocks until it has ended, for at most `milliseconds`. A signal may end it early, or the end of a slice.
    pub fn block(&self, milliseconds: u8) -> Result<()> {
        slice::wait(self.fd.as_fd(), libc::POLLIN, milliseconds)
    }

    /// Sends a signal, with a value if there is one; 0 sends nothing. ESRCH once it can be seen to have ended, where kill(2)
    /// goes on until it is reaped.
    pub fn send(&self, signal: i32, value: Option<i32>) -> Result<()> {
        if self.has_ended()? {
            return Err(Error::os(Errno::ESRCH, "pidfd_send_signal"));
        }
        pidfd::send_signal(self.fd.as_fd(), signal, value)
    }

    fn is_reaped(&self) -> bool {
        matches!(pidfd::send_signal(self.fd.as_fd(), 0, None), Err(Error::Os { errno: Errno::ESRCH, .. }))
    }

    fn reaped_status(&self) -> Option<i32> {
        pidfd::reaped_status(self.fd.as_fd())
    }

    /// Of somebody else's child that has not been reaped: from /proc, if that may be known.
    fn zombie_status(&self) -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let status = stat::exit_code(&stat).filter(|_| stat::has_ended(&stat))?;
        // A status of 0 may mean that it is not to be known. This asks for the same permission, and finds nothing.
        let allowed = fs::read_link(format!("/proc/{}/exe", self.pid));
        let allowed = allowed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        (allowed && !self.is_reaped()).then_some(status)
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whose pidfd that is: 0 if it has no number here, negative if it has been reaped.
fn pid_of(fd: BorrowedFd<'_>) -> Result<i32> {
    let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    // Whatever is open has such a file.
    let told = fs::read_to_string(path).map_err(|error| Error::io(&error, "open"))?;
    let pid = told.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    pid.ok_or(Error::WrongKind { expected: "that of a process (pidfd_open)", path: None })
}

/// The time of day at so many clock ticks after the start of the system.
fn time_of(ticks: u64) -> Option<f64> {
    /// Looked at once, so that a process has one time of start, however the clock is set meanwhile.
    static BOOT: OnceLock<Option<f64>> = OnceLock::new();
    let boot =
        BOOT.get_or_init(|| Some(milliseconds(ClockId::CLOCK_REALTIME)? - milliseconds(ClockId::CLOCK_BOOTTIME)?));
    // Exact for some ten thousand years.
    Some((*boot)? + (ticks as f64) * 1000.0 / (TICKS as f64))
}

fn milliseconds(clock: ClockId) -> Option<f64> {
    let time = clock_gettime(clock).ok()?;
    Some((time.tv_sec() as f64) * 1000.0 + (time.tv_nsec() as f64) / 1e6)
}
