//! getrandom(2).

use crate::error::Result;
use crate::sys::{ret, retry};

/// 128 bits that nobody can guess.
pub fn bits() -> Result<u128> {
    let mut bytes = [0_u8; 16];
    retry(|| {
        // SAFETY: writes at most so many bytes into `bytes`; that few are never given in part.
        let got = unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), 0) };
        ret(got, "getrandom")
    })?;
    Ok(u128::from_ne_bytes(bytes))
}
