//! SIGBUS: what a process gets that looks at memory behind the end of a file that somebody has shortened.
//!
//! For ranges that are guarded here the handler lays zeros of this process's own over the page, marks the range as
//! damaged, and lets the thread go on. All other faults go to whoever stood there before, or end the process as ever.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;

use super::ret;
use crate::error::Result;

/// A guarded range, until it is dropped.
#[derive(Debug)]
pub struct Guard(&'static Slot);

#[derive(Debug)]
struct Slot {
    /// 0 while it is free.
    start: AtomicUsize,
    end: AtomicUsize,
    page: AtomicUsize,
    damaged: AtomicBool,
}

/// Slots live for ever, since the handler may be looking at them, and are used again.
struct Block {
    slots: [Slot; 64],
    next: AtomicPtr<Block>,
}

static BLOCKS: AtomicPtr<Block> = AtomicPtr::new(std::ptr::null_mut());
static FREE: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());

impl Guard {
    /// Guards `span` bytes from `start` on, which are mapped in pages of that size.
    pub fn new(start: usize, span: usize, page: usize) -> Result<Self> {
        ensure_handler()?;
        let slot = {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            if free.is_empty() {
                free.extend(&more().slots);
            }
            free.pop()
        };
        let Some(slot) = slot else { return Err(crate::Error::os(Errno::ENOMEM, "mmap")) };
        slot.end.store(start + span, Ordering::Relaxed);
        slot.page.store(page, Ordering::Relaxed);
        slot.damaged.store(false, Ordering::Relaxed);
        // Partner: the load in `slot_of`.
        slot.start.store(start, Ordering::Release);
        Ok(Self(slot))
    }

    /// Whether something of it was missing when it was looked at.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.0.damaged.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

fn more() -> &'static Block {
    let slot = || Slot {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        page: AtomicUsize::new(0),
        damaged: AtomicBool::new(false),
    };
    let next = AtomicPtr::new(BLOCKS.load(Ordering::Relaxed));
    let block: &'static mut Block = Box::leak(Box::new(Block { slots: std::array::from_fn(|_| slot()), next }));
    // Partner: the loads in `slot_of`. Only one thread at a time comes here: FREE is locked.
    BLOCKS.store(block, Ordering::Release);
    block
}

fn slot_of(address: usize) -> Option<&'static Slot> {
    let mut block = BLOCKS.load(Ordering::Acquire);
    // SAFETY: null, or a block that lives for ever and is never changed but through its atomics.
    while let Some(found) = unsafe { block.as_ref() } {
        for slot in &found.slots {
            let start = slot.start.load(Ordering::Acquire);
            if start != 0 && start <= address && address < slot.end.load(Ordering::Relaxed) {
                return Some(slot);
            }
        }
        block = found.next.load(Ordering::Acquire);
    }
    None
}

/// The handler that stood there before ours: its address, or SIG_DFL or SIG_IGN.
static FOREIGN: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// In si_errno, which the kernel leaves 0: the fault has been here already.
const SEEN: c_int = 0x6f69_7063;

/// Sees to it that our handler stands. The program may put one of its own over it at any time, so this is called for
/// each new range.
fn ensure_handler() -> Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);

    // SAFETY: a sigaction of zeros is a valid value to be overwritten.
    let mut standing: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks, into a struct of ours.
    let status = unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut standing) };
    ret(status.into(), "sigaction")?;
    if standing.sa_sigaction == on_bus as *const () as usize {
        return Ok(());
    }
    // Partner: the load in `on_bus`. Stored before ours is installed, so ours never runs without it.
    FOREIGN.store(standing.sa_sigaction, Ordering::SeqCst);

    // SAFETY: a sigaction of zeros is valid: no flags, empty mask.
    let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = on_bus as *const () as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: `on_bus` has the three-argument signature that SA_SIGINFO promises, and does only what a handler may.
    let status = unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) };
    ret(status.into(), "sigaction").map(drop)
}

extern "C" fn on_bus(number: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a valid siginfo_t, which is this handler's own.
    let told = unsafe { &mut *info };
    if told.si_code == libc::BUS_ADRERR {
        // SAFETY: of a fault, the siginfo_t has an address.
        let address = unsafe { told.si_addr() } as usize;
        if slot_of(address).is_some_and(|slot| mend(slot, address)) {
            return;
        }
    }
    let foreign = FOREIGN.load(Ordering::SeqCst);
    let seen = std::mem::replace(&mut told.si_errno, SEEN) == SEEN;
    if seen || foreign == libc::SIG_DFL || foreign == libc::SIG_IGN {
        die(number, told.si_code);
        return;
    }
    let foreign: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) =
        // SAFETY: an address that sigaction gave as a handler. Like the kernel, this gives all three arguments to
        // handlers without SA_SIGINFO too: they leave two registers unread.
        unsafe { std::mem::transmute(foreign) };
    foreign(number, info, context);
}

/// Lays zeros over the page, or over the whole range where the kernel will not have it in pieces.
fn mend(slot: &Slot, address: usize) -> bool {
    let errno = Errno::last();
    let page = slot.page.load(Ordering::Relaxed);
    let start = slot.start.load(Ordering::Relaxed);
    let end = slot.end.load(Ordering::Relaxed);
    // From the range's own start: huge pages are not aligned to anything that could be guessed.
    let from = address - (address - start) % page;
    let mended = lay_zeros(from, page) || lay_zeros(start, end - start);
    if mended {
        slot.damaged.store(true, Ordering::Relaxed);
    }
    errno.set();
    mended
}

fn lay_zeros(from: usize, length: usize) -> bool {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    let place = std::ptr::without_provenance_mut::<libc::c_void>(from);
    // SAFETY: whole pages of a range that is guarded, hence mapped and its owner's, of which nothing can be read anyway.
    unsafe { libc::mmap(place, length, protection, flags, -1, 0) != libc::MAP_FAILED }
}

/// What the signal does where nobody handles it. A fault comes again as soon as this returns; one that was sent does not.
fn die(number: c_int, code: c_int) {
    // SAFETY: a sigaction of zeros is SIG_DFL.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a valid sigaction.
    unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
    if code <= 0 {
        // SAFETY: an integer. It is blocked until the handler returns.
        unsafe { libc::raise(number) };
    }
}
