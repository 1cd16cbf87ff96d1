//! The layout of musl from 1.2.4 on: value in the first word, with its highest bit set where somebody may be asleep; the
//! number of those who wait in the second; then 0 where it is shared between processes.

use std::sync::atomic::Ordering;

use super::{MOST, Nap, Posted, Protocol};
use crate::error::Result;
use crate::sys::mman::Mapping;

const ASLEEP: u32 = 1 << 31;

/// See the module.
#[derive(Debug)]
pub(super) struct Musl;

impl Protocol for Musl {
    const POST: (u32, u32) = (ASLEEP, 1);

    fn fits(words: &[u32]) -> bool {
        matches!(words, [3, 0, 0, ..])
    }

    fn value(mapping: &Mapping, offset: usize) -> Result<u32> {
        // Partner: whoever posts or waits, by this package or by the C library. So everywhere below.
        Ok(mapping.word32(offset)?.load(Ordering::SeqCst) & MOST)
    }

    fn try_take(mapping: &Mapping, offset: usize) -> Result<bool> {
        let word = mapping.word32(offset)?;
        let mut seen = word.load(Ordering::SeqCst);
        loop {
            if seen & MOST == 0 {
                return Ok(false);
            }
            match word.compare_exchange_weak(seen, seen - 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(true),
                Err(now) => seen = now,
            }
        }
    }

    fn post(mapping: &Mapping, offset: usize, count: u32) -> Result<Posted> {
        let (word, waiters) = (mapping.word32(offset)?, mapping.word32(offset + 4)?);
        loop {
            let seen = word.load(Ordering::SeqCst);
            let waiting = waiters.load(Ordering::SeqCst);
            if seen & MOST > MOST - count {
                return Ok(Posted::Overflow);
            }
            let several = waiting > 1;
            // Whoever is woken sets the mark again if he finds nothing.
            let posted = if several { seen + count } else { (seen & MOST) + count };
            if word.compare_exchange_weak(seen, posted, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                let sleepers = if several { count } else { MOST };
                return Ok(Posted::Done { wake: if seen & ASLEEP == 0 { 0 } else { sleepers } });
            }
        }
    }

    fn take(mapping: &Mapping, offset: usize, nap: &mut Nap<'_>) -> Result<bool> {
        let (word, waiters) = (mapping.word32(offset)?, mapping.word32(offset + 4)?);
        while !Self::try_take(mapping, offset)? {
            waiters.fetch_add(1, Ordering::SeqCst);
            // If somebody has posted meanwhile, the nap does not begin.
            let _posted = word.compare_exchange(0, ASLEEP, Ordering::SeqCst, Ordering::SeqCst);
            let napped = nap(offset, ASLEEP);
            waiters.fetch_sub(1, Ordering::SeqCst);
            if !napped? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
