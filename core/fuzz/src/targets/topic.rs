//! A topic's memory: what its header says, and members that join whatever is handed to them.

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use os_ipc_core::topic::layout::{BELL, BELLS, HEADER, STATE};
use os_ipc_core::topic::{Geometry, Topic};

use super::descriptors::leaves_none;
use crate::number::value;
use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "topic", grammar: Grammar::Steps, run };

/// Nothing larger is made here; a header may claim it.
const LARGEST: u64 = 1 << 32;

fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let [exponent, slots, flags, size, raw @ ..] = source.bytes::<8>();
    let honest = Geometry::new(1 << (12 + exponent % 8), u32::from(slots), u32::from(flags % 3));
    let mut header = honest.to_bytes();
    let changes: Vec<Step> = std::iter::from_fn(|| source.step()).collect();
    for step in changes.iter().filter(|step| step.op % 4 == 0) {
        let at = usize::from(step.which) % (HEADER / 4) * 4;
        let now = u32::from_ne_bytes(header[at..at + 4].try_into().expect("four"));
        header[at..at + 4].copy_from_slice(&value(step.class, step.value, now, 4096).to_ne_bytes());
    }
    let size = match size % 4 {
        0 => honest.size(),
        1 => honest.size() + u64::from(u32::from_le_bytes(raw)),
        2 => u64::from(value(size, u32::from_le_bytes(raw), honest.capacity, honest.data_offset)),
        _ => LARGEST,
    };
    if let Ok(Some(geometry)) = Geometry::parse(&header, size) {
        assert!(geometry.size() <= size, "it is larger than its memory");
        assert_eq!(geometry.to_bytes()[..28], header[..28], "it says something else");
        assert!(geometry.capacity.is_power_of_two() && geometry.data_offset.is_multiple_of(4096));
    }
    leaves_none(|| join(&header, size.min(LARGEST), &changes));
}

fn join(header: &[u8; HEADER], size: u64, steps: &[Step]) {
    let file = File::from(memfd_create(c"fuzz", MFdFlags::MFD_CLOEXEC).expect("there is memory"));
    file.set_len(size).expect("it is not too large");
    nix::sys::uio::pwrite(&file, &header[..header.len().min(size as usize)], 0).expect("there is room");
    let again = file.try_clone().expect("there are descriptors");
    let number = file.into_raw_fd();
    let Ok(topic) = Topic::join(number) else {
        // On failure the number has not been touched.
        drop(os_ipc_core::sys::fd::adopt(number, |_| Ok(())).expect("it is open"));
        return;
    };
    let memory = topic.memory().expect("what was looked at can be mapped");
    assert_eq!(memory.len() as u64, u64::from(topic.geometry().data_offset) + 2 * u64::from(topic.geometry().capacity));
    for &Step { op, which, class, value: raw, .. } in steps {
        let offset = [STATE, BELLS[0] + BELL, BELLS[2] + BELL, raw as usize & !3, raw as usize][usize::from(which) % 5];
        match op % 4 {
            1 => drop(topic.is_alive(value(class, raw, topic.number(), 1 << 30)).expect("it can be told")),
            2 => drop(topic.ring(offset)),
            3 if class & 7 == 7 => {
                // Whoever may write the file may shorten it.
                again.set_len(u64::from(raw) % size.max(1)).expect("it is not sealed");
            }
            3 => drop(topic.block(offset, raw % 3, Duration::ZERO)),
            _ => drop(topic.waiting(offset, raw % 3).map(|waiting| waiting.is_some())),
        }
    }
    assert!(again.as_raw_fd() >= 0);
}
