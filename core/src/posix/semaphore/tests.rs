use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::glibc::Glibc;
use super::musl::Musl;
use super::*;
use crate::shm::Seals;
use crate::sys::futex::Waited;
use crate::waiter::{Group, Wait};

fn memory() -> Memory {
    Memory::create(4096, "os-ipc-test", false, Seals::from_bits(0)).unwrap()
}

fn semaphore(value: u32) -> Semaphore {
    Semaphore::in_memory(&memory(), 64, Some(value)).unwrap()
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to pass");
        thread::yield_now();
    }
}

/// How many are registered as waiting, in the C library's own words.
fn waiting(semaphore: &Semaphore) -> u32 {
    semaphore.mapping.word32(semaphore.offset + 4).unwrap().load(Ordering::SeqCst)
}

#[test]
fn it_counts_down_to_zero_and_up_to_the_most_and_nothing_between_is_half_done() {
    let semaphore = semaphore(2);
    assert!(semaphore.try_take().unwrap() && semaphore.try_take().unwrap());
    assert!(!semaphore.try_take().unwrap());
    semaphore.post(MOST).unwrap();
    assert_eq!(semaphore.post(1).unwrap_err().errno(), Some(Errno::EOVERFLOW));
    assert_eq!(semaphore.value().unwrap(), MOST);
    assert!(semaphore.try_take().unwrap());
    assert_eq!(semaphore.post(2).unwrap_err().errno(), Some(Errno::EOVERFLOW));
    assert_eq!(semaphore.value().unwrap(), MOST - 1);
}

#[test]
fn what_does_not_lie_in_the_memory_or_is_not_aligned_is_refused() {
    let memory = memory();
    for offset in [4, 4096 - SIZE + 8, 4096, usize::MAX] {
        assert!(Semaphore::in_memory(&memory, offset, Some(1)).is_err(), "{offset}");
    }
    assert!(Semaphore::in_memory(&memory, 4096 - SIZE, Some(MOST)).is_ok());
    assert!(Semaphore::in_memory(&memory, 0, Some(MOST + 1)).is_err());
}

#[test]
fn the_memory_may_go_while_somebody_waits() {
    let memory = memory();
    let semaphore = Semaphore::in_memory(&memory, 0, Some(0)).unwrap();
    let other = Semaphore::in_memory(&memory, 0, None).unwrap();
    drop(memory);
    let waiter = thread::spawn(move || other.take_here(None).unwrap());
    wait_until(|| waiting(&semaphore) == 1);
    semaphore.post(1).unwrap();
    assert!(waiter.join().unwrap());
    assert_eq!((semaphore.value().unwrap(), waiting(&semaphore)), (0, 0));
}

#[test]
fn a_timed_wait_ends_in_time_takes_what_is_there_and_leaves_no_trace() {
    let semaphore = semaphore(1);
    assert!(semaphore.take_here(Some(Duration::ZERO)).unwrap());
    let begun = Instant::now();
    assert!(!semaphore.take_here(Some(Duration::from_millis(30))).unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert_eq!((semaphore.value().unwrap(), waiting(&semaphore)), (0, 0));
}

#[test]
fn a_waiter_that_is_cancelled_has_taken_nothing_and_one_that_succeeded_gives_back() {
    let semaphore = semaphore(0);
    for round in 0..2000 {
        let (sender, receiver) = std::sync::mpsc::channel();
        let taker = semaphore.clone();
        let wait = Wait::start(move |flag| taker.take(flag), move |result| sender.send(result).unwrap()).unwrap();
        if round % 2 == 0 {
            wait_until(|| waiting(&semaphore) == 1);
        }
        let poster = semaphore.clone();
        let post = (round % 3 == 0).then(|| thread::spawn(move || poster.post(1).unwrap()));
        wait.cancel();
        let result = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        let posted = post.map(|post| post.join().unwrap()).is_some();
        match result {
            Err(Error::Cancelled) => {}
            taken => drop(taken.unwrap()),
        }
        assert_eq!((semaphore.value().unwrap(), waiting(&semaphore)), (u32::from(posted), 0));
        assert_eq!(semaphore.try_take().unwrap(), posted);
    }
}

#[test]
fn what_was_taken_for_a_group_that_is_gone_is_given_back() {
    let semaphore = semaphore(1);
    let group: Group<Result<Taken<()>>> = Group::new().unwrap();
    let taker = semaphore.clone();
    group.start(7, move |flag| taker.take(flag), |result| result).unwrap();
    wait_until(|| semaphore.value().unwrap() == 0);
    drop(group);
    wait_until(|| semaphore.value().unwrap() == 1);

    let group: Group<Result<Taken<()>>> = Group::new().unwrap();
    let taker = semaphore.clone();
    group.start(7, move |flag| taker.take(flag), |result| result).unwrap();
    wait_until(|| semaphore.value().unwrap() == 0);
    group.close();
    assert_eq!(semaphore.value().unwrap(), 1);
}

#[test]
fn an_outcome_can_be_claimed_by_whoever_blocks_for_it_and_is_told_to_nobody_else() {
    let semaphore = semaphore(0);
    let group: Group<Result<Taken<()>>> = Group::new().unwrap();
    let taker = semaphore.clone();
    group.start(1, move |flag| taker.take(flag), |result| result).unwrap();
    assert!(group.claim(1, Duration::from_millis(5)).is_none());
    semaphore.post(1).unwrap();
    let taken = group.claim(1, Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(taken.keep(), Some(()));
    assert!(group.collect(8).is_empty());
    assert_eq!(semaphore.value().unwrap(), 0);
}

/// Threads that take and post with what one library does, on memory that was laid out by it.
fn hammer<P: Protocol>(value: u32) {
    const ROUNDS: u32 = 5000;
    const THREADS: usize = 4;
    let mapping = Arc::new(memory().map_part(0, 64).unwrap().0);
    mapping.word32(0).unwrap().store(value, Ordering::SeqCst);
    let (inside, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let served = Arc::new(AtomicUsize::new(0));
    let start = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (mapping, inside, most) = (Arc::clone(&mapping), Arc::clone(&inside), Arc::clone(&most));
            let (served, start) = (Arc::clone(&served), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let mut nap = |offset, expected| {
                    // Nobody may be left asleep.
                    let patience = Some(Duration::from_secs(20));
                    futex::wait(&mapping, offset, expected, patience).map(|waited| waited != Waited::Ended)
                };
                for _ in 0..ROUNDS {
                    assert!(P::take(&mapping, 0, &mut nap).unwrap(), "a wake was lost");
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    served.fetch_add(1, Ordering::SeqCst);
                    let Posted::Done { wake } = P::post(&mapping, 0, 1).unwrap() else { panic!("overflow") };
                    if wake > 0 {
                        futex::wake(&mapping, 0, wake).unwrap();
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(served.load(Ordering::SeqCst), THREADS * ROUNDS as usize);
    assert!(most.load(Ordering::SeqCst) <= value);
    assert_eq!(P::value(&mapping, 0).unwrap(), value);
    assert_eq!(mapping.word32(4).unwrap().load(Ordering::SeqCst), 0, "somebody is counted who does not wait");
}

#[test]
fn no_wake_is_lost_and_nobody_too_many_is_let_in_as_glibc_has_it() {
    hammer::<Glibc>(1);
    hammer::<Glibc>(3);
}

#[test]
fn no_wake_is_lost_and_nobody_too_many_is_let_in_as_musl_has_it() {
    hammer::<Musl>(1);
    hammer::<Musl>(3);
}

#[test]
fn whatever_another_process_scribbles_nothing_hangs_or_panics() {
    let semaphore = semaphore(1);
    let scribbler = semaphore.clone();
    let stop = Arc::new(AtomicU32::new(0));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        let mut word = 1u32;
        while stopped.load(Ordering::SeqCst) == 0 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = scribbler.offset + (word >> 16) as usize % (SIZE / 4) * 4;
            scribbler.mapping.word32(at).unwrap().store(word, Ordering::SeqCst);
        }
    });
    for _ in 0..20_000 {
        semaphore.try_take().unwrap();
        semaphore.value().unwrap();
        match semaphore.post(3) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.errno(), Some(Errno::EOVERFLOW)),
        }
    }
    let begun = Instant::now();
    for _ in 0..50 {
        semaphore.take_here(Some(Duration::from_millis(1))).unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    stop.store(1, Ordering::SeqCst);
    thread.join().unwrap();
}
