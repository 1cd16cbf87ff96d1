//! The layout of glibc from 2.21 on, on machines with atomics of 64 bits: value in the low half of the first word, the
//! number of those who wait in the high half, then 128 where it is shared between processes.

use std::sync::atomic::Ordering;

use super::{MOST, Nap, Posted, Protocol};
use crate::error::Result;
use crate::sys::mman::Mapping;

const ONE_WAITER: u64 = 1 << 32;
const SHARED: u32 = 128;

/// See the module.
#[derive(Debug)]
pub(super) struct Glibc;

impl Protocol for Glibc {
    const POST: (u32, u32) = (3, 4);

    fn fits(words: &[u32]) -> bool {
        matches!(words, [3, 0, SHARED, ..])
    }

    fn value(mapping: &Mapping, offset: usize) -> Result<u32> {
        // Partner: whoever posts or waits, by this package or by the C library. So everywhere below.
        Ok(mapping.word64(offset)?.load(Ordering::SeqCst) as u32)
    }

    fn try_take(mapping: &Mapping, offset: usize) -> Result<bool> {
        let data = mapping.word64(offset)?;
        let mut seen = data.load(Ordering::SeqCst);
        loop {
            if seen as u32 == 0 {
                return Ok(false);
            }
            match data.compare_exchange_weak(seen, seen - 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(true),
                Err(now) => seen = now,
            }
        }
    }

    fn post(mapping: &Mapping, offset: usize, count: u32) -> Result<Posted> {
        let data = mapping.word64(offset)?;
        let mut seen = data.load(Ordering::SeqCst);
        loop {
            if seen as u32 > MOST - count {
                return Ok(Posted::Overflow);
            }
            match data.compare_exchange_weak(seen, seen + u64::from(count), Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(Posted::Done { wake: count.min((seen >> 32) as u32) }),
                Err(now) => seen = now,
            }
        }
    }

    fn take(mapping: &Mapping, offset: usize, nap: &mut Nap<'_>) -> Result<bool> {
        let data = mapping.word64(offset)?;
        let mut seen = data.fetch_add(ONE_WAITER, Ordering::SeqCst);
        let outcome = loop {
            if seen as u32 > 0 {
                // Taken, and one waiter less, at once.
                let taken = seen.wrapping_sub(1).wrapping_sub(ONE_WAITER);
                match data.compare_exchange_weak(seen, taken, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => return Ok(true),
                    Err(now) => seen = now,
                }
                continue;
            }
            match nap(offset, 0) {
                Ok(true) => seen = data.load(Ordering::SeqCst),
                ended => break ended,
            }
        };
        data.fetch_sub(ONE_WAITER, Ordering::SeqCst);
        outcome
    }
}
