//! Names of signals, and which are refused.

use os_ipc_core::signal::name;
use os_ipc_core::signal::refusal::{Purpose, refusal};
use os_ipc_core::sys::signal::{Set, max, min};

#[test]
fn every_signal_with_a_name_is_found_by_it() {
    for number in 1..=max() {
        let reserved = (32..min()).contains(&number);
        assert_eq!(name::name(number).is_none(), reserved, "{number}");
        if let Some(name) = name::name(number) {
            assert_eq!(name::number(&name), Some(number), "{name}");
        }
    }
    for (name, number) in name::all() {
        assert_eq!(name::number(&name), Some(number), "{name}");
    }
    for wrong in ["", "SIG", "TERM", "sigterm", "SIGRTMIN+", "SIGRTMIN+31", "SIGRTMAX-+1", "SIGRTMIN-1"] {
        assert_eq!(name::number(wrong), None, "{wrong}");
    }
}

#[test]
fn what_the_process_needs_itself_is_refused() {
    for purpose in [Purpose::Receive, Purpose::Hold, Purpose::Dispose] {
        for number in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGPROF, libc::SIGURG, 32, 33, 0, 65, -1] {
            assert!(refusal(number, purpose).is_some(), "{number}");
        }
        for number in [libc::SIGTERM, libc::SIGUSR1, min(), max()] {
            assert_eq!(refusal(number, purpose), None, "{number}");
        }
        assert_eq!(refusal(libc::SIGCHLD, purpose).is_none(), purpose == Purpose::Receive);
    }
}

#[test]
fn sets_know_their_signals() {
    let set = Set::of(1).and(Set::of(64));
    assert_eq!(set.numbers().collect::<Vec<_>>(), [1, 64]);
    assert!(set.has(64) && !set.has(2) && set.covers(Set::of(1)) && !Set::of(1).covers(set));
    assert_eq!(set.without(Set::of(1)), Set::of(64));
    assert_eq!(Set::of(0).and(Set::of(65)), Set::EMPTY);
}
