//! mallopt(3): how much of what a program has freed the C library keeps for it.

use std::sync::Once;

/// What glibc comes to by itself once a block of this size has been freed.
#[cfg(target_env = "gnu")]
const LARGEST_BLOCK: libc::c_int = 32 * 1024 * 1024;

/// From here on glibc keeps up to 64 MiB of freed memory, as it would after a block of 32 MiB, instead of giving it back at
/// once: with large messages, the pages of fresh memory take several times as long as the copies. Nothing happens where
/// whoever started the process has tuned the allocator, nor with another C library.
pub fn keep_freed_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !is_tuned(&std::fs::read("/proc/self/environ").unwrap_or_default()) {
            keep();
        }
    });
}

/// As it was at the start, which is when the C library looks.
fn is_tuned(environment: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| {
        variable.starts_with(b"MALLOC_")
            || (variable.starts_with(b"GLIBC_TUNABLES=") && variable.windows(7).any(|part| part == b".malloc"))
    })
}

#[cfg(target_env = "gnu")]
fn keep() {
    // SAFETY: two numbers for the allocator, which takes its own locks.
    let large = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_BLOCK) };
    // Without it each large block would be mapped by itself from now on.
    if large == 1 {
        // SAFETY: as above.
        unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * LARGEST_BLOCK) };
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep() {}

#[cfg(test)]
mod tests {
    use super::{is_tuned, keep_freed_memory};

    #[test]
    fn whoever_has_tuned_the_allocator_is_left_alone() {
        assert!(is_tuned(b"PATH=/bin\0MALLOC_TRIM_THRESHOLD_=1\0"));
        assert!(is_tuned(b"GLIBC_TUNABLES=glibc.malloc.hugetlb=1\0"));
        assert!(!is_tuned(b"PATH=/bin\0GLIBC_TUNABLES=glibc.rtld.nns=4\0NOT_MALLOC_=1\0"));
        assert!(!is_tuned(b""));
    }

    /// How many pages this thread has been given so far.
    fn pages() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_whitespace().nth(7).and_then(|field| field.parse().ok()).unwrap_or_default()
    }

    /// Of 16 MiB in blocks of 1 MiB, written and freed.
    fn pages_of_blocks() -> u64 {
        let before = pages();
        drop((1..17).map(|byte| std::hint::black_box(vec![byte; 1 << 20])).collect::<Vec<Vec<u8>>>());
        pages() - before
    }

    #[test]
    #[cfg(target_env = "gnu")]
    #[cfg_attr(miri, ignore = "its memory is its own")]
    fn freed_memory_is_used_again() {
        let environment = std::fs::read("/proc/self/environ").unwrap_or_default();
        let other = environment.windows(11).any(|part| part == b"LD_PRELOAD=")
            || !crate::sys::dl::symbol(c"__asan_init").is_null();
        // Another allocator stands in glibc's place, or somebody has tuned it.
        if other || is_tuned(&environment) {
            return;
        }
        pages_of_blocks();
        let given_back = pages_of_blocks();
        keep_freed_memory();
        pages_of_blocks();
        let kept = pages_of_blocks();
        assert!(given_back > 2_000, "{given_back} pages before, where the system is given back what is free");
        assert!(kept < 500, "{kept} pages after");
    }
}
