//! The rings of a channel under every order of two threads' steps: `Producer`, `Consumer` and the loops that sleep and
//! wake are those of the core; only where the ring stands, the bells and the hang-up are models.
//!
//! Each model that has to hold stands beside mutations of it in which a step is missing: these have to fail, or the model
//! proves nothing. `OS_IPC_MODELS=3` looks at more orders (the number is how often a thread is interrupted).

#[cfg(test)]
mod place;

#[cfg(test)]
mod ring {
    use std::time::Instant;

    use loom::thread;
    use os_ipc_core::ring::receiving::receive;
    use os_ipc_core::ring::sending::{flush, send};
    use os_ipc_core::ring::{Consumer, Producer, Taken};
    use os_ipc_core::{Error, Result};

    use super::place::{Half, Lacks, Shared, model};

    fn producer(half: &Half) -> Producer<Half> {
        Producer::new(half.clone(), &half.geometry()).unwrap()
    }

    fn consumer(half: &Half) -> Consumer<Half> {
        Consumer::new(half.clone(), &half.geometry()).unwrap()
    }

    fn message(number: u8) -> Vec<u8> {
        vec![number; 8]
    }

    fn received(taken: Result<Option<Taken>>) -> Option<Vec<u8>> {
        match taken.unwrap() {
            Some(Taken::Message(message, None)) => Some(message),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    /// Both sides sleep and wake each other: the ring holds two messages, and `count` go through it.
    fn sleep_and_wake(lacks: Lacks, start: u32, count: u8) {
        model(move || {
            let shared = Shared::new(32, start, lacks);
            let (sends, receives) = shared.halves();
            let sender = thread::spawn(move || {
                let mut line = sends.line();
                let mut producer = producer(&sends);
                for number in 0..count {
                    send(&mut producer, &mut line, &message(number), None).unwrap();
                }
                flush(&mut producer, &mut line, None).unwrap();
            });
            let mut line = receives.line();
            let mut consumer = consumer(&receives);
            for number in 0..count {
                assert_eq!(received(receive(&mut consumer, &mut line, None)), Some(message(number)));
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn no_wake_up_is_lost() {
        sleep_and_wake(Lacks::Nothing, 0, 3);
    }

    #[test]
    fn no_wake_up_is_lost_over_the_wrap() {
        sleep_and_wake(Lacks::Nothing, u32::MAX - 7, 3);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_the_order_of_stores_and_loads_a_wake_up_is_lost() {
        sleep_and_wake(Lacks::Fences, 0, 1);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_another_look_for_a_message_a_wake_up_is_lost() {
        sleep_and_wake(Lacks::LookForMessage, 0, 1);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_another_look_for_room_a_wake_up_is_lost() {
        sleep_and_wake(Lacks::LookForRoom, 0, 3);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_looking_whether_anybody_sleeps_after_publishing_a_wake_up_is_lost() {
        sleep_and_wake(Lacks::Publication, 0, 1);
    }

    #[test]
    #[should_panic(expected = "Causality violation: Concurrent")]
    fn without_release_and_acquire_a_message_is_read_while_it_is_written() {
        sleep_and_wake(Lacks::Order, 0, 3);
    }

    /// The sender sends one message, and goes.
    fn end(lacks: Lacks, closes: bool) {
        model(move || {
            let shared = Shared::new(32, 0, lacks);
            let (sends, receives) = shared.halves();
            let sender = thread::spawn(move || {
                let mut producer = producer(&sends);
                send(&mut producer, &mut sends.line(), &message(7), None).unwrap();
                sends.leave(closes);
            });
            let mut line = receives.line();
            let mut consumer = consumer(&receives);
            assert_eq!(received(receive(&mut consumer, &mut line, None)), Some(message(7)), "lost");
            match receive(&mut consumer, &mut line, None) {
                Ok(None) => assert!(closes),
                Err(Error::PeerDied) => assert!(!closes, "taken for dead"),
                other => panic!("{other:?}"),
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn what_was_sent_before_a_close_is_received_and_then_the_end() {
        end(Lacks::Nothing, true);
    }

    #[test]
    fn what_was_sent_before_a_death_is_received_and_then_that_it_died() {
        end(Lacks::Nothing, false);
    }

    #[test]
    #[should_panic(expected = "lost")]
    fn without_another_look_after_the_hang_up_a_message_is_lost() {
        end(Lacks::LookAfterHangUp, true);
    }

    #[test]
    #[should_panic(expected = "taken for dead")]
    fn who_hangs_up_before_it_says_that_it_closes_is_taken_for_dead() {
        end(Lacks::WordBeforeHangUp, true);
    }

    /// A rendezvous: the sender offers, and takes the offer back at once unless it is taken.
    fn rendezvous(lacks: Lacks) {
        model(move || {
            let shared = Shared::rendezvous(32, lacks);
            let (sends, receives) = shared.halves();
            let sender = thread::spawn(move || {
                let mut producer = producer(&sends);
                let sent = send(&mut producer, &mut sends.line(), &message(7), Some(Instant::now()));
                sends.leave(true);
                sent.is_ok()
            });
            let mut line = receives.line();
            let mut consumer = consumer(&receives);
            let first = received(receive(&mut consumer, &mut line, None));
            assert_eq!(sender.join().unwrap(), first.is_some(), "both, or neither");
            assert!(first.is_none_or(|first| first == message(7)));
        });
    }

    #[test]
    fn what_is_offered_is_taken_or_not_sent() {
        rendezvous(Lacks::Nothing);
    }

    #[test]
    #[should_panic(expected = "both, or neither")]
    fn without_one_choice_between_taking_and_withdrawing_it_is_both() {
        rendezvous(Lacks::OneChoice);
    }

    /// One that waits until it is taken.
    fn patient_rendezvous(lacks: Lacks) {
        model(move || {
            let shared = Shared::rendezvous(32, lacks);
            let (sends, receives) = shared.halves();
            let sender = thread::spawn(move || {
                let mut producer = producer(&sends);
                let mut line = sends.line();
                for number in 0..2 {
                    send(&mut producer, &mut line, &message(number), None).unwrap();
                }
            });
            let mut line = receives.line();
            let mut consumer = consumer(&receives);
            for number in 0..2 {
                assert_eq!(received(receive(&mut consumer, &mut line, None)), Some(message(number)));
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn who_offers_and_who_takes_wake_each_other() {
        patient_rendezvous(Lacks::Nothing);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_another_look_at_the_offer_a_wake_up_is_lost() {
        patient_rendezvous(Lacks::LookForOffer);
    }

    /// The receiver goes while the sender waits for room.
    #[test]
    fn who_waits_for_room_learns_that_nobody_receives() {
        for closes in [false, true] {
            model(move || {
                let shared = Shared::new(16, 0, Lacks::Nothing);
                let (sends, receives) = shared.halves();
                let receiver = thread::spawn(move || receives.leave(closes));
                let (mut line, mut producer) = (sends.line(), producer(&sends));
                let failure = loop {
                    if let Err(error) = send(&mut producer, &mut line, &[], None) {
                        break error;
                    }
                };
                // Its word may be seen before it has hung up.
                assert!(if closes { failure.errno().is_some() } else { failure == Error::PeerDied });
                receiver.join().unwrap();
            });
        }
    }
}
