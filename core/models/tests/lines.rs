//! Who waits for whom, under orders of steps that chance chooses: conditions, readers and writers, barriers, and the threads
//! that wait for others. The steps are those of `core/src/lock` and `core/src/waiter`, written again upon a model of the
//! kernel's semaphores: theirs are system calls, which no model can run. Each that has to hold stands beside a mutation of it
//! that has to fail.
//!
//! `OS_IPC_SCHEDULES=1000000` tries as many orders of each; the number is printed.

#[cfg(test)]
mod set;

#[cfg(test)]
mod lines {
    use std::sync::Arc;

    use shuttle::rand::Rng;
    use shuttle::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
    use shuttle::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use shuttle::sync::{Condvar, Mutex};
    use shuttle::{rand, thread};

    use super::set::{Operation, Set};

    const SCHEDULES: usize = 500;
    const MUTATED: usize = 50_000;

    /// What does not hold is tried until it shows, which may take many times as long as it mostly does.
    fn explore(holds: bool, body: impl Fn() + Send + Sync + 'static) {
        let given = std::env::var("OS_IPC_SCHEDULES").ok().and_then(|text| text.parse().ok());
        let schedules = given.unwrap_or(SCHEDULES);
        shuttle::check_random(body, if holds { schedules } else { schedules.max(MUTATED) });
        println!("{schedules} schedules");
    }

    /// One of two, as chance has it: a time that is up, an abort.
    fn perhaps() -> bool {
        rand::thread_rng().gen_bool(0.5)
    }

    mod condition {
        use super::*;

        const GATE: usize = 0;
        const WAITING: usize = 1;
        const NOTICES: usize = 2;
        const TAKE: [Operation; 2] = [(NOTICES, -1), (WAITING, -1)];

        #[derive(Clone, Copy, PartialEq)]
        enum Lacks {
            Nothing,
            /// Who gives up leaves the notices as they are, and so does who begins.
            Forgetting,
            /// Waiting and notices go down in two steps.
            OneStep,
        }

        fn counts(set: &Set) -> (i32, i32) {
            let mut waiting = set.value(WAITING);
            loop {
                let notices = set.value(NOTICES);
                let again = set.value(WAITING);
                if again == waiting {
                    return (waiting, notices);
                }
                waiting = again;
            }
        }

        fn forget_notices(set: &Set, lacks: Lacks) {
            if lacks == Lacks::Forgetting {
                return;
            }
            let (waiting, notices) = counts(set);
            for _ in waiting..notices {
                if !set.attempt(&[(NOTICES, -1)]) {
                    break;
                }
            }
        }

        fn begin(set: &Set, lacks: Lacks) {
            set.operate(&[(GATE, -1)]);
            forget_notices(set, lacks);
            set.operate(&[(WAITING, 1), (GATE, 1)]);
        }

        fn notify(set: &Set, most: i32) -> i32 {
            set.operate(&[(GATE, -1)]);
            let (waiting, notices) = counts(set);
            let count = (waiting - notices).max(0).min(most);
            if count == 0 {
                set.operate(&[(GATE, 1)]);
            } else {
                set.operate(&[(NOTICES, count), (GATE, 1)]);
            }
            count
        }

        fn give_up(set: &Set, lacks: Lacks) {
            set.operate(&[(GATE, -1)]);
            set.attempt(&[(WAITING, -1)]);
            forget_notices(set, lacks);
            set.operate(&[(GATE, 1)]);
        }

        fn take(set: &Set, lacks: Lacks) {
            if lacks == Lacks::OneStep {
                set.operate(&TAKE[..1]);
                set.operate(&TAKE[1..]);
            } else {
                set.operate(&TAKE);
            }
        }

        /// Two wait, one of them gives up as it is notified: the other one is woken by one notice more than were for nobody.
        fn given_up(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0, 0]);
                let woken = Arc::new(AtomicI32::new(0));
                begin(&set, lacks);
                begin(&set, lacks);
                let (stays, stayed) = (Arc::clone(&set), Arc::clone(&woken));
                let patient = thread::spawn(move || {
                    take(&stays, lacks);
                    stayed.fetch_add(1, Ordering::SeqCst);
                });
                let (leaves, left) = (Arc::clone(&set), Arc::clone(&woken));
                let impatient = thread::spawn(move || {
                    if leaves.attempt(&TAKE) {
                        left.fetch_add(1, Ordering::SeqCst);
                    } else {
                        give_up(&leaves, lacks);
                    }
                });
                let mut told = notify(&set, 1);
                impatient.join().unwrap();
                // The one who is left has had it, or has it now.
                if woken.load(Ordering::SeqCst) == told {
                    told += notify(&set, 1);
                }
                patient.join().unwrap();
                assert!(woken.load(Ordering::SeqCst) <= told, "somebody was woken by nobody");
                assert_eq!((set.value(WAITING), set.value(GATE)), (0, 1));
                begin(&set, lacks);
                assert!(!set.attempt(&TAKE), "a notice for somebody who came later");
            });
        }

        #[test]
        fn who_gives_up_takes_no_notice_from_who_stays() {
            given_up(Lacks::Nothing);
        }

        /// The only one gives up as it is notified.
        fn left_over(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0, 0]);
                begin(&set, lacks);
                let leaves = Arc::clone(&set);
                let thread = thread::spawn(move || {
                    if !leaves.attempt(&TAKE) {
                        give_up(&leaves, lacks);
                    }
                });
                notify(&set, 1);
                thread.join().unwrap();
                begin(&set, lacks);
                assert!(!set.attempt(&TAKE), "a notice for somebody who came later");
            });
        }

        #[test]
        fn a_notice_is_for_nobody_who_comes_later() {
            left_over(Lacks::Nothing);
        }

        #[test]
        #[should_panic(expected = "came later")]
        fn without_forgetting_a_notice_is_for_somebody_who_comes_later() {
            left_over(Lacks::Forgetting);
        }

        /// Many are notified at once, while others begin.
        fn all(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0, 0]);
                begin(&set, lacks);
                begin(&set, lacks);
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        let set = Arc::clone(&set);
                        thread::spawn(move || take(&set, lacks))
                    })
                    .collect();
                let other = Arc::clone(&set);
                let late = thread::spawn(move || notify(&other, i32::MAX));
                let told = notify(&set, i32::MAX) + late.join().unwrap();
                assert_eq!(told, 2, "as many are told as wait");
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert_eq!((set.value(WAITING), set.value(NOTICES)), (0, 0));
            });
        }

        #[test]
        fn all_who_wait_are_told_once_by_however_many() {
            all(Lacks::Nothing);
        }

        #[test]
        #[should_panic(expected = "as many are told as wait")]
        fn without_one_step_somebody_is_counted_who_was_told_already() {
            all(Lacks::OneStep);
        }
    }

    mod readers_and_writers {
        use super::*;

        const TURN: usize = 0;
        const READERS: usize = 1;
        const READ: [Operation; 3] = [(TURN, -1), (TURN, 1), (READERS, 1)];

        #[derive(Clone, Copy, PartialEq)]
        enum Lacks {
            Nothing,
            /// A reader does not pass through the turn.
            Turn,
            /// Who holds alone says that it has gone after it has.
            WordFirst,
        }

        fn exclusion(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0]);
                let inside = Arc::new(AtomicI32::new(0));
                let held = Arc::new(AtomicU32::new(0));
                let mut threads = Vec::new();
                for number in 0..2 {
                    let (set, inside, held) = (Arc::clone(&set), Arc::clone(&inside), Arc::clone(&held));
                    threads.push(thread::spawn(move || {
                        set.operate(&[(TURN, -1)]);
                        // One gives up, as chance has it, with the turn in its hands.
                        if number == 1 && perhaps() && set.value(READERS) != 0 {
                            set.operate(&[(TURN, 1)]);
                            return;
                        }
                        set.operate(&[(READERS, 0)]);
                        assert_eq!(held.swap(1, Ordering::SeqCst), 0, "somebody is taken for dead");
                        assert_eq!(inside.swap(-1, Ordering::SeqCst), 0, "a writer is not alone");
                        thread::yield_now();
                        assert_eq!(inside.swap(0, Ordering::SeqCst), -1, "a writer is not alone");
                        if lacks == Lacks::WordFirst {
                            set.operate(&[(TURN, 1)]);
                            held.store(0, Ordering::SeqCst);
                        } else {
                            held.store(0, Ordering::SeqCst);
                            set.operate(&[(TURN, 1)]);
                        }
                    }));
                }
                for _ in 0..2 {
                    let (set, inside) = (Arc::clone(&set), Arc::clone(&inside));
                    threads.push(thread::spawn(move || {
                        set.operate(if lacks == Lacks::Turn { &READ[2..] } else { &READ });
                        assert!(inside.fetch_add(1, Ordering::SeqCst) >= 0, "a writer is not alone");
                        // One more of the same line joins, past whoever has the turn.
                        set.operate(&[(READERS, 1)]);
                        set.operate(&[(READERS, -1)]);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        set.operate(&[(READERS, -1)]);
                    }));
                }
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert_eq!((set.value(TURN), set.value(READERS)), (1, 0));
            });
        }

        #[test]
        fn a_writer_is_alone_and_nobody_who_lives_is_taken_for_dead() {
            exclusion(Lacks::Nothing);
        }

        #[test]
        #[should_panic(expected = "a writer is not alone")]
        fn without_the_turn_a_reader_is_there_with_a_writer() {
            exclusion(Lacks::Turn);
        }

        #[test]
        #[should_panic(expected = "somebody is taken for dead")]
        fn who_gives_back_before_it_says_so_is_taken_for_dead() {
            exclusion(Lacks::WordFirst);
        }
    }

    mod barrier {
        use super::*;

        const GATE: usize = 0;
        const ARRIVED: usize = 1;
        const GENERATION: usize = 2;
        const DOORS: usize = 3;

        #[derive(Clone, Copy, PartialEq)]
        enum Lacks {
            Nothing,
            /// Nobody keeps others out while it counts.
            Gate,
            /// Who withdraws does not look whether all are there.
            LookAtGeneration,
        }

        fn door(generation: i32) -> usize {
            DOORS + generation as usize % 4
        }

        /// Whether it was the last, and of which generation.
        fn arrive(set: &Set, parties: i32, lacks: Lacks) -> (bool, i32) {
            let gated = lacks != Lacks::Gate;
            if gated {
                set.operate(&[(GATE, -1)]);
            }
            let (arrived, generation) = (set.value(ARRIVED), set.value(GENERATION));
            if arrived + 1 < parties {
                set.operate(&[(ARRIVED, 1), (GATE, 1)][..1 + usize::from(gated)]);
                return (false, generation);
            }
            let next = generation + 1;
            let mut values = [1, 0, next, 0, 0, 0, 0];
            values[door(next)] = 1;
            set.set_values(&values);
            (true, generation)
        }

        fn wait(set: &Set, generation: i32) {
            while set.value(GENERATION) == generation {
                // Whoever was kept from its door until it was closed again looks at the generation after some time.
                set.operate_or(&[(door(generation), 0)], |values| values[GENERATION] != generation);
            }
        }

        fn withdraw(set: &Set, generation: i32, lacks: Lacks) -> bool {
            set.operate(&[(GATE, -1)]);
            if lacks != Lacks::LookAtGeneration && set.value(GENERATION) != generation {
                set.operate(&[(GATE, 1)]);
                return false;
            }
            assert!(set.attempt(&[(ARRIVED, -1), (GATE, 1)]), "somebody withdraws who was let through");
            true
        }

        fn generations(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0, 0, 1, 0, 0, 0]);
                let passed = Arc::new(AtomicI32::new(0));
                let threads: Vec<_> = (0..3)
                    .map(|_| {
                        let (set, passed) = (Arc::clone(&set), Arc::clone(&passed));
                        thread::spawn(move || {
                            for round in 0..3 {
                                passed.fetch_add(1, Ordering::SeqCst);
                                let (last, generation) = arrive(&set, 3, lacks);
                                assert_eq!(generation, round, "a generation is skipped, or there twice");
                                if !last {
                                    wait(&set, generation);
                                }
                                assert!(passed.load(Ordering::SeqCst) >= 3 * (round + 1), "not all are there");
                            }
                        })
                    })
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert_eq!((set.value(ARRIVED), set.value(GATE)), (0, 1));
            });
        }

        #[test]
        fn nobody_goes_on_before_all_are_there_and_then_all_do() {
            generations(Lacks::Nothing);
        }

        #[test]
        #[should_panic]
        fn without_the_gate_two_are_counted_as_one() {
            generations(Lacks::Gate);
        }

        /// One withdraws while the last one arrives.
        fn withdrawn(lacks: Lacks) {
            explore(lacks == Lacks::Nothing, move || {
                let set = Set::new(&[1, 0, 0, 1, 0, 0, 0]);
                let (_, generation) = arrive(&set, 2, lacks);
                let other = Arc::clone(&set);
                let thread = thread::spawn(move || arrive(&other, 2, lacks).0);
                let went = withdraw(&set, generation, lacks);
                assert_ne!(went, thread.join().unwrap(), "one goes on, or all do");
                assert_eq!(set.value(ARRIVED), i32::from(went));
            });
        }

        #[test]
        fn who_withdraws_was_not_let_through() {
            withdrawn(Lacks::Nothing);
        }

        #[test]
        #[should_panic]
        fn without_a_look_at_the_generation_somebody_withdraws_who_was_let_through() {
            withdrawn(Lacks::LookAtGeneration);
        }
    }

    /// The threads that wait for others: an idle one is used again, or ends, and no job is lost between.
    mod waiters {
        use super::*;

        type Job = u32;

        #[derive(Default)]
        struct Pool {
            idle: Vec<SyncSender<Job>>,
            busy: usize,
            done: Vec<Job>,
        }

        type Shared = Arc<(Mutex<Pool>, Condvar)>;

        fn run(shared: &Shared, mut job: Job) {
            let mut pool = shared.0.lock().unwrap();
            while let Some(idle) = pool.idle.pop() {
                match idle.try_send(job) {
                    Ok(()) => {
                        pool.busy += 1;
                        return;
                    }
                    Err(error) => {
                        job = match error {
                            std::sync::mpsc::TrySendError::Full(back)
                            | std::sync::mpsc::TrySendError::Disconnected(back) => back,
                        }
                    }
                }
            }
            let own = Arc::clone(shared);
            thread::spawn(move || work(&own, job));
            pool.busy += 1;
        }

        fn finish(shared: &Shared, job: Job) {
            shared.0.lock().unwrap().done.push(job);
            shared.1.notify_all();
        }

        fn work(shared: &Shared, first: Job) {
            finish(shared, first);
            loop {
                let (sender, receiver): (SyncSender<Job>, Receiver<Job>) = sync_channel(1);
                {
                    let mut pool = shared.0.lock().unwrap();
                    pool.busy -= 1;
                    pool.idle.push(sender);
                }
                // For as long as chance has it.
                let mut come = None;
                for _ in 0..3 {
                    come = receiver.try_recv().ok();
                    if come.is_some() || perhaps() {
                        break;
                    }
                    thread::yield_now();
                }
                if come.is_none() {
                    let pool = shared.0.lock().unwrap();
                    if LOOKS_ONCE_MORE.load(std::sync::atomic::Ordering::SeqCst) {
                        come = receiver.try_recv().ok();
                    }
                    drop(receiver);
                    drop(pool);
                }
                match come {
                    Some(job) => finish(shared, job),
                    None => return,
                }
            }
        }

        /// What the mutation takes out; the two models of it do not run at once.
        static LOOKS_ONCE_MORE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
        static ONE_MODEL: std::sync::Mutex<()> = std::sync::Mutex::new(());

        fn jobs(looks_once_more: bool) {
            let _alone = ONE_MODEL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            LOOKS_ONCE_MORE.store(looks_once_more, std::sync::atomic::Ordering::SeqCst);
            explore(looks_once_more, || {
                let shared: Shared = Arc::new((Mutex::new(Pool::default()), Condvar::new()));
                let other = Arc::clone(&shared);
                let thread = thread::spawn(move || (10..12).for_each(|job| run(&other, job)));
                (0..2).for_each(|job| run(&shared, job));
                thread.join().unwrap();
                let mut pool = shared.0.lock().unwrap();
                while pool.done.len() < 4 {
                    pool = shared.1.wait(pool).unwrap();
                }
                pool.done.sort_unstable();
                assert_eq!(pool.done, [0, 1, 10, 11]);
            });
        }

        #[test]
        fn every_job_is_done_once() {
            jobs(true);
        }

        #[test]
        #[should_panic(expected = "deadlock")]
        fn without_another_look_before_it_ends_a_job_is_lost() {
            jobs(false);
        }
    }

    /// A cancel and the call that it is to end: the flag is raised, then the thread is interrupted if it is still at it.
    mod cancel {
        use super::*;

        #[test]
        fn a_wait_that_is_called_off_ends_and_what_has_come_is_not_lost() {
            explore(true, || {
                let set = Set::new(&[0]);
                let raised = Arc::new(AtomicBool::new(false));
                let (waits, flag) = (Arc::clone(&set), Arc::clone(&raised));
                let waiter = thread::spawn(move || waits.operate_or(&[(0, -1)], |_| flag.load(Ordering::SeqCst)));
                let gives = Arc::clone(&set);
                let giver = thread::spawn(move || gives.operate(&[(0, 1)]));
                raised.store(true, Ordering::SeqCst);
                // The interruption: whoever sleeps looks again.
                set.operate(&[]);
                giver.join().unwrap();
                let taken = waiter.join().unwrap();
                assert_eq!(set.value(0), i32::from(!taken), "a permit is lost, or doubled");
            });
        }
    }
}
