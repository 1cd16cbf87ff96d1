//! The target that OS_IPC_FUZZ names, under libFuzzer.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use os_ipc_fuzz::{Target, mutate, target};

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("OS_IPC_FUZZ").unwrap_or_default();
        target(&name).unwrap_or_else(|| panic!("OS_IPC_FUZZ names no target: {name:?}"))
    })
}

fuzz_target!(|data: &[u8]| (chosen().run)(data));

// Its own mutations know no grammar, and find what a grammar has not.
fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, most);
    }
    let mut input = data[..size].to_vec();
    mutate(chosen().grammar, &mut input, most, seed);
    data[..input.len()].copy_from_slice(&input);
    input.len()
});
