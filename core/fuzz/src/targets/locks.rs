//! The file of a lock: its words.

use os_ipc_core::fuzz::{self, LOCK_FILE};
use os_ipc_core::lock::Kind;

use crate::number::value;
use crate::source::Source;
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "locks", grammar: Grammar::Steps, run };

const KINDS: [Kind; 4] = [Kind::Mutex, Kind::RwLock, Kind::Condition, Kind::Barrier];

fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let [kind, honest, ..] = source.bytes::<8>();
    let kind = usize::from(kind % 4);
    let mut bytes = [0; LOCK_FILE];
    if honest & 1 == 0 {
        bytes[..4].copy_from_slice(b"opil");
        bytes[4] = 1;
        bytes[8] = kind as u8;
    }
    while let Some(step) = source.step() {
        let at = usize::from(step.which) % (LOCK_FILE / 4) * 4;
        bytes[at..at + 4].copy_from_slice(&value(step.class, step.value, 0, 4096).to_ne_bytes());
    }
    if let Ok(again) = fuzz::lock_file(KINDS[kind], &bytes) {
        assert_eq!(again[..32], bytes[..32], "it is read as something else");
    }
}
