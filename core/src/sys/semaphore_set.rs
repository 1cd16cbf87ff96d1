//! System V semaphore sets: semget(2), semop(2), semctl(2), as the kernel has them on 64-bit machines.

use std::mem::MaybeUninit;
use std::time::Duration;

use nix::errno::Errno;

use super::cancel::{self, Flag};
use super::sysv::RawPermissions;
use super::{ret, retry};
use crate::error::{Error, Result};

/// `struct sembuf`: what is to be done with one semaphore of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Operation {
    /// Which one.
    pub index: u16,
    /// Below 0: wait until as many can be taken; above 0: give; 0: wait until there are none.
    pub amount: i16,
    flags: i16,
}

impl Operation {
    /// One that the end of this process does not undo.
    #[must_use]
    pub const fn new(index: u16, amount: i16) -> Self {
        Self { index, amount, flags: 0 }
    }

    /// The same, undone at the end of this process (SEM_UNDO) or not.
    #[must_use]
    pub const fn undone(self, undo: bool) -> Self {
        Self { flags: if undo { libc::SEM_UNDO as i16 } else { 0 }, ..self }
    }

    /// Whether the end of this process undoes it.
    #[must_use]
    pub const fn is_undone(self) -> bool {
        self.flags & libc::SEM_UNDO as i16 != 0
    }

    const fn at_once(self) -> Self {
        Self { flags: self.flags | libc::IPC_NOWAIT as i16, ..self }
    }
}

/// `struct semid64_ds`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawSet {
    /// Who may do what.
    pub permissions: RawPermissions,
    /// Of the last semop, in seconds since 1970, 0 for never.
    pub last_operation: i64,
    #[cfg(target_arch = "x86_64")]
    padding: u64,
    /// When it was made or changed by semctl last, in seconds since 1970.
    pub changed: i64,
    #[cfg(target_arch = "x86_64")]
    more_padding: u64,
    /// How many semaphores.
    pub count: u64,
    unused: [u64; 2],
}

#[cfg(target_arch = "x86_64")]
const _: () = assert!(size_of::<RawSet>() == 104);
#[cfg(target_arch = "aarch64")]
const _: () = assert!(size_of::<RawSet>() == 88);
const _: () = assert!(size_of::<Operation>() == 6);

/// `struct seminfo`: the kernel's limits in this IPC namespace.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Limits {
    map: libc::c_int,
    /// Sets: /proc/sys/kernel/sem, the fourth number.
    pub sets: libc::c_int,
    /// Semaphores in all sets together: the second number.
    pub semaphores: libc::c_int,
    undo_structures: libc::c_int,
    /// Semaphores of one set: the first number.
    pub semaphores_of_set: libc::c_int,
    /// Operations of one call: the third number.
    pub operations: libc::c_int,
    undo_entries: libc::c_int,
    undo_size: libc::c_int,
    /// What a semaphore's value may come to.
    pub value: libc::c_int,
    undo_value: libc::c_int,
}

/// What is known of one semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Its value.
    Value,
    /// Who operated upon it or set it last; 0 for nobody.
    LastPid,
    /// How many wait for it to grow.
    Waiting,
    /// How many wait for it to become 0.
    WaitingForZero,
}

/// semget(2).
pub fn get(key: i32, count: u16, flags: libc::c_int) -> Result<i32> {
    // SAFETY: three integers.
    let id = unsafe { libc::semget(key, count.into(), flags) };
    ret(id.into(), "semget")?;
    Ok(id)
}

/// semop(2) of one operation with IPC_NOWAIT.
pub fn operate_one(id: i32, operation: Operation) -> Result<()> {
    let mut operation = operation.at_once();
    retry(|| {
        // SAFETY: one operation, which is a `sembuf`, and is only read.
        let status = unsafe { libc::semop(id, (&raw mut operation).cast(), 1) };
        ret(status.into(), "semop").map(drop)
    })
}

/// semop(2) with IPC_NOWAIT: all of them or none.
pub fn operate(id: i32, operations: &[Operation]) -> Result<()> {
    let mut operations: Vec<Operation> = operations.iter().map(|operation| operation.at_once()).collect();
    retry(|| {
        // SAFETY: as many operations, each a `sembuf`, which are only read.
        let status = unsafe { libc::semop(id, operations.as_mut_ptr().cast(), operations.len()) };
        ret(status.into(), "semop").map(drop)
    })
}

/// semop(2), for as long as it takes or until `flag` is raised. Interrupted, it has done nothing.
pub fn operate_waiting(id: i32, operations: &[Operation], flag: &Flag) -> Result<()> {
    let arguments = [id.into(), operations.as_ptr() as libc::c_long, operations.len() as libc::c_long, 0, 0, 0];
    // semtimedop without a time, since sandboxes know that name too.
    // SAFETY: semtimedop's arguments; the operations outlive the call.
    unsafe { cancel::call(flag, libc::SYS_semtimedop, "semop", arguments) }.map(drop)
}

/// The same, in at most so long: then EAGAIN.
pub fn operate_waiting_within(id: i32, operations: &[Operation], patience: Duration, flag: &Flag) -> Result<()> {
    let time = timespec(patience);
    let (list, until) = (operations.as_ptr() as libc::c_long, &raw const time as libc::c_long);
    let arguments = [id.into(), list, operations.len() as libc::c_long, until, 0, 0];
    // SAFETY: semtimedop's arguments; the operations and the time outlive the call.
    unsafe { cancel::call(flag, libc::SYS_semtimedop, "semop", arguments) }.map(drop)
}

/// semtimedop(2): EAGAIN if it could not be done in that time, EINTR after a signal. None waits for ever.
pub fn operate_within(id: i32, operations: &[Operation], patience: Option<Duration>) -> Result<()> {
    let patience = patience.map(timespec);
    let time = patience.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: semtimedop's arguments: as many operations, which are only read, and a time or none.
    let status = unsafe { libc::syscall(libc::SYS_semtimedop, id, operations.as_ptr(), operations.len(), time) };
    ret(status, "semop").map(drop)
}

fn timespec(time: Duration) -> libc::timespec {
    let tv_sec = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    libc::timespec { tv_sec, tv_nsec: time.subsec_nanos().into() }
}

/// semctl(2), IPC_STAT.
pub fn stat(id: i32) -> Result<RawSet> {
    let mut set = MaybeUninit::<RawSet>::zeroed();
    // SAFETY: room for what the kernel writes, as the assertion on its size says.
    let status = unsafe { libc::semctl(id, 0, libc::IPC_STAT, set.as_mut_ptr()) };
    ret(status.into(), "semctl")?;
    // SAFETY: zeros are valid, and so is whatever the kernel has written: it is integers all through.
    Ok(unsafe { set.assume_init() })
}

/// semctl(2), IPC_SET: owner, group and mode are taken over.
pub fn set(id: i32, mut set: RawSet) -> Result<()> {
    // SAFETY: a whole structure, which the call only reads.
    let status = unsafe { libc::semctl(id, 0, libc::IPC_SET, &raw mut set) };
    ret(status.into(), "semctl").map(drop)
}

/// semctl(2), IPC_RMID.
pub fn remove(id: i32) -> Result<()> {
    // SAFETY: IPC_RMID takes no structure.
    let status = unsafe { libc::semctl(id, 0, libc::IPC_RMID) };
    ret(status.into(), "semctl").map(drop)
}

/// semctl(2), GETVAL, GETPID, GETNCNT or GETZCNT.
pub fn figure(id: i32, index: u16, figure: Figure) -> Result<i32> {
    let command = match figure {
        Figure::Value => libc::GETVAL,
        Figure::LastPid => libc::GETPID,
        Figure::Waiting => libc::GETNCNT,
        Figure::WaitingForZero => libc::GETZCNT,
    };
    // SAFETY: none of these takes a structure.
    let value = unsafe { libc::semctl(id, index.into(), command) };
    ret(value.into(), "semctl")?;
    Ok(value)
}

/// semctl(2), SETVAL. What any process would have undone of this semaphore is forgotten.
pub fn set_value(id: i32, index: u16, value: u16) -> Result<()> {
    // SAFETY: SETVAL takes a number.
    let status = unsafe { libc::semctl(id, index.into(), libc::SETVAL, libc::c_long::from(value)) };
    ret(status.into(), "semctl").map(drop)
}

/// semctl(2), GETALL, into a place for each semaphore: `values` has to be as long as the set has semaphores.
pub fn values(id: i32, values: &mut [u16]) -> Result<()> {
    same_count(id, values.len())?;
    // SAFETY: room for as many numbers as the set has semaphores, which never changes.
    let status = unsafe { libc::semctl(id, 0, libc::GETALL, values.as_mut_ptr()) };
    ret(status.into(), "semctl").map(drop)
}

/// semctl(2), SETALL: a value for each semaphore of the set, all at once.
pub fn set_values(id: i32, values: &[u16]) -> Result<()> {
    same_count(id, values.len())?;
    // SAFETY: as many numbers as the set has semaphores, which never changes; they are only read.
    let status = unsafe { libc::semctl(id, 0, libc::SETALL, values.as_ptr()) };
    ret(status.into(), "semctl").map(drop)
}

/// semctl(2), IPC_INFO.
pub fn limits() -> Result<Limits> {
    let mut limits = MaybeUninit::<Limits>::zeroed();
    // SAFETY: for IPC_INFO the structure is a seminfo.
    let status = unsafe { libc::semctl(0, 0, libc::IPC_INFO, limits.as_mut_ptr()) };
    ret(status.into(), "semctl")?;
    // SAFETY: zeros are valid, and so is whatever the kernel has written: it is integers all through.
    Ok(unsafe { limits.assume_init() })
}

/// An id comes back after thousands of other sets at the soonest, so what it means now it means in the next call.
fn same_count(id: i32, length: usize) -> Result<()> {
    if stat(id)?.count == length as u64 { Ok(()) } else { Err(Error::os(Errno::EINVAL, "semctl")) }
}
