//! Waits on the calling thread itself, for the blocking forms: it stands in the kernel's own queue, with no other thread
//! between, and is ended at a time or by [`wake_here`].
//!
//! Nothing in the kernel ends a System V call at a time. So a thread that wants to be let go is entered in a list, and one
//! alarm thread, which is there only while somebody needs it, looks after the list.

use std::cell::OnceCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::sys::cancel::{self, Flag};
use crate::sys::thread as sys_thread;

/// The alarm looks so often at least, so that whoever wants to be let go later than that need not wake it.
const TICK: Duration = Duration::from_millis(50);
/// How long the alarm stays for the next one.
const IDLE: Duration = Duration::from_secs(1);
const STACK_SIZE: usize = 64 * 1024;

struct List {
    standing: Vec<Standing>,
    last_number: u64,
    /// When the alarm looks next; None if there is none.
    alarm: Option<Instant>,
}

struct Standing {
    number: u64,
    subject: i32,
    thread: Pid,
    flag: Arc<Flag>,
    until: Option<Instant>,
}

static LIST: Mutex<List> = Mutex::new(List { standing: Vec::new(), last_number: 0, alarm: None });
static CHANGED: Condvar = Condvar::new();

/// Runs `job` on this thread. At `until`, or when [`wake_here`] names `subject`, its flag is raised and its call ended:
/// [`Error::Cancelled`], if nothing had happened by then.
pub fn wait_here<T>(subject: i32, until: Option<Instant>, job: impl FnOnce(&Flag) -> Result<T>) -> Result<T> {
    let place = Place::take(subject, until)?;
    job(&place.flag)
}

/// Ends all waits of [`wait_here`] upon `subject`.
pub fn wake_here(subject: i32) {
    let mut list = lock();
    for standing in list.standing.iter_mut().filter(|standing| standing.subject == subject) {
        standing.end();
    }
}

struct Place {
    number: u64,
    flag: Arc<Flag>,
}

impl Place {
    fn take(subject: i32, until: Option<Instant>) -> Result<Self> {
        thread_local! {
            static THREAD: OnceCell<Pid> = const { OnceCell::new() };
        }
        let thread = THREAD.with(|thread| *thread.get_or_init(sys_thread::current));
        let flag = Arc::new(Flag::default());
        let mut list = lock();
        if let Some(until) = until {
            match list.alarm {
                None => list.alarm = Some(start_alarm(until)?),
                Some(next) if until < next => CHANGED.notify_one(),
                Some(_) => {}
            }
        }
        list.last_number += 1;
        let number = list.last_number;
        list.standing.push(Standing { number, subject, thread, flag: Arc::clone(&flag), until });
        Ok(Self { number, flag })
    }
}

impl Drop for Place {
    /// From here on nobody signals this thread.
    fn drop(&mut self) {
        let mut list = lock();
        if let Some(index) = list.standing.iter().position(|standing| standing.number == self.number) {
            list.standing.swap_remove(index);
        }
    }
}

impl Standing {
    fn end(&mut self) {
        self.until = None;
        // If the handler cannot be put back there is nothing better than to signal all the same.
        drop(cancel::ensure_handler());
        self.flag.raise();
        cancel::interrupt(self.thread);
    }
}

fn start_alarm(first: Instant) -> Result<Instant> {
    thread::Builder::new()
        .name("os-ipc-alarm".into())
        .stack_size(STACK_SIZE)
        .spawn(run_alarm)
        .map_err(|error| Error::os(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EAGAIN)), "clone"))?;
    Ok(first)
}

fn run_alarm() {
    sys_thread::mask_all();
    let mut list = lock();
    let mut needed = Instant::now();
    loop {
        let now = Instant::now();
        let mut next = now + TICK;
        for standing in &mut list.standing {
            match standing.until {
                Some(until) if until <= now => standing.end(),
                Some(until) => next = next.min(until),
                None => continue,
            }
            needed = now;
        }
        if now - needed > IDLE {
            list.alarm = None;
            return;
        }
        list.alarm = Some(next);
        let waited = CHANGED.wait_timeout(list, next.saturating_duration_since(Instant::now()));
        list = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// No code under this lock can panic half-way, so a poisoned one is as good as any.
fn lock() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}
