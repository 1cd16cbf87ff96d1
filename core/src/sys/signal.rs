//! signal(7): sending with a value, as the C library's sigqueue(3) does it.

use crate::error::Result;
use crate::sys::ret;

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
    rest: [i32; 25],
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
            rest: [0; 25],
        }
    }
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
