//! Control data of a message: what the kernel writes, and what it never would.

use os_ipc_core::fuzz;

use crate::source::Source;
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "ancillary", grammar: Grammar::Steps, run };

const KINDS: [(i32, i32); 4] = [
    (libc::SOL_SOCKET, libc::SCM_RIGHTS),
    (libc::SOL_SOCKET, libc::SCM_CREDENTIALS),
    (libc::SOL_SOCKET, libc::SO_TIMESTAMP),
    (libc::SOL_SOCKET, 4),
];

fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let [honest, cut, ..] = source.bytes::<8>();
    if honest & 1 == 0 { written(source) } else { rubbish(source, usize::from(cut)) }
}

/// What the kernel writes is read as it was meant.
fn written(mut source: Source<'_>) {
    let (mut words, mut expected) = (Vec::new(), Vec::new());
    while let Some(step) = source.step() {
        let (level, kind) = KINDS[usize::from(step.op) % KINDS.len()];
        let ints: Vec<i32> = (0..i32::from(step.which % 40)).map(|index| index ^ step.value.cast_signed()).collect();
        words.push(16 + 4 * ints.len() as u64);
        words.push(u64::from(level.cast_unsigned()) | u64::from(kind.cast_unsigned()) << 32);
        words.extend(ints.chunks(2).map(|pair| {
            u64::from(pair[0].cast_unsigned()) | u64::from(pair.get(1).map_or(0, |int| int.cast_unsigned())) << 32
        }));
        expected.push((level, kind, ints));
    }
    assert_eq!(fuzz::ancillary(&words, 8 * words.len()), expected);
}

/// Of rubbish no more is read than there is, and the same whatever stands behind it.
fn rubbish(source: Source<'_>, cut: usize) {
    let rest = source.rest();
    let mut words: Vec<u64> =
        rest.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("eight"))).collect();
    let length = (8 * words.len()).saturating_sub(cut % 64);
    let told = fuzz::ancillary(&words, length);
    let read: usize = told.iter().map(|(_, _, ints)| 16 + 4 * ints.len()).sum();
    assert!(read <= length, "{read} bytes are read of {length}");
    for word in words.iter_mut().skip(length.div_ceil(8)) {
        *word = !*word;
    }
    assert_eq!(fuzz::ancillary(&words, length), told, "what stands behind it is read");
    drop(fuzz::ancillary(&words, usize::MAX));
}
