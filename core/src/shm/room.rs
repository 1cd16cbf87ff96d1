//! Whether there is memory for what is to be reserved. A file system that knows its size refuses what is too much. Anonymous
//! memory has none: there the kernel goes on until something is killed for want of memory.

use std::fs::read_to_string;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};

use crate::error::{Error, Result};

/// Less is not worth the look.
const LARGE: u64 = 64 << 20;

/// ENOMEM if a file of `size` bytes would need more memory than there is.
pub(super) fn check(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    if size < LARGE || !is_unlimited(fd) {
        return Ok(());
    }
    let has = fstat(fd).map_or(0, |stat| u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512));
    match available() {
        Some(available) if size.saturating_sub(has) > available => Err(Error::os(Errno::ENOMEM, "posix_fallocate")),
        _ => Ok(()),
    }
}

fn is_unlimited(fd: BorrowedFd<'_>) -> bool {
    fstatfs(fd).is_ok_and(|system| system.filesystem_type() == TMPFS_MAGIC && system.blocks() == 0)
}

/// What the system, or the limit of a container, has left; None if neither can be read.
fn available() -> Option<u64> {
    let system = read_to_string("/proc/meminfo").ok().and_then(|text| of_system(&text));
    // Of what is in use in a container a part can be dropped, so only the limit is certain.
    let container = read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    [system, container].into_iter().flatten().min()
}

/// Memory that programs can get, and swap.
fn of_system(meminfo: &str) -> Option<u64> {
    let of = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    };
    Some(of("MemAvailable")?.saturating_add(of("SwapFree").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::of_system;

    #[test]
    fn reads_what_the_kernel_says() {
        let text = "MemTotal:       24683852 kB\nMemAvailable:   10 kB\nSwapTotal:  9 kB\nSwapFree:  2 kB\n";
        assert_eq!(of_system(text), Some(12 * 1024));
        assert_eq!(of_system("MemTotal: 5 kB\n"), None);
    }
}
