//! A system call that another thread can end, exactly: it either has happened or has not, and one signal is enough.
//!
//! The flag is looked at and the call made inside one range of instructions. SIGURG, whose default action is to do
//! nothing, interrupts a call that waits in the kernel (EINTR: the handler is installed without SA_RESTART); if it
//! comes earlier, between the look and the call, the handler moves the program counter out of the range. So there is no
//! moment at which a cancel goes unseen, and a call that has succeeded is never turned into a failure.

use std::ffi::c_int;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::error::{Error, Result};

/// The signal that ends waits.
pub const SIGNAL: Signal = Signal::SIGURG;

/// Told to a thread: stop waiting.
#[derive(Debug, Default)]
pub struct Flag(AtomicI32);

impl Flag {
    /// From here on no call under this flag begins. One that is under way ends by [`interrupt`].
    pub fn raise(&self) {
        // Partner: the load in the assembly below. SeqCst orders it before the signal that follows.
        self.0.store(1, Ordering::SeqCst);
    }

    /// Whether it was raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }
}

// SAFETY: what the assembly below defines, with the arguments that it reads; the three words are only addresses.
unsafe extern "C" {
    fn os_ipc_cancellable(flag: *const AtomicI32, number: libc::c_long, arguments: *const libc::c_long)
    -> libc::c_long;
    static os_ipc_cancellable_begin: u8;
    static os_ipc_cancellable_end: u8;
    static os_ipc_cancellable_interrupted: u8;
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.os_ipc_cancellable,\"ax\",@progbits",
    ".globl os_ipc_cancellable, os_ipc_cancellable_begin, os_ipc_cancellable_end, os_ipc_cancellable_interrupted",
    ".hidden os_ipc_cancellable",
    ".hidden os_ipc_cancellable_begin",
    ".hidden os_ipc_cancellable_end",
    ".hidden os_ipc_cancellable_interrupted",
    ".type os_ipc_cancellable,@function",
    "os_ipc_cancellable:",
    "mov rcx, rdi",
    "mov rax, rsi",
    "mov r11, rdx",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "os_ipc_cancellable_begin:",
    "cmp dword ptr [rcx], 0",
    "jne os_ipc_cancellable_interrupted",
    "syscall",
    "os_ipc_cancellable_end:",
    "ret",
    "os_ipc_cancellable_interrupted:",
    "mov rax, -4",
    "ret",
    ".size os_ipc_cancellable, . - os_ipc_cancellable",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".pushsection .text.os_ipc_cancellable,\"ax\",@progbits",
    ".globl os_ipc_cancellable, os_ipc_cancellable_begin, os_ipc_cancellable_end, os_ipc_cancellable_interrupted",
    ".hidden os_ipc_cancellable",
    ".hidden os_ipc_cancellable_begin",
    ".hidden os_ipc_cancellable_end",
    ".hidden os_ipc_cancellable_interrupted",
    ".type os_ipc_cancellable,@function",
    "os_ipc_cancellable:",
    "mov x9, x0",
    "mov x8, x1",
    "mov x10, x2",
    "ldp x0, x1, [x10]",
    "ldp x2, x3, [x10, #16]",
    "ldp x4, x5, [x10, #32]",
    "os_ipc_cancellable_begin:",
    "ldr w9, [x9]",
    "cbnz w9, os_ipc_cancellable_interrupted",
    "svc #0",
    "os_ipc_cancellable_end:",
    "ret",
    "os_ipc_cancellable_interrupted:",
    "mov x0, #-4",
    "ret",
    ".size os_ipc_cancellable, . - os_ipc_cancellable",
    ".popsection",
);

/// Makes the call `number`, which `syscall` names, unless and until `flag` is raised. An interruption by any other
/// signal starts it anew, so it must be one that has done nothing when it says EINTR.
///
/// For threads that mask everything else. On others, a cancel that comes while a handler with SA_RESTART runs ends only
/// such calls as are never restarted (signal(7) lists them: those of System V are among them).
///
/// # Safety
/// The arguments must be right for that call, as for syscall(2).
pub unsafe fn call(
    flag: &Flag,
    number: libc::c_long,
    syscall: &'static str,
    arguments: [libc::c_long; 6],
) -> Result<libc::c_long> {
    loop {
        // SAFETY: the flag and the array outlive the call; the rest is the caller's promise.
        let value = unsafe { os_ipc_cancellable(&raw const flag.0, number, arguments.as_ptr()) };
        if value >= 0 {
            return Ok(value);
        }
        match Errno::from_raw(i32::try_from(-value).unwrap_or(libc::EIO)) {
            Errno::EINTR if flag.is_raised() => return Err(Error::Cancelled),
            Errno::EINTR => {}
            errno => return Err(Error::os(errno, syscall)),
        }
    }
}

/// Sees to it that [`SIGNAL`] is handled as this module needs it. To be called before a wait begins and again before it
/// is cancelled: the program may have put a handler of its own there, which then is called by ours.
pub fn ensure_handler() -> Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);

    // SAFETY: a sigaction of zeros is a valid value to be overwritten.
    let mut standing: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks, into a struct of ours.
    let status = unsafe { libc::sigaction(SIGNAL as c_int, std::ptr::null(), &raw mut standing) };
    super::ret(status.into(), "sigaction")?;
    if standing.sa_sigaction == on_signal as *const () as usize {
        return Ok(());
    }
    // Partner: the load in `on_signal`. Stored before ours is installed, so ours never runs without it.
    FOREIGN.store(standing.sa_sigaction, Ordering::SeqCst);

    // SAFETY: a sigaction of zeros is valid: no flags, empty mask.
    let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = on_signal as *const () as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    ours.sa_mask = super::mask::during_handlers();
    // SAFETY: `on_signal` has the three-argument signature that SA_SIGINFO promises, and does only what a handler may.
    let status = unsafe { libc::sigaction(SIGNAL as c_int, &raw const ours, std::ptr::null_mut()) };
    super::ret(status.into(), "sigaction")?;
    Ok(())
}

/// Ends the call that `thread`, of this process, makes under a flag that was raised before this. One call of this is
/// enough. A thread that has ended meanwhile is no error.
pub fn interrupt(thread: Pid) {
    // SAFETY: a siginfo_t of zeros is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    info.si_signo = SIGNAL as c_int;
    info.si_code = libc::SI_QUEUE;
    info.si_errno = OURS;
    let process = nix::unistd::getpid().as_raw();
    let number = libc::SYS_rt_tgsigqueueinfo;
    // SAFETY: three integers and a siginfo_t that outlives the call.
    let sent = unsafe { libc::syscall(number, process, thread.as_raw(), SIGNAL as c_int, &raw const info) };
    if sent < 0 && Errno::last() != Errno::ESRCH {
        // A sandbox that knows only the older call. Without the mark a foreign handler hears of it too.
        // SAFETY: three integers.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread.as_raw(), SIGNAL as c_int) };
    }
}

/// The handler that stood there before ours: its address, or SIG_DFL or SIG_IGN, which mean to do nothing.
static FOREIGN: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// In si_errno, which the kernel leaves 0: the signal is of this module, or has been here already.
const OURS: c_int = 0x6f69_7063;

extern "C" fn on_signal(number: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel gives a ucontext_t here, which may be changed.
    let context_of_thread = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    super::mask::extend(context_of_thread);
    let counter = program_counter(context_of_thread);
    let begin = &raw const os_ipc_cancellable_begin as usize;
    let end = &raw const os_ipc_cancellable_end as usize;
    if (begin..end).contains(&(*counter as usize)) {
        *counter = (&raw const os_ipc_cancellable_interrupted as usize) as _;
    } else if is_in_handler_of_libc(&context_of_thread.uc_sigmask) {
        // The call would start anew when that handler returns, so this has to come again then, and not before.
        // SAFETY: the mask that the interrupted handler goes on with; it gives the thread's own one back at its end.
        unsafe { libc::sigaddset(&raw mut context_of_thread.uc_sigmask, number) };
        interrupt(nix::unistd::gettid());
    }
    // SAFETY: the kernel gives a valid siginfo_t, which is this handler's own.
    let mark = unsafe { &mut (*info).si_errno };
    if std::mem::replace(mark, OURS) == OURS {
        return;
    }
    let foreign = FOREIGN.load(Ordering::SeqCst);
    if foreign != libc::SIG_DFL && foreign != libc::SIG_IGN {
        let foreign: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            // SAFETY: an address that sigaction gave as a handler. Like the kernel, this gives all three arguments to
            // handlers without SA_SIGINFO too: they leave two registers unread.
            unsafe { std::mem::transmute(foreign) };
        // One that passes on to whom it has replaced comes back here, with the mark.
        foreign(number, info, context);
    }
}

/// Whether the interrupted code is glibc's handler for a change of ids (setuid(2) tells every thread), the one that
/// runs on threads which mask everything else, and that this signal can interrupt. Its own signal is masked only there.
fn is_in_handler_of_libc(mask: &libc::sigset_t) -> bool {
    const SIGSETXID: c_int = 33;
    // SAFETY: only looks at the set.
    cfg!(target_env = "gnu") && unsafe { libc::sigismember(mask, SIGSETXID) } == 1
}

#[cfg(target_arch = "x86_64")]
fn program_counter(context: &mut libc::ucontext_t) -> &mut libc::greg_t {
    &mut context.uc_mcontext.gregs[libc::REG_RIP as usize]
}

#[cfg(target_arch = "aarch64")]
fn program_counter(context: &mut libc::ucontext_t) -> &mut libc::c_ulonglong {
    &mut context.uc_mcontext.pc
}
