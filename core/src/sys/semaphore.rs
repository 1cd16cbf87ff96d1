//! sem_init(3), sem_post(3): how the C library lays a semaphore out. Only that; what is done with one is `crate::posix::semaphore`.

use std::mem::MaybeUninit;

use super::ret;
use crate::error::Result;

/// The bytes of a `sem_t`.
pub const SIZE: usize = size_of::<libc::sem_t>();

/// A new semaphore for several processes, as bytes. A `value` above 0x7fffffff is EINVAL.
pub fn initial(value: u32) -> Result<[u8; SIZE]> {
    let mut semaphore = MaybeUninit::<libc::sem_t>::zeroed();
    // SAFETY: memory for one, which it fills in.
    ret(unsafe { libc::sem_init(semaphore.as_mut_ptr(), 1, value) }.into(), "sem_init")?;
    // SAFETY: a sem_t is integers, and all of its bytes were zeroed first; neither library keeps its address.
    Ok(unsafe { semaphore.as_ptr().cast::<[u8; SIZE]>().read() })
}

/// What sem_post(3) makes of a semaphore that nobody else has.
pub fn posted(semaphore: [u8; SIZE]) -> Result<[u8; SIZE]> {
    let mut place = MaybeUninit::<libc::sem_t>::zeroed();
    // SAFETY: as many bytes as there is room for.
    unsafe { place.as_mut_ptr().cast::<[u8; SIZE]>().write(semaphore) };
    // SAFETY: a semaphore that `initial` has made, or one that differs from it in its value.
    ret(unsafe { libc::sem_post(place.as_mut_ptr()) }.into(), "sem_post")?;
    // SAFETY: as in `initial`.
    Ok(unsafe { place.as_ptr().cast::<[u8; SIZE]>().read() })
}
