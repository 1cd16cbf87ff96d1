//! Having every thread of the process hold signals back, so that they stay with the kernel until they are asked for.
//!
//! A thread's mask can be changed by nobody but itself. So each is interrupted, by a signal that it does not hold back, and
//! the handler changes the mask that the thread goes on with. Threads that are started later inherit it.
//!
//! A thread that holds the signal back at that moment may do so for a moment only (the C library and libuv do that around
//! forks and locks) and go back to a mask from before. Such a one gets [`cancel::SIGNAL`]: whenever it stops holding that
//! back, our handler runs there and changes the mask, before anything else can come through. So does one that cannot be asked
//! otherwise because as many signals of this user's are pending as may be: without room for its mark, the kernel refuses a
//! realtime signal, and delivers another one as if somebody had meant it.

use std::collections::HashMap;
use std::ffi::c_int;
use std::fs;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::sys::signal::{Info, Set, hold_here, queue_to_thread};
use crate::sys::{cancel, ret, retry};

/// A thread that takes no signals for so long takes none at all: it is being traced, or stands in a driver.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many looks at a thread that was asked, and another way is tried.
const LOOKS: u32 = 10;
/// So many, and what it does it does not do for a moment.
const MANY_LOOKS: u32 = 100;

/// With less room in the queue, others may well have taken it before it is used.
const ROOM: u64 = 16;

const STRANGE: &str = "This system's /proc does not tell what its threads hold back";

/// What every thread is to hold back. It only grows.
static WANTED: AtomicU64 = AtomicU64::new(0);

/// In si_errno, which the kernel leaves 0: it is of this module.
pub(super) const OURS: c_int = 0x6f69_6d6d;

/// Has all threads of this process hold `set` back. One caller at a time.
pub fn hold_everywhere(set: Set) -> Result<()> {
    cancel::ensure_handler()?;
    // Partner: the loads in handlers, which run because of signals that are sent after this.
    WANTED.fetch_or(set.0, Ordering::SeqCst);
    hold_here(set);
    let installed = Installed::over(set)?;
    hold_in_others(set)?;
    installed.restore()
}

/// How a thread was asked, and how often it was looked at since.
struct Asked {
    /// By which of the signals; None if by [`cancel::SIGNAL`].
    carrier: Option<i32>,
    looks: u32,
}

fn hold_in_others(set: Set) -> Result<()> {
    let process = nix::unistd::getpid().as_raw();
    let own = nix::unistd::gettid().as_raw();
    let mut asked: HashMap<i32, Asked> = HashMap::new();
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_micros(20);
    loop {
        let mut done = true;
        let mut full = false;
        for Thread { number: thread, held, pending, room } in threads()? {
            if thread == own {
                continue;
            }
            match (set.without(held).numbers().next(), asked.get_mut(&thread)) {
                (None, None) => {
                    cancel::interrupt(Pid::from_raw(thread));
                    asked.insert(thread, Asked { carrier: None, looks: 0 });
                }
                // One that began to hold everything back just then meets our handler, and nothing else, later. Or it has
                // changed its mask for another reason, and keeps what has come too late for ever.
                (None, Some(Asked { carrier, looks })) => {
                    *looks += 1;
                    done &= *looks > MANY_LOOKS || !carrier.is_some_and(|carrier| pending.has(carrier));
                }
                (Some(_), None) if room < ROOM => {
                    (done, full) = (false, true);
                    cancel::interrupt(Pid::from_raw(thread));
                    asked.insert(thread, Asked { carrier: None, looks: 0 });
                }
                (Some(carrier), None) => {
                    done = false;
                    let mut probe = Info::queued(carrier, 0);
                    probe.errno = OURS;
                    // One that has ended, or a full queue: it is looked at again.
                    if queue_to_thread(process, thread, &probe).is_ok() {
                        asked.insert(thread, Asked { carrier: Some(carrier), looks: 0 });
                    }
                }
                (Some(_), Some(Asked { carrier, looks })) => {
                    (done, full) = (false, full || room < ROOM);
                    *looks += 1;
                    // It has gone back to a mask from before. Never both at once: one would have the other held back.
                    if looks.is_multiple_of(LOOKS) && !carrier.is_some_and(|carrier| pending.has(carrier)) {
                        cancel::interrupt(Pid::from_raw(thread));
                    }
                }
            }
        }
        if done {
            return Ok(());
        }
        if Instant::now() > deadline && full {
            return Err(Error::os(Errno::EAGAIN, "rt_tgsigqueueinfo"));
        }
        if Instant::now() > deadline {
            return Err(Error::NotSupported("A thread of this process takes no signals, so none can be held back"));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

/// A thread of this process.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    /// The kernel's number.
    pub number: i32,
    /// What it holds back.
    pub held: Set,
    /// What waits for this thread alone.
    pub pending: Set,
    /// How many signals more may be pending for processes of its user.
    room: u64,
}

/// Every thread of this process.
pub fn threads() -> Result<Vec<Thread>> {
    let path = "/proc/self/task";
    let tasks = retry(|| fs::read_dir(path).map_err(|error| Error::io(&error, "opendir").at(path)))?;
    let numbers = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    let looks = numbers.map(|number: i32| {
        let path = format!("/proc/self/task/{number}/status");
        let status = retry(|| fs::read_to_string(&path).map_err(|error| Error::io(&error, "open").at(&path)));
        match status {
            Ok(status) => {
                let sets = (field(&status, "SigBlk:"), field(&status, "SigPnd:"));
                let (Some(held), Some(pending)) = sets else { return Err(Error::NotSupported(STRANGE)) };
                Ok(Some(Thread { number, held, pending, room: room(&status) }))
            }
            // It has ended meanwhile.
            Err(Error::Os { errno: Errno::ENOENT | Errno::ESRCH, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    });
    looks.filter_map(Result::transpose).collect()
}

/// What waits for the process, whichever thread takes it.
pub fn pending_for_process() -> Result<Set> {
    let path = "/proc/self/status";
    let status = retry(|| fs::read_to_string(path).map_err(|error| Error::io(&error, "open").at(path)))?;
    field(&status, "ShdPnd:").ok_or(Error::NotSupported(STRANGE))
}

/// What SigQ tells: how many are pending, and how many may be. Systems that do not tell have no limit.
fn room(status: &str) -> u64 {
    let value =
        status.lines().find_map(|line| line.strip_prefix("SigQ:")).and_then(|value| value.trim().split_once('/'));
    value
        .and_then(|(queued, most)| Some(most.parse::<u64>().ok()?.saturating_sub(queued.parse().ok()?)))
        .unwrap_or(u64::MAX)
}

/// A set of signals that a status of /proc tells of.
fn field(status: &str, name: &str) -> Option<Set> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(value.trim(), 16).ok().map(Set)
}

/// Has the thread that a handler has interrupted hold back what all threads are to hold back.
pub(super) fn extend(context: &mut libc::ucontext_t) {
    let mask = (&raw mut context.uc_sigmask).cast::<u64>();
    // SAFETY: the kernel's part of the set, which is all that it reads back; C libraries have room for more of it.
    unsafe { *mask |= WANTED.load(Ordering::SeqCst) };
}

/// What is held back while a handler of ours runs: all but what tells of a fault in the handler itself, or of a debugger.
pub(super) fn during_handlers() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: fills the set.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: filled above.
    let mut set = unsafe { set.assume_init() };
    for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS] {
        // SAFETY: an initialised set and a signal.
        unsafe { libc::sigdelset(&raw mut set, fault) };
    }
    set
}

/// Our handler stands for some signals. Dropped, it gives way to what stood there before, which is what the program finds,
/// asks for and changes.
struct Installed(Vec<(i32, libc::sigaction)>);

impl Installed {
    fn over(set: Set) -> Result<Self> {
        // SAFETY: a sigaction of zeros is valid: no flags, empty mask.
        let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
        ours.sa_sigaction = on_carrier as *const () as usize;
        // Whatever a thread is doing starts anew.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        ours.sa_mask = during_handlers();
        let mut installed = Self(Vec::new());
        for number in set.numbers() {
            // SAFETY: a sigaction of zeros is a valid value to be overwritten.
            let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
            // SAFETY: `on_carrier` has the signature that SA_SIGINFO promises, and does only what a handler may.
            let status = unsafe { libc::sigaction(number, &raw const ours, &raw mut before) };
            ret(status.into(), "sigaction")?;
            installed.0.push((number, before));
        }
        Ok(installed)
    }

    fn restore(mut self) -> Result<()> {
        self.give_way()
    }

    fn give_way(&mut self) -> Result<()> {
        for (number, before) in self.0.drain(..) {
            // SAFETY: as sigaction gave it.
            let status = unsafe { libc::sigaction(number, &raw const before, std::ptr::null_mut()) };
            ret(status.into(), "sigaction")?;
        }
        Ok(())
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // It fails for what is no signal, and these were installed for.
        drop(self.give_way());
    }
}

extern "C" fn on_carrier(number: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel gives a ucontext_t here, which may be changed.
    extend(unsafe { &mut *context.cast::<libc::ucontext_t>() });
    // SAFETY: the kernel gives a valid siginfo_t.
    if unsafe { (*info).si_errno } == OURS {
        return;
    }
    // It is meant for whoever is about to receive it: back to the queue, whence a thread that holds it back cannot get it.
    let errno = nix::errno::Errno::last_raw();
    // By the number of this thread, which stands for the whole process too: of what kill(2) has sent, the kernel takes nothing
    // back from a thread that names another one.
    let own = nix::unistd::gettid().as_raw();
    // SAFETY: own process, the signal's own siginfo.
    unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, own, number, info) };
    nix::errno::Errno::set_raw(errno);
}
