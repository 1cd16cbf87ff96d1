//! The corpus through each target, and mutations of it with the same seeds each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use os_ipc_fuzz::{TARGETS, Target, mutate};

/// Of each file; `OS_IPC_FUZZ=100000` for more.
const MUTATIONS: u32 = 100;
const LONGEST: usize = 4096;

/// Targets count descriptors.
static ALONE: Mutex<()> = Mutex::new(());

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_target_has_a_corpus_that_stays_small() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut size = 0;
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{} has none", target.name);
        size += inputs.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(size < 500 << 10, "{size} bytes");
}

#[test]
fn what_was_found_once_is_found_no_more() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for target in TARGETS {
        for (path, input) in corpus(target) {
            println!("{}", path.display());
            (target.run)(&input);
        }
    }
}

#[test]
fn mutations_of_the_corpus_break_no_promise() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let count = std::env::var("OS_IPC_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTATIONS);
    for target in TARGETS {
        let inputs = corpus(target);
        for seed in 0..count {
            let (path, input) = &inputs[seed as usize % inputs.len()];
            let mut input = input.clone();
            mutate(target.grammar, &mut input, LONGEST, seed);
            println!("{}, seed {seed}", path.display());
            (target.run)(&input);
        }
    }
}
