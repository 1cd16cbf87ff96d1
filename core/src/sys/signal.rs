//! signal(7): sending with a value, as the C library's sigqueue(3) does it; what stands for a signal; signalfd(2); and what
//! one thread holds back.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::error::Result;
use crate::sys::{Attempt, attempt, mask, ret};

/// Signals, one bit each, as the kernel has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(pub u64);

impl Set {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// All of them.
    pub const FULL: Self = Self(u64::MAX);

    /// The one signal `number`; none if there is no such signal.
    #[must_use]
    pub fn of(number: i32) -> Self {
        Self(if (1..=64).contains(&number) { 1 << (number - 1) } else { 0 })
    }

    /// Whether it is among them.
    #[must_use]
    pub fn has(self, number: i32) -> bool {
        self.meets(Self::of(number))
    }

    /// Whether they have any in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the other's are all among them.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.without(self) == Self::EMPTY
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What they have in common.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// These, but not those.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Their numbers, the lowest first.
    pub fn numbers(self) -> impl Iterator<Item = i32> {
        (1..=64).filter(move |number| self.has(*number))
    }
}

/// What the kernel calls siginfo, for signals that processes send each other.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Which signal.
    pub number: i32,
    /// 0, unless the sender has put something there.
    pub errno: i32,
    /// How it was sent.
    pub code: i32,
    padding: i32,
    /// Who has sent it.
    pub pid: i32,
    /// Whose process that was.
    pub uid: u32,
    /// What came with it.
    pub value: i32,
    /// Its other half, where it is an address.
    pub value_high: i32,
    rest: [i32; 24],
}

const _: () = assert!(size_of::<Info>() == size_of::<libc::siginfo_t>());

impl Info {
    /// What sigqueue(3) sends.
    #[must_use]
    pub fn queued(number: i32, value: i32) -> Self {
        Self {
            number,
            errno: 0,
            code: libc::SI_QUEUE,
            padding: 0,
            pid: nix::unistd::getpid().as_raw(),
            uid: nix::unistd::getuid().as_raw(),
            value,
            value_high: 0,
            rest: [0; 24],
        }
    }
}

/// What happens when a thread gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// What signal(7) says.
    Default,
    /// Nothing.
    Ignore,
    /// The function at this address is called.
    Handler(usize),
}

/// The first realtime signal that the C library leaves to programs.
#[must_use]
pub fn min() -> i32 {
    libc::SIGRTMIN()
}

/// The last realtime signal.
#[must_use]
pub fn max() -> i32 {
    libc::SIGRTMAX()
}

/// kill(2).
pub fn kill(pid: i32, number: i32) -> Result<()> {
    // SAFETY: two integers.
    let status = unsafe { libc::kill(pid, number) };
    ret(status.into(), "kill").map(drop)
}

/// tgkill(2).
pub fn tgkill(pid: i32, thread: i32, number: i32) -> Result<()> {
    // SAFETY: three integers.
    let status = unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, number) };
    ret(status, "tgkill").map(drop)
}

/// sigqueue(3).
pub fn queue(pid: i32, info: &Info) -> Result<()> {
    // SAFETY: two integers, and a siginfo that outlives the call.
    let status = unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, info.number, std::ptr::from_ref(info)) };
    ret(status, "sigqueue").map(drop)
}

/// pthread_sigqueue(3), of any process.
pub fn queue_to_thread(pid: i32, thread: i32, info: &Info) -> Result<()> {
    let number = libc::SYS_rt_tgsigqueueinfo;
    // SAFETY: three integers, and a siginfo that outlives the call.
    let status = unsafe { libc::syscall(number, pid, thread, info.number, std::ptr::from_ref(info)) };
    ret(status, "rt_tgsigqueueinfo").map(drop)
}

/// What stands for signal `number`: sigaction(2).
pub fn disposition(number: i32) -> Result<Disposition> {
    // SAFETY: a sigaction of zeros is a valid value to be overwritten.
    let mut standing: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks, into a struct of ours.
    let status = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut standing) };
    ret(status.into(), "sigaction")?;
    Ok(match standing.sa_sigaction {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        address => Disposition::Handler(address),
    })
}

/// Has signal `number` ignored, or do what it does by default. Either way nothing of the program's is called any more.
pub fn dispose(number: i32, ignore: bool) -> Result<()> {
    // SAFETY: a sigaction of zeros is valid: no flags, empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: no function is installed.
    let status = unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) };
    ret(status.into(), "sigaction").map(drop)
}

/// Has the calling thread hold these back, beside what it holds back already. It gives what that was.
pub fn hold_here(set: Set) -> Set {
    change_mask(libc::SIG_BLOCK, set)
}

/// Has the calling thread hold these back no more.
pub fn release_here(set: Set) {
    change_mask(libc::SIG_UNBLOCK, set);
}

/// Has the calling thread hold back these and nothing else.
pub fn hold_only_here(set: Set) {
    change_mask(libc::SIG_SETMASK, set);
}

/// It fails for an unknown `how` only.
fn change_mask(how: c_int, set: Set) -> Set {
    let mut before = 0_u64;
    // SAFETY: two sets of the kernel's size, the second one ours to be written.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set.0, &raw mut before, size_of::<u64>()) };
    Set(before)
}

/// Delivers a signal that was taken from the kernel to the calling thread, as if it had come here in the first place: what
/// stands for it happens before this returns.
pub fn deliver_here(info: &Info) {
    let (process, thread) = (nix::unistd::getpid().as_raw(), nix::unistd::gettid().as_raw());
    // With the queue of this user full, it is told without what came with it.
    if queue_to_thread(process, thread, info).is_err() {
        // ESRCH cannot be: it is this thread.
        drop(tgkill(process, thread, info.number));
    }
    // The kernel delivers what is pending before this returns, this thread's own first.
    release_here(Set::of(info.number));
    hold_here(Set::of(info.number));
}

/// Which handlers of the program may be called by others than the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callable(Called);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    Nobody,
    Only(usize),
    Any,
}

impl Callable {
    /// None.
    pub const NOBODY: Self = Self(Called::Nobody);

    /// The one at this address.
    ///
    /// # Safety
    /// It does not look at where the thread stood, which it is not told.
    #[must_use]
    pub const unsafe fn only(address: usize) -> Self {
        Self(Called::Only(address))
    }

    /// Whichever the program installs.
    ///
    /// # Safety
    /// None of them looks at where the thread stood, which it is not told.
    #[must_use]
    pub const unsafe fn any() -> Self {
        Self(Called::Any)
    }

    /// The one that stands for signal `number` now, if it may be called.
    #[must_use]
    pub fn standing(self, number: i32) -> Option<Handler> {
        match (disposition(number), self.0) {
            (Ok(Disposition::Handler(address)), Called::Any) => Some(Handler(address)),
            (Ok(Disposition::Handler(address)), Called::Only(known)) if address == known => Some(Handler(address)),
            _ => None,
        }
    }
}

/// The address of a handler that may be called.
#[derive(Clone, Copy, Debug)]
pub struct Handler(usize);

impl Handler {
    /// Calls it for a signal that was taken from the kernel, with every signal held back as the kernel would.
    pub fn call(self, info: &Info) {
        let mut info = *info;
        let before = hold_here(Set::FULL);
        // SAFETY: a handler's address, as sigaction gave it. One of a single argument leaves two registers unread.
        let handler: extern "C" fn(c_int, *mut Info, *mut libc::ucontext_t) = unsafe { std::mem::transmute(self.0) };
        // SAFETY: a ucontext_t of zeros is valid; whoever made the Callable promised that nobody looks at it.
        let mut context: libc::ucontext_t = unsafe { std::mem::zeroed() };
        handler(info.number, &raw mut info, &raw mut context);
        hold_only_here(before);
    }
}

/// signalfd(2), non-blocking: it gives what is pending for the process, and for the thread that reads.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

/// So many are read at once.
const BATCH: usize = 64;

impl SignalFd {
    /// One of no signals.
    pub fn new() -> Result<Self> {
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        let number = Self::call(-1, Set::EMPTY, flags)?;
        // SAFETY: signalfd4 has just made it for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(number) }))
    }

    /// From here on it gives these. Whoever waits on it looks again.
    pub fn watch(&self, set: Set) -> Result<()> {
        Self::call(self.0.as_raw_fd(), set, 0).map(drop)
    }

    fn call(fd: c_int, set: Set, flags: c_int) -> Result<c_int> {
        // SAFETY: a descriptor or -1, a set of the kernel's size.
        let number = unsafe { libc::syscall(libc::SYS_signalfd4, fd, &raw const set.0, size_of::<u64>(), flags) };
        // The kernel's descriptors are ints.
        ret(number, "signalfd").map(|number| number as c_int)
    }

    /// Takes what is pending, some at a time, in the kernel's order, until there is nothing or `body` has enough. Gives
    /// whether there may be more.
    pub fn take(&self, mut body: impl FnMut(&Info) -> bool) -> Result<bool> {
        // SAFETY: plain integers, of which zeros are valid ones.
        let mut batch: [libc::signalfd_siginfo; BATCH] = unsafe { std::mem::zeroed() };
        loop {
            let room = size_of_val(&batch);
            let read = attempt(|| {
                // SAFETY: the array is ours and as long as said.
                let length = unsafe { libc::read(self.0.as_raw_fd(), batch.as_mut_ptr().cast(), room) };
                ret(length as libc::c_long, "read")
            })?;
            let Attempt::Done(length) = read else { return Ok(false) };
            let count = (length as usize / size_of::<libc::signalfd_siginfo>()).min(BATCH);
            let mut enough = false;
            // What asked a thread to hold signals back may still have been under way when it did.
            for raw in batch[..count].iter().filter(|raw| raw.ssi_errno != mask::OURS) {
                enough = !body(&Info::read(raw)) || enough;
            }
            if count < BATCH {
                return Ok(false);
            }
            if enough {
                return Ok(true);
            }
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Info {
    fn read(raw: &libc::signalfd_siginfo) -> Self {
        let number = raw.ssi_signo.cast_signed();
        let mut info = Self {
            number,
            errno: raw.ssi_errno,
            code: raw.ssi_code,
            pid: raw.ssi_pid.cast_signed(),
            uid: raw.ssi_uid,
            ..Self::queued(number, raw.ssi_int)
        };
        match raw.ssi_code {
            // There an identifier of the timer's and a count stand in the place of the sender.
            libc::SI_TIMER => (info.pid, info.uid) = (raw.ssi_tid.cast_signed(), raw.ssi_overrun),
            code if number == libc::SIGCHLD && code > 0 => info.value = raw.ssi_status,
            _ => info.value_high = (raw.ssi_ptr >> 32) as i32,
        }
        info
    }
}
